"""Ranks that work together, and how they exchange arrays."""

from dlcourse.distributed.broadcast import broadcast_arrays, broadcast_json
from dlcourse.distributed.communicator import Communicator
from dlcourse.distributed.messages import CommunicationError, Handle, Messages
from dlcourse.distributed.mpi import MPI, end_all_ranks, started_ranks
from dlcourse.distributed.nccl import NCCL
from dlcourse.distributed.reduction import pieces, tree_sum
from dlcourse.distributed.single import SingleProcess
from dlcourse.distributed.sync_batch_norm import SyncBatchNorm
from dlcourse.distributed.threads import Threads

__all__ = [
    "MPI",
    "NCCL",
    "CommunicationError",
    "Communicator",
    "Handle",
    "Messages",
    "SingleProcess",
    "SyncBatchNorm",
    "Threads",
    "broadcast_arrays",
    "broadcast_json",
    "end_all_ranks",
    "pieces",
    "started_ranks",
    "tree_sum",
]
