"""How the cost of this package grows: with the batch, the depth, the image and the threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import ours
from threadpoolctl import threadpool_limits
from turns import in_turn, spread

from dlcourse.models import DeepConvNet, ResNetCifar, resnet18


@dataclass(frozen=True)
class Growth:
    """What grows, its values, and what is timed at each of them on so many threads."""

    title: str
    axis: str
    values: tuple[int, ...]
    make: Callable[[int, int], Callable[[], object]]

    def measure(self, threads: int, budget: float, quick: bool) -> dict[str, object]:
        """Return the seconds at each value, all values in turn."""
        values = [v for v in self.values if self.axis != "threads" or v <= threads]
        values = values[:2] if quick else values
        with threadpool_limits(threads, user_api="blas"):
            runs = {str(value): self.make(value, threads) for value in values}
            seconds = in_turn(runs, budget)
        return {
            "title": self.title,
            "axis": self.axis,
            "seconds": {value: spread(s) for value, s in seconds.items()},
        }


def _batch(size: int, threads: int) -> Callable[[], object]:
    return _step(DeepConvNet(rng=_rng()), (size, 1, 28, 28), threads)


def _threads(count: int, _: int) -> Callable[[], object]:
    return _step(DeepConvNet(rng=_rng()), (100, 1, 28, 28), count)


def _depth(depth: int, threads: int) -> Callable[[], object]:
    return _step(ResNetCifar(depth, rng=_rng()), (10, 3, 32, 32), threads)


def _side(side: int, _: int) -> Callable[[], object]:
    images = _rng().standard_normal((1, 3, side, side), dtype=np.float32)
    return ours.use(resnet18(rng=_rng()), images)


def _step(model, shape: tuple[int, ...], threads: int) -> Callable[[], object]:
    images = _rng().standard_normal(shape, dtype=np.float32)
    return ours.step(model, images, _rng().integers(0, 10, shape[0]), threads)


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


GROWTH = {
    "growth-batch": Growth(
        "DeepConvNet, training step", "images in the batch", (1, 5, 25, 50, 100, 200, 400), _batch
    ),
    "growth-depth": Growth(
        "ResNet of CIFAR, training step at batch 10", "layers", (8, 14, 20, 32, 44), _depth
    ),
    "growth-size": Growth(
        "ResNet-18, inference", "pixels a side", (64, 96, 128, 224, 320, 448), _side
    ),
    "growth-threads": Growth(
        "DeepConvNet, training step at batch 100", "threads", (1, 2, 4, 8, 16), _threads
    ),
}
