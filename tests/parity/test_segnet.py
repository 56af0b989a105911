"""Max-unpooling and SegNet against PyTorch, in float64."""

from itertools import pairwise

import numpy as np
import pytest

from dlcourse.models import SegNet
from dlcourse.nn import MaxPool2d, MaxUnpool2d

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
from torch_agreement import assert_same

nn = torch.nn


@pytest.mark.parametrize(
    "options", [(2,), ((3, 2),), (2, 3), (3, 2, 1), (2, 2, 0, True), (3, 2, 1, True)]
)
def test_indices(options):
    x = np.random.default_rng(0).integers(0, 4, (2, 3, 9, 8)).astype(np.float64)  # many equals
    kernel, *stride_padding, ceil = (*options, False) if len(options) < 4 else options
    y, indices = MaxPool2d(kernel, *stride_padding, ceil_mode=ceil, return_indices=True)(x)
    pool = nn.MaxPool2d(kernel, *stride_padding, return_indices=True, ceil_mode=ceil)
    ty, t_indices = pool(torch.from_numpy(x))
    np.testing.assert_array_equal(y, ty)
    np.testing.assert_array_equal(indices, t_indices)


@pytest.mark.parametrize("size", [None, (9, 8)])
def test_unpooling(size):
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 8))
    y, indices = MaxPool2d(2, return_indices=True)(x)
    if size is None:
        x = x[:, :, :8]
        y, indices = MaxPool2d(2, return_indices=True)(x)
    ours = MaxUnpool2d(2)
    ty = torch.from_numpy(np.ascontiguousarray(y)).requires_grad_()
    z, tz = ours(y, indices, size), nn.MaxUnpool2d(2)(ty, torch.from_numpy(indices), size)
    np.testing.assert_array_equal(z, tz.detach())
    dz = np.random.default_rng(1).standard_normal(z.shape)
    tz.backward(torch.from_numpy(dz))
    dx, _ = ours.backward(dz)
    np.testing.assert_array_equal(dx, ty.grad)


class TorchSegNet(nn.Module):
    def __init__(self, classes, widths):
        super().__init__()
        channels, encoders, decoders = 3, [], []
        for number, stage in enumerate(widths):
            encoders.append(self.stage([channels, *stage]))
            decoders.append(self.stage([*stage[::-1], channels]))
            if number == 0:
                decoders[0] = nn.Sequential(
                    *decoders[0][:-3], nn.Conv2d(stage[0], classes, 3, padding=1)
                )
            channels = stage[-1]
        self.encoders, self.decoders = nn.ModuleList(encoders), nn.ModuleList(decoders)

    @staticmethod
    def stage(channels):
        layers = []
        for a, b in pairwise(channels):
            layers += [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, x):
        remembered = []
        for encoder in self.encoders:
            x, indices = nn.functional.max_pool2d(encoder(x), 2, return_indices=True)
            remembered.append(indices)
        for decoder, indices in zip(reversed(self.decoders), reversed(remembered), strict=True):
            x = decoder(nn.functional.max_unpool2d(x, indices, 2))
        return x


def test_scores_and_gradients():
    torch.manual_seed(0)
    widths = ((6, 8), (8,), (10, 12))
    theirs = TorchSegNet(4, widths).double()
    ours = SegNet(4, widths, rng=np.random.default_rng(0))
    assert_same(ours, theirs, np.random.default_rng(0).random((2, 3, 24, 32)))
