"""Asynchronous SGD: nobody waits, so gradients come late. We measure how late.

The weights lie with a server. A worker fetches them, computes a gradient, and pushes it; meanwhile
others have pushed theirs. Their number is the gradient's *staleness*. Downpour SGD trained
large networks like this (Dean et al. 2012).
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dlcourse.backend import Array
from dlcourse.lessons.schemes.gradients import Compute, Stepper, gradients
from dlcourse.nn import Parameter


@dataclass(frozen=True)
class Update:
    """One step of the server.

    Attributes
    ----------
    worker : int
        The worker whose gradient it was.
    staleness : int
        How many updates the weights got between the worker's fetch and this push.
    loss : float
        The worker's, at the weights it had fetched.
    seconds : float
        The time on the simulation's clock; 0 in `asynchronous_threads`, which has none.
    """

    worker: int
    staleness: int
    loss: float
    seconds: float


class Server:
    """Holds the weights, counts their versions, and applies what workers push, one at a time.

    Parameters
    ----------
    parameters : sequence of Parameter
        The weights.
    optimizer : optimizer
        Made for these parameters; anything with ``step()``.

    Attributes
    ----------
    version : int
        How many updates the weights have got.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.optim import SGD
    >>> w = Parameter(np.zeros(1, np.float32))
    >>> server = Server([w], SGD([w], lr=1.0))
    >>> _, version = server.fetch()
    >>> server.push([np.ones(1, np.float32)], version)
    0
    >>> server.push([np.ones(1, np.float32)], version)  # from weights of one update ago
    1
    >>> w.data
    array([-2.], dtype=float32)
    """

    def __init__(self, parameters: Sequence[Parameter], optimizer: Stepper) -> None:
        self.parameters = parameters
        self.optimizer = optimizer
        self.version = 0
        self._lock = threading.Lock()

    def fetch(self) -> tuple[list[Array], int]:
        """Return a copy of the weights, and their version."""
        with self._lock:
            return [p.data.copy() for p in self.parameters], self.version

    def push(self, grads: Sequence[Array], version: int) -> int:
        """Take a step with gradients found at weights of a version, and return their staleness."""
        with self._lock:
            for parameter, grad in zip(self.parameters, grads, strict=True):
                parameter.grad = grad
            self.optimizer.step()
            self.version += 1
            return self.version - 1 - version


def asynchronous_sgd(
    server: Server,
    parameters: Sequence[Parameter],
    compute: Compute,
    workers: int,
    updates: int,
    seconds: Callable[[int], float],
) -> list[Update]:
    """Simulate workers of different speeds: equal durations give equal training, bit for bit.

    Parameters
    ----------
    server : Server
        Has the weights; trained in place.
    parameters : sequence of Parameter
        Those of another network of the same kind, in which workers take turns to compute gradients.
    compute : callable
        ``compute(i)`` sets the gradients of `parameters` from batch i, and returns the loss.
    workers : int
        How many workers there are.
    updates : int
        Steps of the server to simulate.
    seconds : callable
        ``seconds(worker)``: how long that worker takes from its next fetch to its push. Draw from
        your own generator, or return a constant.

    Returns
    -------
    list of Update
        In the order in which the server took them.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.optim import SGD
    >>> w, own = Parameter(np.ones(1, np.float32)), Parameter(np.ones(1, np.float32))
    >>> def compute(i):
    ...     own.grad = own.data.copy()
    ...     return float(own.data[0] ** 2 / 2)
    >>> server = Server([w], SGD([w], lr=0.1))
    >>> history = asynchronous_sgd(server, [own], compute, 3, 6, seconds=lambda worker: 1.0)
    >>> [(update.worker, update.staleness) for update in history]
    [(0, 0), (1, 1), (2, 2), (0, 2), (1, 2), (2, 2)]
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, found {workers}")
    fetched = [server.fetch() for _ in range(workers)]
    queue = [(seconds(worker), worker) for worker in range(workers)]
    heapq.heapify(queue)
    history = []
    for i in range(updates):
        now, worker = heapq.heappop(queue)
        weights, version = fetched[worker]
        loss = _work(parameters, compute, weights, i)
        staleness = server.push(gradients(parameters), version)
        history.append(Update(worker, staleness, loss, now))
        fetched[worker] = server.fetch()
        heapq.heappush(queue, (now + seconds(worker), worker))
    return history


def asynchronous_threads(
    server: Server, workers: Sequence[tuple[Sequence[Parameter], Compute]], updates: int
) -> list[Update]:
    """Run the workers on threads, as they come: every run is different.

    Parameters
    ----------
    server : Server
        Has the weights; trained in place.
    workers : sequence of (parameters, compute)
        For each worker its own network's parameters and a function as in `asynchronous_sgd`.
    updates : int
        Steps of the server; workers share them out as they come.

    Returns
    -------
    list of Update
        In the order in which the workers noted them down.
    """
    history: list[Update] = []
    batches = iter(range(updates))
    lock = threading.Lock()

    def run(worker: int) -> None:
        parameters, compute = workers[worker]
        while True:
            with lock:
                i = next(batches, None)
            if i is None:
                return
            weights, version = server.fetch()
            loss = _work(parameters, compute, weights, i)
            staleness = server.push(gradients(parameters), version)
            history.append(Update(worker, staleness, loss, 0.0))

    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(run, worker) for worker in range(len(workers))]:
            done.result()  # raises what the worker raised
    return history


def _work(
    parameters: Sequence[Parameter], compute: Compute, weights: Sequence[Array], i: int
) -> float:
    """What a worker does with the weights that it has fetched."""
    for parameter, value in zip(parameters, weights, strict=True):
        parameter.data[...] = value
    return compute(i)
