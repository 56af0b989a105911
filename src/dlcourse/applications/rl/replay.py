"""Replay memory: what happened, kept to learn from it many times, in random order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.expect import whole_number
from dlcourse.habits import explained
from dlcourse.nn.state import fitted, put


class Transitions(NamedTuple):
    """A batch of steps: what was seen and done, and what came of it; one row per step."""

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    #: Whether the episode came to its end there. One that was merely cut off has not: its last
    #: state has a future, though nobody saw it.
    terminated: np.ndarray


class ReplayMemory:
    """The last steps, in arrays that are filled round and round (Lin 1992; Mnih et al. 2015).

    Parameters
    ----------
    capacity : int
        Steps that are kept; the oldest are overwritten.
    shape : tuple of int
        The shape of an observation.
    dtype : dtype
        Of observations: bool for the planes of MinAtar, uint8 for pixels, float32 for numbers.
        One observation of 84x84x4 bytes is 28 kB, so a million take 28 GB per copy; in float32 it
        would be four times as much.

    Examples
    --------
    >>> memory = ReplayMemory(3, (1,))
    >>> for i in range(5):
    ...     memory.add([i], 0, 1.0, [i + 1], terminated=False)
    >>> len(memory), sorted(memory.observations[:, 0].tolist())  # 0 and 1 are overwritten
    (3, [2.0, 3.0, 4.0])
    >>> memory.sample(2, np.random.default_rng(0)).observations.shape
    (2, 1)
    """

    def __init__(
        self, capacity: int, shape: tuple[int, ...], dtype: DTypeLike = np.float32
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a replay memory keeps at least 1 step, found capacity {capacity}")
        self.capacity = capacity
        self.observations = np.zeros((capacity, *shape), dtype)
        self.next_observations = np.zeros((capacity, *shape), dtype)
        self.actions = np.zeros(capacity, np.int64)
        self.rewards = np.zeros(capacity, np.float32)
        self.terminated = np.zeros(capacity, bool)
        #: Steps added so far, including those overwritten.
        self.added = 0

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(
        self,
        observation: np.ndarray,
        action: int,
        reward: float,
        next_observation: np.ndarray,
        terminated: bool,
    ) -> None:
        """Keep one step, over the oldest if the memory is full.

        `terminated` is Gymnasium's: the task itself has ended. Do not pass ``truncated``.
        """
        i = self.added % self.capacity
        self.observations[i] = observation
        self.actions[i] = action
        self.rewards[i] = reward
        self.next_observations[i] = next_observation
        self.terminated[i] = terminated
        self.added += 1

    @explained
    def sample(self, size: int, rng: np.random.Generator) -> Transitions:
        """Return `size` steps, each drawn from all that are kept; copies.

        Raises
        ------
        ValueError
            If nothing has been added yet.
        """
        if not self.added:
            raise ValueError("this replay memory is empty; add steps before you sample")
        return self._at(rng.integers(len(self), size=size))

    def latest(self, size: int) -> Transitions:
        """Return the last `size` steps in the order they happened: learning without a memory."""
        first = self.added - min(size, len(self))
        return self._at(np.arange(first, self.added) % self.capacity)

    def state_dict(self) -> dict[str, Any]:
        """Return the steps that are kept, one row of each array per step, and how many were added.

        The arrays are not copied.
        """
        arrays = {name: getattr(self, name)[: len(self)] for name in Transitions._fields}
        return {**arrays, "added": self.added}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of a memory of the same capacity.

        Raises
        ------
        ValueError
            If it does not fit; then nothing is changed.
        """
        added = whole_number("added", state["added"], least=0)
        own = {name: getattr(self, name)[:added] for name in Transitions._fields}
        arrays = {name: array for name, array in state.items() if name != "added"}
        put(fitted(own, arrays, "this replay memory is another one"))
        self.added = added

    def _at(self, rows: np.ndarray) -> Transitions:
        # take() copies rows twice as fast as an index in brackets.
        return Transitions(
            self.observations.take(rows, axis=0),
            self.actions.take(rows),
            self.rewards.take(rows),
            self.next_observations.take(rows, axis=0),
            self.terminated.take(rows),
        )
