"""The networks that recipes can name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlcourse.models import Classifier, DeepConvNet, InceptionConvNet, ResNetCifar, StackedConvNet

#: Networks by name, each made with the generator of its initial weights.
MODELS: dict[str, Callable[[np.random.Generator], Classifier]] = {
    "deep-convnet": lambda rng: DeepConvNet(rng=rng),
    # Under 10,000 parameters.
    "small-convnet": lambda rng: StackedConvNet(
        [(8, 8), (16, 16), (16, 16)], batch_norm=True, rng=rng
    ),
    # Chapter 1: the same number of parameters, about 30,000, in one to four layers per stage.
    "stack-1x7": lambda rng: StackedConvNet([(8,), (16,), (29,)], kernel_size=7, rng=rng),
    "stack-1x5": lambda rng: StackedConvNet([(11,), (22,), (42,)], kernel_size=5, rng=rng),
    "stack-1x3": lambda rng: StackedConvNet([(18,), (36,), (72,)], rng=rng),
    "stack-2x3": lambda rng: StackedConvNet([(10,) * 2, (20,) * 2, (42,) * 2], rng=rng),
    "stack-3x3": lambda rng: StackedConvNet([(8,) * 3, (16,) * 3, (32,) * 3], rng=rng),
    "stack-4x3": lambda rng: StackedConvNet([(7,) * 4, (13,) * 4, (27,) * 4], rng=rng),
    # Chapter 2: the networks of the degradation problem, with half the paper's channels.
    "plain-20": lambda rng: ResNetCifar(20, shortcut=False, in_channels=1, width=8, rng=rng),
    "plain-56": lambda rng: ResNetCifar(56, shortcut=False, in_channels=1, width=8, rng=rng),
    "resnet-20": lambda rng: ResNetCifar(20, in_channels=1, width=8, rng=rng),
    "resnet-56": lambda rng: ResNetCifar(56, in_channels=1, width=8, rng=rng),
    # Chapter 2: the ideas of four years in networks of one size, about 33,500 parameters.
    "idea-large-filters": lambda rng: StackedConvNet(
        [(11,), (23,), (46,)], kernel_size=5, batch_norm=True, rng=rng
    ),
    "idea-small-filters": lambda rng: StackedConvNet(
        [(10,) * 2, (21,) * 2, (44,) * 2], batch_norm=True, rng=rng
    ),
    "idea-inception": lambda rng: InceptionConvNet(16, [(32,), (32, 48), (64, 64)], rng=rng),
    "idea-residual": lambda rng: ResNetCifar(14, in_channels=1, width=7, rng=rng),
}
