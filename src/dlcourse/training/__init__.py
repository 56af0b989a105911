"""Training: epochs, checkpoints, history, and gradients in parallel."""

from dlcourse.training.callbacks import EarlyStopping, KeepBest
from dlcourse.training.checkpoint import Checkpoint
from dlcourse.training.history import Epoch, History
from dlcourse.training.parallel import ParallelModel, Score
from dlcourse.training.streams import Stream, generator
from dlcourse.training.trainer import Trainer, TrainingDiverged

__all__ = [
    "Checkpoint",
    "EarlyStopping",
    "Epoch",
    "History",
    "KeepBest",
    "ParallelModel",
    "Score",
    "Stream",
    "Trainer",
    "TrainingDiverged",
    "generator",
]
