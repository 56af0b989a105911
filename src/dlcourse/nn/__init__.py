"""Layers, losses and containers, each with its backward pass written out."""

from typing import TYPE_CHECKING

from dlcourse import habits
from dlcourse.nn import functional, init
from dlcourse.nn.activation import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh
from dlcourse.nn.containers import Chain, Concat, Residual, Sequential
from dlcourse.nn.convolution import Conv2d
from dlcourse.nn.draws import Draws
from dlcourse.nn.dropout import Dropout
from dlcourse.nn.embedding import Embedding
from dlcourse.nn.group_norm import GroupNorm
from dlcourse.nn.linear import Flatten, Linear
from dlcourse.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, SmoothL1Loss, softmax
from dlcourse.nn.module import Module
from dlcourse.nn.normalization import BatchNorm2d, LocalResponseNorm
from dlcourse.nn.parameter import Parameter
from dlcourse.nn.pooling import AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool, MaxPool2d
from dlcourse.nn.recurrent import LSTM, RNN
from dlcourse.nn.roi_pooling import RoIPool
from dlcourse.nn.transposed import ConvTranspose2d
from dlcourse.nn.unpooling import MaxUnpool2d

__all__ = [
    "LSTM",
    "RNN",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm2d",
    "Chain",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Draws",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool",
    "GroupNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MSELoss",
    "MaxPool2d",
    "MaxUnpool2d",
    "Module",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Residual",
    "RoIPool",
    "Sequential",
    "Sigmoid",
    "SmoothL1Loss",
    "Tanh",
    "functional",
    "init",
    "softmax",
]

_ROW = "take a sequence as an image of one row, x[:, :, None]: write "
_CLASS = "CrossEntropyLoss takes scores, softmax is inside; for shares write softmax(x, dim=1)"
_BEND = "write ReLU, LeakyReLU, ReLU6, Sigmoid or Tanh"
_HINTS = {
    "AvgPool1d": _ROW + "AvgPool2d((1, 2))",
    "BCELoss": "leave the Sigmoid out and write BCEWithLogitsLoss()",
    "BatchNorm1d": "write BatchNorm2d(C) and give it x[:, :, None, None]",
    "Conv1d": _ROW + "Conv2d(C, O, (1, 3), rng=rng)",
    "ConvTranspose1d": _ROW + "ConvTranspose2d(C, O, (1, 4), rng=rng)",
    "GRU": "write LSTM(input_size, hidden_size, rng=rng)",
    "HuberLoss": "write SmoothL1Loss()",
    "Identity": "write Sequential(), which passes its input on",
    "InstanceNorm2d": "write GroupNorm(C, C)",
    "L1Loss": "write SmoothL1Loss(), which is linear beyond 1",
    "LayerNorm": "write GroupNorm(1, C), which takes all channels together",
    "LogSoftmax": _CLASS,
    "MaxPool1d": _ROW + "MaxPool2d((1, 2))",
    "ModuleDict": "assign each module as an attribute, or write add_module(name, module)",
    "ModuleList": "write Sequential(*modules), which can be indexed and iterated",
    "NLLLoss": _CLASS,
    "DataParallel": "write dlcourse.training.Trainer(model, optimizer, workers=2)",
    "ParameterList": "assign each Parameter as an attribute",
    "RNNCell": "write RNN(input_size, hidden_size, rng=rng)",
    "LSTMCell": "write LSTM(input_size, hidden_size, rng=rng)",
    "Softmax": _CLASS,
    "SyncBatchNorm": "write dlcourse.distributed.SyncBatchNorm.convert(model, communicator)",
    "Unflatten": "write x.reshape(len(x), C, H, W) in a layer of your own",
    "Upsample": "write ConvTranspose2d with the weights init.bilinear(C, factor)",
    "ZeroPad2d": "write padding= in the convolution",
    "utils": "write dlcourse.optim.clip_grad_norm_(model.parameters(), max_norm=1.0)",
    **dict.fromkeys(("AlphaDropout", "Dropout1d", "Dropout2d", "Dropout3d"), "write Dropout(p)"),
    **dict.fromkeys(("CELU", "ELU", "GELU", "Hardswish", "Mish", "PReLU", "SELU"), _BEND),
    **dict.fromkeys(("Hardtanh", "SiLU", "Softplus", "Softsign"), _BEND),
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(
        __name__, _HINTS, "derive from Module and write its forward and backward"
    )
