"""VGG: depth from nothing but 3x3 convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.habits import explained
from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.pretrained import builder
from dlcourse.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)

#: Convolutions in each of the five stages: columns A, B, D and E of the paper's table 1.
STAGES = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(SequentialClassifier):
    """Stages of 3x3 convolutions, each ending in 2x2 max pooling (Simonyan and Zisserman 2015).

    Channels go 64, 128, 256, 512, 512. Three linear layers follow, which in VGG-16 hold
    123,642,856 of the 138,357,544 parameters. Averaging to 7x7 changes nothing for images of
    224x224, and lets other sizes in, from 32 up.

    Keys, shapes and order of the state are torchvision's. Convolutions start as in He et al.
    (2015); torchvision counts outputs there instead of inputs (``fan_out``), and draws linear
    layers with a standard deviation of 0.01.

    Parameters
    ----------
    stages : sequence of five int
        Convolutions in each stage.
    batch_norm : bool
        Whether batch normalization follows each convolution, which keeps its bias, as in
        torchvision. The paper, five months older, has none.
    num_classes : int
        Number of scores.
    dropout : float
        Probability of dropping a value after each of the two hidden layers.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Attributes
    ----------
    features : Sequential
        (N, 3, 224, 224) to (N, 512, 7, 7).
    avgpool : AdaptiveAvgPool2d
    flatten : Flatten
    classifier : Sequential
        To (N, num_classes).

    Examples
    --------
    >>> net = VGG((1, 1, 1, 1, 1), num_classes=10, rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self,
        stages: Sequence[int],
        batch_norm: bool = False,
        num_classes: int = 1000,
        dropout: float = 0.5,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.features = vgg_features(stages, batch_norm, rng=rng)
        self.avgpool = AdaptiveAvgPool2d(7)
        self.flatten = Flatten()
        self.classifier = Sequential(
            *(Linear(512 * 7 * 7, 4096, rng=rng), ReLU(), Dropout(dropout, rng=rng)),
            *(Linear(4096, 4096, rng=rng), ReLU(), Dropout(dropout, rng=rng)),
            Linear(4096, num_classes, rng=rng),
        )


@explained
def vgg_features(
    stages: Sequence[int], batch_norm: bool = False, *, rng: np.random.Generator
) -> Sequential:
    """Return the convolutions of a `VGG` alone; the parameters are the same.

    Examples
    --------
    >>> features = vgg_features((2, 2, 3, 3, 3), rng=np.random.default_rng(0))
    >>> sum(p.data.size for p in features.parameters())
    14714688
    """
    if len(stages) != 5 or min(stages) < 1:
        raise ValueError(f"stages must be five numbers of at least 1, found {tuple(stages)}")
    layers: list[Module] = []
    c_in = 3
    for convolutions, c_out in zip(stages, (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            layers.append(Conv2d(c_in, c_out, 3, padding=1, rng=rng))
            if batch_norm:
                layers.append(BatchNorm2d(c_out))
            layers.append(ReLU())
            c_in = c_out
        layers.append(MaxPool2d(2))
    return Sequential(*layers)


vgg11 = builder("vgg11", "column A of the paper, 132,863,336 parameters", VGG, STAGES[11])
vgg11_bn = builder(
    "vgg11_bn", "column A with batch normalization, 132,868,840 parameters", VGG, STAGES[11], True
)
vgg13 = builder("vgg13", "column B of the paper, 133,047,848 parameters", VGG, STAGES[13])
vgg13_bn = builder(
    "vgg13_bn", "column B with batch normalization, 133,053,736 parameters", VGG, STAGES[13], True
)
vgg16 = builder("vgg16", "column D of the paper, 138,357,544 parameters", VGG, STAGES[16])
vgg16_bn = builder(
    "vgg16_bn", "column D with batch normalization, 138,365,992 parameters", VGG, STAGES[16], True
)
vgg19 = builder("vgg19", "column E of the paper, 143,667,240 parameters", VGG, STAGES[19])
vgg19_bn = builder(
    "vgg19_bn", "column E with batch normalization, 143,678,248 parameters", VGG, STAGES[19], True
)
