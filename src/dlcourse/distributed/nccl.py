"""`NCCL`: ranks with a GPU each, whose arrays go from GPU to GPU by NVIDIA's library.

CuPy brings the library's functions as they are in C: addresses, counts, a stream. Work is put into
a stream of its own, after what the current stream has to do, and the processor does not wait.

There was no GPU to run this on. It is tested on a double of CuPy and of NCCL, whose functions are
compared with those of the installed CuPy.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.distributed.communicator import Communicator
from dlcourse.distributed.messages import CommunicationError, Handle, check_array


class NCCL(Communicator):
    """One rank of several that have a GPU each.

    Arrays of CuPy go through NCCL; those of NumPy through another communicator, by which the ranks
    also find each other. `allreduce` takes sums in NCCL's order. After a handle's ``wait`` an array
    may be used on the stream that is then current; it need not be there yet when ``wait`` returns.

    Parameters
    ----------
    host : Communicator
        Connects the same ranks; usually `MPI`. It also notices a rank that hangs.

    Raises
    ------
    CommunicationError
        If CuPy or the NCCL library is missing.

    Examples
    --------
    On each rank of ``mpiexec -n 4``, on a machine with four GPUs:

    >>> import cupy  # doctest: +SKIP
    >>> host = MPI()  # doctest: +SKIP
    >>> cupy.cuda.Device(host.rank).use()  # doctest: +SKIP
    >>> communicator = NCCL(host)  # doctest: +SKIP
    """

    def __init__(self, host: Communicator) -> None:
        super().__init__(host.rank, host.size)
        self._host = host
        self._nccl = _library()
        # Rank 0 opens a meeting point, and tells the others where it is.
        name = np.zeros(128, np.uint8)
        if self.rank == 0:
            name[:] = np.frombuffer(self._nccl.get_unique_id(), np.uint8)
        host.broadcast(name)
        self._comm = self._nccl.NcclCommunicator(self.size, name.tobytes(), self.rank)
        cuda = importlib.import_module("cupy").cuda
        self._stream = cuda.Stream(non_blocking=True)
        self._current_stream = cuda.get_current_stream

    @property
    def cores(self) -> int:
        return self._host.cores

    def sendrecv(
        self, array: Array, destination: int, out: Array, source: int, tag: int = 0
    ) -> None:
        if _on_host(array):
            self._host.sendrecv(array, destination, out, source, tag)
            return
        check_array(array)
        check_array(out)
        _no_tag(tag)
        self._at_once([(array, self._peer(destination))], [(out, self._peer(source))])

    def broadcast(self, array: Array, root: int = 0) -> None:
        if _on_host(array):
            self._host.broadcast(array, root)
            return
        check_array(array)
        self._check_root(root)
        self._put(lambda stream: self._comm.bcast(*self._values(array), root, stream), array).wait()

    def allreduce(self, array: Array) -> None:
        if _on_host(array):
            self._host.allreduce(array)
            return
        check_array(array)
        address, count, dtype = self._values(array)
        add = self._nccl.NCCL_SUM
        self._put(
            lambda stream: self._comm.allReduce(address, address, count, dtype, add, stream), array
        ).wait()

    def barrier(self) -> None:
        self._stream.synchronize()
        self._host.barrier()

    def _isend(self, array: Array, destination: int, tag: int, what: str) -> Handle:
        if _on_host(array):
            return self._host._isend(array, destination, tag, what)
        _no_tag(tag)
        return self._put(
            lambda stream: self._comm.send(*self._values(array), destination, stream), array
        )

    def _irecv(self, out: Array, source: int | None, tag: int, what: str) -> Handle:
        if _on_host(out):
            return self._host._irecv(out, source, tag, what)
        _no_tag(tag)
        if source is None:
            raise ValueError("NCCL receives from one rank only, found source=None; name the rank")
        handle = self._put(lambda stream: self._comm.recv(*self._values(out), source, stream), out)
        handle.source = source
        return handle

    def _exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array], what: str) -> None:
        if _on_host(incoming[self.rank]):
            self._host._exchange(outgoing, incoming, what)
            return
        others = [rank for rank in range(self.size) if rank != self.rank]
        self._at_once([(outgoing[r], r) for r in others], [(incoming[r], r) for r in others])

    def _at_once(
        self, sends: Sequence[tuple[Array, int]], receives: Sequence[tuple[Array, int]]
    ) -> None:
        """Send to ranks and receive from ranks in one group."""

        def work(stream: int) -> None:
            for start, messages in ((self._comm.send, sends), (self._comm.recv, receives)):
                for array, rank in messages:
                    if array.size:
                        start(*self._values(array), rank, stream)

        self._put(work, *(array for array, _ in (*sends, *receives))).wait()

    def _put(self, work: Callable[[int], None], *arrays: Array) -> _Queued:
        """Put work into NCCL's stream, after what the current stream has to do."""
        self._stream.wait_event(self._current_stream().record())
        # Operations in a group start together, so that none waits for one after it.
        self._nccl.groupStart()
        work(self._stream.ptr)
        self._nccl.groupEnd()
        return _Queued(self._stream.record(), self._current_stream, arrays)

    def _values(self, array: Array) -> tuple[int, int, int]:
        """Return address, count and type, as NCCL wants them."""
        code = getattr(self._nccl, f"NCCL_{array.dtype.name.upper()}", None)
        if code is None:
            raise ValueError(f"NCCL has no type for {array.dtype}; convert the array")
        return array.data.ptr, array.size, code


class _Queued(Handle):
    """Work in NCCL's stream."""

    def __init__(
        self, done: Any, current_stream: Callable[[], Any], arrays: tuple[Array, ...]
    ) -> None:
        self._done, self._current_stream = done, current_stream
        self._arrays = arrays  # kept, since their memory must not be given to others meanwhile

    def wait(self) -> None:
        # It is the current stream that waits. The processor goes on.
        self._current_stream().wait_event(self._done)


def _on_host(array: Array) -> bool:
    return array_module(array) is np


def _no_tag(tag: int) -> None:
    if tag:
        raise ValueError(f"NCCL has no tags, found tag={tag}; messages arrive in order")


def _library() -> ModuleType:
    """Return CuPy's module of NCCL's functions."""
    try:
        library = importlib.import_module("cupy.cuda.nccl")
    except ImportError as error:
        raise CommunicationError(
            f"NCCL needs CuPy, which could not be loaded ({error}); "
            "in the repository `pip install -e '.[gpu]'` installs it"
        ) from error
    if not library.available:
        raise CommunicationError(
            "CuPy finds no NCCL library; `pip install nvidia-nccl-cu12` installs it"
        )
    return library
