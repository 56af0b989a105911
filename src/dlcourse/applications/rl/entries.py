"""The agents of the zoo: tables, and networks."""

from functools import partial

from dlcourse.applications.rl.dqn_recipe import evaluate_agent, train_agent
from dlcourse.applications.rl.tabular_recipe import METHODS, PLANS, evaluate_tables, train_tables
from dlcourse.zoo.training import Entry

ENTRIES = [
    *(
        Entry(
            f"rl/{world}-{method}",
            partial(train_tables, world, method),
            partial(evaluate_tables, world=world),
        )
        for world in PLANS
        for method in METHODS
    ),
    *(
        Entry(
            f"rl/{game}-{variant}-seed{seed}",
            partial(train_agent, game, variant),
            partial(evaluate_agent, game=game),
            seed,
            ships,
        )
        for game, variant, ships in (
            ("cartpole", "dqn", True),
            ("cartpole", "double", True),
            ("cartpole", "dueling", True),
            ("breakout", "dqn", True),
            # What happens without the copy that stands still, and without the memory.
            ("cartpole", "no-target", False),
            ("cartpole", "no-replay", False),
        )
        for seed in range(5)
    ),
]
