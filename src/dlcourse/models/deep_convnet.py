"""DeepConvNet (Saitoh 2016): the network that the course starts from."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.classifier import SequentialClassifier
from dlcourse.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential


class DeepConvNet(SequentialClassifier):
    """Six 3x3 convolutions and two fully connected layers, for 28x28 grey images.

    Name and plan are those of Saitoh (2016), chapter 8.
    Channels go 16, 16, 32, 32, 64, 64, with a ReLU after each convolution and 2x2 max pooling
    after each pair; the fourth convolution has padding 2, so that 14x14 becomes 16x16 and
    halves evenly to 8x8 and 4x4. A hidden layer of 50 with dropout leads to ten scores:
    123,552 parameters.

    Parameters
    ----------
    dropout : float
        Probability of dropping a value after the hidden layer.
    dropout_on_logits : bool
        Whether the scores themselves pass through dropout as well, as they do in the
        book. Chapter 1 measures what this costs or gains.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Attributes
    ----------
    features : Sequential
        (N, 1, 28, 28) to (N, 64, 4, 4).
    classifier : Sequential
        To (N, 10).

    Examples
    --------
    >>> net = DeepConvNet(rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 10)
    >>> sum(p.data.size for p in net.parameters())
    123552
    """

    input_shape = (1, 28, 28)

    def __init__(
        self,
        dropout: float = 0.5,
        dropout_on_logits: bool = False,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        layers: list[Module] = []
        plan = [(1, 16, 1), (16, 16, 1), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1)]
        for i, (c_in, c_out, padding) in enumerate(plan):
            layers += [Conv2d(c_in, c_out, kernel_size=3, padding=padding, rng=rng), ReLU()]
            if i % 2 == 1:
                layers.append(MaxPool2d(2))
        self.features = Sequential(*layers)
        self.classifier = Sequential(
            Flatten(),
            Linear(64 * 4 * 4, 50, rng=rng),
            ReLU(),
            Dropout(dropout, rng=rng),
            Linear(50, 10, rng=rng),
        )
        if dropout_on_logits:
            self.classifier.append(Dropout(dropout, rng=rng))

    def forward(self, x: Array) -> Array:
        if x.shape[1:] != self.input_shape:
            raise ValueError(
                f"DeepConvNet expects images of shape (N, 1, 28, 28), found {x.shape}; "
                "dlcourse.data.load_picture makes one from a picture file"
            )
        return super().forward(x)
