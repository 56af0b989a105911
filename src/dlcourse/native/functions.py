"""What the kernels do, on arrays of NumPy for which `has_kernels` holds."""

from dlcourse.native.convolution import channel_sum, conv, conv_input_grad, conv_weight_grad

__all__ = ["channel_sum", "conv", "conv_input_grad", "conv_weight_grad"]
