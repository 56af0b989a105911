"""GoogLeNet's auxiliary classifiers: what they are, what they give, and how it is weighed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.inception import BasicConv2d
from dlcourse.nn import Chain, CrossEntropyLoss, Dropout, Flatten, Linear, Module, ReLU

#: How much the loss of an auxiliary classifier counts.
_SHARE = 0.3


class GoogLeNetOutputs(NamedTuple):
    """What GoogLeNet returns in training: the scores of three classifiers, each (N, classes).

    Gradients come back in the same form. Names and order are torchvision's.
    """

    logits: Array
    aux_logits2: Array
    aux_logits1: Array


class GoogLeNetLoss:
    """Cross-entropy of the scores, plus a share of each auxiliary classifier's.

    The share is 0.3, as in the paper (section 5).

    Examples
    --------
    >>> scores = np.zeros((1, 4), np.float32)
    >>> loss = GoogLeNetLoss()
    >>> round(loss(GoogLeNetOutputs(scores, scores, scores), np.array([2])), 4)  # 1.6 log 4
    2.2181
    >>> loss.backward().aux_logits1.round(3)  # 0.3 (p - target)
    array([[ 0.075,  0.075, -0.225,  0.075]], dtype=float32)
    """

    def __call__(self, outputs: Array, targets: Array) -> float:
        """Return the loss of the `outputs` with the labels `targets` (N,).

        Outputs are `GoogLeNetOutputs`, or an array of scores (N, classes), as in evaluation,
        which counts fully.
        """
        several = isinstance(outputs, GoogLeNetOutputs)
        self._losses = [CrossEntropyLoss() for _ in (outputs if several else range(1))]
        pairs = zip(self._losses, outputs if several else [outputs], strict=True)
        main, *others = (loss(scores, targets) for loss, scores in pairs)
        return main + _SHARE * sum(others)

    def backward(self) -> Array:
        """Return the gradient with respect to the outputs, in the form that they had."""
        main, *others = (loss.backward() for loss in self._losses)
        if not others:
            return main
        return GoogLeNetOutputs(main, *(_SHARE * grad for grad in others))


class InceptionAux(Chain):
    """A small classifier on the features inside GoogLeNet (Szegedy et al. 2015, section 5).

    It brings a gradient to the lower half of the network, and is thrown away after training. It
    averages the image to 4x4, and has a 1x1 convolution to 128 channels and two linear layers.

    Parameters
    ----------
    in_channels, num_classes : int
        Channels of the input, and number of scores.
    pool : Module
        Brings the image to 4x4.
    batch_norm : bool
        Whether batch normalization follows the convolution.
    dropout : float
        Probability of dropping a value of the hidden layer.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Examples
    --------
    >>> from dlcourse.nn import AvgPool2d
    >>> aux = InceptionAux(8, 10, AvgPool2d(5, 3), rng=np.random.default_rng(0))
    >>> aux(np.ones((1, 8, 14, 14), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        pool: Module,
        batch_norm: bool = False,
        dropout: float = 0.7,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.conv = BasicConv2d(in_channels, 128, 1, batch_norm=batch_norm, rng=rng)
        self.flatten = Flatten()
        self.fc1 = Linear(128 * 4 * 4, 1024, rng=rng)
        self.relu = ReLU()
        self.dropout = Dropout(dropout, rng=rng)
        self.fc2 = Linear(1024, num_classes, rng=rng)
