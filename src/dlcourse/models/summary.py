"""What a network is made of: shapes, parameters, multiply-adds and receptive fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.models.report import is_layer, named_once, table
from dlcourse.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Module,
)
from dlcourse.nn.pooling import adaptive_windows


@dataclass(frozen=True)
class Field:
    """Receptive field: how much of the image one output value depends on.

    Attributes
    ----------
    size : (int, int) or None
        Height and width in pixels, borders included; None for the whole image.
    jump : (int, int)
        Pixels between neighbouring outputs.
    """

    size: tuple[int, int] | None = (1, 1)
    jump: tuple[int, int] = (1, 1)

    def through(
        self, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
    ) -> Field:
        """Return the field after a sliding window: ``r + (K - 1) D j``, with jump ``j S``."""
        if self.size is None:
            return self
        size = [
            r + (k - 1) * d * j
            for r, k, d, j in zip(self.size, kernel, dilation, self.jump, strict=True)
        ]
        jump = [j * s for j, s in zip(self.jump, stride, strict=True)]
        return Field((size[0], size[1]), (jump[0], jump[1]))

    def __str__(self) -> str:
        return "all" if self.size is None else f"{self.size[0]}x{self.size[1]}"


@dataclass(frozen=True)
class Row:
    """One layer."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int  #: for one image
    field: Field


@dataclass(frozen=True)
class Summary:
    """The layers of a network in the order they run; printing it shows a table."""

    network: str
    rows: list[Row]
    parameters: int
    #: those in layers that only run in training, as auxiliary classifiers do
    idle: int = 0

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions and linear layers, for one image."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "multiply-adds", "sees")
        body = [
            (
                row.name,
                row.kind,
                "x".join(map(str, row.output_shape)),
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
                str(row.field),
            )
            for row in self.rows
        ]
        if self.idle:
            body.append(("(training only)", "", "", f"{self.idle:,}", "0", ""))
        total = ("total", self.network, "", f"{self.parameters:,}", f"{self.multiply_adds:,}", "")
        return table([head, *body, total], left=range(3))


def summary(model: Module, input_shape: Sequence[int]) -> Summary:
    """Run one blank image through a network and report every layer.

    Parameters
    ----------
    model : Module
        The network; left as it was.
    input_shape : (C, H, W)
        Shape of one image.

    Returns
    -------
    Summary
        Multiply-adds count convolutions and linear layers only, one for each product, as
        torchvision's tables do. Layers that only run in training have no rows; their parameters
        are in the total. A layer that runs several times has a row for each, and its parameters
        are in the first. Receptive fields follow Araujo, Norris and Sim (2019).

    Examples
    --------
    >>> from dlcourse.models import DeepConvNet
    >>> report = summary(DeepConvNet(rng=np.random.default_rng(0)), (1, 28, 28))
    >>> report.parameters
    123552
    >>> report.rows[0].field.size, report.rows[0].multiply_adds
    ((3, 3), 112896)
    """
    rows: list[Row] = []
    ran: set[str] = set()
    # Arrays are known by identity; keeping them makes sure that no identity is used again.
    fields: dict[int, tuple[Array, Field]] = {}
    last = Field()

    def watch(name: str, module: Module) -> Callable[..., Any]:
        forward = module.forward

        def watched(x: Array, *more: Any, **options: Any) -> Any:
            nonlocal last
            before = fields[id(x)][1] if id(x) in fields else last
            start = len(rows)
            output = forward(x, *more, **options)
            y = output[0] if isinstance(output, tuple) else output  # the rest is about the first
            if is_layer(module):
                after = _after(module, before, x.shape[2:])
                rows.append(
                    Row(
                        name,
                        type(module).__name__,
                        y.shape[1:],
                        0 if name in ran else _count(module),
                        multiply_adds(module, y.shape[1:]),
                        after,
                    )
                )
                ran.add(name)
            else:
                # Where a composite joins branches, its output sees what the widest one sees.
                inside = [row.field for row in rows[start:]] or [before]
                after = fields[id(y)][1] if id(y) in fields else max(inside, key=_width)
            fields[id(y)] = (y, after)
            last = after
            return output

        return watched

    xp = array_module(*(parameter.data for parameter in model.parameters()))
    x = xp.zeros((1, *input_shape), np.float32)
    fields[id(x)] = (x, Field())
    twin = model.replica().eval()
    for name, module in named_once(twin):
        module.forward = watch(name, module)  # type: ignore[method-assign]
    twin(x)
    layers = [(name, module) for name, module in named_once(twin) if is_layer(module)]
    idle = sum(_count(module) for name, module in layers if name not in ran)
    return Summary(type(model).__name__, rows, _count(model), idle)


def _after(module: Module, before: Field, size: tuple[int, ...]) -> Field:
    if isinstance(module, Conv2d):
        geometry = module.geometry
        return before.through(geometry.kernel, geometry.stride, geometry.dilation)
    if isinstance(module, ConvTranspose2d):
        return _enlarged(before, module.geometry.kernel, module.geometry.stride)
    if isinstance(module, Linear | GlobalAvgPool):
        return Field(None)
    if isinstance(module, MaxPool2d | AvgPool2d):
        return before.through(module.kernel_size, module.stride, (1, 1))
    if isinstance(module, AdaptiveAvgPool2d):
        if module.output_size == (1, 1):
            return Field(None)
        # Where the grid does not divide the image, this is the widest window and the usual step.
        (h, w), (oh, ow) = size, module.output_size
        kernel = [
            max(end - start for start, end in adaptive_windows(*pair))
            for pair in ((h, oh), (w, ow))
        ]
        return before.through((kernel[0], kernel[1]), (max(1, h // oh), max(1, w // ow)), (1, 1))
    return before


def _enlarged(before: Field, kernel: tuple[int, int], stride: tuple[int, int]) -> Field:
    """Return the field after a transposed convolution: ceil(K / S) inputs reach an output."""
    # That many inputs, side by side, are what a window of that width would see.
    reaching = (-(-kernel[0] // stride[0]), -(-kernel[1] // stride[1]))
    after = before.through(reaching, (1, 1), (1, 1))
    jump = [max(1, j // s) for j, s in zip(after.jump, stride, strict=True)]
    return Field(after.size, (jump[0], jump[1]))


def multiply_adds(layer: Module, output_shape: tuple[int, ...]) -> int:
    """Return the multiply-adds of a convolution or a linear layer, and 0 for others.

    Parameters
    ----------
    layer : Module
        Without layers inside.
    output_shape : tuple of int
        Of one image's output, or of a batch's.

    Examples
    --------
    >>> multiply_adds(Linear(4, 8, rng=np.random.default_rng(0)), (5, 8))
    160
    """
    if isinstance(layer, Conv2d | Linear):
        # Every output value is a sum of one product for each weight in a row.
        products: int = math.prod(layer.weight.data.shape[1:])
        return math.prod(output_shape) * products
    if isinstance(layer, ConvTranspose2d):
        # Every input value is spread over a window of each output channel.
        *images, _, height, width = output_shape
        positions = layer.geometry.output_size((height, width))
        weights: int = layer.weight.data.size
        return math.prod(images) * math.prod(positions) * weights
    return 0


def _count(module: Module) -> int:
    return sum(math.prod(parameter.data.shape) for parameter in module.parameters())


def _width(field: Field) -> float:
    return float("inf") if field.size is None else field.size[0]
