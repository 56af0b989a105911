"""The gradient of a batch, computed in micro-batches on threads.

A few images at a time keep intermediate arrays small; among sizes from 5 to 50, about 25 was fast
on two cores and leaves work for four. Several threads, with BLAS held to one thread each, keep
every core busy. The split into micro-batches, their random numbers and the order of summation do
not depend on the number of threads, nor on the number of ranks where that is a power of two: more
workers change the time, never the result. A whole batch, which batch normalization needs, is shared
inside each layer (`dlcourse.workers`), in pieces that do not depend on them either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Self, TypeVar

import numpy as np

from dlcourse.backend import Array, array_module, each
from dlcourse.blas import allowed_threads, blas_held
from dlcourse.distributed import Communicator, SingleProcess, pieces, tree_sum
from dlcourse.expect import whole_number
from dlcourse.nn import BatchNorm2d, Module
from dlcourse.nn.loss import Loss
from dlcourse.streams import Stream, generator
from dlcourse.training.arguments import check_loss
from dlcourse.training.exchange import GradientExchange
from dlcourse.workers import own_threads

#: Images at a time outside training, for models whose batches must be whole in training.
_MOST = 100

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
T = TypeVar("T")


@dataclass(frozen=True)
class Score:
    """The loss summed over, and the right answers among, a number of images."""

    loss_sum: float
    correct: int
    count: int

    @property
    def loss(self) -> float:
        """Mean loss."""
        return self.loss_sum / self.count

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.correct / self.count

    def __add__(self, other: Score) -> Score:
        return Score(
            self.loss_sum + other.loss_sum, self.correct + other.correct, self.count + other.count
        )


class ParallelModel:
    """Runs a model on micro-batches on threads; use it in a ``with`` statement.

    Each thread works on a replica, which shares the parameters' values with the model. A model
    with batch normalization is run on whole batches, because its statistics are those of the
    batch; so is a model on a GPU.

    A step takes, beyond the images, the intermediate arrays of one micro-batch for each worker, and
    one gradient of the parameters for each micro-batch: with DeepConvNet 11 MB per worker and half
    a MB per 25 images.

    Parameters
    ----------
    model : Module
        The network.
    make_loss : callable
        Makes a loss, for example ``CrossEntropyLoss``; each thread has its own.
    workers : int, optional
        Threads; one per core when left out, or this rank's share of the cores if there are several
        ranks. On whole batches they are the threads among which a layer shares its work, at most
        as many as BLAS may use.
    micro_batch : int
        Images that pass through the network at a time.
    communicator : Communicator, optional
        The connection to other ranks, which work on other parts of the same batch.

    Raises
    ------
    ValueError
        If batch normalization would see only this rank's part of a batch.
    """

    def __init__(
        self,
        model: Module,
        make_loss: Callable[[], Loss],
        workers: int | None = None,
        micro_batch: int = 25,
        communicator: Communicator | None = None,
    ) -> None:
        if workers is not None:
            whole_number("workers", workers)
        whole_number("micro_batch", micro_batch)
        check_loss(make_loss)
        self.model = model
        self.communicator = communicator or SingleProcess()
        if self.communicator.size > 1 and any(
            type(module) is BatchNorm2d for _, module in model.named_modules()
        ):
            raise ValueError(
                "BatchNorm2d would normalize by this rank's part of the batch; exchange it with "
                "SyncBatchNorm.convert(model, communicator)"
            )
        self.whole = needs_whole_batch(model)
        self._cores = workers or self.communicator.cores
        self.workers = 1 if self.whole else self._cores
        self.micro_batch = micro_batch
        self._parameters = model.parameters()
        self._exchange = GradientExchange(self._parameters, self.communicator)
        self._replicas: SimpleQueue[tuple[Module, Loss]] = SimpleQueue()
        for _ in range(self.workers):
            replica = model.replica()
            replica.skip_input_grad()
            self._replicas.put((replica, make_loss()))

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.workers)
        # Threads work side by side on micro-batches, or inside each layer on a whole batch.
        self._layer_threads = min(self._cores, allowed_threads()) if self.whole else 1
        self._held = blas_held()
        self._held.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.__exit__(None, None, None)
        self._pool.shutdown(cancel_futures=True)

    def share(self, count: int) -> slice:
        """Return which images in a batch of `count` are this rank's.

        The shares of all ranks are disjoint and complete. They are cut between micro-batches, so
        a rank may have none of a small batch.
        """
        _check_any(count)
        unit = 1 if self.whole else self.micro_batch
        piece = pieces(math.ceil(count / unit), self.communicator.size)[self.communicator.rank]
        return slice(min(piece.start * unit, count), min(piece.stop * unit, count))

    def check_shares(self, images: int, batch_size: int) -> None:
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
        size, count = self.communicator.size, min(images, batch_size)
        parts = math.ceil(count / (1 if self.whole else self.micro_batch))
        if parts < size:
            raise ValueError(
                f"a batch of {count} images gives work to {parts} ranks "
                f"({1 if self.whole else self.micro_batch} at a time), found {size} ranks; "
                "choose a larger batch or fewer ranks"
            )
        left = images % batch_size
        if _normalizes(self.model) and 0 < left < size:
            raise ValueError(
                f"batch normalization needs an image on each of {size} ranks, but the last batch "
                f"of an epoch has {left}; choose a batch size other than {batch_size}"
            )

    def gradients(
        self,
        images: Array,
        labels: Array,
        seed: int,
        position: tuple[int, ...],
        augment: Augment | None = None,
        count: int | None = None,
    ) -> Score:
        """Set every parameter's ``grad`` to the gradient of the mean loss over the batch.

        Parameters
        ----------
        images : array of shape (N, C, H, W)
            The batch; this rank takes its `share` of it.
        labels : array of shape (N,)
            Its labels.
        seed, position : int and tuple of int
            Where in training this batch stands, which decides what dropout and augmentation draw.
        augment : callable, optional
            Changes the images before the network sees them.
        count : int, optional
            Images of the whole batch, if `images` is only this rank's `share` of them.

        Returns
        -------
        Score
            Loss and right answers of this same forward pass, over the whole batch.
        """
        share = self.share(len(images) if count is None else count)
        if count is None:
            count = len(images)
            images, labels = images[share], labels[share]
        # Random numbers belong to a micro-batch, whichever rank it falls to.
        first = self.communicator.rank if self.whole else share.start // self.micro_batch

        def work(index: int, part: slice) -> Score:
            x, t = images[part], labels[part]
            place = (*position, first + index)
            if augment is not None:
                x = augment(x, generator(seed, Stream.AUGMENT, *place))
            # An overflow shows in the loss, which the caller checks: no warnings on the way.
            with self._replica() as (replica, loss), np.errstate(over="ignore", invalid="ignore"):
                replica.set_modes(self.model.modes())
                replica.start_training()
                replica.set_generator(generator(seed, Stream.DROPOUT, *place))
                y, t = self._run(replica, x, t)
                value = loss(y, t)
                replica.zero_grad()
                # The mean over the batch is the mean of the micro-batches by their sizes.
                weight = len(x) / count
                with self._exchange.watch(replica, index):
                    replica.backward(each(lambda dy: dy * weight, loss.backward()))
                return _score(value, y, t)

        parts = self._parts(len(images), count) if len(images) else []  # of a small batch
        self._exchange.begin(len(parts))
        score = _total(list(self._map(work, parts)))
        return _from_numbers(self._exchange.finish(_numbers(score)))

    def evaluate(self, images: Array, labels: Array) -> Score:
        """Return loss and right answers over any number of images, with dropout off.

        Each rank takes a part of them, and all get the result.
        """

        def work(_: int, part: slice) -> Score:
            with self._replica() as (replica, loss), np.errstate(over="ignore", invalid="ignore"):
                replica.eval()
                y, t = self._run(replica, images[part], labels[part])
                return _score(loss(y, t), y, t)

        parts = self._parts(len(images), _MOST)
        own = pieces(len(parts), self.communicator.size)[self.communicator.rank]
        numbers = np.array(_numbers(_total(list(self._map(work, parts[own])))))
        self.communicator.allreduce(numbers)
        return _from_numbers(numbers.tolist())

    def predict(self, images: Array) -> Array:
        """Return the outputs for any number of images, with dropout off."""

        def work(_: int, part: slice) -> Array:
            with self._replica() as (replica, _loss):
                replica.eval()
                return self._run(replica, images[part], images[:0])[0]

        parts = list(self._map(work, self._parts(len(images), _MOST)))
        return array_module(*parts).concatenate(parts)

    def _parts(self, count: int, whole: int) -> list[slice]:
        """Cut this many images into micro-batches, of `whole` images if a batch must be whole."""
        _check_any(count)
        size = whole if self.whole else self.micro_batch
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def _map(self, work: Callable[[int, slice], T], parts: Sequence[slice]) -> Iterator[T]:
        """Run `work` on each micro-batch; results come in order, whichever thread made them."""
        return self._pool.map(work, range(len(parts)), parts)

    @contextmanager
    def _replica(self) -> Iterator[tuple[Module, Loss]]:
        pair = self._replicas.get()
        try:
            with own_threads(self._layer_threads):
                yield pair
        finally:
            self._replicas.put(pair)

    def _run(self, replica: Module, x: Array, t: Array) -> tuple[Array, Array]:
        # The GPU's library, where the model lies on one. A network in int8 has no parameters.
        xp = array_module(*(p.data for p in self._parameters))
        return replica(xp.asarray(x)), xp.asarray(t)


def _check_any(count: int) -> None:
    if count == 0:
        raise ValueError("expected at least one image, found none")


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
    return any(isinstance(module, BatchNorm2d) for _, module in model.named_modules())


def _score(mean_loss: float, y: Array, t: Array) -> Score:
    y = y[0] if isinstance(y, tuple) else y  # several outputs: the first one is the answer
    return Score(mean_loss * len(y), int((y.argmax(axis=1) == t).sum()), len(y))


def _total(scores: list[Score]) -> Score:
    return tree_sum(scores) if scores else Score(0.0, 0, 0)


def _numbers(score: Score) -> list[float]:
    return [score.loss_sum, score.correct, score.count]


def _from_numbers(numbers: list[float]) -> Score:
    return Score(numbers[0], int(numbers[1]), int(numbers[2]))
