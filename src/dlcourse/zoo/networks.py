"""Networks as data: the kind, a class of `dlcourse.models`, and its arguments.

That is how records and recipes have them, ``{"kind": "FCN", "classes": 11, "stride": 8}``, so a
network can be built without the code that trained it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcourse import models
from dlcourse.expect import shortened
from dlcourse.habits import explained
from dlcourse.nn import Module

#: A network: its kind and the arguments of its class.
Network = Mapping[str, Any]


def _stacked(*stages: list[int], **more: Any) -> Network:
    return {"kind": "StackedConvNet", "stages": [*stages], **more}


def _residual(depth: int, width: int = 8, **more: Any) -> Network:
    return {"kind": "ResNetCifar", "depth": depth, "in_channels": 1, "width": width, **more}


#: Classifiers of grey images of 28 x 28 pixels by name, for recipes and commands.
MODELS: dict[str, Network] = {
    "deep-convnet": {"kind": "DeepConvNet"},
    # Under 10,000 parameters.
    "small-convnet": _stacked([8, 8], [16, 16], [16, 16], batch_norm=True),
    # Chapter 1: the same number of parameters, about 30,000, in one to four layers per stage.
    "stack-1x7": _stacked([8], [16], [29], kernel_size=7),
    "stack-1x5": _stacked([11], [22], [42], kernel_size=5),
    "stack-1x3": _stacked([18], [36], [72]),
    "stack-2x3": _stacked([10] * 2, [20] * 2, [42] * 2),
    "stack-3x3": _stacked([8] * 3, [16] * 3, [32] * 3),
    "stack-4x3": _stacked([7] * 4, [13] * 4, [27] * 4),
    # Chapter 2: the networks of the degradation problem, with half the paper's channels.
    "plain-20": _residual(20, shortcut=False),
    "plain-56": _residual(56, shortcut=False),
    "resnet-20": _residual(20),
    "resnet-56": _residual(56),
    # Chapter 2: the ideas of four years in networks of one size, about 33,500 parameters.
    "idea-large-filters": _stacked([11], [23], [46], kernel_size=5, batch_norm=True),
    "idea-small-filters": _stacked([10] * 2, [21] * 2, [44] * 2, batch_norm=True),
    "idea-inception": {
        "kind": "InceptionConvNet",
        "stem": 16,
        "stages": [[32], [32, 48], [64, 64]],
    },
    "idea-residual": _residual(14, width=7),
}


@explained
def build(network: Network, rng: np.random.Generator | None = None) -> Any:
    """Return a network, untrained.

    Parameters
    ----------
    network : mapping
        Its kind and arguments.
    rng : numpy.random.Generator, optional
        Draws the initial weights; of no matter where trained ones take their place.

    Raises
    ------
    ValueError
        If the kind is not a network of `dlcourse.models`.

    Examples
    --------
    >>> build({"kind": "FCN", "classes": 11, "stride": 8}).stride
    8
    """
    kind = network.get("kind")
    made = getattr(models, str(kind), None)
    if not (isinstance(made, type) and issubclass(made, Module)):
        raise ValueError(f"expected a network of dlcourse.models by name, found {shortened(kind)}")
    arguments = {name: value for name, value in network.items() if name != "kind"}
    make: Any = made
    return make(**arguments, rng=rng or np.random.default_rng(0))
