"""A double of `cupy.cuda.nccl`: the same functions on addresses, between ranks that are threads.

What NCCL would send from GPU to GPU goes by the communicator of the rank's thread, see `meet_by`.
"""

import ctypes
import threading

import numpy as np
from cupy_double import device

available = True
NCCL_INT64, NCCL_FLOAT16, NCCL_FLOAT32, NCCL_FLOAT64, NCCL_SUM = 4, 6, 7, 8, 0
_DTYPES = {4: np.int64, 6: np.float16, 7: np.float32, 8: np.float64}
_thread = threading.local()


def meet_by(communicator):
    """Let the rank of this thread use another communicator to carry its messages."""
    _thread.host = communicator


def get_unique_id():
    return bytes(range(128))


def groupStart():  # noqa: N802
    _thread.group = []


def groupEnd():  # noqa: N802
    """Start all of the group, and only then wait for any."""
    handles = [start() for start in _thread.group]
    del _thread.group
    for handle in handles:
        if handle is not None:
            handle.wait()


class NcclCommunicator:
    def __init__(self, ndev, commId, rank):
        self._host = _thread.host
        assert (ndev, rank) == (self._host.size, self._host.rank)
        assert commId == bytes(range(128))

    def allReduce(self, sendbuf, recvbuf, count, datatype, op, stream):  # noqa: N802
        assert op == NCCL_SUM and sendbuf == recvbuf

        _put(lambda: self._host.allreduce(_array(recvbuf, count, datatype)), stream, recvbuf)

    def bcast(self, buff, count, datatype, root, stream):
        _put(lambda: self._host.broadcast(_array(buff, count, datatype), root), stream, buff)

    def send(self, sendbuf, count, datatype, peer, stream):
        _put(lambda: self._host.isend(_array(sendbuf, count, datatype), peer), stream, sendbuf)

    def recv(self, recvbuf, count, datatype, peer, stream):
        _put(lambda: self._host.irecv(_array(recvbuf, count, datatype), peer), stream, recvbuf)


def _put(work, stream, *addresses):
    """Do it in the group, and note that the stream writes what lies at the addresses."""
    with stream.owner:
        for address in addresses:
            device.written(address.owner)
    _thread.group.append(work)


def _array(address, count, datatype):
    dtype = np.dtype(_DTYPES[datatype])
    memory = (ctypes.c_byte * (count * dtype.itemsize)).from_address(address)
    return np.frombuffer(memory, dtype)
