"""SegNet: a decoder that remembers where maxima were (Badrinarayanan et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.backbone import conv_bn_relu
from dlcourse.nn import Conv2d, MaxPool2d, MaxUnpool2d, Module, Sequential
from dlcourse.nn.kernels.windows import check_images

#: Filters of each stage as published: the 13 convolutions of VGG-16.
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
#: A small variant for pictures of 96 x 96.
SMALL = ((16,), (32,), (48,), (64,))


class SegNet(Module):
    """A class for each pixel, by a decoder that mirrors the encoder (Badrinarayanan et al. 2017).

    Each stage of the encoder ends with a max pooling that remembers where its maxima were. The
    stage of the decoder that mirrors it first puts its values back in those very places, and
    leaves the others at 0; its convolutions then fill the gaps. So edges are where they were in the
    picture, at the price of one index per value, and enlarging takes no weights.

    Parameters
    ----------
    classes : int
        How many classes there are.
    widths : sequence of sequences of int
        Filters of each convolution of each stage of the encoder; the decoder reverses them.
    rng : numpy.random.Generator
        Draws the initial weights.

    Raises
    ------
    ValueError
        If the sides of a picture are not multiples of 2 to the power of the number of stages.

    Notes
    -----
    Each convolution is 3 x 3 and followed by batch normalization and ReLU, but the last one, which
    gives the scores. The published network and its weights have 13 convolutions on either side;
    with the default widths this one has the same.

    Examples
    --------
    >>> from dlcourse.models.segnet import SMALL
    >>> segnet = SegNet(5, SMALL, rng=np.random.default_rng(0)).eval()
    >>> segnet(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 5, 96, 96)
    """

    def __init__(
        self, classes: int, widths: Sequence[Sequence[int]] = VGG16, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        channels = 3
        encoders, decoders = [], []
        for number, stage in enumerate(widths):
            last = classes if number == 0 else channels
            encoders.append(Sequential(*conv_bn_relu([channels, *stage], rng=rng)))
            layers = conv_bn_relu([*reversed(stage), last], rng=rng)
            if number == 0:  # the scores: negative ones count, too
                layers[-3:] = [Conv2d(stage[0], classes, 3, padding=1, rng=rng)]
            decoders.append(Sequential(*layers))
            channels = stage[-1]
        self.encoders = Sequential(*encoders)
        self.pools = Sequential(*(MaxPool2d(2, return_indices=True) for _ in widths))
        self.unpools = Sequential(*(MaxUnpool2d(2) for _ in widths))
        self.decoders = Sequential(*decoders)  # in the order of the stages: the last goes first

    def forward(self, x: Array) -> Array:
        check_images("SegNet", x, channels=3, factor=2 ** len(self.pools))
        remembered = []
        for encoder, pool in zip(self.encoders, self.pools, strict=True):
            x, indices = pool(encoder(x))
            remembered.append(indices)
        for number in reversed(range(len(remembered))):
            x = self.decoders[number](self.unpools[number](x, remembered[number]))
        return x

    def backward(self, dy: Array) -> Array:
        for decoder, unpool in zip(self.decoders, self.unpools, strict=True):
            dy, _ = unpool.backward(decoder.backward(dy))
        # Indices are whole numbers and have no gradient: the encoder's comes only through values.
        for number in reversed(range(len(self.encoders))):
            dy = self.encoders[number].backward(self.pools[number].backward(dy))
        return dy

    def entrance(self) -> Module:
        return self.encoders

    def predict(self, x: Array) -> Array:
        """Return the class of each pixel, (N, H, W)."""
        return self.for_inference()(x).argmax(axis=1)
