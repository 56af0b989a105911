"""Kernels in C for what NumPy would do in several passes, and functions that call them.

They are the processor's counterpart of `dlcourse.cuda`. The system's compiler makes them when they
are first used. A layer asks `has_kernels` whether they can serve its arrays; where they cannot, it
computes with NumPy.
"""

from dlcourse.native.functions import channel_sum, conv, conv_input_grad, conv_weight_grad
from dlcourse.native.library import has_kernels, plain

__all__ = ["channel_sum", "conv", "conv_input_grad", "conv_weight_grad", "has_kernels", "plain"]
