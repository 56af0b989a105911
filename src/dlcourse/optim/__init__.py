"""Optimizers, learning-rate schedules and gradient clipping, with torch's names and numbers."""

from typing import TYPE_CHECKING

from dlcourse import habits
from dlcourse.optim import lr_scheduler
from dlcourse.optim.adagrad import Adagrad
from dlcourse.optim.adam import Adam, AdamW
from dlcourse.optim.averaging import WeightAverage
from dlcourse.optim.clipping import clip_grad_norm_
from dlcourse.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearWarmup,
    ReduceLROnPlateau,
    Schedule,
    StepLR,
)
from dlcourse.optim.optimizer import Optimizer
from dlcourse.optim.rmsprop import RMSprop
from dlcourse.optim.sgd import SGD, Momentum, Nesterov

__all__ = [
    "SGD",
    "Adagrad",
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
    "clip_grad_norm_",
    "lr_scheduler",
]

_OWN = "derive from Optimizer and write update(data, grad, state)"
_HINTS = {
    "AveragedModel": "write WeightAverage(optimizer, decay=0.999)",
    "swa_utils": "write WeightAverage(optimizer, decay=0.999)",
    "clip_grad_norm": "write clip_grad_norm_(model.parameters(), max_norm=1.0)",
    "clip_grad_value_": "clip the length of the gradients, clip_grad_norm_(parameters, 1.0)",
    **dict.fromkeys(("Adadelta", "Adafactor", "Adamax", "ASGD", "LBFGS", "Muon"), _OWN),
    **dict.fromkeys(("NAdam", "RAdam", "Rprop", "SparseAdam"), _OWN),
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(__name__, _HINTS | lr_scheduler.HINTS)
