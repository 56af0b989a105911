"""AlexNet: the network that won the ImageNet challenge in 2012, and its later one-tower form."""

from __future__ import annotations

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.pretrained import builder
from dlcourse.nn import (
    AdaptiveAvgPool2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Sequential,
)


class AlexNet(SequentialClassifier):
    """AlexNet with one tower (Krizhevsky 2014), as torchvision has it: 61,100,840 parameters.

    Five convolutions and three linear layers. Unlike in 2012, channels are not split between two
    GPUs and are fewer (64, 192, 384, 256, 256); local response normalization is gone. Averaging
    to 6x6 changes nothing for images of 224x224, and lets other sizes in, from 63 up.

    Keys, shapes and order of the state are torchvision's. Weights start as in He et al.
    (2015); in torchvision they start uniform within 1 / sqrt(fan_in).

    Parameters
    ----------
    num_classes : int
        Number of scores.
    dropout : float
        Probability of dropping a value before each of the two hidden layers.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Attributes
    ----------
    features : Sequential
        (N, 3, 224, 224) to (N, 256, 6, 6).
    avgpool : AdaptiveAvgPool2d
    flatten : Flatten
    classifier : Sequential
        To (N, num_classes).

    Examples
    --------
    >>> net = AlexNet(num_classes=10, rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((1, 3, 224, 224), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self, num_classes: int = 1000, dropout: float = 0.5, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.features = Sequential(
            *(Conv2d(3, 64, 11, stride=4, padding=2, rng=rng), ReLU(), MaxPool2d(3, 2)),
            *(Conv2d(64, 192, 5, padding=2, rng=rng), ReLU(), MaxPool2d(3, 2)),
            *(Conv2d(192, 384, 3, padding=1, rng=rng), ReLU()),
            *(Conv2d(384, 256, 3, padding=1, rng=rng), ReLU()),
            *(Conv2d(256, 256, 3, padding=1, rng=rng), ReLU(), MaxPool2d(3, 2)),
        )
        self.avgpool = AdaptiveAvgPool2d(6)
        self.flatten = Flatten()
        self.classifier = Sequential(
            *(Dropout(dropout, rng=rng), Linear(256 * 6 * 6, 4096, rng=rng), ReLU()),
            *(Dropout(dropout, rng=rng), Linear(4096, 4096, rng=rng), ReLU()),
            Linear(4096, num_classes, rng=rng),
        )


class AlexNet2012(SequentialClassifier):
    """AlexNet as it won in 2012 (Krizhevsky et al. 2012): 60,965,224 parameters.

    Two GPUs each held half of the channels and met in the third convolution and the linear
    layers; here the second, fourth and fifth convolution have two groups. Local response
    normalization follows the first two (section 3.3), pooling windows of 3 overlap by 1
    (section 3.4), and dropout follows the two hidden layers (section 4.2).

    The paper says that images are 224x224, but its own numbers fit 227x227. Windows of 11 in
    steps of 4 give (227 - 11) / 4 + 1 = 55 outputs, and then pooling gives 27, 13 and 6; figure 2
    shows the 55, 27 and 13, and with 6 x 6 x 256 inputs to the first linear layer the count is
    the paper's 60 million. From 224 the sides would be 54, 26, 12 and 5.

    Weights start as in He et al. (2015). The paper draws them with a standard deviation of
    0.01, and starts biases at 1 in the convolutions with groups and the hidden layers.

    Parameters
    ----------
    num_classes : int
        Number of scores.
    dropout : float
        Probability of dropping a value after each of the two hidden layers.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Attributes
    ----------
    features : Sequential
        (N, 3, 227, 227) to (N, 256, 6, 6).
    flatten : Flatten
    classifier : Sequential
        To (N, num_classes).

    Examples
    --------
    >>> net = AlexNet2012(num_classes=10, rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((1, 3, 227, 227), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self, num_classes: int = 1000, dropout: float = 0.5, *, rng: np.random.Generator
    ) -> None:
        super().__init__()

        def norm() -> LocalResponseNorm:
            # The paper's alpha of 1e-4 is not divided by the 5 neighbours, as ours is.
            return LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)

        self.features = Sequential(
            *(Conv2d(3, 96, 11, stride=4, rng=rng), ReLU(), norm(), MaxPool2d(3, 2)),
            *(Conv2d(96, 256, 5, padding=2, groups=2, rng=rng), ReLU(), norm(), MaxPool2d(3, 2)),
            *(Conv2d(256, 384, 3, padding=1, rng=rng), ReLU()),
            *(Conv2d(384, 384, 3, padding=1, groups=2, rng=rng), ReLU()),
            *(Conv2d(384, 256, 3, padding=1, groups=2, rng=rng), ReLU(), MaxPool2d(3, 2)),
        )
        self.flatten = Flatten()
        self.classifier = Sequential(
            *(Linear(256 * 6 * 6, 4096, rng=rng), ReLU(), Dropout(dropout, rng=rng)),
            *(Linear(4096, 4096, rng=rng), ReLU(), Dropout(dropout, rng=rng)),
            Linear(4096, num_classes, rng=rng),
        )


alexnet = builder("alexnet", "one tower, 61,100,840 parameters", AlexNet)
