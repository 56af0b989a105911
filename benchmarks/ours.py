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
    case: Case, images: np.ndarray, labels: np.ndarray, threads: int, by_hand: bool
) -> Callable[[], object]:
    """Return a function that runs one training step, or the images once through the network.

    A step is one of `Trainer`, or `by_hand` the network's own gradient and the optimizer's step.
    """
    model = NETWORKS[case.network](rng=np.random.default_rng(0))
    threadpool_limits(threads, user_api="blas")  # from now on, as torch.set_num_threads
    if not case.training:
        return use(model, images)
    if by_hand:
        return step_by_hand(model, images, labels)
    return step(model, images, labels, threads)


def use(model: Classifier, images: np.ndarray) -> Callable[[], object]:
    """Return a function that runs the images through the network."""
    return lambda: model.predict(images)


def step(
    model: Classifier, images: np.ndarray, labels: np.ndarray, threads: int
) -> Callable[[], None]:
    """Return a function that runs a training step: forward, backward, Adam's update."""
    optimizer = Adam(model.parameters(), lr=0.001)
    parallel = ParallelModel(model, CrossEntropyLoss, threads)
    parallel.__enter__()  # for good: a training does so once

    def run() -> None:
        parallel.gradients(images, labels, len(images), seed=0, position=(0,))
        optimizer.step()

    return run


def step_by_hand(model: Classifier, images: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    """Return the same, as learners write it."""
    optimizer = Adam(model.parameters(), lr=0.001)
    model.skip_input_grad()

    def run() -> None:
        model.gradient(images, labels)
        optimizer.step()

    return run
