"""Kernels in C for what NumPy would do in several passes, and functions that call them.

They are the processor's counterpart of `dlcourse.cuda`. Each kernel is in a ``.c`` file beside this
one. The system's compiler makes them when they are first used, or the compiler that the package
``ziglang`` brings, and they are kept in the user's cache. A layer asks `has_kernels` whether they
can serve its arrays; where they cannot, it computes with NumPy. ``DLCOURSE_KERNELS=off`` in the
environment does without them.
"""

from dlcourse.kernels import plain
from dlcourse.native.functions import (
    MOST_POSITIONS,
    Statistics,
    adam,
    add_relu,
    avg_pool,
    avg_pool_grad,
    batch_norm,
    batch_norm_grad,
    batch_norm_grads,
    channel_moments,
    channel_sum,
    channel_sums,
    conv,
    conv_grads,
    conv_input_grad,
    conv_norm_relu,
    conv_weight_grad,
    cross_entropy,
    cross_entropy_grad,
    leaky_relu,
    leaky_relu_grad,
    max_pool,
    max_pool_grad,
    momentum,
    relu,
    relu6,
    relu6_grad,
    relu_grad,
    scale_shift,
    scale_shift_relu,
    sgd,
)
from dlcourse.native.library import has_kernels, source, status

__all__ = [
    "MOST_POSITIONS",
    "Statistics",
    "adam",
    "add_relu",
    "avg_pool",
    "avg_pool_grad",
    "batch_norm",
    "batch_norm_grad",
    "batch_norm_grads",
    "channel_moments",
    "channel_sum",
    "channel_sums",
    "conv",
    "conv_grads",
    "conv_input_grad",
    "conv_norm_relu",
    "conv_weight_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "has_kernels",
    "leaky_relu",
    "leaky_relu_grad",
    "max_pool",
    "max_pool_grad",
    "momentum",
    "plain",
    "relu",
    "relu6",
    "relu6_grad",
    "relu_grad",
    "scale_shift",
    "scale_shift_relu",
    "sgd",
    "source",
    "status",
]
