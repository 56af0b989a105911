"""What trains each entry of the zoo that is not a plain classifier.

``dlcourse train-entry NAME`` runs one. All have the same signature: the folder of the run, the
``command`` that started it, a ``seed``, and whether to show ``progress``; each returns its record.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dlcourse.applications.captioning.entries import run_nic
from dlcourse.applications.detection.entries import run_detector
from dlcourse.applications.driving.entries import run_segnet
from dlcourse.applications.generation.dcgan_recipe import run_dcgan
from dlcourse.applications.generation.diffusion_recipe import run_diffusion
from dlcourse.applications.generation.vae_recipe import run_vae
from dlcourse.applications.rl.dqn_recipe import ABLATIONS, AGENTS, run_dqn
from dlcourse.applications.rl.tabular_recipe import METHODS, PLANS, run_tabular
from dlcourse.applications.segmentation.entries import run_fcn
from dlcourse.applications.style.entries import PHOTOGRAPHS, run_grid, run_painted

# In an order in which each begins with the weights of those before it.
RECIPES: dict[str, Callable[..., dict[str, Any]]] = {
    "driving/segnet": run_segnet,
    **{f"scenes/fcn-{stride}s": partial(run_fcn, stride) for stride in (32, 16, 8)},
    "scenes/nic": run_nic,
    **{f"scenes/{name}": partial(run_detector, name) for name in ("rcnn", "fast-rcnn")},
    **{f"style/{name}": partial(run_painted, name) for name in PHOTOGRAPHS},
    "style/grid": run_grid,
    "generation/dcgan": run_dcgan,
    "generation/vae": run_vae,
    "generation/diffusion": run_diffusion,
    **{
        f"rl/{world}-{method}": partial(run_tabular, world, method)
        for world in PLANS
        for method in METHODS
    },
    **{name: partial(run_dqn, *agent) for name, agent in (AGENTS | ABLATIONS).items()},
}
