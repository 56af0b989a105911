"""Learning from rewards: agents, the episodes they play, and what they learn from them."""

from dlcourse.applications.rl.episodes import (
    Agent,
    Environment,
    Episodes,
    Transition,
    episode_seed,
    evaluate,
    make,
    play,
)
from dlcourse.applications.rl.exploration import ByStep, LinearSchedule, epsilon_greedy
from dlcourse.applications.rl.planning import best_return, expected_return, value_iteration
from dlcourse.applications.rl.tabular import (
    TabularAgent,
    learn,
    q_learning,
    q_learning_target,
    sarsa,
    sarsa_target,
)

__all__ = [
    "Agent",
    "ByStep",
    "Environment",
    "Episodes",
    "LinearSchedule",
    "TabularAgent",
    "Transition",
    "best_return",
    "episode_seed",
    "epsilon_greedy",
    "evaluate",
    "expected_return",
    "learn",
    "make",
    "play",
    "q_learning",
    "q_learning_target",
    "sarsa",
    "sarsa_target",
    "value_iteration",
]
