"""Layers, losses and containers, each with its backward pass written out."""

from dlcourse.nn import init
from dlcourse.nn.activation import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh
from dlcourse.nn.containers import Chain, Concat, Residual, Sequential
from dlcourse.nn.convolution import Conv2d
from dlcourse.nn.dropout import Dropout
from dlcourse.nn.embedding import Embedding
from dlcourse.nn.group_norm import GroupNorm
from dlcourse.nn.linear import Flatten, Linear
from dlcourse.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, SmoothL1Loss, softmax
from dlcourse.nn.module import Module, Parameter
from dlcourse.nn.normalization import BatchNorm2d, LocalResponseNorm
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
    "init",
    "softmax",
]
