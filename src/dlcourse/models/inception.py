"""The Inception block (Szegedy et al. 2015): four ways to see the same input, side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.nn import BatchNorm2d, Chain, Concat, Conv2d, MaxPool2d, Module, ReLU, Sequential


class BasicConv2d(Chain):
    """A convolution, optionally with batch normalization in place of its bias, and ReLU.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    kernel_size : int
        Height and width of the window.
    stride, padding : int
        As in `Conv2d`.
    batch_norm : bool
        Whether batch normalization follows, with torchvision's ``eps=0.001``.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> conv = BasicConv2d(3, 8, 5, padding=2, rng=np.random.default_rng(0))
    >>> conv(np.ones((1, 3, 6, 6), np.float32)).shape, list(conv.state_dict())
    ((1, 8, 6, 6), ['conv.weight', 'conv.bias'])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        batch_norm: bool = False,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.conv = Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, bias=not batch_norm, rng=rng
        )
        if batch_norm:
            self.bn = BatchNorm2d(out_channels, eps=0.001)
        self.relu = ReLU()


class Inception(Concat):
    """Windows of 1x1, 3x3 and 5x5 and a maximum on the same input, joined along the channels.

    The 1x1 convolutions before the larger windows, and after the maximum, bring the number of
    channels down first: they are what makes the block cheap (Szegedy et al. 2015, figure 2b).
    The image keeps its size.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    ch1x1 : int
        Outputs of branch 1, a 1x1 convolution.
    ch3x3red, ch3x3 : int
        Outputs of the 1x1 and of the 3x3 convolution of branch 2.
    ch5x5red, ch5x5 : int
        The same for the 5x5 convolution of branch 3.
    pool_proj : int
        Outputs of branch 4: 3x3 max pooling in steps of 1, then a 1x1 convolution.
    batch_norm : bool
        Whether batch normalization follows each convolution; the paper has none.
    kernel_size : int
        Of branch 3; odd. torchvision has 3 where the paper has 5.
    rng : numpy.random.Generator
        Draws the initial weights.

    Notes
    -----
    Joining copies each branch's output to its place, so each branch receives its part of the
    gradient. All branches read the same input, so their gradients with respect to it add up.

    Examples
    --------
    The first block of GoogLeNet:

    >>> block = Inception(192, 64, 96, 128, 16, 32, 32, rng=np.random.default_rng(0))
    >>> block(np.ones((1, 192, 28, 28), np.float32)).shape  # 64 + 128 + 32 + 32
    (1, 256, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
        batch_norm: bool = False,
        kernel_size: int = 5,
        *,
        rng: np.random.Generator,
    ) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd, to keep the size of the image, found {kernel_size}"
            )

        def conv(c_in: int, c_out: int, kernel: int) -> BasicConv2d:
            return BasicConv2d(
                c_in, c_out, kernel, padding=kernel // 2, batch_norm=batch_norm, rng=rng
            )

        super().__init__(
            conv(in_channels, ch1x1, 1),
            Sequential(conv(in_channels, ch3x3red, 1), conv(ch3x3red, ch3x3, 3)),
            Sequential(conv(in_channels, ch5x5red, 1), conv(ch5x5red, ch5x5, kernel_size)),
            Sequential(MaxPool2d(3, stride=1, padding=1), conv(in_channels, pool_proj, 1)),
        )

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the branches under torchvision's names, ``branch1`` to ``branch4``."""
        yield from ((f"branch{i}", branch) for i, branch in enumerate(self, 1))
