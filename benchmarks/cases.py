"""What is measured against PyTorch: a network, in training or in use, at some batch sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """A network at work."""

    network: str
    training: bool
    shape: tuple[int, int, int]
    batches: tuple[int, ...] = (1, 10, 100)

    @property
    def title(self) -> str:
        """What the charts call it."""
        return f"{self.network}, {'training step' if self.training else 'inference'}"


CASES = {
    "deep-convnet-training": Case("DeepConvNet", True, (1, 28, 28)),
    "deep-convnet-inference": Case("DeepConvNet", False, (1, 28, 28)),
    "resnet-20-training": Case("ResNet-20", True, (3, 32, 32)),
    "resnet-18-inference": Case("ResNet-18", False, (3, 224, 224)),
    # A batch of 100 would take a minute a turn and, in PyTorch, over 4 GB.
    "vgg-16-inference": Case("VGG-16", False, (3, 224, 224), (1, 10)),
}


def batch(case: Case, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random images (N, C, H, W) and labels (N,), the same for every contestant."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((size, *case.shape), dtype=np.float32)
    return images, rng.integers(0, 10, size)
