"""The gradient of a batch, computed in micro-batches on threads.

A few images at a time keep intermediate arrays small; of 5 to 50, about 25 were fast on two cores
and leave work for four. Several threads, with BLAS held to one thread each, keep every core busy.
The split into micro-batches, their random numbers and the order of summation do not depend on the
number of threads: more threads change the time, never the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Self, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dlcourse.backend import Array, array_module
from dlcourse.nn import BatchNorm2d, Module
from dlcourse.nn.loss import Loss
from dlcourse.training.streams import Stream, generator

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

    Parameters
    ----------
    model : Module
        The network.
    make_loss : callable
        Makes a loss, for instance ``CrossEntropyLoss``; each thread has its own.
    workers : int, optional
        Threads; one a core when left out.
    micro_batch : int
        Images that pass through the network at a time.
    """

    def __init__(
        self,
        model: Module,
        make_loss: Callable[[], Loss],
        workers: int | None = None,
        micro_batch: int = 25,
    ) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, found {workers}")
        if micro_batch < 1:
            raise ValueError(f"micro_batch must be at least 1, found {micro_batch}")
        self.model = model
        self.whole = _needs_whole_batch(model)
        self.workers = 1 if self.whole else workers or _cores()
        self.micro_batch = micro_batch
        self._parameters = model.parameters()
        self._replicas: SimpleQueue[tuple[Module, Loss]] = SimpleQueue()
        for _ in range(self.workers):
            replica = model.replica()
            replica.skip_input_grad()
            self._replicas.put((replica, make_loss()))
        self._limits: AbstractContextManager[object] = nullcontext()

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.workers)
        # BLAS and our threads would fight for the same cores.
        self._limits = nullcontext() if self.whole else threadpool_limits(1, user_api="blas")
        self._limits.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._limits.__exit__(None, None, None)
        self._pool.shutdown(cancel_futures=True)

    def gradients(
        self,
        images: Array,
        labels: Array,
        seed: int,
        position: tuple[int, ...],
        augment: Augment | None = None,
    ) -> Score:
        """Set every parameter's ``grad`` to the gradient of the mean loss over the batch.

        Parameters
        ----------
        images : array of shape (N, C, H, W)
            The batch.
        labels : array of shape (N,)
            Its labels.
        seed, position : int and tuple of int
            Where in the training this batch stands; dropout and augmentation draw by it.
        augment : callable, optional
            Changes the images before the network sees them.

        Returns
        -------
        Score
            Loss and right answers of this same forward pass.
        """

        def work(index: int, part: slice) -> tuple[Score, list[Array | None]]:
            x, t = images[part], labels[part]
            if augment is not None:
                x = augment(x, generator(seed, Stream.AUGMENT, *position, index))
            # An overflow shows in the loss, which the caller looks at: no warnings on the way.
            with self._replica() as (replica, loss), np.errstate(over="ignore", invalid="ignore"):
                replica.train()
                replica.set_generator(generator(seed, Stream.DROPOUT, *position, index))
                y, t = self._run(replica, x, t)
                value = loss(y, t)
                replica.zero_grad()
                # The mean over the batch is the mean of the micro-batches by their sizes.
                replica.backward(_scaled(loss.backward(), len(x) / len(images)))
                return _score(value, y, t), [p.grad for p in replica.parameters()]

        results = list(self._map(work, len(images)))
        for parameter, *grads in zip(self._parameters, *(g for _, g in results), strict=True):
            parameter.grad = _sum(grads)
        return _total([score for score, _ in results])

    def evaluate(self, images: Array, labels: Array) -> Score:
        """Return loss and right answers over images of any number, with dropout off."""

        def work(_: int, part: slice) -> Score:
            with self._replica() as (replica, loss):
                replica.eval()
                y, t = self._run(replica, images[part], labels[part])
                return _score(loss(y, t), y, t)

        return _total(list(self._map(work, len(images), most=100)))

    def predict(self, images: Array) -> Array:
        """Return the outputs for images of any number, with dropout off."""

        def work(_: int, part: slice) -> Array:
            with self._replica() as (replica, _loss):
                replica.eval()
                return self._run(replica, images[part], images[:0])[0]

        parts = list(self._map(work, len(images), most=100))
        return array_module(*parts).concatenate(parts)

    def _map(
        self, work: Callable[[int, slice], T], count: int, most: int | None = None
    ) -> Iterator[T]:
        """Run `work` on each micro-batch; results come in order, whatever thread made them."""
        if count == 0:
            raise ValueError("expected at least one image, found none")
        size = (most or count) if self.whole else self.micro_batch
        parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
        return self._pool.map(work, range(len(parts)), parts)

    @contextmanager
    def _replica(self) -> Iterator[tuple[Module, Loss]]:
        pair = self._replicas.get()
        try:
            yield pair
        finally:
            self._replicas.put(pair)

    def _run(self, replica: Module, x: Array, t: Array) -> tuple[Array, Array]:
        # A GPU's, where the model lies on one. A network in int8 has no parameters.
        xp = array_module(*(p.data for p in self._parameters))
        return replica(xp.asarray(x)), xp.asarray(t)


def _needs_whole_batch(model: Module) -> bool:
    on_gpu = array_module(*(p.data for p in model.parameters())) is not np
    return on_gpu or any(isinstance(module, BatchNorm2d) for _, module in model.named_modules())


def _cores() -> int:
    # The cores this process may use, which a container or cluster may have cut down.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _scaled(grad: Array, share: float) -> Array:
    # A named tuple where a network has several outputs.
    return type(grad)(*(g * share for g in grad)) if isinstance(grad, tuple) else grad * share


def _score(mean_loss: float, y: Array, t: Array) -> Score:
    y = y[0] if isinstance(y, tuple) else y  # several outputs: the first one is the answer
    return Score(mean_loss * len(y), int((y.argmax(axis=1) == t).sum()), len(y))


def _total(scores: list[Score]) -> Score:
    total, *rest = scores
    for score in rest:
        total = total + score
    return total


def _sum(grads: list[Array | None]) -> Array | None:
    known = [grad for grad in grads if grad is not None]
    if not known:
        return None
    total = known[0]
    for grad in known[1:]:
        total += grad
    return total
