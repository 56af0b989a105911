"""An explorer of a Q-table while an agent learns it."""

from __future__ import annotations

from dataclasses import dataclass

from dlcourse.applications.rl.grid_world import GridWorld
from dlcourse.explore.lib.widget import Explorer


@dataclass(frozen=True)
class _World:
    """Where the agent learns."""

    start: int
    max_steps: int
    rules: list[list[tuple[int, float, bool]]]  #: by state and action: next, reward, terminated


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    rows: list[str]
    world: _World
    learning_rate: float


def qtable(world: GridWorld, learning_rate: float = 0.5) -> Explorer:
    """Let an agent learn a grid world by Q-learning, in the browser, step by step.

    Parameters
    ----------
    world : GridWorld
        Where the agent learns.
    learning_rate : float
        The share of the way to the target; epsilon and the discount are for the reader to choose.

    Raises
    ------
    ValueError
        If the learning rate is not above 0 and at most 1.

    Examples
    --------
    >>> qtable(GridWorld(["S.G"])).data["world"]["rules"][1][1]
    [2, 1.0, True]
    """
    if not 0 < learning_rate <= 1:
        raise ValueError(f"the learning rate must be above 0 and at most 1, found {learning_rate}")
    rules = [[outcomes[0][1:] for outcomes in row.values()] for row in world.P.values()]
    data = _Data(
        rows=list(world.rows),
        world=_World(world.start, world.max_steps, rules),
        learning_rate=learning_rate,
    )
    return Explorer("qtable", "Explorer: a Q-table while the agent learns", data)
