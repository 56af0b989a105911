"""Training: epochs, checkpoints, history, gradients in parallel, and where the time goes."""

from dlcourse.streams import Stream, generator
from dlcourse.training.callbacks import EarlyStopping, KeepBest
from dlcourse.training.checkpoint import Checkpoint
from dlcourse.training.descent import descent
from dlcourse.training.divergence import TrainingDiverged
from dlcourse.training.history import Epoch, History
from dlcourse.training.loop import Loop
from dlcourse.training.parallel import ParallelModel
from dlcourse.training.profile import Cost, LayerProfile, Profile, profile
from dlcourse.training.sums import Score
from dlcourse.training.trainer import Trainer

__all__ = [
    "Checkpoint",
    "Cost",
    "EarlyStopping",
    "Epoch",
    "History",
    "KeepBest",
    "LayerProfile",
    "Loop",
    "ParallelModel",
    "Profile",
    "Score",
    "Stream",
    "Trainer",
    "TrainingDiverged",
    "descent",
    "generator",
    "profile",
]
