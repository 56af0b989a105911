"""A network as data: what it is made of and its weights, for the engine in ``js/nn``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlcourse import nn
from dlcourse.backend import to_numpy
from dlcourse.models.residual import BasicBlock, Bottleneck, ZeroPadShortcut
from dlcourse.nn import Chain, Module, Parameter

#: Layers that the engine has, and those of their arguments that are attributes of the same name.
_LAYERS: dict[type[Module], tuple[str, ...]] = {
    nn.AvgPool2d: ("kernel_size", "stride", "padding"),
    nn.BatchNorm2d: ("num_features", "eps", "momentum"),
    nn.Conv2d: ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation"),
    nn.Dropout: ("p",),
    nn.Flatten: (),
    nn.GlobalAvgPool: (),
    nn.LeakyReLU: ("negative_slope",),
    nn.Linear: ("in_features", "out_features"),
    nn.MaxPool2d: ("kernel_size", "stride", "padding"),
    nn.ReLU: (),
    nn.Sigmoid: (),
    nn.Tanh: (),
    ZeroPadShortcut: ("extra_channels", "stride"),
}
_CONTAINERS: dict[type[Module], tuple[str, ...]] = {
    nn.Sequential: (),
    nn.Residual: (),
    BasicBlock: ("shortcut",),
    Bottleneck: (),
}
#: What a layer must not do, since the engine does not.
_LIMITS: dict[type[Module], dict[str, Any]] = {
    nn.Conv2d: {"groups": 1},
    nn.MaxPool2d: {"ceil_mode": False, "return_indices": False},
}


def network_data(network: Module) -> dict[str, Any]:
    """Return a network as JSON: its description, and its weights in float32.

    Parameters
    ----------
    network : Module
        A `Sequential`, or another network whose parts run one after another, such as `DeepConvNet`
        and `ResNetCifar`; containers and residual blocks may lie inside each other.

    Returns
    -------
    dict
        ``description``, see `describe`, and ``weights``: all arrays of the state but counts of
        batches, in order, as little-endian float32 in base64.

    Raises
    ------
    TypeError
        If the engine does not have a layer of the network.
    ValueError
        If it has the layer, but not with such an argument, or if layers share a parameter.

    Examples
    --------
    >>> data = network_data(nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()))
    >>> [layer["kind"] for layer in data["description"]["children"]]
    ['BatchNorm2d', 'ReLU']
    >>> np.frombuffer(base64.b64decode(data["weights"]), "<f4").tolist()
    [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    """
    description = describe(network)
    arrays = [to_numpy(a) for name, a in network.state_dict().items() if _is_weight(name)]
    values = np.concatenate([np.zeros(0), *(array.ravel() for array in arrays)])
    return {
        "description": description,
        "weights": base64.b64encode(values.astype("<f4").tobytes()).decode(),
    }


def describe(network: Module) -> dict[str, Any]:
    """Return what a network is made of, without its weights.

    Returns
    -------
    dict
        ``kind``, the name of the class ("Chain" for every network that is one), the arguments of
        the class by name, and for a container ``children``: descriptions in order, each with its
        ``name``.

    Raises
    ------
    TypeError
        If the engine does not have a layer of the network.
    ValueError
        If it has the layer, but not with such an argument, or if layers share a parameter.

    Examples
    --------
    >>> describe(nn.Sequential(nn.MaxPool2d(2)))["children"]
    [{'name': '0', 'kind': 'MaxPool2d', 'kernel_size': (2, 2), 'stride': (2, 2), 'padding': (0, 0)}]
    >>> describe(nn.Sequential(nn.GroupNorm(1, 4)))
    Traceback (most recent call last):
    TypeError: layer 0 is a GroupNorm, which does not run in the browser: use layers among ...
    """
    _check_own_parameters(network)
    return _described("", network)


def _check_own_parameters(network: Module) -> None:
    """Refuse layers that share a parameter: in the browser each would train its own."""
    places: dict[int, str] = {}
    for place, module in network.named_modules():
        for name, value in vars(module).items():
            if not isinstance(value, Parameter):
                continue
            here = f"{place}.{name}" if place else name
            first = places.setdefault(id(value), here)
            if first != here:
                raise ValueError(
                    f"{first} and {here} are one parameter, which does not run in the browser: "
                    "give each layer its own"
                )


def _described(place: str, module: Module) -> dict[str, Any]:
    kind = type(module)
    if kind in _LAYERS:
        for name, value in _LIMITS.get(kind, {}).items():
            found = getattr(module, name)
            if found != value:
                raise ValueError(
                    f"{_named(place)} has {name}={found!r}, which does not run in the browser: "
                    f"only {name}={value!r} does"
                )
        arguments = {"kind": kind.__name__, **_arguments(module, _LAYERS[kind])}
        if isinstance(module, nn.Conv2d | nn.Linear):
            arguments["bias"] = module.bias is not None  # the attribute is a Parameter or None
        return arguments
    if kind in _CONTAINERS:
        arguments = {"kind": kind.__name__, **_arguments(module, _CONTAINERS[kind])}
    elif isinstance(module, Chain) and kind.backward is Chain.backward:
        arguments = {"kind": "Chain"}  # a class with names for its parts, such as DeepConvNet
    else:
        known = sorted(layer.__name__ for layer in (*_LAYERS, *_CONTAINERS))
        raise TypeError(
            f"{_named(place)} is a {kind.__name__}, which does not run in the browser: use layers "
            f"among {', '.join(known)}"
        )
    return {**arguments, "children": [*_children(place, module)]}


def _children(place: str, module: Module) -> Iterator[dict[str, Any]]:
    for name, child in module.named_children():
        yield {"name": name, **_described(f"{place}.{name}" if place else name, child)}


def _arguments(module: Module, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names}


def _named(place: str) -> str:
    return f"layer {place}" if place else "the network"


def _is_weight(name: str) -> bool:
    # The engine has no use for the count, an int64, on which nothing depends.
    return not name.endswith("num_batches_tracked")
