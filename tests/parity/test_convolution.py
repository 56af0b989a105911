"""Convolution and pooling against PyTorch, forward and backward."""

import numpy as np
import pytest

from dlcourse.nn import AdaptiveAvgPool2d, AvgPool2d, Conv2d, MaxPool2d

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")

from torch_agreement import assert_same_layer, take_over


@pytest.mark.parametrize("kernel", [1, 2, 3, (3, 5)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (4, 1), (4, 2), (4, 4), (8, 8)])
def test_conv2d(kernel, stride, padding, dilation, channels, groups):
    rng = np.random.default_rng(0)
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    ours = Conv2d(channels, 8, kernel, **options, rng=rng)
    theirs = torch.nn.Conv2d(channels, 8, kernel, **options)
    take_over(ours, theirs)
    assert_same_layer(ours, theirs, rng.standard_normal((2, channels, 11, 13), dtype=np.float32))


@pytest.mark.parametrize("kernel", [2, 3, (2, 3)])
@pytest.mark.parametrize("stride", [None, 1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("kind", ["MaxPool2d", "AvgPool2d"])
def test_pooling(kernel, stride, padding, kind):
    # Few different values, so that ties are many.
    x = np.random.default_rng(0).integers(0, 4, (2, 3, 10, 11)).astype(np.float32)
    ours = {"MaxPool2d": MaxPool2d, "AvgPool2d": AvgPool2d}[kind](kernel, stride, padding)
    assert_same_layer(ours, getattr(torch.nn, kind)(kernel, stride, padding), x)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 4), (7, 6), (10, 11)])
@pytest.mark.parametrize(
    ("kernel", "padding"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), ((2, 3), 1)]
)
@pytest.mark.parametrize("stride", [1, 2, 3, (2, 5)])
def test_max_pooling_in_ceil_mode(size, kernel, stride, padding):
    x = np.random.default_rng(0).integers(0, 4, (2, 3, *size)).astype(np.float32)
    ours = MaxPool2d(kernel, stride, padding, ceil_mode=True)
    theirs = torch.nn.MaxPool2d(kernel, stride, padding, ceil_mode=True)
    try:
        theirs(torch.from_numpy(x))
    except RuntimeError:  # the output would be empty
        with pytest.raises(ValueError, match="does not fit an image"):
            ours(x)
    else:
        assert_same_layer(ours, theirs, x)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 7), (10, 13), (14, 14)])
@pytest.mark.parametrize("output", [1, 4, 6, 7, (3, 5)])
@pytest.mark.parametrize("last", [False, True])
def test_adaptive_average_pooling(size, output, last):
    x = np.random.default_rng(0).standard_normal((2, *size, 3), dtype=np.float32)
    x = x.transpose(0, 3, 1, 2) if last else x.reshape(2, 3, *size)
    assert_same_layer(AdaptiveAvgPool2d(output), torch.nn.AdaptiveAvgPool2d(output), x)
