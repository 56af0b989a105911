"""Kernels in CUDA C for what CuPy would do in several passes, and functions that launch them.

Each kernel is in a ``.cu`` file beside this one. NVIDIA's run-time compiler, which CuPy
brings, compiles it when it is first used. A layer asks `has_kernels` whether they can serve its
arrays; where they cannot, it computes with CuPy's own functions, as it does with NumPy's.

No GPU was at hand when these were written. The tests compile them for three generations of GPUs,
and run them on a processor, compiled as C++, against NumPy; ``dlcourse doctor --gpu`` compares and
times them on yours.
"""

from dlcourse.cuda.functions import (
    adam,
    batch_norm_grad,
    channel_dot,
    channel_moments,
    channel_sums,
    im2col,
    relu,
    relu_grad,
    scale_shift,
)
from dlcourse.cuda.kernels import has_kernels, source
from dlcourse.kernels import plain

__all__ = [
    "adam",
    "batch_norm_grad",
    "channel_dot",
    "channel_moments",
    "channel_sums",
    "has_kernels",
    "im2col",
    "plain",
    "relu",
    "relu_grad",
    "scale_shift",
    "source",
]
