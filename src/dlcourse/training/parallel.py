"""A network's passes over a batch, in micro-batches on threads.

The thread that calls `ParallelModel`, the *caller*, cuts the batch (`dlcourse.training.cutting`),
and adds up what comes back (`dlcourse.training.sums`). Its *workers* are threads of their own, each
with one micro-batch at a time and a replica of the network to run it on; BLAS is held to one
thread, so that they share the cores. Where there is a single micro-batch, such as the whole batch
that batch normalization needs, it runs in the caller, and threads share the work inside each layer.

The cuts, the random numbers of each micro-batch and the order of sums do not depend on the number
of threads, nor on the number of ranks where that is a power of two: more workers change the time,
never the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Self, TypeVar

import numpy as np

from dlcourse.backend import Array, array_module, each
from dlcourse.blas import allowed_threads, blas_held
from dlcourse.distributed import Communicator, SingleProcess, pieces
from dlcourse.expect import whole_number
from dlcourse.nn import Module
from dlcourse.nn.loss import Loss
from dlcourse.streams import Stream, generator
from dlcourse.training.arguments import check_loss
from dlcourse.training.cutting import Cutting
from dlcourse.training.sums import Score, sum_gradients, sum_scores
from dlcourse.workers import alone, own_threads

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
T = TypeVar("T")


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
        check_loss(make_loss)
        self.model = model
        self.communicator = communicator or SingleProcess()
        self.cutting = Cutting(model, micro_batch, self.communicator)
        self._cores = workers or self.communicator.cores
        self.workers = 1 if self.cutting.whole else self._cores
        self._parameters = model.parameters()
        # The GPU's library, where the model lies on one. A network in int8 has no parameters.
        self._xp = array_module(*(p.data for p in self._parameters))
        self._replicas: SimpleQueue[tuple[Module, Loss]] = SimpleQueue()
        for _ in range(self.workers):
            replica = model.replica()
            replica.skip_input_grad()
            self._replicas.put((replica, make_loss()))

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.workers, initializer=alone)
        self._layer_threads = min(self._cores, allowed_threads())
        self._held = blas_held()
        self._held.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.__exit__(None, None, None)
        self._pool.shutdown(cancel_futures=True)

    def gradients(
        self,
        images: Array,
        labels: Array,
        count: int,
        seed: int,
        position: tuple[int, ...],
        augment: Augment | None = None,
    ) -> Score:
        """Set every parameter's ``grad`` to the gradient of the mean loss over the batch.

        Parameters
        ----------
        images : array of shape (N, C, H, W)
            This rank's share of the batch, see `Cutting.share`: all of it where there is one rank.
        labels : array of shape (N,)
            Their labels.
        count : int
            Images of the whole batch, over all ranks.
        seed, position : int and tuple of int
            Where in training this batch stands, which decides what dropout and augmentation draw.
        augment : callable, optional
            Changes the images before the network sees them.

        Returns
        -------
        Score
            Loss and right answers of this same forward pass, over the whole batch.
        """
        # Random numbers belong to a micro-batch, whichever rank it falls to.
        first = self.cutting.first(count)

        def work(number: int, piece: slice) -> tuple[Score, list[Array | None]]:
            x, place = images[piece], (*position, first + number)
            if augment is not None:
                x = augment(x, generator(seed, Stream.AUGMENT, *place))
            with self._replica() as (replica, loss), _overflowing():
                replica.set_modes(self.model.modes())
                replica.start_training()
                replica.set_generator(generator(seed, Stream.DROPOUT, *place))
                replica.zero_grad()
                score = self._score(replica, loss, x, labels[piece])
                # The mean over the batch is the mean of the micro-batches by their sizes.
                weight = len(x) / count
                replica.backward(each(lambda dy: dy * weight, loss.backward()))
                return score, [parameter.grad for parameter in replica.parameters()]

        done = self._map(work, self.cutting.micro_batches(len(images)))
        with _overflowing():  # a scale of the loss may be too large
            sum_gradients(self._parameters, [grads for _, grads in done], self.communicator)
        return sum_scores([score for score, _ in done], self.communicator)

    def evaluate(self, images: Array, labels: Array) -> Score:
        """Return loss and right answers over any number of images, with dropout off.

        Each rank takes a part of them, and all get the result.
        """

        def work(_: int, piece: slice) -> Score:
            with self._replica() as (replica, loss), _overflowing():
                return self._score(replica.eval(), loss, images[piece], labels[piece])

        micro_batches = self.cutting.outside_training(len(images))
        own = pieces(len(micro_batches), self.communicator.size)[self.communicator.rank]
        return sum_scores(self._map(work, micro_batches[own]), self.communicator)

    def predict(self, images: Array) -> Array:
        """Return the outputs for any number of images, with dropout off."""

        def work(_: int, piece: slice) -> Array:
            with self._replica() as (replica, _loss):
                return replica.eval()(self._xp.asarray(images[piece]))

        outputs = self._map(work, self.cutting.outside_training(len(images)))
        return array_module(*outputs).concatenate(outputs)

    def _map(self, work: Callable[[int, slice], T], micro_batches: Sequence[slice]) -> list[T]:
        """Run `work` on each micro-batch; results come in order, whichever worker made them.

        Threads work side by side on micro-batches, or inside each layer where that leaves one.
        """
        numbers = range(len(micro_batches))
        if self.workers > 1 and len(micro_batches) > 1:
            return list(self._pool.map(work, numbers, micro_batches))
        with own_threads(self._layer_threads):
            return [*map(work, numbers, micro_batches)]

    @contextmanager
    def _replica(self) -> Iterator[tuple[Module, Loss]]:
        """Lend a worker a replica and a loss that no other has meanwhile."""
        pair = self._replicas.get()
        try:
            yield pair
        finally:
            self._replicas.put(pair)

    def _score(self, replica: Module, loss: Loss, x: Array, t: Array) -> Score:
        y, t = replica(self._xp.asarray(x)), self._xp.asarray(t)
        mean_loss = loss(y, t)
        y = y[0] if isinstance(y, tuple) else y  # several outputs: the first one is the answer
        return Score(mean_loss * len(y), int((y.argmax(axis=1) == t).sum()), len(y))


def _overflowing() -> np.errstate:
    # An overflow shows in the loss, which the caller checks: no warnings on the way.
    return np.errstate(over="ignore", invalid="ignore")
