"""Random numbers by position, not by history.

Every draw in training comes from a generator that is made for one purpose at one place (the
shuffling of epoch 3, the dropout of the fifth micro-batch of step 1,204). So training can stop
and go on anywhere, on any number of threads, and draw the same numbers: there is no state of
a generator to save.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What random numbers are drawn for.

    The numbers are part of every result: a purpose keeps its own, and a new one takes the next.
    Version 0.2.0 of the package gave them; earlier ones drew other numbers from the same seed, so
    a record says which version made it.
    """

    # Training
    INIT = 0  #: initial weights
    SPLIT = 1  #: which training images are held out
    SHUFFLE = 2  #: the order of the examples in an epoch
    BATCH = 3  #: the examples of a step, where they are drawn; for driving, also their weather
    AUGMENT = 4  #: how training images are moved, turned and bent
    DROPOUT = 5  #: which units rest
    NOISE = 6  #: what generative networks learn from besides images: vectors, noise and its times
    # Applications
    NEGATIVES = 7  #: the first negative examples of R-CNN's machines
    SAMPLE = 8  #: what generative networks make measured pictures of
    START = 9  #: the noise that a painting in some style begins with
    ENVIRONMENT = 10  #: the seed of an environment, by episode of training
    EXPLORE = 11  #: actions tried at random
    REPLAY = 12  #: which transitions are remembered
    EVALUATE = 13  #: the seed of an environment, by episode of a test
    DRIVER = 14  #: how fast a car goes that takes pictures, and how it is shoved
    WEATHER = 15  #: noise and clouds over pictures of roads
    # Data
    SCENE = 16  #: scenes of digits, by split and number
    PHOTOGRAPH = 17  #: scenes of photographs, by split and number


def generator(seed: int, stream: Stream, *position: int) -> np.random.Generator:
    """Return the generator of a purpose at a position (epoch, step, micro-batch).

    No two of them draw the same numbers, and none draws those of ``np.random.default_rng(seed)``:
    NumPy's `SeedSequence` keeps purpose and position apart from the seed. That holds for positions
    below 2^32 and seeds below 2^128.

    Examples
    --------
    >>> a = generator(0, Stream.DROPOUT, 3).random()
    >>> a == generator(0, Stream.DROPOUT, 3).random()
    True
    >>> a == generator(0, Stream.AUGMENT, 3).random()
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *position)))
