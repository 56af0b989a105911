"""A network in int8, as `quantize` makes it, in memory and in a file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dlcourse.backend import Array, to_numpy
from dlcourse.files import Found, reading
from dlcourse.nn import Flatten, MaxPool2d, Module
from dlcourse.nn.kernels.windows import Geometry
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.precision.grid import Grid
from dlcourse.precision.layers import LayerList
from dlcourse.precision.quantized import (
    QuantizedConv2d,
    QuantizedGlobalAvgPool,
    QuantizedLinear,
    QuantizeInput,
)

_FORMAT = "dlcourse int8 network 1"
#: No window, step or border of a network is wider; a false one could demand any amount of memory.
_WIDEST = 1024
_WEIGHTED = ("QuantizedConv2d", "QuantizedLinear")
_KINDS = ("QuantizeInput", "QuantizedGlobalAvgPool", "MaxPool2d", "Flatten", *_WEIGHTED)
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
    FileError
        If the file is damaged or is not one of an int8 network.
    """
    arrays: dict[str, Array] = dict(load_arrays(path))
    with reading(path, f"a {_FORMAT}", "load the file that QuantizedNetwork.save wrote"):
        if arrays.keys() != {"json", *_ARRAYS}:
            raise Found("an .npz file of another kind")
        text = json.loads(bytes(arrays["json"]))
        if text["format"] != _FORMAT:
            raise Found(f"the format {text['format']!r}")
        for name, dtype in _ARRAYS.items():
            array = arrays[name]
            if array.dtype != dtype or array.ndim != 1 or not np.isfinite(array).all():
                raise Found(f"values of {name!r} in another form")
        network = QuantizedNetwork(*(_build(layer, arrays) for layer in text["layers"]))
        if any(arrays[name].size for name in _ARRAYS):
            raise Found("more weights than the layers have")
        return network.eval()


def _describe(layer: Module) -> dict[str, Any]:
    """Return everything about a layer but its arrays, in a form that JSON can hold."""
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
    if kind not in _KINDS:
        raise Found(f"a layer of the unknown kind {kind!r}")
    grids: dict[str, Any] = {
        name: _grid(described[name], kind, name)
        for name in ("input", "output")
        if name in described
    }
    if kind == "QuantizeInput":
        return QuantizeInput(**grids)
    if kind == "QuantizedGlobalAvgPool":
        return QuantizedGlobalAvgPool(**grids)
    if kind == "MaxPool2d":
        return MaxPool2d(_pair(described["kernel_size"], 1), _pair(described["stride"], 1))
    if kind == "Flatten":
        return Flatten()
    shape = tuple(described["shape"])
    if len(shape) != (4 if kind == "QuantizedConv2d" else 2) or not _whole(shape, 1):
        raise Found(f"a {kind} of shape {shape}")
    sizes = {"weight": math.prod(shape), "bias": shape[0], "scale": shape[0]}
    taken = []
    for name, size in sizes.items():
        if arrays[name].size < size:
            raise Found(f"too few values of {name!r}")
        taken.append(arrays[name][:size])
        arrays[name] = arrays[name][size:]
    weight, bias, scale = taken
    weight = weight.reshape(shape)
    if kind == "QuantizedLinear":
        return QuantizedLinear(weight, bias, scale, **grids)
    geometry = Geometry(*map(_pair, described["geometry"], (1, 1, 0, 1)))
    groups = described["groups"]
    if geometry.kernel != shape[2:] or not _whole([groups], 1) or shape[0] % groups:
        raise Found(f"a convolution of {groups} groups and kernel {geometry.kernel}, shape {shape}")
    return QuantizedConv2d(weight, bias, scale, geometry=geometry, groups=groups, **grids)


def _grid(described: Any, kind: str, name: str) -> Grid | None:
    if described is None and name == "output" and kind in _WEIGHTED:
        return None
    scale, zero_point = described
    if not (0 < scale < math.inf and _whole([zero_point + 128], 0) and zero_point <= 127):
        raise Found(f"a {kind} with scale {scale!r} and zero point {zero_point!r}")
    return Grid(scale, zero_point)


def _pair(described: Any, least: int) -> tuple[int, int]:
    height, width = described
    if not _whole([height, width], least) or max(height, width) > _WIDEST:
        raise Found(f"windows of {described!r}")
    return height, width


def _whole(values: Iterable[object], least: int) -> bool:
    return all(type(value) is int and value >= least for value in values)
