"""Batches copied to a GPU ahead of time: the next one while this one is worked on.

Three things make a copy run beside the computation (NVIDIA, CUDA C++ Programming Guide, section
"Asynchronous Concurrent Execution"): it starts from *pinned* memory, which the operating system
promises not to move; it is put into a *stream* of its own; and nothing waits for it but the work
that needs it. *Events* say what waits for what.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module

Pair = tuple[Array, Array]


def ahead(batches: Iterable[Pair], like: Array) -> Iterator[Pair]:
    """Yield batches where `like` lies: on a GPU, each is copied while the one before is in use.

    Two buffers on the GPU take turns, so a batch is only valid until the next one is asked for.
    Batches that already lie on the GPU pass unchanged, and so do all if `like` is NumPy's.

    Parameters
    ----------
    batches : iterable of (images, labels)
        What to work on, in order.
    like : array
        An array of the library to copy to, such as a parameter of the model.

    Examples
    --------
    >>> pairs = [(np.zeros((2, 1)), np.zeros(2, int)), (np.ones((1, 1)), np.ones(1, int))]
    >>> [t.tolist() for _, t in ahead(pairs, like=np.empty(0))]
    [[0, 0], [1]]
    """
    xp = array_module(like)
    if xp is np:
        yield from batches
        return
    stream = xp.cuda.Stream(non_blocking=True)
    buffers = _Buffer(xp, stream), _Buffer(xp, stream)
    before: _Buffer | None = None
    for number, batch in enumerate(batches):
        if not isinstance(batch[0], np.ndarray):
            yield batch
            continue
        buffer = buffers[number % 2]
        buffer.send(batch)
        if before is not None:
            yield before.receive()
            before.release()
        before = buffer
    if before is not None:
        yield before.receive()


class _Buffer:
    """Room for a batch on both sides of the bus, and the events that order its use."""

    def __init__(self, xp: ModuleType, stream: Any) -> None:
        self._xp = xp
        self._stream = stream
        self._host: list[np.ndarray] = []
        self._device: list[Array] = []
        self._lengths: list[int] = []
        self._sent = xp.cuda.Event(disable_timing=True)
        self._free = xp.cuda.Event(disable_timing=True)

    def send(self, batch: Pair) -> None:
        """Begin to copy a batch, and return at once."""
        self._sent.synchronize()  # until then the host's side is still being read
        if not self._fits(batch):
            self._host = [_pinned(self._xp, array) for array in batch]
            self._device = [self._xp.empty(array.shape, array.dtype) for array in batch]
            self.release()  # other work may still be using the memory that these were given
        self._lengths = [len(array) for array in batch]
        self._stream.wait_event(self._free)
        for array, host, device in zip(batch, self._host, self._device, strict=True):
            host[: len(array)] = array
            device[: len(array)].set(host[: len(array)], self._stream)
        self._sent.record(self._stream)

    def receive(self) -> Pair:
        """Return the batch on the GPU; what is computed from now on waits for its arrival."""
        self._xp.cuda.get_current_stream().wait_event(self._sent)
        images, labels = (
            device[:length] for device, length in zip(self._device, self._lengths, strict=True)
        )
        return images, labels

    def release(self) -> None:
        """Allow the next batch to overwrite this one, once all work begun so far is done."""
        self._free.record(self._xp.cuda.get_current_stream())

    def _fits(self, batch: Pair) -> bool:
        return bool(self._device) and all(
            len(array) <= len(device)
            and array.shape[1:] == device.shape[1:]
            and array.dtype == device.dtype
            for array, device in zip(batch, self._device, strict=True)
        )


def _pinned(xp: ModuleType, like: np.ndarray) -> np.ndarray:
    """An array in pinned memory, of the shape and dtype of another."""
    memory = xp.cuda.alloc_pinned_memory(max(1, like.nbytes))
    return np.frombuffer(memory, like.dtype, math.prod(like.shape)).reshape(like.shape)
