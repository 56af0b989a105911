"""`Trainer`: epochs over a data set, with history, checkpoints and a progress bar."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dlcourse.backend import Array
from dlcourse.data import Dataset, batches
from dlcourse.distributed import Communicator, SingleProcess, broadcast_json
from dlcourse.expect import whole_number
from dlcourse.files import remove_leftovers
from dlcourse.nn import CrossEntropyLoss, Module
from dlcourse.nn.loss import Loss
from dlcourse.optim import Optimizer, Schedule, clip_grad_norm_
from dlcourse.precision import LossScaler, MixedPrecision
from dlcourse.streams import Stream, generator
from dlcourse.training.arguments import (
    check_callable,
    check_callbacks,
    check_kind,
    check_loss,
    check_norm,
    check_optimizer,
)
from dlcourse.training.checkpoint import Checkpoint
from dlcourse.training.copying import ahead
from dlcourse.training.divergence import TrainingDiverged, check_weights
from dlcourse.training.history import Epoch, History, Progress
from dlcourse.training.parallel import Augment, ParallelModel
from dlcourse.training.progress import progress_bar
from dlcourse.training.state import restore, share, snapshot
from dlcourse.training.sums import Score


class Trainer:
    """Trains a network: a forward and a backward pass per step, every image once per epoch.

    The same seed gives the same weights, bit for bit, on any number of workers, and whether or
    not training was interrupted and resumed in between.

    With a `communicator`, every rank runs the same program. Each takes its share of every batch,
    and all end with the weights that one process would have: bit for bit if the number of ranks
    is a power of two, otherwise up to the order of sums. A model with `SyncBatchNorm` agrees up to
    rounding as well, but draws dropout and augmentation for each rank.

    Parameters
    ----------
    model : Module
        The network; trained in place. Parts that are in ``eval()`` while the whole is in training
        mode stay so: the statistics of a frozen normalization do not move.
    optimizer : Optimizer
        Made for the model's parameters.
    make_loss : callable
        Makes the loss; each worker has its own.
    schedule : Schedule, optional
        Sets the learning rate. Its time is counted in epochs, with fractions.
    augment : callable, optional
        ``augment(images, rng)`` returns the images that the network sees.
    max_norm : float, optional
        The gradients of all parameters together are shortened to this norm.
    scaler : LossScaler, optional
        Trains in mixed precision, see `MixedPrecision`, with the loss scaled by it. Steps whose
        gradients overflow change no weights.
    callbacks : iterable of callables
        Each is called as ``callback(trainer, epoch)`` after every epoch, in order. Set
        ``trainer.stop`` to end training. With several ranks all call it, and rank 0 decides.
    checkpoint : path-like, optional
        Where to keep the state after every epoch. An existing file is continued from. Only rank 0
        reads and writes it.
    checkpoint_every : int, optional
        Steps within an epoch after which the state is kept as well.
    batch_size : int
        Images per step, over all ranks together; the last step of an epoch takes what is left.
    seed : int
        Decides shuffling, augmentation and dropout.
    workers : int, optional
        Threads; one per core when left out. It changes the time, not the result.
    micro_batch : int
        Images that pass through the network at a time, see `ParallelModel`.
    communicator : Communicator, optional
        The connection to the other ranks.
    progress : bool
        Whether to show a progress bar.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be meant: an optimizer of another network, a batch of no images.

    Attributes
    ----------
    history : History
        Loss of every step, summary of every epoch.
    within_epoch : Progress or None
        What was done of the epoch during which a checkpoint was taken.
    stop : bool
        Set by a callback to end training after this epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Linear, Flatten, Sequential
    >>> from dlcourse.optim import SGD
    >>> rng = np.random.default_rng(0)
    >>> data = Dataset(rng.random((20, 1, 2, 2), dtype=np.float32), np.arange(20) % 2, ("a", "b"))
    >>> model = Sequential(Flatten(), Linear(4, 2, rng=rng))
    >>> trainer = Trainer(model, SGD(model.parameters(), lr=0.1), batch_size=8, progress=False)
    >>> history = trainer.fit(data, epochs=2)
    >>> len(history.step_loss), len(history.epochs)
    (6, 2)
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        make_loss: Callable[[], Loss] = CrossEntropyLoss,
        *,
        schedule: Schedule | None = None,
        augment: Augment | None = None,
        max_norm: float | None = None,
        scaler: LossScaler | None = None,
        callbacks: Iterable[Callable[[Trainer, Epoch], None]] = (),
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None,
        batch_size: int = 100,
        seed: int = 0,
        workers: int | None = None,
        micro_batch: int = 25,
        communicator: Communicator | None = None,
        progress: bool = True,
    ) -> None:
        check_optimizer(model, optimizer, schedule)
        check_loss(make_loss)
        if augment is not None:
            check_callable("augment", augment, "augment(images, rng)")
        if scaler is not None:
            check_kind("scaler", scaler, LossScaler, "a LossScaler()")
        if communicator is not None:
            check_kind("communicator", communicator, Communicator, "a Communicator")
        check_norm(max_norm)
        self.model = model
        self.optimizer = optimizer
        self.make_loss = make_loss
        self.schedule = schedule
        self.augment = augment
        self.max_norm = max_norm
        self.scaler = scaler
        self.callbacks = check_callbacks(callbacks)
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        if checkpoint_every is not None:
            whole_number("checkpoint_every", checkpoint_every)
        if checkpoint_every is not None and checkpoint is None:
            raise ValueError("checkpoint_every needs a file to write to; give checkpoint as well")
        self.checkpoint_every = checkpoint_every
        self.batch_size = whole_number("batch_size", batch_size)
        self.seed = whole_number("seed", seed, least=0)
        self.workers = None if workers is None else whole_number("workers", workers)
        self.micro_batch = whole_number("micro_batch", micro_batch)
        self.communicator = communicator or SingleProcess()
        self.progress = progress
        self.history = History()
        self.within_epoch: Progress | None = None
        self.stop = False

    def fit(self, train: Dataset, valid: Dataset | None = None, *, epochs: int) -> History:
        """Train until `epochs` epochs are done in total, and return the history.

        Parameters
        ----------
        train : Dataset
            The images to learn from.
        valid : Dataset, optional
            Images to measure loss and accuracy on after each epoch.
        epochs : int
            Passes over `train`, including those before a resumed checkpoint.

        Raises
        ------
        TrainingDiverged
            If the loss or a weight becomes infinite or not a number; the checkpoint stays as it
            was before.
        TypeError
            If `train` or `valid` is not a `Dataset`.
        ValueError
            If `epochs` is less than 1, if the checkpoint is damaged or belongs to another
            training run, or if there are more ranks than a batch has work for.
        """
        for name, data in {"train": train, "valid": valid}.items():
            if data is not None or name == "train":
                check_kind(name, data, Dataset, "a Dataset(images, labels, classes)")
        epochs = whole_number("epochs", epochs)
        settings, rank = self._settings(train), self.communicator.rank
        if self.checkpoint is not None and rank == 0:
            remove_leftovers(self.checkpoint)
            if self.checkpoint.exists():
                restore(self, Checkpoint.load(self.checkpoint), settings)
        if self.communicator.size > 1:
            share(self, settings)
        done = len(self.history.epochs)
        steps = math.ceil(len(train) / self.batch_size)
        model = self.model if self.scaler is None else MixedPrecision(self.model, self.scaler)
        with (
            ParallelModel(
                model, self.make_loss, self.workers, self.micro_batch, self.communicator
            ) as parallel,
            progress_bar(
                show=self.progress and rank == 0,
                total=epochs * steps,
                initial=done * steps + (self.within_epoch or Progress()).step,
                unit="step",
            ) as bar,
        ):
            parallel.cutting.check(len(train), self.batch_size)
            for number in range(done + 1, epochs + 1):
                if self.stop:
                    break
                epoch = self._epoch(number, train, valid, parallel, bar, settings)
                self.within_epoch = None
                self.history.epochs.append(epoch)
                if self.schedule is not None:
                    watched = epoch.train_loss if epoch.valid_loss is None else epoch.valid_loss
                    self.schedule.observe(watched)
                for callback in self.callbacks:
                    callback(self, epoch)
                if self.communicator.size > 1:
                    self.stop = broadcast_json(self.stop, self.communicator)
                # Last: a run killed before this repeats the epoch, callbacks and all.
                self._save(settings)
        return self.history

    def _epoch(
        self,
        number: int,
        train: Dataset,
        valid: Dataset | None,
        parallel: ParallelModel,
        bar: tqdm[Any],
        settings: dict[str, Any],
    ) -> Epoch:
        before = self.within_epoch or Progress()
        start = time.perf_counter() - before.seconds
        total = Score(before.loss_sum, before.correct, before.count)
        steps = math.ceil(len(train) / self.batch_size)
        shuffle = generator(self.seed, Stream.SHUFFLE, number)
        order = list(enumerate(batches(len(train), self.batch_size, shuffle)))[before.step :]
        own = (indices[parallel.cutting.share(len(indices))] for _, indices in order)
        loaded: Iterator[tuple[Array, Array]] = ((train.images[i], train.labels[i]) for i in own)
        if self.augment is None:  # images that are augmented on the host are copied afterwards
            loaded = ahead(loaded, like=self.model.parameters()[0].data)
        for (step, indices), (images, labels) in zip(order, loaded, strict=True):
            if self.schedule is not None:
                self.schedule.move_to(number - 1 + step / steps)
            score = parallel.gradients(
                images, labels, len(indices), self.seed, (number, step), self.augment
            )
            if not math.isfinite(score.loss):
                raise TrainingDiverged(self._diverged(number, step, score.loss))
            if self.scaler is None or self.scaler.update(self.model.parameters()):
                if self.max_norm is not None:
                    clip_grad_norm_(self.model.parameters(), self.max_norm)
                self.optimizer.step()
            total += score
            self.history.step_loss.append(score.loss)
            bar.set_postfix(epoch=number, loss=f"{score.loss:.3f}", refresh=False)
            bar.update()
            done = step + 1
            if self.checkpoint_every and done % self.checkpoint_every == 0 and done < steps:
                check_weights(self.model, self.optimizer.lr)
                seconds = time.perf_counter() - start
                self.within_epoch = Progress(
                    done, total.loss_sum, total.correct, total.count, seconds
                )
                self._save(settings)
        check_weights(self.model, self.optimizer.lr)
        checked = None if valid is None else parallel.evaluate(valid.images, valid.labels)
        if checked is not None and not math.isfinite(checked.loss):
            raise TrainingDiverged(self._diverged(number, steps - 1, checked.loss))
        return Epoch(
            epoch=number,
            lr=self.optimizer.lr,
            train_loss=total.loss,
            train_accuracy=total.accuracy,
            valid_loss=None if checked is None else checked.loss,
            valid_accuracy=None if checked is None else checked.accuracy,
            seconds=time.perf_counter() - start,
        )

    def _settings(self, train: Dataset) -> dict[str, Any]:
        return {
            "model": type(self.model).__name__,
            "optimizer": type(self.optimizer).__name__,
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
            "scaler": None if self.scaler is None else type(self.scaler).__name__,
            "images": len(train),
            "batch_size": self.batch_size,
            "micro_batch": self.micro_batch,
            "seed": self.seed,
        }

    def _save(self, settings: dict[str, Any]) -> None:
        if self.checkpoint is not None and self.communicator.rank == 0:
            snapshot(self, settings).save(self.checkpoint)

    def _diverged(self, epoch: int, step: int, loss: float) -> str:
        file = self.checkpoint
        kept = f"; {file} keeps what was before" if file is not None and file.exists() else ""
        return (
            f"the loss became {loss} in epoch {epoch}, step {step + 1}, at a learning rate of "
            f"{self.optimizer.lr:g}: try a smaller learning rate, a warm-up or max_norm{kept}"
        )
