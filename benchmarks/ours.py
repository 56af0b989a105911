"""The networks of this package at work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cases import Case
from threadpoolctl import threadpool_limits

from dlcourse.models import DeepConvNet, ResNetCifar, resnet18, vgg16
from dlcourse.models.classifier import Classifier
from dlcourse.nn import CrossEntropyLoss
from dlcourse.optim import Adam
from dlcourse.training import ParallelModel

NETWORKS: dict[str, Callable[..., Classifier]] = {
    "DeepConvNet": DeepConvNet,
    "ResNet-18": resnet18,
    "ResNet-20": lambda rng: ResNetCifar(20, rng=rng),
    "VGG-16": vgg16,
}


def runner(
    case: Case, images: np.ndarray, labels: np.ndarray, threads: int
) -> Callable[[], object]:
    """Return a function that runs one training step, or the images once through the network."""
    model = NETWORKS[case.network](rng=np.random.default_rng(0))
    return step(model, images, labels, threads) if case.training else use(model, images, threads)


def use(model: Classifier, images: np.ndarray, threads: int) -> Callable[[], object]:
    """Return a function that runs the images through the network."""

    def run() -> object:
        with threadpool_limits(threads, user_api="blas"):
            return model.predict(images)

    return run


def step(
    model: Classifier, images: np.ndarray, labels: np.ndarray, threads: int
) -> Callable[[], None]:
    """Return a function that runs a training step: forward, backward, Adam's update."""
    optimizer = Adam(model.parameters(), lr=0.001)
    parallel = ParallelModel(model, CrossEntropyLoss, threads)

    def run() -> None:
        # To enter takes a fifth of a millisecond, which a training pays once.
        with threadpool_limits(threads, user_api="blas"), parallel:
            parallel.gradients(images, labels, len(images), seed=0, position=(0,))
            optimizer.step()

    return run
