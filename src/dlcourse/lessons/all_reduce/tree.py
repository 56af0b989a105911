"""All-reduce along a binomial tree: sums run up to rank 0, and the result runs down again."""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.lessons.all_reduce.peer import Peer, flat


def tree_all_reduce(peer: Peer, x: Array) -> None:
    """Replace `x` on every rank by its sum over all ranks.

    In the first round 1 sends to 0, 3 to 2, 5 to 4; in the second 2 to 0, 6 to 4; each round
    halves the ranks that still hold a sum. That takes ``ceil(log2 p)`` rounds up and as many down,
    each with the whole array.

    Parameters
    ----------
    peer : Peer
        This rank.
    x : array
        Of any shape, in one piece, of the same size and dtype on all ranks. Changed in place.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.array([1.0, 10.0]) * (peer.rank + 1)
    ...     tree_all_reduce(peer, x)
    ...     return x
    >>> Threads.run(3, work)
    [array([ 6., 60.]), array([ 6., 60.]), array([ 6., 60.])]
    """
    x = flat(x)
    rank, size = peer.rank, peer.size
    received = array_module(x).empty_like(x)
    distance = 1
    while distance < size and rank % (2 * distance) == 0:
        if rank + distance < size:
            peer.recv(received, rank + distance)
            x += received
        distance *= 2
    # Here a rank has the sum of its branch. `distance` leads to its parent; 0 has none.
    if rank > 0:
        peer.send(x, rank - distance)
        peer.recv(x, rank - distance)
    while distance > 1:
        distance //= 2
        if rank + distance < size:
            peer.send(x, rank + distance)
