"""`Communicator`: what all ranks do together.

Everything here is made of messages from one rank to another, and written once. So threads and
processes do the same work in the same order, and get the same bits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.distributed.messages import USER_TAGS, Messages, check_array
from dlcourse.distributed.reduction import pieces, tree_sum

#: The tag of all operations here: messages of one tag arrive in the order in which they were sent.
_TAG = USER_TAGS


class Communicator(Messages):
    """One rank's connection to the others: operations of all ranks, besides `Messages` of two.

    Arrays that are sent or received must be C-contiguous. Ranks call collective operations
    (`broadcast`, `allreduce`, `reduce_scatter`, `allgather`, `barrier`) in the same order, each
    with arrays of the same shape and dtype.

    Attributes
    ----------
    rank : int
        This rank's number, from 0.
    size : int
        How many ranks there are.

    Examples
    --------
    Four ranks add up their numbers; here they are threads.

    >>> from dlcourse.distributed import Threads
    >>> def work(communicator):
    ...     x = np.full(3, communicator.rank, np.float32)
    ...     communicator.allreduce(x)
    ...     return x
    >>> Threads.run(4, work)[0]
    array([6., 6., 6.], dtype=float32)
    """

    @property
    @abstractmethod
    def cores(self) -> int:
        """How many cores this rank may use without taking one from another rank."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the array of rank `root` into that of every other rank.

        It goes along a binomial tree: the number of ranks that have it doubles with each round.
        """
        check_array(array)
        self._check_root(root)
        place = (self.rank - root) % self.size
        reach = 1  # the highest power of two in `place`: where its parent is, and its children end
        while reach <= place:
            reach *= 2
        if place:
            parent = (place - reach // 2 + root) % self.size
            self._irecv(array, parent, _TAG, "broadcast").wait()
        handles = []
        while place + reach < self.size:
            child = (place + reach + root) % self.size
            handles.append(self._isend(array, child, _TAG, "broadcast"))
            reach *= 2
        for handle in handles:
            handle.wait()

    def allreduce(self, array: Array) -> None:
        """Replace the array of every rank by the sum over all ranks.

        Each rank owns a piece (`pieces`): it receives that piece from all others, adds up along
        `tree_sum`, and sends the sum to all. That is 2 (size - 1) messages per rank, less than
        two arrays in total, the least that an all-reduce can do with (Patarasuk and Yuan 2009). The
        order of the sum is always the same, so all ranks get the same bits, and get them every
        time.
        """
        cut = self._cut(array)
        if self.size > 1:
            cut[self.rank][...] = self._sum_of_own(cut, "allreduce")
            self._exchange([cut[self.rank]] * self.size, cut, "allreduce")

    def reduce_scatter(self, array: Array) -> Array:
        """Return this rank's piece of the sum over all ranks.

        Parameters
        ----------
        array : array
            Not changed.

        Returns
        -------
        array of shape (L,)
            Piece number `rank` of the values in a row, as `pieces` cuts them.
        """
        return self._sum_of_own(self._cut(array), "reduce_scatter")

    def allgather(self, array: Array) -> Array:
        """Return the arrays of all ranks, joined along the first axis in the order of ranks.

        Their lengths along it may differ.
        """
        check_array(array)
        if array.ndim == 0:
            raise ValueError("allgather joins along the first axis, found an array without axes")
        lengths = np.zeros((self.size, 1), np.int64)
        lengths[self.rank] = len(array)
        self._exchange([lengths[self.rank]] * self.size, [*lengths], "allgather")
        joined, places = self._join(array, lengths[:, 0])
        self._exchange([places[self.rank]] * self.size, places, "allgather")
        return joined

    def barrier(self) -> None:
        """Wait until every rank has got here."""
        nothing = [np.empty(0, np.uint8)] * self.size
        self._exchange(nothing, nothing, "barrier")

    def _cut(self, array: Array) -> list[Array]:
        """Return the piece of an array that each rank owns: views of its values in a row."""
        flat = check_array(array).reshape(-1)
        return [flat[piece] for piece in pieces(flat.size, self.size)]

    def _sum_of_own(self, cut: Sequence[Array], what: str) -> Array:
        """Send each rank its piece, and return the sum of what all ranks have of this one's."""
        own = cut[self.rank]
        received = [array_module(own).empty_like(own) for _ in cut]
        received[self.rank] = own
        self._exchange(cut, received, what)
        return tree_sum(received) if self.size > 1 else own.copy()

    def _exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array], what: str) -> None:
        """Send each other rank its array, and receive another from it."""
        # Each begins with the rank after it, so that they do not all send to the same one at once.
        others = [(self.rank + i) % self.size for i in range(1, self.size)]
        handles = [
            *(self._irecv(incoming[r], r, _TAG, what) for r in others),
            *(self._isend(outgoing[r], r, _TAG, what) for r in others),
        ]
        for handle in handles:
            handle.wait()

    def _join(self, array: Array, lengths: np.ndarray) -> tuple[Array, list[Array]]:
        """Return an array with room for all ranks' arrays, this one's in place, and its pieces."""
        shape = (int(lengths.sum()), *array.shape[1:])
        joined = array_module(array).empty(shape, array.dtype)
        ends = np.cumsum(lengths).tolist()
        places = [joined[end - n : end] for n, end in zip(lengths.tolist(), ends, strict=True)]
        places[self.rank][...] = array
        return joined, places

    def _check_root(self, root: int) -> None:
        if not 0 <= root < self.size:
            raise ValueError(f"root must lie from 0 to {self.size - 1}, found {root}")
