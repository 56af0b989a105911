"""`Loop`: step after step, whatever a step is; trainings of networks stand on it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlcourse.backend import array_module
from dlcourse.distributed import Communicator, SingleProcess, broadcast_arrays, broadcast_json
from dlcourse.expect import whole_number
from dlcourse.files import FileError, check_writable
from dlcourse.nn import Module
from dlcourse.optim import Optimizer
from dlcourse.training.arguments import check_callable, check_kind, check_owned
from dlcourse.training.checkpoint import (
    Checkpoint,
    Stateful,
    arrays_of,
    numbers_of,
    reading_checkpoint,
)
from dlcourse.training.divergence import TrainingDiverged
from dlcourse.training.history import History
from dlcourse.training.progress import progress_bar


class Loop:
    """Repeat a step that you write, and keep what it returns and what training has come to.

    A step is what it is in PyTorch: draw a batch, zero the gradients, forward, backward, update.
    If what it draws depends on its number alone, a training run that was interrupted and resumed
    gives the weights of one that was not, bit for bit. Wherever it is interrupted, by Ctrl-C, a
    signal or a full disk, the checkpoint stays whole.

    Parameters
    ----------
    step : callable
        ``step(number)`` makes one step, counted from 0, and returns numbers by name,
        ``{"loss": 0.3}``, or the loss alone.
    state : mapping from str to object
        What steps change, by name: all that has ``state_dict`` and ``load_state_dict``, such as
        networks, optimizers and schedules.
    checkpoint : path-like, optional
        File that is written every `save_every` steps, whenever `watch` has seen something, and at
        the end. If it is there already, training goes on from it.
    save_every : int
        Steps between checkpoints.
    watch : callable, optional
        ``watch(done)`` is called before the first step, every `watch_every` steps and at the end.
        It returns what to keep in ``history.watched``, in types that JSON knows, or None.
    watch_every : int
        Steps from one call of `watch` to the next.
    settings : mapping, optional
        What must be the same for a checkpoint to fit, in types that JSON knows.
    communicator : Communicator, optional
        The connection to other ranks that make the same steps. Only rank 0 reads and writes the
        checkpoint; all begin with its state.
    progress : bool
        Whether to show a progress bar.

    Attributes
    ----------
    history : History
        The numbers of every step so far, and what was watched.
    stop : bool
        Set it to end training after the present step. It is kept in the checkpoint.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Linear, MSELoss
    >>> from dlcourse.optim import SGD
    >>> line, loss = Linear(1, 1, rng=np.random.default_rng(0)), MSELoss()
    >>> optimizer = SGD(line.parameters(), lr=0.5)
    >>> def step(number):
    ...     x = np.random.default_rng(number).random((8, 1), dtype=np.float32)
    ...     optimizer.zero_grad()
    ...     value = loss(line(x), 3 * x + 1)
    ...     line.backward(loss.backward())
    ...     optimizer.step()
    ...     return value
    >>> loop = Loop(step, {"model": line, "optimizer": optimizer}, progress=False)
    >>> len(loop.run(200)["loss"])
    200
    >>> line.weight.data.round(2), line.bias.data.round(2)
    (array([[3.]], dtype=float32), array([1.], dtype=float32))
    """

    def __init__(
        self,
        step: Callable[[int], Mapping[str, float] | float],
        state: Mapping[str, Stateful],
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        save_every: int = 100,
        watch: Callable[[int], Mapping[str, Any] | None] | None = None,
        watch_every: int = 100,
        settings: Mapping[str, Any] | None = None,
        communicator: Communicator | None = None,
        progress: bool = True,
    ) -> None:
        check_callable("step", step, "step(number)")
        if watch is not None:
            check_callable("watch", watch, "watch(done)")
        check_kind("state", state, Mapping, 'parts by name, such as {"model": model}')
        self.step = step
        self.state = dict(state)
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.save_every = whole_number("save_every", save_every)
        self.watch = watch
        self.watch_every = whole_number("watch_every", watch_every)
        kinds = {name: type(owner).__name__ for name, owner in self.state.items()}
        self.settings = {**kinds, **(settings or {})}
        self.communicator = communicator or SingleProcess()
        self.progress = progress
        self.history = History()
        self.stop = False
        for owner in self.state.values():
            check_kind("each part of state", owner, Stateful, "one with state_dict, as networks")
        self._models = [owner for owner in self.state.values() if isinstance(owner, Module)]
        self._optimizers = [o for o in self.state.values() if isinstance(o, Optimizer)]
        for optimizer in self._optimizers:
            check_owned(self._models, optimizer)

    def run(self, steps: int | None = None) -> History:
        """Train up to this many steps, counting those before a checkpoint; return the history.

        Parameters
        ----------
        steps : int, optional
            If left out, training goes on until `stop` is set.

        Raises
        ------
        TrainingDiverged
            If a number of a step, or a weight, becomes infinite or not a number; the checkpoint
            stays as it was before.
        ValueError
            If the checkpoint is damaged or belongs to another training run.
        OSError
            If the checkpoint cannot be written.
        """
        if steps is not None:
            whole_number("steps", steps, least=0)
        rank, history = self.communicator.rank, self.history
        if self.checkpoint is not None and rank == 0:
            check_writable(self.checkpoint)
            if self.checkpoint.exists():
                self._resume(self.checkpoint)
        if self.communicator.size > 1:
            self._share()
        self._start = time.perf_counter() - history.seconds
        show = self.progress and rank == 0
        with progress_bar(show=show, total=steps, initial=history.done, unit="step") as bar:
            if history.done % self.watch_every == 0 and self._goes_on(steps):
                self._look()
            while self._goes_on(steps):
                numbers = _by_name(self.step(history.done))
                self.check(numbers, f"in step {history.done + 1}")
                self._add(numbers)
                bar.set_postfix(
                    {n: f"{x:.3f}" if isinstance(x, float) else str(x) for n, x in numbers.items()},
                    refresh=False,
                )
                bar.update()
                self._after_step(last=history.done == steps)
        return history

    @property
    def seconds(self) -> float:
        """How long `run` has taken so far, over all its parts."""
        return time.perf_counter() - self._start

    def check(self, numbers: Mapping[str, float], when: str) -> None:
        """Check that numbers are finite.

        Parameters
        ----------
        numbers : mapping from str to float
            By name.
        when : str
            As in "in step 3".

        Raises
        ------
        TrainingDiverged
            If one is infinite or not a number.
        """
        for name, value in numbers.items():
            if not math.isfinite(value):
                path = self.checkpoint
                kept = f"; {path} keeps what was before" if path and path.exists() else ""
                raise TrainingDiverged(
                    f"the {name.replace('_', ' ')} became {value} {when}{self._rates()}: try a "
                    f"smaller learning rate, a warm-up or max_norm{kept}"
                )

    def accept(self, saved: Checkpoint) -> None:
        """Look at a checkpoint before training goes on from it.

        A subclass refuses it by raising `dlcourse.files.Found`.
        """

    def _check_weights(self) -> None:
        """Check that all weights are finite: the last step may have broken them."""
        arrays = [parameter.data for model in self._models for parameter in model.parameters()]
        xp = array_module(*arrays)
        # On a GPU one number comes back, not one for each.
        if arrays and not xp.stack([xp.isfinite(array).all() for array in arrays]).all():
            raise TrainingDiverged(
                f"the weights are no longer finite numbers{self._rates()}: try a smaller learning "
                "rate"
            )

    def _rates(self) -> str:
        rates = [f"{optimizer.lr:g}" for optimizer in self._optimizers]
        return f", at a learning rate of {' and '.join(rates)}" if rates else ""

    def _goes_on(self, steps: int | None) -> bool:
        return not self.stop and (steps is None or self.history.done < steps)

    def _add(self, numbers: Mapping[str, float]) -> None:
        own = self.history.numbers
        if own and own.keys() != numbers.keys():
            raise FileError(  # perhaps those before are a checkpoint's
                f"{self.checkpoint or 'this training'}: every step must return the same numbers, "
                f"{', '.join(own)}; found {', '.join(numbers)} in step {self.history.done + 1}"
            )
        for name, value in numbers.items():
            own.setdefault(name, []).append(value)

    def _after_step(self, last: bool) -> None:
        done = self.history.done
        looks = last or self.stop or done % self.watch_every == 0
        saves = last or done % self.save_every == 0
        if looks or saves:
            self._check_weights()
        new = looks and self._look()
        self.history.seconds = self.seconds
        # Last: a run that is killed before this makes the step again, and looks again.
        if (saves or new or self.stop) and self.checkpoint is not None:
            self._save(self.checkpoint)

    def _look(self) -> bool:
        """Call `watch` unless it has been, and return whether it has seen something."""
        done, watched = self.history.done, self.history.watched
        before = len(watched)
        if self.watch is not None and not (watched and watched[-1]["step"] == done):
            seen = self.watch(done)
            if seen is not None:
                watched.append({"step": done, **seen})
        return len(watched) > before  # a watch may have put it there by itself

    def _save(self, path: Path) -> None:
        if self.communicator.rank == 0:
            state = {name: dict(owner.state_dict()) for name, owner in self.state.items()}
            ranks = self.communicator.size
            Checkpoint(state, self.history, self.settings, self.stop, ranks).save(path)

    def _resume(self, path: Path) -> None:
        saved = Checkpoint.load(path)
        saved.expect(self.settings, path)
        with reading_checkpoint(path):
            self.accept(saved)
        saved.restore(self.state, path)
        vars(self.history).update(vars(saved.history))
        self.stop = saved.stop

    def _share(self) -> None:
        """Give all ranks the state of rank 0.

        Raises
        ------
        ValueError
            If a rank's settings differ from those of rank 0.
        """
        communicator = self.communicator
        for name, value in broadcast_json(self.settings, communicator).items():
            if self.settings.get(name) != value:
                raise ValueError(
                    f"rank {communicator.rank} trains with {name} {self.settings.get(name)!r}, "
                    f"rank 0 with {value!r}; start all ranks with the same settings"
                )
        for owner in self.state.values():
            state = owner.state_dict()
            arrays, numbers = arrays_of(state), numbers_of(state)
            broadcast_arrays(arrays.values(), communicator)
            if numbers:
                owner.load_state_dict({**arrays, **broadcast_json(numbers, communicator)})
        told = broadcast_json({"stop": self.stop, **vars(self.history)}, communicator)
        self.stop = told.pop("stop")
        vars(self.history).update(told)


def _by_name(numbers: Mapping[str, float] | float | None) -> Mapping[str, float]:
    if numbers is None or numbers == {}:
        raise TypeError("step(number) must return the loss: end it with `return`")
    named = numbers if isinstance(numbers, Mapping) else {"loss": numbers}
    return {name: n if isinstance(n, int) else float(n) for name, n in named.items()}
