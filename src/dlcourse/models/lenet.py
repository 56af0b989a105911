"""LeNet-5: the convolutional network that read cheques."""

from __future__ import annotations

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.nn import AvgPool2d, Conv2d, Flatten, Linear, Module, Sequential, Tanh


class LeNet5(SequentialClassifier):
    """LeNet-5 (LeCun et al. 1998, figure 2) as it is usually built today, for grey images.

    Three 5x5 convolutions to 6, 16 and 120 channels, tanh after each, and averages of 2x2 pixels
    after the first and the second; then layers of 84 and of 10: 61,706 parameters.

    Four things are simpler than in the paper. Averages are not multiplied by a learnt number and
    passed through another nonlinearity. The second convolution sees all 6 channels, instead of a
    table of 3 to 6 of them.
    Tanh is not scaled to 1.7159 tanh(2x / 3). The scores come from a linear layer, instead of
    distances from drawings of the digits. The paper's own count is 60,000.

    Parameters
    ----------
    image_size : int
        28 or 32. The paper puts digits of 28x28 into images of 32x32; for 28 the first
        convolution adds this border.
    num_classes : int
        Number of scores.
    rng : numpy.random.Generator
        Draws the initial weights.

    Attributes
    ----------
    features : Sequential
        (N, 1, 28, 28) or (N, 1, 32, 32) to (N, 120, 1, 1).
    flatten : Flatten
    classifier : Sequential
        To (N, num_classes).

    Examples
    --------
    >>> net = LeNet5(rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 10)
    >>> sum(p.data.size for p in net.parameters())
    61706
    """

    def __init__(
        self, image_size: int = 28, num_classes: int = 10, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        if image_size not in (28, 32):
            raise ValueError(f"LeNet5 takes images of 28 or 32 pixels, found {image_size}")
        border = (32 - image_size) // 2
        layers: list[Module] = [
            *(Conv2d(1, 6, 5, padding=border, rng=rng), Tanh(), AvgPool2d(2)),
            *(Conv2d(6, 16, 5, rng=rng), Tanh(), AvgPool2d(2)),
            *(Conv2d(16, 120, 5, rng=rng), Tanh()),
        ]
        self.features = Sequential(*layers)
        self.flatten = Flatten()
        self.classifier = Sequential(
            Linear(120, 84, rng=rng), Tanh(), Linear(84, num_classes, rng=rng)
        )
