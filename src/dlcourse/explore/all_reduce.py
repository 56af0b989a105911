"""An explorer of all-reduce: which rank sends which piece to which, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from dlcourse.explore.lib.widget import Explorer
from dlcourse.lessons.all_reduce import ALL_REDUCE, AllReduce
from dlcourse.lessons.simulator import Network, record, replay

#: How many ranks the reader can choose.
RANKS = range(2, 9)


#: From one rank to another: the pieces from start up to stop, and whether they are added.
Message = tuple[int, int, int, int, bool]


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    schedules: dict[str, dict[str, list[list[Message]]]]  #: by algorithm and ranks
    arrays: dict[str, int]  #: bytes
    networks: dict[str, tuple[float, float]]  #: latency, bandwidth


def all_reduce(arrays: Mapping[str, int], networks: Mapping[str, Network]) -> Explorer:
    """Go through the algorithms of `dlcourse.lessons.all_reduce` message by message.

    Parameters
    ----------
    arrays : mapping from str to int
        What can be added up, and how many bytes each has.
    networks : mapping from str to Network
        What the arrays can be sent over.

    Raises
    ------
    ValueError
        If there is no array, an array of less than a byte, or no network.

    Examples
    --------
    >>> explorer = all_reduce({"a megabyte": 10**6}, {"slow": Network(1e-3, 1e6)})
    >>> len(explorer.data["schedules"]["ring"]["4"])  # steps
    6
    """
    if not arrays or min(arrays.values()) < 1 or not networks:
        raise ValueError(
            "expected at least one array, each of at least 1 byte, and at least one network; "
            f"found {dict(arrays)} and {dict(networks)}"
        )
    data = _Data(
        schedules={
            name: {str(ranks): schedule(algorithm, ranks) for ranks in RANKS}
            for name, algorithm in ALL_REDUCE.items()
        },
        arrays=dict(arrays),
        networks={name: (n.latency, n.bandwidth) for name, n in networks.items()},
    )
    return Explorer("all_reduce", "Explorer: all-reduce, message by message", data)


def schedule(algorithm: AllReduce, ranks: int) -> list[list[Message]]:
    """Return the messages of each step, when every message takes one step.

    They are recorded from the algorithm itself, run on an array with one piece per rank.

    Returns
    -------
    list of lists of (source, dest, start, stop, adds)
        The pieces from `start` up to `stop` go from one rank to another, and are added to what the
        receiver has, or take its place.

    Examples
    --------
    >>> schedule(ALL_REDUCE["tree"], 2)
    [[(1, 0, 0, 2, True)], [(0, 1, 0, 2, False)]]
    """
    messages = replay(record(algorithm, ranks, ranks), Network(1.0, math.inf)).messages
    return [
        [(m.source, m.dest, m.start, m.stop, m.adds) for m in step]
        for _, step in groupby(messages, key=lambda m: m.end)
    ]
