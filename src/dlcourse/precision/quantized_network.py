"""A network in int8, as `quantize` makes it, in memory and in a file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcourse.backend import Array, to_numpy
from dlcourse.nn import Flatten, MaxPool2d, Module
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.nn.windows import Geometry
from dlcourse.precision.grid import Grid
from dlcourse.precision.layers import LayerList
from dlcourse.precision.quantized import (
    QuantizedConv2d,
    QuantizedGlobalAvgPool,
    QuantizedLinear,
    QuantizeInput,
)

_FORMAT = "dlcourse int8 network 1"
_ARRAYS = {"weight": np.int8, "bias": np.int32, "scale": np.float32}


class QuantizedNetwork(LayerList):
    """Layers that hand each other int8 values; made by `quantize` or `load_quantized`."""

    def __init__(self, *layers: Module) -> None:
        super().__init__(*layers)
        for layer in layers[1:]:
            layer.input_kinds = "i"  # pooling too, which usually gets floating-point values

    @property
    def nbytes(self) -> int:
        """Bytes of weights, biases and scales."""
        return sum(array.nbytes for array in self.state_dict().values())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an ``.npz`` file, whole or not at all.

        All weights are one array, as are all biases and all scales: in an ``.npz`` each array
        costs about 250 bytes, as much as the scales of 60 channels.

        Examples
        --------
        >>> import os, tempfile
        >>> from dlcourse.nn import Linear
        >>> from dlcourse.precision import quantize
        >>> rng = np.random.default_rng(0)
        >>> x = rng.random((4, 8), dtype=np.float32)
        >>> network = quantize(Linear(8, 2, rng=rng), x)
        >>> path = os.path.join(tempfile.mkdtemp(), "small.npz")
        >>> network.save(path)
        >>> bool((load_quantized(path)(x) == network(x)).all())
        True
        """
        text = json.dumps({"format": _FORMAT, "layers": [_describe(m) for m in self]})
        arrays: dict[str, Array] = {"json": np.frombuffer(text.encode(), np.uint8)}
        for name, dtype in _ARRAYS.items():
            parts = [to_numpy(getattr(m, name)).ravel() for m in self if hasattr(m, name)]
            arrays[name] = np.concatenate(parts).astype(dtype)
        save_arrays(path, arrays)


def load_quantized(path: str | os.PathLike[str]) -> QuantizedNetwork:
    """Read a network that `QuantizedNetwork.save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or is not one of an int8 network.
    """
    arrays = load_arrays(path)
    try:
        text = json.loads(bytes(arrays["json"]))
        if text["format"] != _FORMAT:
            raise ValueError(f"found {text['format']!r}")
        if any(arrays[name].dtype != dtype for name, dtype in _ARRAYS.items()):
            raise ValueError("an array has another dtype")
        network = QuantizedNetwork(*(_build(layer, arrays) for layer in text["layers"]))
        if any(arrays[name].size for name in _ARRAYS):
            raise ValueError("there are more weights than the layers have")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{os.fspath(path)}: expected a {_FORMAT}, but {error}; "
            "load the file that QuantizedNetwork.save wrote"
        ) from error
    return network.eval()


def _describe(layer: Module) -> dict[str, Any]:
    """Return all of a layer but its arrays, as JSON can hold it."""
    described: dict[str, Any] = {"kind": type(layer).__name__}
    for name in ("input", "output"):
        if hasattr(layer, name):
            grid = getattr(layer, name)
            described[name] = grid and [grid.scale, grid.zero_point]
    if isinstance(layer, QuantizedConv2d | QuantizedLinear):
        described["shape"] = layer.weight.shape
    if isinstance(layer, QuantizedConv2d):
        g = layer.geometry
        described["geometry"] = [g.kernel, g.stride, g.padding, g.dilation]
        described["groups"] = layer.groups
    if isinstance(layer, MaxPool2d):
        described |= {"kernel_size": layer.kernel_size, "stride": layer.stride}
    return described


def _build(described: Mapping[str, Any], arrays: dict[str, Array]) -> Module:
    """Return the layer of a description, with arrays taken off the front of `arrays`."""
    kind = described["kind"]
    grids: dict[str, Any] = {
        name: described[name] and Grid(*described[name])
        for name in ("input", "output")
        if name in described
    }
    if kind == "QuantizeInput":
        return QuantizeInput(**grids)
    if kind == "QuantizedGlobalAvgPool":
        return QuantizedGlobalAvgPool(**grids)
    if kind == "MaxPool2d":
        return MaxPool2d(tuple(described["kernel_size"]), tuple(described["stride"]))
    if kind == "Flatten":
        return Flatten()
    shape = tuple(described["shape"])
    sizes = {"weight": math.prod(shape), "bias": shape[0], "scale": shape[0]}
    taken = []
    for name, size in sizes.items():
        if arrays[name].size < size:
            raise ValueError(f"there are too few values of {name!r}")
        taken.append(arrays[name][:size])
        arrays[name] = arrays[name][size:]
    weight, bias, scale = taken
    weight = weight.reshape(shape)
    if kind == "QuantizedConv2d":
        geometry = Geometry(*map(tuple, described["geometry"]))
        return QuantizedConv2d(
            weight, bias, scale, geometry=geometry, groups=described["groups"], **grids
        )
    if kind == "QuantizedLinear":
        return QuantizedLinear(weight, bias, scale, **grids)
    raise ValueError(f"there is a layer of the unknown kind {kind!r}")
