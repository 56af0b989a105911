"""FCN against the same network in PyTorch: scores and every gradient, in float64."""

import numpy as np
import pytest

from dlcourse.models import FCN
from dlcourse.models.backbone import WIDTHS

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
from torch_agreement import assert_same

nn = torch.nn


class TorchFCN(nn.Module):
    def __init__(self, classes, stride):
        super().__init__()
        self.stride = stride
        channels, stages = 3, []
        for widths in WIDTHS:
            layers = []
            for width in widths:
                layers += [
                    nn.Conv2d(channels, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                ]
                channels = width
            stages.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(
            nn.Conv2d(channels, 256, 3, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.Dropout(0.0),
            nn.Conv2d(256, classes, 1),
        )
        if stride <= 16:
            self.score_pool4 = nn.Conv2d(WIDTHS[3][-1], classes, 1)
            self.upscore2 = nn.ConvTranspose2d(classes, classes, 4, 2, 1, bias=False)
        if stride <= 8:
            self.score_pool3 = nn.Conv2d(WIDTHS[2][-1], classes, 1)
            self.upscore4 = nn.ConvTranspose2d(classes, classes, 4, 2, 1, bias=False)
        self.upscore = nn.ConvTranspose2d(
            classes, classes, 2 * stride, stride, stride // 2, bias=False
        )

    def forward(self, x):
        pools = []
        for stage in self.stages:
            x = stage(x)
            pools.append(x)
        scores = self.head(x)
        if self.stride <= 16:
            scores = self.upscore2(scores) + self.score_pool4(pools[3])
        if self.stride <= 8:
            scores = self.upscore4(scores) + self.score_pool3(pools[2])
        return self.upscore(scores)


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_scores_and_gradients(stride):
    torch.manual_seed(0)
    theirs = TorchFCN(4, stride).double()
    ours = FCN(4, stride, dropout=0.0, rng=np.random.default_rng(0))
    assert_same(ours, theirs, np.random.default_rng(0).random((2, 3, 64, 96)))
