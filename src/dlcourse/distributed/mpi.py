"""`MPI`: ranks that are processes, on one machine or on many.

Messages go through the MPI library, by way of mpi4py. What is done with them is `Communicator`'s:
the sums have the order that they have on threads.

MPI does not end a job in which one rank no longer takes part. A rank that is killed
ends all the others, which is the work of ``mpiexec``. But a rank that hangs, or leaves with an
error, leaves the others waiting forever. So here no rank waits longer than `timeout`, and an error
that nothing catches ends all ranks.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module, synchronize, to_numpy
from dlcourse.distributed.communicator import Communicator
from dlcourse.distributed.messages import CommunicationError, Handle
from dlcourse.distributed.single import available_cores

#: Asked this many times without a pause, a message between two cores is usually there.
_SPINS = 200
#: The tag, among all ranks of the program, of the reason why one has failed.
_FAILED = 1
#: Seconds in which rank 0 is expected to look for such a reason, or to fail for the same one.
_PATIENCE = 30.0


class MPI(Communicator):
    """One rank of a program that was started by ``mpiexec -n SIZE``.

    Arrays of CuPy are handed to MPI as they are where the library says that it can read a GPU's
    memory (the info key ``mpi_memory_alloc_kinds`` of MPI 4.1); otherwise they are copied through
    the host. No GPU was available to run either way.

    An exception that is not caught on one rank ends all of them.

    Parameters
    ----------
    timeout : float
        Seconds that a rank may wait for another.

    Raises
    ------
    CommunicationError
        If mpi4py or an MPI library is missing.

    Examples
    --------
    Here there is a single rank; ``mpiexec -n 4 python program.py`` would make it one of four.

    >>> communicator = MPI()  # doctest: +SKIP
    >>> communicator.rank, communicator.size  # doctest: +SKIP
    (0, 1)
    """

    def __init__(self, *, timeout: float = 60.0) -> None:
        self._mpi = _library()
        # Our messages are kept apart from those that the program itself exchanges.
        self._comm = self._mpi.COMM_WORLD.Dup()
        super().__init__(self._comm.rank, self._comm.size)
        if self.size == 1 < started_ranks():
            raise CommunicationError(
                f"{started_ranks()} ranks were started, but the MPI library of mpi4py sees only "
                "itself: it is not the one that mpiexec belongs to; use the mpiexec that is beside "
                f"{sys.executable}"
            )
        self.timeout = timeout
        kinds = self._mpi.COMM_WORLD.Get_info().Get("mpi_memory_alloc_kinds") or ""
        self._reads_gpu = any(kind.split(":")[0] == "cuda" for kind in kinds.split(","))
        self._cores = self._count_cores()
        if self.size > 1:
            sys.excepthook = _end_all

    @property
    def cores(self) -> int:
        return self._cores

    def _count_cores(self) -> int:
        # The ranks of a machine may all use the same cores, or each may be bound to its own.
        node = self._comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        cores: set[int] = set().union(*node.allgather(available_cores()))
        own = max(1, len(cores) // int(node.size))
        node.Free()
        return own

    def _isend(self, array: Array, destination: int, tag: int, what: str) -> Handle:
        array = self._readable(array)
        doing = f"{what} to rank {destination}"
        return _Request(self, self._comm.Isend(_bytes(array), destination, tag), array, doing)

    def _irecv(self, out: Array, source: int | None, tag: int, what: str) -> Handle:
        buffer = out if self._readable(out) is out else np.empty(out.shape, out.dtype)
        peer = self._mpi.ANY_SOURCE if source is None else source
        doing = f"{what} for a message from " + ("any rank" if source is None else f"rank {source}")
        request = self._comm.Irecv(_bytes(buffer), peer, tag)
        return _Request(self, request, buffer, doing, out)

    def _readable(self, array: Array) -> Array:
        """Return the array as MPI can read it: itself, or a copy of it on the host."""
        if array_module(array) is np:
            return array
        synchronize(array)  # MPI knows nothing of what the GPU still has to do
        return array if self._reads_gpu else to_numpy(array)


class _Request(Handle):
    """A message that MPI is carrying."""

    def __init__(
        self, owner: MPI, request: Any, buffer: Array, doing: str, out: Array | None = None
    ) -> None:
        self._owner, self._request, self._doing = owner, request, doing
        self._buffer, self._out = buffer, out  # kept alive while MPI works with it
        self._status = owner._mpi.Status()
        self._done = False

    def _test(self) -> bool:
        """Return whether it is done, and take what has arrived; never waits."""
        if not self._done and self._request.Test(self._status):
            self._done = True
            if self._out is not None:
                self._receive(self._out)
        return self._done

    def wait(self) -> None:
        # MPI's own wait would never give up. Asking only costs something where cores are scarce.
        for _ in range(_SPINS):
            if self._test():
                return
        start = time.monotonic()
        while not self._test():
            if self._owner.rank == 0:
                _heed(self._owner._mpi)
            waited = time.monotonic() - start
            if waited > self._owner.timeout:
                raise CommunicationError(
                    f"rank {self._owner.rank} of {self._owner.size} has waited "
                    f"{self._owner.timeout:g} s in {self._doing}, which hangs, has failed, or "
                    "takes longer than that; the last checkpoint is whole, so start again from it"
                )
            # Leave the core to another rank: at once, or for a while if this takes long.
            time.sleep(0 if waited < 0.01 else 0.0005)

    def _receive(self, out: Array) -> None:
        self.source = self._status.Get_source()
        count = self._status.Get_count(self._owner._mpi.BYTE)
        if count != self._buffer.nbytes:
            raise ValueError(
                f"rank {self._owner.rank} in {self._doing} expects {self._buffer.nbytes} bytes "
                f"({out.dtype} of shape {out.shape}), found {count}"
            )
        if self._buffer is not out:
            out[...] = array_module(out).asarray(self._buffer)


def started_ranks() -> int:
    """Return how many ranks ``mpiexec`` or ``srun`` has started along with this process.

    Read off the environment, so that MPI is not loaded where there is only one.

    Examples
    --------
    >>> started_ranks() >= 1
    True
    """
    # MPICH and those like it, Open MPI, Slurm's srun.
    names = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
    return max(int(os.environ.get(name, 1)) for name in names)


def end_all_ranks(message: str) -> None:
    """Print why this rank has failed, and end all ranks, because the others would wait for it.

    Does not return where MPI has started more than one rank. Where there is one, it only prints.
    """
    mpi = sys.modules.get("mpi4py.MPI")
    several = mpi is not None and mpi.Is_initialized() and mpi.COMM_WORLD.size > 1
    if several and mpi is not None and mpi.COMM_WORLD.rank > 0:
        # Rank 0 speaks for all, so that what goes wrong on all of them alike is told once.
        text = np.frombuffer(message.encode(errors="replace"), np.uint8)
        telling = mpi.COMM_WORLD.Isend(text, 0, _FAILED)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            telling.Test()  # a long message only moves on when it is asked after
            time.sleep(0.01)
    print(message, file=sys.stderr, flush=True)
    if several and mpi is not None:
        sys.stdout.flush()
        time.sleep(0.5)  # mpiexec forwards what was printed, but no more once it ends all
        mpi.COMM_WORLD.Abort(1)


def _heed(mpi: ModuleType) -> None:
    """End all ranks if one has failed: rank 0 does this while it waits for another."""
    status = mpi.Status()
    if mpi.COMM_WORLD.Iprobe(mpi.ANY_SOURCE, _FAILED, status):
        text = np.empty(status.Get_count(mpi.BYTE), np.uint8)
        mpi.COMM_WORLD.Recv(text, status.Get_source(), _FAILED)
        end_all_ranks(text.tobytes().decode())


def _end_all(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    end_all_ranks("".join(traceback.format_exception(kind, error, trace)).rstrip())


def _bytes(array: Array) -> Any:
    # As bytes, because MPI does not have names for all of NumPy's types.
    return array.reshape(-1).view(np.uint8)


def _library() -> ModuleType:
    try:
        return importlib.import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:
        raise CommunicationError(
            f"ranks need MPI, which could not be loaded ({error}); "
            "in the repository `pip install -e '.[mpi]'` installs it"
        ) from error
