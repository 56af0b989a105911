"""What the kernels do, on arrays of NumPy for which `has_kernels` holds."""

from dlcourse.native.batch_norm import (
    Statistics,
    batch_norm,
    batch_norm_grad,
    batch_norm_grads,
    channel_moments,
    channel_sums,
    scale_shift,
    scale_shift_relu,
)
from dlcourse.native.convolution import (
    channel_sum,
    conv,
    conv_grads,
    conv_input_grad,
    conv_norm_relu,
    conv_weight_grad,
)
from dlcourse.native.cross_entropy import cross_entropy, cross_entropy_grad
from dlcourse.native.optimizers import adam, momentum, sgd
from dlcourse.native.pointwise import (
    add_relu,
    leaky_relu,
    leaky_relu_grad,
    relu,
    relu6,
    relu6_grad,
    relu_grad,
)
from dlcourse.native.pooling import (
    MOST_POSITIONS,
    avg_pool,
    avg_pool_grad,
    max_pool,
    max_pool_grad,
)

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
    "leaky_relu",
    "leaky_relu_grad",
    "max_pool",
    "max_pool_grad",
    "momentum",
    "relu",
    "relu6",
    "relu6_grad",
    "relu_grad",
    "scale_shift",
    "scale_shift_relu",
    "sgd",
]
