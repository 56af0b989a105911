"""One convolution, written nine times: from seven loops to a kernel of its own in C.

Each rung of the ladder is one short function in a file of its own, all called in the same way::

    y = conv_im2col(x, weight, bias, stride=1, padding=1)

with x of shape (N, C, H, W), weight (O, C, KH, KW), bias (O,) or None, and the result
(N, O, OH, OW). They give the numbers of `dlcourse.nn.Conv2d`, up to the order in which sums are
rounded. They are for reading, and for NumPy arrays only; networks run on `dlcourse.nn`.

The last rung needs a C compiler (`building`). The rungs that lead to it are C sources in ``c/``,
which `kernel` calls and `bench` times.
"""

from collections.abc import Callable

import numpy as np

from dlcourse.lessons.ladder.channels import conv_channels
from dlcourse.lessons.ladder.channels_last import conv_channels_last
from dlcourse.lessons.ladder.fft import conv_fft
from dlcourse.lessons.ladder.im2col import conv_im2col
from dlcourse.lessons.ladder.kernel import conv_kernel
from dlcourse.lessons.ladder.loops import conv_loops
from dlcourse.lessons.ladder.micro_batches import conv_micro_batches
from dlcourse.lessons.ladder.shifted import conv_shifted
from dlcourse.lessons.ladder.winograd import conv_winograd

#: The rungs by name, in the order in which the book climbs them.
RUNGS: dict[str, Callable[..., np.ndarray]] = {
    "seven loops": conv_loops,
    "vectorised over channels": conv_channels,
    "im2col, channels first": conv_im2col,
    "im2col, channels last": conv_channels_last,
    "shifted products": conv_shifted,
    "FFT": conv_fft,
    "Winograd F(2x2, 3x3)": conv_winograd,
    "micro-batches on threads": conv_micro_batches,
    "a kernel in C": conv_kernel,
}

__all__ = [
    "RUNGS",
    "conv_channels",
    "conv_channels_last",
    "conv_fft",
    "conv_im2col",
    "conv_kernel",
    "conv_loops",
    "conv_micro_batches",
    "conv_shifted",
    "conv_winograd",
]
