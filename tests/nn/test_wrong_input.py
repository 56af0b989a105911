"""What a layer says of a setting or an input that cannot be."""

import numpy as np
import pytest
import told

from dlcourse import nn


def rng():
    return np.random.default_rng(0)


def zeros(*shape):
    return np.zeros(shape, np.float32)


TOLD = """
Conv2d(3, 4, 3, rng=rng())(zeros(1, 1, 8, 8))
    ValueError: expects (N, 3, H, W), found shape (1, 1, 8, 8)
Conv2d(3, 4, 3, rng=rng())(zeros(1, 3, 2, 2))  # ValueError: does not fit an image of 2x2
Conv2d(3, 4, 3, groups=2, rng=rng())
    ValueError: that divides in_channels and out_channels, found 2 for 3 and 4
Conv2d(3, 4, 3, groups=0, rng=rng())
    ValueError: that divides in_channels and out_channels, found 0 for 3 and 4
Conv2d(3, 4, 3, groups=-1, rng=rng())
    ValueError: that divides in_channels and out_channels, found -1 for 3 and 4
Conv2d(3, 4, 3, groups=1.0, rng=rng())
    ValueError: that divides in_channels and out_channels, found 1.0 for 3 and 4
Conv2d(3, 4, 3, stride=0, rng=rng())  # ValueError: stride must be a whole number of at least 1
ConvTranspose2d(3, 1, 2, rng=rng())(zeros(1, 2, 4, 4))
    ValueError: expects (N, 3, H, W), found shape (1, 2, 4, 4)
ConvTranspose2d(1, 1, 2, stride=2, output_padding=2, rng=rng())
    ValueError: output_padding must be smaller than the stride
ConvTranspose2d(1, 1, 2, padding=1, rng=rng())(zeros(1, 1, 1, 1))
    ValueError: cut all of an image of 1x1 off
Linear(3, 2, rng=rng())(zeros(3))  # ValueError: Linear(3, 2) expects (N, 3), found shape
Linear(3, 2, rng=rng())(zeros(2, 4))  # ValueError: Linear(3, 2) expects (N, 3), found shape
Linear(3, 2, rng=rng())(zeros(2, 3, 1))  # ValueError: Linear(3, 2) expects (N, 3), found shape
Embedding(3, 2, rng=rng())(zeros(2))  # ValueError: expects whole numbers, found float32
Embedding(3, 2, rng=rng())(np.array([0, 3]))  # ValueError: numbers from 0 to 2
Embedding(3, 2, rng=rng())(np.array([-1, 0]))  # ValueError: numbers from 0 to 2
RNN(3, 4, rng=rng())(zeros(2, 3))  # ValueError: expects (T, N, 3)
RNN(3, 4, rng=rng())(zeros(5, 2, 4))  # ValueError: expects (T, N, 3)
RNN(3, 4, rng=rng())(zeros(0, 2, 3))  # ValueError: expects (T, N, 3)
LSTM(3, 4, rng=rng())(zeros(2, 3))  # ValueError: expects (T, N, 3)
LSTM(3, 4, rng=rng())(zeros(5, 2, 4))  # ValueError: expects (T, N, 3)
LSTM(3, 4, rng=rng())(zeros(0, 2, 3))  # ValueError: expects (T, N, 3)
BatchNorm2d(3)(zeros(2, 4, 5, 5))  # ValueError: BatchNorm2d expects (N, 3, H, W), found shape
BatchNorm2d(3)(zeros(2, 3))  # ValueError: BatchNorm2d expects (N, 3, H, W), found shape
BatchNorm2d(3)(zeros(2, 3, 5))  # ValueError: BatchNorm2d expects (N, 3, H, W), found shape
BatchNorm2d(3)(zeros(1, 3, 1, 1))  # ValueError: more than one value per channel, found shape
GroupNorm(4, 6)  # ValueError: divides the channels, found 4 for 6
GroupNorm(0, 6)  # ValueError: num_groups must be at least 1, found 0
GroupNorm(2, 6)(zeros(2, 5, 3, 3))  # ValueError: (N, 6, H, W), found shape (2, 5, 3, 3)
LocalResponseNorm(5)(zeros(2, 3))  # ValueError: LocalResponseNorm expects (N, C, H, W)
LocalResponseNorm(0)  # ValueError: size must be at least 1, found 0
MaxPool2d(2)(zeros(4, 4))  # ValueError: MaxPool2d expects (N, C, H, W)
MaxPool2d(2, padding=2)  # ValueError: at most half of the kernel
MaxPool2d(3, stride=1, ceil_mode=True)(zeros(1, 1, 1, 1))
    ValueError: does not fit an image of 1x1
AvgPool2d(2)(zeros(1, 1, 1, 1))  # ValueError: does not fit an image of 1x1
AdaptiveAvgPool2d(2)(zeros(4, 4))  # ValueError: AdaptiveAvgPool2d expects (N, C, H, W)
RoIPool(2)(zeros(1, 2, 4, 4), zeros(3, 4))  # ValueError: regions (R, 5)
RoIPool(2)(zeros(1, 2, 4, 4), np.array([[1, 0, 0, 1, 1]], np.float32))
    ValueError: of images 0 to 0
MaxUnpool2d(2)(zeros(1, 1, 2, 2), np.zeros((1, 1, 2, 1), int))
    ValueError: an index for each value
MaxUnpool2d(2)(zeros(1, 1, 2, 2), np.array([[[[0, 16], [0, 16]]]]))
    ValueError: from 0 to 15 for an output of 4x4, found 0 to 16
Dropout(-0.1)  # ValueError: 0 <= p < 1, found -0.1
Dropout(1.0)  # ValueError: 0 <= p < 1, found 1.0
Dropout(2)  # ValueError: 0 <= p < 1, found 2
Dropout(np.nan)  # ValueError: 0 <= p < 1, found nan
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(vars(nn) | globals(), code, kind, words)
