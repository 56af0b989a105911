"""Layers one after another, some of them in one pass over the images.

Batch normalization and ReLU do little with each value: most of their time they wait for memory. The
kernels in C (`dlcourse.native`) can do that little before the layer in front writes its output. So
that layer gets a `Finish`, which says what follows it. The layers behind are called all the same
and keep what their backward passes need, but they are told that their work is done. In a network
made by `Module.for_inference` there is nothing to keep, and they are not called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeGuard, TypeVar

from dlcourse import native
from dlcourse.backend import Array
from dlcourse.nn.activation import ReLU, ReLU6
from dlcourse.nn.contract import only_forward
from dlcourse.nn.convolution import Conv2d
from dlcourse.nn.finish import Finish
from dlcourse.nn.module import Module
from dlcourse.nn.normalization import BatchNorm2d
from dlcourse.nn.pooling import MaxPool2d

M = TypeVar("M", bound=Module)

#: What is known here; another forward pass may stand in its place, to count or to time it.
_FORWARD: dict[type[Module], Callable[..., Array]] = {
    kind: kind.forward for kind in (Conv2d, BatchNorm2d, ReLU, ReLU6, MaxPool2d)
}


def chained(x: Array, *parts: Module, plus: Array | None = None) -> Array:
    """Return what modules make of `x`, each taking the output of the one before.

    Where the kernels in C can serve, these run in one pass: a `Conv2d`, a `BatchNorm2d` in
    evaluation behind it, and a `ReLU` or `ReLU6` behind that; a `BatchNorm2d` in training and a
    `ReLU`. Where no backward pass can follow, so does a `MaxPool2d` of 2x2 behind such a ReLU. No
    bit of an output or a gradient depends on that.

    Parameters
    ----------
    x : array
        The input of the first.
    *parts : Module
        In order; their backward passes are called one by one, in reverse.
    plus : array, optional
        For the last of them, which is a `ReLU`, see there.

    Examples
    --------
    >>> import numpy as np
    >>> conv, relu = Conv2d(1, 2, 3, rng=np.random.default_rng(0)), ReLU()
    >>> x = np.ones((1, 1, 5, 5), np.float32)
    >>> bool((chained(x, conv, relu) == relu(conv(x))).all())
    True
    """
    for first, norm, relu, pool in _groups(parts):
        added = plus if (relu or first) is parts[-1] else None
        if not _serves(first, norm, relu, x, added):
            *before, last = (part for part in (first, norm, relu, pool) if part is not None)
            for part in before:
                x = part(x)
            x = last(x) if added is None else last(x, plus=added)
            continue
        kind = type(relu)
        factors, keep = None if norm is None else norm.factors, not only_forward(first)
        finish = Finish(factors, added, kind is ReLU, kind is ReLU6, pool is not None, keep)
        x = first(x, finish=finish)
        if not keep:
            continue
        if norm is not None:
            x = norm(x, source=finish.source)
        if relu is not None:
            x = relu(x, kept=finish.kept)
    return x


def _serves(
    first: Module, norm: Module | None, relu: Module | None, x: Array, plus: Array | None
) -> bool:
    """Whether there is work of others for the first to do, and kernels suit these arrays."""
    if norm is None and relu is None:
        return False
    arrays = (x, vars(first)["weight"].data)
    if plus is None:
        return native.has_kernels(*arrays)
    return type(first) is Conv2d and native.has_kernels(*arrays, plus)


def _groups(
    parts: tuple[Module, ...],
) -> Iterator[tuple[Module, BatchNorm2d | None, ReLU | ReLU6 | None, MaxPool2d | None]]:
    """Yield each module with those behind it whose work it can do."""
    waiting = [*reversed(parts)]

    def taken(kind: type[M]) -> M | None:
        if waiting and _is(behind := waiting[-1], kind):
            waiting.pop()
            return behind
        return None

    while waiting:
        first = waiting.pop()
        norm, pool = None, None
        relu: ReLU | ReLU6 | None = None
        if _is(first, Conv2d):
            if waiting and _is(behind := waiting[-1], BatchNorm2d) and _fits(first, behind):
                norm = taken(BatchNorm2d)
            relu = taken(ReLU) or taken(ReLU6)
            if relu and only_forward(first) and waiting and _halves(waiting[-1]):
                pool = taken(MaxPool2d)
        elif _is(first, BatchNorm2d):
            relu = taken(ReLU)
        yield first, norm, relu, pool


def _is(part: Module, kind: type[M]) -> TypeGuard[M]:
    """Whether a module is exactly of this kind, and its forward pass the one known here."""
    return type(part) is kind and kind.forward is _FORWARD[kind] and "forward" not in vars(part)


def _halves(part: Module) -> bool:
    """Whether a module is a `MaxPool2d` that takes the largest of each 2x2 values, and no more."""
    if not _is(part, MaxPool2d) or part.ceil_mode or part.return_indices:
        return False
    return (part.kernel_size, part.stride, part.padding) == ((2, 2), (2, 2), (0, 0))


def _fits(conv: Conv2d, norm: BatchNorm2d) -> bool:
    """Whether the convolution can do the work of the normalization.

    The gradient of its scale would take the convolution a second time: in a network that learns
    it, its input is kept instead.
    """
    learns = conv.training and norm.weight.requires_grad
    return not norm.training and not learns and norm.num_features == conv.out_channels
