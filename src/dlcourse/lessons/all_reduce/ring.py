"""All-reduce on a ring: everybody sends a piece to the right neighbour at the same time.

Patarasuk and Yuan (2009) show that no all-reduce sends fewer bytes per rank. Gibiansky (2017)
brought it to the training of networks.
"""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.distributed.reduction import pieces
from dlcourse.lessons.all_reduce.peer import Peer, flat


def ring_all_reduce(peer: Peer, x: Array) -> None:
    """Replace `x` on every rank by its sum over all ranks.

    The array is cut into p pieces. Sums go once around the ring (`ring_reduce_scatter`), then
    results do (`ring_all_gather`): ``2 (p - 1)`` steps, in each of which every rank sends and
    receives ``n / p`` bytes. Whatever p is, a rank sends less than twice its data.

    Parameters
    ----------
    peer : Peer
        This rank.
    x : array
        Of any shape, in one piece, of the same size and dtype on all ranks. Changed in place.
        Where there are fewer values than ranks, some pieces are empty.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.array([1.0, 10.0]) * (peer.rank + 1)
    ...     ring_all_reduce(peer, x)
    ...     return x
    >>> Threads.run(3, work)
    [array([ 6., 60.]), array([ 6., 60.]), array([ 6., 60.])]
    """
    ring_reduce_scatter(peer, x)
    ring_all_gather(peer, x)


def ring_reduce_scatter(peer: Peer, x: Array) -> None:
    """Leave the sum over all ranks of piece r of `x` on rank r; the other pieces are overwritten.

    In every step a rank passes the sum it has just made to the right, and adds its own piece to
    the one that comes from the left.

    Parameters
    ----------
    peer : Peer
        This rank.
    x : array
        As for `ring_all_reduce`; `dlcourse.distributed.pieces` cuts it.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.array([1.0, 10.0])
    ...     ring_reduce_scatter(peer, x)
    ...     return x[peer.rank]
    >>> Threads.run(2, work)
    [np.float64(2.0), np.float64(20.0)]
    """
    x = flat(x)
    rank, size = peer.rank, peer.size
    piece = pieces(len(x), size)
    received = array_module(x).empty_like(x[: max(p.stop - p.start for p in piece)])
    for step in range(size - 1):
        going, coming = x[piece[(rank - step - 1) % size]], x[piece[(rank - step - 2) % size]]
        arrived = received[: len(coming)]
        peer.sendrecv(going, (rank + 1) % size, arrived, (rank - 1) % size)
        coming += arrived


def ring_all_gather(peer: Peer, x: Array) -> None:
    """Bring piece r of `x` from rank r to every rank, step by step around the ring.

    Parameters
    ----------
    peer : Peer
        This rank.
    x : array
        As for `ring_all_reduce`; only piece ``peer.rank`` is read.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.zeros(2)
    ...     x[peer.rank] = peer.rank + 1
    ...     ring_all_gather(peer, x)
    ...     return x
    >>> Threads.run(2, work)
    [array([1., 2.]), array([1., 2.])]
    """
    x = flat(x)
    rank, size = peer.rank, peer.size
    piece = pieces(len(x), size)
    for step in range(size - 1):
        going, coming = x[piece[(rank - step) % size]], x[piece[(rank - step - 1) % size]]
        peer.sendrecv(going, (rank + 1) % size, coming, (rank - 1) % size)
