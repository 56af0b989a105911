"""A small world of our own: a map in text, with walls, pits and a goal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

try:
    from gymnasium import Env, spaces
except ImportError:  # the world runs without Gymnasium, too; only then it is not one of its Envs
    Env, spaces = object, None  # type: ignore[assignment,misc]

#: Moves in rows and columns, in the order of the actions: up, right, down, left.
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))

#: The reward for entering a place, which ends the episode.
ENDS = {"G": 1.0, "O": -1.0}


class GridWorld(Env):
    """Walk on a map from S to G, around walls and pits.

    The observation is the number of the place, row by row from 0. The actions are up, right,
    down and left, 0 to 3; walking into a wall or off the map changes nothing. Entering the goal G
    gives a reward of 1, a pit O -1, and either terminates the episode; any other step gives 0.

    Parameters
    ----------
    rows : sequence of str
        The map: ``S`` start, ``G`` goal, ``O`` pit, ``#`` wall, ``.`` free.
    max_steps : int
        The episode is truncated after this many steps.

    Attributes
    ----------
    P : dict
        From a state and an action to what may happen, a list of (probability, next state, reward,
        terminated), as in Gymnasium's worlds in text.

    Raises
    ------
    ValueError
        If the map is not a rectangle of these letters with one start and a goal.

    Examples
    --------
    >>> world = GridWorld(["S.G",
    ...                    ".#O"])
    >>> world.reset(seed=0)
    (0, {})
    >>> world.step(1)
    (1, 0.0, False, False, {})
    >>> print(world.render())
    S@G
    .#O
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 (Gymnasium's own)
    render_mode = "ansi"

    def __init__(self, rows: Sequence[str], max_steps: int = 100) -> None:
        self.rows = tuple(rows)
        text = "".join(self.rows)
        if len({len(row) for row in self.rows}) != 1 or not text:
            raise ValueError(f"expected a map with rows of one length, found {list(self.rows)}")
        if unknown := set(text) - set("SGO#."):
            raise ValueError(
                f"a map is made of S, G, O, # and '.', found {', '.join(sorted(unknown))}"
            )
        if text.count("S") != 1 or "G" not in text:
            raise ValueError(
                f"a map needs one start S and at least one goal G, found {text.count('S')} S "
                f"and {text.count('G')} G"
            )
        if max_steps < 1:
            raise ValueError(f"an episode needs at least one step, found max_steps={max_steps}")
        self.max_steps = max_steps
        self.shape = (len(self.rows), len(self.rows[0]))
        self.start = text.index("S")
        self.P = {
            state: {action: [self._outcome(state, action)] for action in range(4)}
            for state in range(len(text))
        }
        if spaces is not None:
            self.observation_space = spaces.Discrete(len(text))
            self.action_space = spaces.Discrete(4)
        self._state = self.start
        self._steps = 0

    def _outcome(self, state: int, action: int) -> tuple[float, int, float, bool]:
        row, column = divmod(state, self.shape[1])
        if self.rows[row][column] in ENDS:
            return 1.0, state, 0.0, True
        r, c = row + MOVES[action][0], column + MOVES[action][1]
        if not (0 <= r < self.shape[0] and 0 <= c < self.shape[1]) or self.rows[r][c] == "#":
            r, c = row, column
        place = self.rows[r][c]
        return 1.0, r * self.shape[1] + c, ENDS.get(place, 0.0), place in ENDS

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Go to the start; the seed changes nothing, since nothing here is left to chance."""
        if spaces is not None:
            super().reset(seed=seed)
        self._state = self.start
        self._steps = 0
        return self._state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Walk; return the place, the reward, terminated, truncated and an empty dict."""
        if action not in range(4):
            raise ValueError(
                f"an action is 0 (up), 1 (right), 2 (down) or 3 (left), found {action}"
            )
        _, self._state, reward, terminated = self.P[self._state][int(action)][0]
        self._steps += 1
        return self._state, reward, terminated, self._steps >= self.max_steps, {}

    def render(self) -> str:
        """Return the map as text, with ``@`` where the agent is."""
        text = np.array([list(row) for row in self.rows])
        text[divmod(self._state, self.shape[1])] = "@"
        return "\n".join("".join(row) for row in text)
