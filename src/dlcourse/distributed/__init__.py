"""Ranks that work together: how they exchange arrays."""

from dlcourse.distributed.communicator import CommunicationError, Communicator, Handle
from dlcourse.distributed.reduction import pieces, tree_sum
from dlcourse.distributed.single import SingleProcess
from dlcourse.distributed.threads import Threads

__all__ = [
    "CommunicationError",
    "Communicator",
    "Handle",
    "SingleProcess",
    "Threads",
    "pieces",
    "tree_sum",
]
