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
    """What random numbers are for."""

    INIT = 0
    SPLIT = 1
    SHUFFLE = 2
    AUGMENT = 3
    DROPOUT = 4
    NOISE = 5
    ENVIRONMENT = 10
    EXPLORE = 11
    REPLAY = 12
    EVALUATE = 13


def generator(seed: int, stream: Stream, *position: int) -> np.random.Generator:
    """Return the generator of a purpose at a position (epoch, step, micro-batch).

    Examples
    --------
    >>> a = generator(0, Stream.DROPOUT, 3).random()
    >>> a == generator(0, Stream.DROPOUT, 3).random()
    True
    >>> a == generator(0, Stream.AUGMENT, 3).random()
    False
    """
    return np.random.default_rng([seed, stream, *position])
