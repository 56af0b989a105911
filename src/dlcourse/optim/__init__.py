"""Optimizers, learning-rate schedules and gradient clipping, with torch's names and numbers."""

from dlcourse.optim.adagrad import AdaGrad
from dlcourse.optim.adam import Adam, AdamW
from dlcourse.optim.averaging import WeightAverage
from dlcourse.optim.clipping import clip_grad_norm
from dlcourse.optim.optimizer import Optimizer
from dlcourse.optim.rmsprop import RMSprop
from dlcourse.optim.schedules import (
    CosineAnnealingLR,
    LinearWarmup,
    ReduceLROnPlateau,
    Schedule,
    StepLR,
)
from dlcourse.optim.sgd import SGD, Momentum, Nesterov

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "LinearWarmup",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "StepLR",
    "WeightAverage",
    "clip_grad_norm",
]
