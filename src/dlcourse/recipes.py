"""What trains each entry of the zoo that is no plain classifier.

``dlcourse train-entry NAME`` runs one. All have the same signature: the folder of the run, the
``command`` that asks for it, a ``seed``, and whether to show ``progress``; each returns its record.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dlcourse.captioning.recipe import run_nic
from dlcourse.detection.recipe import run_detector
from dlcourse.generation.recipe import run_dcgan
from dlcourse.rl.deep_recipe import AGENTS, run_dqn
from dlcourse.rl.tabular_recipe import METHODS, PLANS, run_tabular
from dlcourse.segmentation.recipe import run_fcn

# In an order in which each begins with the weights of those before it.
RECIPES: dict[str, Callable[..., dict[str, Any]]] = {
    **{f"scenes/fcn-{stride}s": partial(run_fcn, stride) for stride in (32, 16, 8)},
    "scenes/nic": run_nic,
    **{f"scenes/{name}": partial(run_detector, name) for name in ("rcnn", "fast-rcnn")},
    "generation/dcgan": run_dcgan,
    **{
        f"rl/{world}-{method}": partial(run_tabular, world, method)
        for world in PLANS
        for method in METHODS
    },
    **{name: partial(run_dqn, *agent) for name, agent in AGENTS.items()},
}
