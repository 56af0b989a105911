"""Learning-rate schedules, with torch's names and numbers, as functions of time.

Time is counted in whatever unit the caller chooses, usually epochs, and may be a fraction: the
`Trainer` sets the rate before each step. Asking for the same time twice gives the same rate, so
a resumed training needs nothing but the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dlcourse import habits
from dlcourse.optim.optimizer import Optimizer, in_range


class Schedule(habits.Familiar):
    """Base of all schedules: sets ``optimizer.lr`` to ``lr_at(epoch)``.

    A subclass defines ``lr_at``; its ``__init__`` sets what that needs and then calls this one,
    which sets the rate for time 0.

    Parameters
    ----------
    optimizer : Optimizer
        Its ``lr`` is the base rate.

    Attributes
    ----------
    base_lr : float
        The learning rate that the optimizer came with.
    epoch : float
        The present time.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Parameter
    >>> from dlcourse.optim import SGD
    >>> class Halving(Schedule):
    ...     def lr_at(self, epoch):
    ...         return self.base_lr * 0.5**epoch
    >>> optimizer = SGD([Parameter(np.zeros(1))], lr=0.8)
    >>> schedule = Halving(optimizer)
    >>> schedule.step(); schedule.step()
    >>> optimizer.lr
    0.2
    """

    hints: ClassVar = {
        "get_lr": "write schedule.lr_at(epoch)",
        "base_lrs": "write schedule.base_lr",
        "last_epoch": "write schedule.epoch",
        "step()": "for a time write move_to(epoch), for a metric observe(metric)",
        "last_epoch=": "leave it out and call schedule.move_to(epoch) afterwards",
    }

    epoch: float

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__} takes an optimizer, found {type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        self.base_lr = optimizer.lr
        self.move_to(0.0)

    def lr_at(self, epoch: float) -> float:
        """Return the learning rate at a time."""
        raise NotImplementedError(f"{type(self).__name__} does not define lr_at(epoch)")

    def move_to(self, epoch: float) -> None:
        """Set the optimizer's learning rate for a time."""
        self.epoch = float(epoch)
        self.optimizer.lr = self.lr_at(self.epoch)

    @habits.explained
    def step(self) -> None:
        """Move the time on by 1; call it once per epoch, as in torch."""
        self.move_to(self.epoch + 1.0)

    def get_last_lr(self) -> list[float]:
        """Return the optimizer's learning rate, in a list as torch does."""
        return [self.optimizer.lr]

    def observe(self, metric: float) -> None:
        """Take note of how training goes, once per epoch; most schedules ignore it."""

    def state_dict(self) -> dict[str, Any]:
        """Return what changes, as numbers that JSON can hold.

        The shape of the schedule (``T_max`` and the like) is set in the constructor.
        """
        return {"base_lr": self.base_lr, "epoch": self.epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`, and set the optimizer's learning rate.

        Raises
        ------
        ValueError
            If the state has other names than this schedule's; then nothing is changed.
        """
        self._check_names(state)
        self.base_lr = state["base_lr"]
        self.move_to(state["epoch"])

    def _check_names(self, state: Mapping[str, Any]) -> None:
        own = self.state_dict()
        if own.keys() != state.keys():
            raise ValueError(
                f"this state belongs to another schedule than {type(self).__name__}: expected "
                f"{', '.join(own)}, found {', '.join(state) or 'nothing'}"
            )


class StepLR(Schedule):
    """Multiplies the rate by gamma every `step_size` epochs.

    .. math::
        \\mathrm{lr}(t) = \\mathrm{lr}_0 \\,
        \\gamma^{\\lfloor t / \\mathrm{step\\_size} \\rfloor}

    Parameters
    ----------
    optimizer : Optimizer
        Whose ``lr`` to set.
    step_size : float
        Epochs between two drops.
    gamma : float
        The factor of each drop, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Parameter
    >>> from dlcourse.optim import SGD
    >>> schedule = StepLR(SGD([Parameter(np.zeros(1))], lr=1.0), step_size=2, gamma=0.5)
    >>> [schedule.lr_at(t) for t in (0, 1, 1.9, 2, 4)]
    [1.0, 1.0, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: float, gamma: float = 0.1) -> None:
        self.step_size = _positive("step_size", step_size)
        self.gamma = _positive("gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, epoch: float) -> float:
        return self.base_lr * self.gamma ** math.floor(epoch / self.step_size)


class CosineAnnealingLR(Schedule):
    """Half a cosine wave from the base rate down to `eta_min` (Loshchilov & Hutter 2017).

    .. math::
        \\mathrm{lr}(t) = \\eta_{\\min} + \\tfrac12 (\\mathrm{lr}_0 - \\eta_{\\min})
        \\left(1 + \\cos \\frac{\\pi t}{T_{\\max}}\\right)

    As in torch, the rate rises again after `T_max`; give it the length of training.

    Parameters
    ----------
    optimizer : Optimizer
        Whose ``lr`` to set.
    T_max : float
        Epochs until the rate is at its lowest.
    eta_min : float
        The lowest rate.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Parameter
    >>> from dlcourse.optim import SGD
    >>> schedule = CosineAnnealingLR(SGD([Parameter(np.zeros(1))], lr=1.0), T_max=3)
    >>> [round(schedule.lr_at(t), 3) for t in range(4)]
    [1.0, 0.75, 0.25, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0) -> None:
        self.T_max = _positive("T_max", T_max)
        self.eta_min = in_range("eta_min", eta_min, 0.0)
        super().__init__(optimizer)

    def lr_at(self, epoch: float) -> float:
        share = (1 + math.cos(math.pi * epoch / self.T_max)) / 2
        return self.eta_min + (self.base_lr - self.eta_min) * share


class LinearWarmup(Schedule):
    """Raises the rate linearly to its base value, then follows another schedule.

    .. math::
        \\mathrm{lr}(t) = \\mathrm{lr}_0
        \\left(f + (1 - f) \\, t / \\mathrm{warmup}\\right) \\quad (t < \\mathrm{warmup})

    with f the `start_factor`. The warm-up is torch's ``LinearLR``; with `after` it is torch's
    ``SequentialLR`` of the two. Large batches need it (Goyal et al. 2017): early gradients are
    large and change quickly.

    Parameters
    ----------
    optimizer : Optimizer
        Whose ``lr`` to set.
    warmup : float
        Epochs until the base rate is reached.
    start_factor : float
        The share of the base rate to begin with, in (0, 1].
    after : Schedule, optional
        Made for the same optimizer; its time begins when the warm-up ends. When left out, the rate
        stays.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Parameter
    >>> from dlcourse.optim import SGD
    >>> optimizer = SGD([Parameter(np.zeros(1))], lr=1.0)
    >>> step = StepLR(optimizer, step_size=3)
    >>> schedule = LinearWarmup(optimizer, warmup=2, start_factor=0.5, after=step)
    >>> [schedule.lr_at(t) for t in (0, 1, 2, 4, 5)]
    [0.5, 0.75, 1.0, 1.0, 0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        warmup: float,
        start_factor: float = 1.0 / 3.0,
        after: Schedule | None = None,
    ) -> None:
        self.warmup = _positive("warmup", warmup)
        if not 0.0 < start_factor <= 1.0:
            raise ValueError(f"start_factor must lie in (0, 1], found {start_factor!r}")
        self.start_factor = float(start_factor)
        self.after = after
        if after is not None:
            if after.optimizer is not optimizer:
                raise ValueError("after must be a schedule of the same optimizer")
            optimizer.lr = after.base_lr  # making it has set the rate that it begins with
        super().__init__(optimizer)

    def lr_at(self, epoch: float) -> float:
        if epoch < self.warmup:
            share = epoch / self.warmup
            return self.base_lr * (self.start_factor + (1 - self.start_factor) * share)
        return self.base_lr if self.after is None else self.after.lr_at(epoch - self.warmup)

    def observe(self, metric: float) -> None:
        """Pass the metric on to the schedule after the warm-up, once that is over."""
        if self.after is not None and self.epoch >= self.warmup:
            self.after.observe(metric)

    def state_dict(self) -> dict[str, Any]:
        after = {} if self.after is None else self.after.state_dict()
        return super().state_dict() | {f"after.{name}": value for name, value in after.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._check_names(state)
        if self.after is not None:
            self.after.load_state_dict(
                {
                    name.removeprefix("after."): value
                    for name, value in state.items()
                    if name.startswith("after.")
                }
            )
        super().load_state_dict(state)


class ReduceLROnPlateau(Schedule):
    """Multiplies the rate by `factor` when a metric has stopped getting better.

    Time does not matter to it: once per epoch it takes the metric, in `step` as in torch or in
    `observe` as in every schedule. The metric is better when it beats the best so far by the share
    `threshold`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose ``lr`` to set.
    mode : {"min", "max"}
        Whether less (a loss) or more (an accuracy) is better.
    factor : float
        The factor of each drop, in (0, 1).
    patience : int
        How many epochs in a row may pass without improvement; the next one drops the rate.
    threshold : float
        The share of the best by which a better metric must differ.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Parameter
    >>> from dlcourse.optim import SGD
    >>> optimizer = SGD([Parameter(np.zeros(1))], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (0.9, 0.5, 0.6, 0.5):
    ...     schedule.step(loss)
    >>> optimizer.lr
    0.5
    """

    #: A drop smaller than this is left out, as in torch.
    smallest_drop = 1e-8

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', found {mode!r}")
        self.mode = mode
        self.factor = in_range("factor", _positive("factor", factor), 0.0, below=1.0)
        self.patience = int(in_range("patience", patience, 0))
        self.threshold = in_range("threshold", threshold, 0.0)
        self.lr = optimizer.lr
        self.best: float | None = None
        self.bad_epochs = 0
        super().__init__(optimizer)

    def lr_at(self, epoch: float) -> float:
        return self.lr

    def step(self, metrics: float) -> None:  # type: ignore[override]
        """Count an epoch and take its metric, as `observe` does."""
        self.move_to(self.epoch + 1.0)
        self.observe(metrics)

    def observe(self, metric: float) -> None:
        """Take the metric of an epoch, and lower the rate when patience has run out."""
        if self._is_better(metric):
            self.best = float(metric)
            self.bad_epochs = 0
        else:
            self.bad_epochs += 1
        if self.bad_epochs > self.patience:
            self.bad_epochs = 0
            lower = self.lr * self.factor
            if self.lr - lower > self.smallest_drop:
                self.lr = lower
                self.optimizer.lr = lower

    def _is_better(self, metric: float) -> bool:
        if math.isnan(metric):
            return False
        if self.best is None:
            return True
        if self.mode == "min":
            return metric < self.best * (1 - self.threshold)
        return metric > self.best * (1 + self.threshold)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {
            "lr": self.lr,
            "best": self.best,
            "bad_epochs": self.bad_epochs,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._check_names(state)
        self.lr, self.best = state["lr"], state["best"]
        self.bad_epochs = state["bad_epochs"]
        super().load_state_dict(state)


def _positive(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0, found {value!r}")
    return float(value)


_OWN = "derive from Schedule and write lr_at(epoch)"
_WARMUP = "write LinearWarmup(optimizer, warmup=5, after=schedule)"

#: What to write in place of a schedule that torch has.
HINTS = {
    "ExponentialLR": "write StepLR(optimizer, step_size=1, gamma=0.9)",
    "LinearLR": _WARMUP,
    "SequentialLR": _WARMUP,
    "LRScheduler": "the base of schedules is Schedule",
    "MultiStepLR": "write StepLR, or " + _OWN,
    **dict.fromkeys(("ChainedScheduler", "ConstantLR", "CosineAnnealingWarmRestarts"), _OWN),
    **dict.fromkeys(("CyclicLR", "LambdaLR", "MultiplicativeLR", "OneCycleLR"), _OWN),
    "PolynomialLR": _OWN,
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(__name__, HINTS)
