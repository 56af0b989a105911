"""Fewer bits: number formats, and networks that are stored and computed in them."""

from dlcourse.precision.binary import BinaryWeights, binarize, weight_bytes, with_binary_weights
from dlcourse.precision.formats import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    FORMATS,
    Fields,
    Format,
    round_to,
)
from dlcourse.precision.grid import Grid, quantize_weights
from dlcourse.precision.layers import LayerList, Round, flat_layers, in_format
from dlcourse.precision.mixed import MixedPrecision
from dlcourse.precision.products import matmul
from dlcourse.precision.quantize import fold_batch_norm, quantize
from dlcourse.precision.quantized import (
    QuantizedConv2d,
    QuantizedGlobalAvgPool,
    QuantizedLinear,
    QuantizeInput,
)
from dlcourse.precision.quantized_network import QuantizedNetwork, load_quantized
from dlcourse.precision.scaler import LossScaler

__all__ = [
    "BFLOAT16",
    "FLOAT16",
    "FLOAT32",
    "FLOAT64",
    "FORMATS",
    "BinaryWeights",
    "Fields",
    "Format",
    "Grid",
    "LayerList",
    "LossScaler",
    "MixedPrecision",
    "QuantizeInput",
    "QuantizedConv2d",
    "QuantizedGlobalAvgPool",
    "QuantizedLinear",
    "QuantizedNetwork",
    "Round",
    "binarize",
    "flat_layers",
    "fold_batch_norm",
    "in_format",
    "load_quantized",
    "matmul",
    "quantize",
    "quantize_weights",
    "round_to",
    "weight_bytes",
    "with_binary_weights",
]
