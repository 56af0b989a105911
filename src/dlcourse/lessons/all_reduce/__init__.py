"""All-reduce written out as messages, one algorithm per file: to read, to run and to measure.

`ALL_REDUCE` lists them by name. They add up in place and give the same bits on all ranks.
"""

from collections.abc import Callable

from dlcourse.backend import Array
from dlcourse.lessons.all_reduce.parameter_server import parameter_server_all_reduce
from dlcourse.lessons.all_reduce.peer import Peer
from dlcourse.lessons.all_reduce.recursive_doubling import recursive_doubling_all_reduce
from dlcourse.lessons.all_reduce.ring import (
    ring_all_gather,
    ring_all_reduce,
    ring_reduce_scatter,
)
from dlcourse.lessons.all_reduce.tree import tree_all_reduce

AllReduce = Callable[[Peer, Array], None]

#: The all-reduce algorithms by name.
ALL_REDUCE: dict[str, AllReduce] = {
    "parameter server": parameter_server_all_reduce,
    "tree": tree_all_reduce,
    "recursive doubling": recursive_doubling_all_reduce,
    "ring": ring_all_reduce,
}

__all__ = [
    "ALL_REDUCE",
    "AllReduce",
    "Peer",
    "parameter_server_all_reduce",
    "recursive_doubling_all_reduce",
    "ring_all_gather",
    "ring_all_reduce",
    "ring_reduce_scatter",
    "tree_all_reduce",
]
