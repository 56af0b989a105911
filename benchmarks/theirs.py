"""The same networks in PyTorch, in its default memory order or in channels-last."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from cases import Case
from torch import nn


def runner(
    case: Case, images: np.ndarray, labels: np.ndarray, threads: int, channels_last: bool
) -> Callable[[], object]:
    """Return a function that runs one training step, or the images once through the network."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = NETWORKS[case.network]()
    x, t = torch.from_numpy(images), torch.from_numpy(labels)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    if not case.training:
        model.eval()

        def use() -> object:
            with torch.inference_mode():
                return model(x)

        return use
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    loss = nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        loss(model(x), t).backward()
        optimizer.step()

    return step


def deep_convnet() -> nn.Module:
    layers: list[nn.Module] = []
    plan = [(1, 16, 1), (16, 16, 1), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1)]
    for i, (c_in, c_out, padding) in enumerate(plan):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=padding), nn.ReLU()]
        if i % 2:
            layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(1024, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 10)]
    return nn.Sequential(*layers)


class Block(nn.Module):
    """Two convolutions with a shortcut around them: a projection, or zeros for new channels."""

    def __init__(self, c_in: int, c_out: int, stride: int, project: bool) -> None:
        super().__init__()
        self.stride, self.more = stride, c_out - c_in
        self.body = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.relu = nn.ReLU(inplace=True)
        self.projection = None
        if project and self.more:
            self.projection = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        around = x
        if self.projection is not None:
            around = self.projection(x)
        elif self.more:
            half = self.more // 2
            around = nn.functional.pad(
                x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half)
            )
        return self.relu(self.body(x) + around)


def resnet18() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    c_in = 64
    for c_out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(c_in, c_out, stride, True), Block(c_out, c_out, 1, True)]
        c_in = c_out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def resnet20() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
    ]
    c_in = 16
    for c_out, stride in ((16, 1), (32, 2), (64, 2)):
        layers += [Block(c_in, c_out, stride, False), Block(c_out, c_out, 1, False)]
        layers.append(Block(c_out, c_out, 1, False))
        c_in = c_out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg16() -> nn.Module:
    layers: list[nn.Module] = []
    c_in = 3
    for c_out, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(c_in, c_out, 3, 1, 1), nn.ReLU(inplace=True)]
            c_in = c_out
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout()]
    layers += [nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "DeepConvNet": deep_convnet,
    "ResNet-18": resnet18,
    "ResNet-20": resnet20,
    "VGG-16": vgg16,
}
