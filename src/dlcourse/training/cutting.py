"""How a batch is cut: into micro-batches, and among ranks.

A few images at a time keep intermediate arrays small; among sizes from 5 to 50, about 25 was fast
on two cores and leaves work for four. Batch normalization needs the whole batch, and a GPU is only
busy with all of it, so there the pieces are the ranks' shares.

Where the cuts are depends on the size of the batch alone, and on the number of ranks only for whole
batches: more workers change the time, never the result.
"""

from __future__ import annotations

import math

import numpy as np

from dlcourse.backend import array_module
from dlcourse.distributed import Communicator, pieces
from dlcourse.expect import whole_number
from dlcourse.nn import BatchNorm2d, Module

#: Images at a time outside training, for models whose batches must be whole in training.
_MOST = 100


class Cutting:
    """The cuts of a network's batches, as one rank sees them.

    Parameters
    ----------
    model : Module
        The network.
    micro_batch : int
        Images that pass through the network at a time, if it does not need the whole batch.
    communicator : Communicator
        Its rank, of so many, is the one that looks.

    Raises
    ------
    ValueError
        If batch normalization would see only this rank's part of a batch.

    Attributes
    ----------
    whole : bool
        Whether all images of a rank pass through the network at once in training.

    Examples
    --------
    >>> from dlcourse.distributed import SingleProcess
    >>> from dlcourse.nn import ReLU
    >>> Cutting(ReLU(), 25, SingleProcess()).micro_batches(60)
    [slice(0, 25, None), slice(25, 50, None), slice(50, 60, None)]
    """

    def __init__(self, model: Module, micro_batch: int, communicator: Communicator) -> None:
        if communicator.size > 1 and any(type(module) is BatchNorm2d for module in model.modules()):
            raise ValueError(
                "BatchNorm2d would normalize by this rank's part of the batch; exchange it with "
                "SyncBatchNorm.convert(model, communicator)"
            )
        self.whole = needs_whole_batch(model)
        self._normalizes = _normalizes(model)
        whole_number("micro_batch", micro_batch)
        self._unit = 1 if self.whole else micro_batch
        self._rank, self._size = communicator.rank, communicator.size

    def share(self, count: int) -> slice:
        """Return which images in a batch of `count` are this rank's.

        The shares of all ranks are disjoint and complete. They are cut between micro-batches, so
        a rank may have none of a small batch.
        """
        piece = pieces(math.ceil(_some(count) / self._unit), self._size)[self._rank]
        return slice(min(piece.start * self._unit, count), min(piece.stop * self._unit, count))

    def first(self, count: int) -> int:
        """Return the number, in a batch of `count` images, of this rank's first micro-batch."""
        return self._rank if self.whole else self.share(count).start // self._unit

    def micro_batches(self, count: int) -> list[slice]:
        """Cut so many images of this rank into those that pass through the network together."""
        return _equal(count, count if self.whole else self._unit)

    def outside_training(self, count: int) -> list[slice]:
        """Cut any number of images, where none depends on the others."""
        return _equal(_some(count), _MOST if self.whole else self._unit)

    def check(self, images: int, batch_size: int) -> None:
        """Check that every rank has work in the batches of a training set.

        Parameters
        ----------
        images : int
            Images in the training set.
        batch_size : int
            Images in each batch but the last one, which takes what is left.

        Raises
        ------
        ValueError
            If a rank would have nothing to do.
        """
        size, count = self._size, min(images, batch_size)
        number = math.ceil(count / self._unit)
        if number < size:
            raise ValueError(
                f"a batch of {count} images gives work to {number} ranks ({self._unit} at a time), "
                f"found {size} ranks; choose a larger batch or fewer ranks"
            )
        left = images % batch_size
        if self._normalizes and 0 < left < size:
            raise ValueError(
                f"batch normalization needs an image on each of {size} ranks, but the last batch "
                f"of an epoch has {left}; choose a batch size other than {batch_size}"
            )


def needs_whole_batch(model: Module) -> bool:
    """Return whether a model must see a batch at once: with batch normalization, or on a GPU.

    Examples
    --------
    >>> needs_whole_batch(BatchNorm2d(3))
    True
    """
    on_gpu = array_module(*(p.data for p in model.parameters())) is not np
    return on_gpu or _normalizes(model)


def _normalizes(model: Module) -> bool:
    return any(isinstance(module, BatchNorm2d) for module in model.modules())


def _equal(count: int, size: int) -> list[slice]:
    """Cut a range into pieces of `size`; the last one takes what is left."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size or 1)]


def _some(count: int) -> int:
    if count == 0:
        raise ValueError("expected at least one image, found none")
    return count
