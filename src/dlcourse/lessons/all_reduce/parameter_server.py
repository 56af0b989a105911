"""All-reduce by a parameter server: everybody sends to one rank, which adds up and answers."""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.lessons.all_reduce.peer import Peer, flat


def parameter_server_all_reduce(peer: Peer, x: Array) -> None:
    """Replace `x` on every rank by its sum over all ranks.

    Rank 0 is the server, and a worker as well. Workers wait in line for its one connection: with
    p ranks and n bytes, ``2 (p - 1)`` messages of n bytes, one after the other. Real systems share
    the weights out among several servers (Li et al. 2014).

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
    ...     parameter_server_all_reduce(peer, x)
    ...     return x
    >>> Threads.run(3, work)
    [array([ 6., 60.]), array([ 6., 60.]), array([ 6., 60.])]
    """
    x = flat(x)
    if peer.rank > 0:
        peer.send(x, 0)
        peer.recv(x, 0)
        return
    received = array_module(x).empty_like(x)
    for worker in range(1, peer.size):
        peer.recv(received, worker)
        x += received
    for worker in range(1, peer.size):
        peer.send(x, worker)
