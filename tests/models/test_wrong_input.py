"""What a network says of a setting or an input that cannot be."""

import numpy as np
import pytest
import told

from dlcourse import models
from dlcourse.models.resnet import BasicBlock
from dlcourse.models.unet import time_waves


def rng():
    return np.random.default_rng(0)


def zeros(*shape):
    return np.zeros(shape, np.float32)


TOLD = """
VGG((1, 2), rng=rng())  # ValueError: five numbers of at least 1, found (1, 2)
LeNet5(30, rng=rng())  # ValueError: 28 or 32 pixels, found 30
Inception(4, 3, 2, 5, 2, 4, 2, kernel_size=4, rng=rng())  # ValueError: kernel_size must be odd
ResNet(BasicBlock, (1, 2), rng=rng())  # ValueError: four numbers of at least 1, found (1, 2)
ResNetCifar(18, rng=rng())
    ValueError: depth must be 6n + 2: 8, 14, 20, 26, 32, ..., found 18
StackedConvNet([(4,)], 4, rng=rng())
    ValueError: kernel_size must be odd, to keep the size of the image, found 4
InceptionConvNet(8, [(0,)], rng=rng())  # ValueError: must be a multiple of 16, found 0
InceptionConvNet(8, [(24,)], rng=rng())  # ValueError: must be a multiple of 16, found 24
DeepConvNet(rng=rng())(zeros(1, 28, 28))  # ValueError: images of shape (N, 1, 28, 28), found
DeepConvNet(rng=rng())(zeros(2, 3, 28, 28))  # ValueError: images of shape (N, 1, 28, 28), found
DeepConvNet(rng=rng())(zeros(2, 1, 32, 32))  # ValueError: images of shape (N, 1, 28, 28), found
DCGANGenerator(8, 4, rng=rng())(zeros(4, 8))
    ValueError: vectors (N, 8, 1, 1), found shape (4, 8)
DCGANDiscriminator(4, rng=rng())(zeros(4, 3, 28, 28))
    ValueError: images (N, 1, 28, 28), found shape (4, 3, 28, 28)
FCN(3, 4, rng=rng())  # ValueError: stride must be 8, 16 or 32, found 4
FCN(3, rng=rng())(zeros(1, 3, 33, 32))  # ValueError: multiples of 32
NIC(7, size=32, rng=rng())(zeros(1, 3, 32, 32), np.zeros((4, 2), int))
    ValueError: words (T, 1) for 1 pictures
NIC(7, size=40, rng=rng())  # ValueError: multiple of 32, found 40
UNet((16, 20), rng=rng())  # ValueError: multiples of 8, at least one, found
UNet((), rng=rng())  # ValueError: multiples of 8, at least one, found
UNet((8, 8, 8), rng=rng())(zeros(1, 1, 30, 28), np.array([1]))  # ValueError: multiples of 4, found
UNet((8, 8, 8), rng=rng())(zeros(2, 1, 28, 28), np.array([1]))
    ValueError: one time for each of 2 pictures, found (1,)
time_waves(zeros(2), 5)  # ValueError: even number of at least 4, found 5
VAE(0, rng=rng())  # ValueError: at least 1, found 0
VAE(2, rng=rng())(zeros(1, 1, 28, 28))  # ValueError: needs a random generator to train
VAE(2, rng=rng())(zeros(1, 1, 32, 32))  # ValueError: (N, 1, 28, 28), found (1, 1, 32, 32)
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    known = {name: getattr(models, name) for name in models.__all__}
    told.assert_told(known | globals(), code, kind, words)
