"""How long an all-reduce takes, in closed form: latency, bandwidth and the number of ranks."""

from __future__ import annotations

import math
from collections.abc import Callable

from dlcourse.lessons.simulator.network import Network


def parameter_server_seconds(ranks: int, size: float, network: Network) -> float:
    """Return ``2 (p - 1) (a + n / b)``: one message after the other, through one connection.

    Parameters
    ----------
    ranks : int
        p, how many workers there are, the one that serves included.
    size : float
        n, the bytes of the array.
    network : Network
        Its latency a and bandwidth b.

    Examples
    --------
    >>> parameter_server_seconds(4, 10, Network(latency=1, bandwidth=1))
    66.0
    """
    return 2.0 * (_at_least_one(ranks) - 1) * network.seconds(size)


def tree_seconds(ranks: int, size: float, network: Network) -> float:
    """Return ``2 ceil(log2 p) (a + n / b)``: as many rounds down as up.

    Parameters are those of `parameter_server_seconds`.

    Examples
    --------
    >>> tree_seconds(4, 10, Network(latency=1, bandwidth=1))
    44.0
    """
    return 2.0 * (_at_least_one(ranks) - 1).bit_length() * network.seconds(size)


def recursive_doubling_seconds(ranks: int, size: float, network: Network) -> float:
    """Return ``log2 p (a + n / b)``; two more steps where p is not a power of two.

    Parameters are those of `parameter_server_seconds`.

    Examples
    --------
    >>> recursive_doubling_seconds(4, 10, Network(latency=1, bandwidth=1))
    22.0
    """
    whole = math.floor(math.log2(_at_least_one(ranks)))
    return float(whole + (2 if ranks > 2**whole else 0)) * network.seconds(size)


def ring_seconds(ranks: int, size: float, network: Network) -> float:
    """Return ``2 (p - 1) (a + n / (p b))``: many steps, each with a p-th of the array.

    Parameters are those of `parameter_server_seconds`.

    Examples
    --------
    >>> ring_seconds(4, 10, Network(latency=1, bandwidth=1))
    21.0
    """
    return 2.0 * (_at_least_one(ranks) - 1) * network.seconds(size / ranks)


#: The formulas by the names of `dlcourse.lessons.all_reduce.ALL_REDUCE`.
SECONDS: dict[str, Callable[[int, float, Network], float]] = {
    "parameter server": parameter_server_seconds,
    "tree": tree_seconds,
    "recursive doubling": recursive_doubling_seconds,
    "ring": ring_seconds,
}


def _at_least_one(ranks: int) -> int:
    if ranks < 1:
        raise ValueError(f"expected at least 1 rank, found {ranks}")
    return ranks
