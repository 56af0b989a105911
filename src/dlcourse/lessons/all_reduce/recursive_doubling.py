"""All-reduce by recursive doubling: swap with a partner at distance 1, then 2, then 4."""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.lessons.all_reduce.peer import Peer, flat


def recursive_doubling_all_reduce(peer: Peer, x: Array) -> None:
    """Replace `x` on every rank by its sum over all ranks.

    After the swap at distance d every rank has the sum of 2 d ranks, so a power of two needs
    ``log2 p`` steps with the whole array. With other numbers of ranks, those beyond the largest
    power of two first hand their array to a partner and get the result at the end: two more steps
    (Thakur, Rabenseifner and Gropp 2005).

    Parameters
    ----------
    peer : Peer
        This rank.
    x : array
        Of any shape, in one piece, of the same size and dtype on all ranks. Changed in place.

    Notes
    -----
    All ranks get the same bits: partners add the same two sums, and ``a + b`` is ``b + a``.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.array([1.0, 10.0]) * (peer.rank + 1)
    ...     recursive_doubling_all_reduce(peer, x)
    ...     return x
    >>> Threads.run(3, work)
    [array([ 6., 60.]), array([ 6., 60.]), array([ 6., 60.])]
    """
    x = flat(x)
    rank, size = peer.rank, peer.size
    paired = 1 << (size.bit_length() - 1)  # the largest power of two
    if rank >= paired:
        peer.send(x, rank - paired)
        peer.recv(x, rank - paired)
        return
    received = array_module(x).empty_like(x)
    guest = rank + paired
    if guest < size:
        peer.recv(received, guest)
        x += received
    distance = 1
    while distance < paired:
        partner = rank ^ distance
        peer.sendrecv(x, partner, received, partner)
        x += received
        distance *= 2
    if guest < size:
        peer.send(x, guest)
