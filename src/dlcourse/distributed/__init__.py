"""Ranks that work together: how they exchange arrays."""

from dlcourse.distributed.communicator import CommunicationError, Communicator, Handle
from dlcourse.distributed.mpi import MPI
from dlcourse.distributed.reduction import pieces, tree_sum
from dlcourse.distributed.single import SingleProcess
from dlcourse.distributed.sync_batch_norm import SyncBatchNorm
from dlcourse.distributed.threads import Threads

__all__ = [
    "MPI",
    "CommunicationError",
    "Communicator",
    "Handle",
    "SingleProcess",
    "SyncBatchNorm",
    "Threads",
    "pieces",
    "tree_sum",
]
