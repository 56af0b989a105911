"""Gradient compression: fewer bytes per step, for a mean that is only nearly right."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.lessons.all_reduce import Peer, ring_all_gather, ring_all_reduce
from dlcourse.lessons.all_reduce.peer import flat


class Float16:
    """Averages in float16: half the bytes, and about three digits of each value.

    Values are divided by the number of ranks before they are added, so that no sum overflows unless
    the mean would. Below about 6e-8 they vanish.

    Examples
    --------
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.array([1 / 3, 1e-9], np.float32)
    ...     Float16()(peer, x)
    ...     return x
    >>> Threads.run(2, work)[0]
    array([0.33325195, 0.        ], dtype=float32)
    """

    def __call__(self, peer: Peer, x: Array) -> None:
        """Replace `x` on every rank by its mean over all ranks, nearly."""
        half = (x / peer.size).astype(np.float16)
        ring_all_reduce(peer, half)
        x[...] = half


class TopK:
    """Sends only the largest values, and remembers the rest for the next time.

    Each rank adds the new gradient to what it has not sent yet, sends the `share` of values that
    are largest in size, and keeps the others: *error feedback*. So every value arrives in the end,
    only late (Aji and Heafield 2017; Stich, Cordonnier and Jaggi 2018).

    Ranks choose different places, so each sends its places and values to all others: with p ranks
    and k values of 4 bytes ``8 k (p - 1)`` bytes per rank, while the ring sends
    ``8 n (p - 1) / p``. It pays as long as the share is far below 1 / p.

    Parameters
    ----------
    share : float
        Which share of the values to send, above 0 and at most 1; at least one value is sent.
    error_feedback : bool
        Whether to keep what is not sent. Without it training goes wrong; try it.

    Examples
    --------
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     average = TopK(share=0.5)
    ...     means = []
    ...     for _ in range(3):
    ...         x = np.array([3, 2], np.float32)
    ...         average(peer, x)
    ...         means.append(x.tolist())
    ...     return means
    >>> Threads.run(2, work)[0]  # the second value comes in the second step, twice as large
    [[3.0, 0.0], [0.0, 4.0], [6.0, 0.0]]
    """

    def __init__(self, share: float, error_feedback: bool = True) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, found {share}")
        self.share = share
        self.error_feedback = error_feedback
        self.unsent: Array | None = None

    def __call__(self, peer: Peer, x: Array) -> None:
        """Replace `x` on every rank by the mean over all ranks of what each sends."""
        x = flat(x)
        xp = array_module(x)
        if self.unsent is None or not self.error_feedback:
            self.unsent = xp.zeros_like(x)
        self.unsent += x
        count = min(len(x), max(1, round(self.share * len(x))))
        chosen = xp.argpartition(abs(self.unsent), len(x) - count)[len(x) - count :]
        places = xp.zeros((peer.size, count), np.int32)
        values = xp.zeros((peer.size, count), x.dtype)
        places[peer.rank], values[peer.rank] = chosen, self.unsent[chosen]
        self.unsent[chosen] = 0
        ring_all_gather(peer, places)
        ring_all_gather(peer, values)
        x[...] = 0
        for place, value in zip(places, values, strict=True):  # the same order on all ranks
            x[place] += value
        x /= peer.size
