"""The games that deep agents learn here, and a network that fits each."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from dlcourse.applications.rl.episodes import make
from dlcourse.expect import needed
from dlcourse.habits import explained
from dlcourse.models.q_networks import QNetwork
from dlcourse.zoo.networks import Network, build

#: Greedy play might go on forever; it is cut off here.
_MOST_FRAMES = 5000

#: About the largest position, speed, angle and turning speed that a good player of CartPole sees.
_SCALES = {"CartPole-v1": (2.4, 2.0, 0.2, 2.0)}


def make_game(name: str) -> Any:
    """Return an environment with Gymnasium's interface.

    Parameters
    ----------
    name : str
        As in Gymnasium, for example ``CartPole-v1``, or a game of MinAtar, for example
        ``MinAtar/Breakout-v1``: with sticky actions of probability 0.1 and difficulty ramping, as
        Young and Tian (2019) set it. The limit of 5000 frames is ours, and of their six actions
        it has only those that do something in the game.

    Raises
    ------
    ImportError
        If Gymnasium or MinAtar is not installed.

    Examples
    --------
    >>> make_game("CartPole-v1").action_space  # doctest: +SKIP
    Discrete(2)
    """
    if not name.startswith("MinAtar/"):
        return make(name)
    # MinAtar warns on import that it cannot draw without seaborn; it is not asked to draw.
    logging.disable(logging.WARNING)
    install = "'dlcourse[rl]', then python -m pip install --no-deps minatar"
    try:
        with needed("MinAtar on Gymnasium", f"the environment {name}", install):
            from minatar.gym import register_envs
    finally:
        logging.disable(logging.NOTSET)
    import gymnasium

    if name not in gymnasium.registry:
        register_envs()
    from dlcourse.applications.rl.wrappers import ForgetLastAction  # needs Gymnasium

    # Its checker does not know that planes may be bool.
    return ForgetLastAction(make(name, max_episode_steps=_MOST_FRAMES, disable_env_checker=True))


def network_of(game: Any, *, dueling: bool = False) -> Network:
    """Return a network for an environment, as data, chosen by the shape of what it shows.

    Raises
    ------
    ValueError
        If it shows neither a row of numbers nor planes of 10x10.
    """
    shape, actions = game.observation_space.shape, int(game.action_space.n)
    more = {"dueling": True} if dueling else {}
    if len(shape) == 1:
        scale = _SCALES.get(game.spec.id)
        own = {"kind": "MLPQNetwork", "in_features": shape[0], "scale": scale}
    elif len(shape) == 3 and shape[:2] == (10, 10):
        own = {"kind": "MinAtarQNetwork", "in_channels": shape[2]}
    else:
        raise ValueError(
            f"expected observations of shape (numbers,) or (10, 10, planes), found {shape}; "
            "write a QNetwork for this environment"
        )
    return {**own, "actions": actions, **more}


@explained
def network_for(game: Any, *, rng: np.random.Generator) -> QNetwork:
    """Return a new network for an environment; see `network_of`."""
    network: QNetwork = build(network_of(game), rng)
    return network
