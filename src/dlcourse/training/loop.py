"""`Loop`: step after step, for training whose batches are not images with one label each."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlcourse.expect import whole_number
from dlcourse.nn import Module
from dlcourse.nn.state import put
from dlcourse.optim import Optimizer, Schedule, clip_grad_norm_
from dlcourse.training.arguments import (
    check_callable,
    check_norm,
    check_optimizer,
)
from dlcourse.training.checkpoint import Checkpoint, reading_checkpoint
from dlcourse.training.divergence import TrainingDiverged, check_weights
from dlcourse.training.progress import progress_bar


class Loop:
    """Repeat a step that you write: it draws a batch, computes a loss, and calls ``backward``.

    `Trainer` does that for classifiers. Networks with other batches (boxes, captions) or other
    losses bring their own step; this class zeroes the gradients before it and updates the weights
    after it, keeps the losses, and saves checkpoints. If what a step draws depends on its number
    alone, a training run that was interrupted and resumed gives the weights of one that was not.

    Parameters
    ----------
    model : Module
        The network; trained in place.
    optimizer : Optimizer
        Made for the model's parameters.
    step : callable
        ``step(number)`` returns the loss of batch `number`, and leaves its gradients.
    schedule : Schedule, optional
        Sets the learning rate; its time is the number of the step.
    max_norm : float, optional
        The gradients of all parameters together are shortened to this norm.
    checkpoint : path-like, optional
        File that is written every `save_every` steps and at the end. If it is there already,
        training goes on from it.
    save_every : int
        Steps between checkpoints.
    settings : mapping, optional
        What must be the same for a checkpoint to fit, in types that JSON knows.
    progress : bool
        Whether to show a progress bar.

    Attributes
    ----------
    losses : list of float
        The loss of each step so far.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Linear, MSELoss
    >>> from dlcourse.optim import SGD
    >>> line, loss = Linear(1, 1, rng=np.random.default_rng(0)), MSELoss()
    >>> def step(number):
    ...     x = np.random.default_rng(number).random((8, 1), dtype=np.float32)
    ...     value = loss(line(x), 3 * x + 1)
    ...     line.backward(loss.backward())
    ...     return value
    >>> losses = Loop(line, SGD(line.parameters(), lr=0.5), step, progress=False).run(200)
    >>> line.weight.data.round(2), line.bias.data.round(2)
    (array([[3.]], dtype=float32), array([1.], dtype=float32))
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        step: Callable[[int], float],
        *,
        schedule: Schedule | None = None,
        max_norm: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        save_every: int = 100,
        settings: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> None:
        check_optimizer(model, optimizer, schedule)
        check_callable("step", step, "step(number)")
        check_norm(max_norm)
        self.model = model
        self.optimizer = optimizer
        self.step = step
        self.schedule = schedule
        self.max_norm = max_norm
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.save_every = whole_number("save_every", save_every)
        self.settings = {"model": type(model).__name__, **(settings or {})}
        self.progress = progress
        self.losses: list[float] = []

    def run(self, steps: int) -> list[float]:
        """Train up to this many steps, counting those before a checkpoint; return all losses.

        Raises
        ------
        TrainingDiverged
            If the loss or a weight becomes infinite or not a number; the checkpoint stays as it
            was before.
        ValueError
            If the checkpoint is damaged or belongs to another training run.
        """
        steps = whole_number("steps", steps, least=0)
        if self.checkpoint is not None and self.checkpoint.exists():
            self._resume(self.checkpoint)
        with progress_bar(
            show=self.progress, total=steps, initial=len(self.losses), unit="step"
        ) as bar:
            for number in range(len(self.losses), steps):
                if self.schedule is not None:
                    self.schedule.move_to(number)
                self.model.zero_grad()
                loss = self.step(number)
                if loss is None:
                    raise TypeError("step(number) must return the loss: end it with `return`")
                if not math.isfinite(loss):
                    raise TrainingDiverged(
                        f"the loss became {loss} in step {number + 1}, at a learning rate of "
                        f"{self.optimizer.lr:g}: try a smaller learning rate or max_norm"
                    )
                if self.max_norm is not None:
                    clip_grad_norm_(self.model.parameters(), self.max_norm)
                self.optimizer.step()
                self.losses.append(loss)
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()
                done = number + 1
                if done % self.save_every == 0 or done == steps:
                    check_weights(self.model, self.optimizer.lr)
                    if self.checkpoint is not None:
                        self._state().save(self.checkpoint)
        return self.losses

    def _state(self) -> Checkpoint:
        return Checkpoint(
            self.model.state_dict(),
            self.optimizer.state_dict(),
            schedule=None,  # the number of the step is all it needs
            history={"losses": self.losses},
            settings=self.settings,
            stop=False,
        )

    def _resume(self, path: Path) -> None:
        saved = Checkpoint.load(path)
        saved.expect(self.settings, path)
        pairs = saved.fitted(self.model.state_dict(), self.optimizer.state_dict(), path)
        with reading_checkpoint(path):
            losses = list(map(float, saved.history["losses"]))
        put(pairs)
        self.losses = losses
