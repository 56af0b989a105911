"""`Trainer`: epochs over a data set, with history, checkpoints and a progress bar."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple
from itertools import chain, islice
from pathlib import Path

import numpy as np

from dlcourse.backend import Array
from dlcourse.data import Dataset, batches
from dlcourse.distributed import Communicator, SingleProcess, broadcast_json
from dlcourse.expect import whole_number
from dlcourse.files import Found
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
from dlcourse.training.checkpoint import Checkpoint, is_finite
from dlcourse.training.copying import ahead
from dlcourse.training.cutting import needs_whole_batch
from dlcourse.training.history import Epoch, History
from dlcourse.training.loop import Loop
from dlcourse.training.parallel import Augment, ParallelModel


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
        Steps after which the state is kept as well.
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
        Loss and accuracy of every step, summary of every epoch.
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
        model = self.model if self.scaler is None else MixedPrecision(self.model, self.scaler)
        with ParallelModel(
            model, self.make_loss, self.workers, self.micro_batch, self.communicator
        ) as parallel:
            parallel.cutting.check(len(train), self.batch_size)
            loop = _Epochs(self, parallel, train, valid, epochs)
            loop.run(epochs * loop.steps)
            self.stop = loop.stop
        return self.history


class _Epochs(Loop):
    """The loop of a trainer: a step is a batch, and what is watched are epochs."""

    def __init__(
        self,
        trainer: Trainer,
        parallel: ParallelModel,
        train: Dataset,
        valid: Dataset | None,
        epochs: int,
    ) -> None:
        self.trainer, self.parallel = trainer, parallel
        self.train, self.valid, self.epochs = train, valid, epochs
        self.steps = math.ceil(len(train) / trainer.batch_size)  #: of an epoch
        self.batches: Iterator[tuple[Array, Array]] | None = None
        names = ("model", "optimizer", "schedule", "scaler")
        parts = {name: getattr(trainer, name) for name in names}
        settings = {name: getattr(trainer, name) for name in ("batch_size", "micro_batch", "seed")}
        super().__init__(
            self.step_of_batch,
            {name: part for name, part in parts.items() if part is not None},
            checkpoint=trainer.checkpoint,
            save_every=trainer.checkpoint_every or self.steps,
            watch=self.end_epoch,
            watch_every=self.steps,
            settings={"images": len(train), **settings},
            communicator=trainer.communicator,
            progress=trainer.progress,
        )
        self.history, self.stop = trainer.history, trainer.stop

    def accept(self, saved: Checkpoint) -> None:
        """Refuse what no trainer wrote, and tell what other ranks than before change."""
        history, ranks = saved.history, self.communicator.size
        values = [value for epoch in history.epochs for value in astuple(epoch)]
        if not all(value is None or is_finite(value) for value in values):
            raise Found("one whose epochs have things other than finite numbers")
        if history.done and history.numbers.keys() != {"epoch", "loss", "accuracy"}:
            raise Found(f"one whose steps have {', '.join(history.numbers)}")
        if [epoch.epoch for epoch in history.epochs] != [*range(1, history.done // self.steps + 1)]:
            raise Found(
                f"one that has done {history.done} steps, in {len(history.epochs)} epochs of "
                f"{self.steps}"
            )
        if saved.ranks != ranks:
            warnings.warn(_what_changes(self.trainer.model, saved.ranks, ranks), stacklevel=5)

    def step_of_batch(self, number: int) -> dict[str, float]:
        """Compute the gradient of a batch, and update the weights."""
        trainer = self.trainer
        epoch, k = divmod(number, self.steps)
        if self.batches is None:  # the first step, perhaps since a checkpoint
            self.batches = self.batches_from(epoch, k)
        images, labels = next(self.batches)
        if trainer.schedule is not None:
            trainer.schedule.move_to(epoch + k / self.steps)
        score = self.parallel.gradients(
            images, labels, self.size(k), trainer.seed, (epoch + 1, k), trainer.augment
        )
        numbers = {"epoch": epoch + 1, "loss": score.loss, "accuracy": score.accuracy}
        parameters = trainer.model.parameters()
        if not math.isfinite(score.loss):
            return numbers  # the loop says what is wrong, and the weights stay as they are
        if trainer.scaler is None or trainer.scaler.update(parameters):
            if trainer.max_norm is not None:
                clip_grad_norm_(parameters, trainer.max_norm)
            trainer.optimizer.step()
        return numbers

    def batches_from(self, epoch: int, k: int) -> Iterator[tuple[Array, Array]]:
        """Return this rank's part of all batches from batch k of an epoch on."""
        trainer, images, labels = self.trainer, self.train.images, self.train.labels
        orders = (
            batches(len(images), trainer.batch_size, generator(trainer.seed, Stream.SHUFFLE, n))
            for n in range(epoch + 1, self.epochs + 1)
        )
        whole = islice(chain.from_iterable(orders), k, None)
        own = (indices[self.parallel.cutting.share(len(indices))] for indices in whole)
        loaded = ((images[indices], labels[indices]) for indices in own)
        if trainer.augment is not None:  # images are changed on the host, and copied afterwards
            return loaded
        return ahead(loaded, like=trainer.model.parameters()[0].data)

    def size(self, k: int) -> int:
        """Return how many images batch k of an epoch has; the last takes what is left."""
        size = self.trainer.batch_size
        return min(size, len(self.train) - k * size)

    def end_epoch(self, done: int) -> None:
        """Sum up an epoch, for the schedule and the callbacks to see."""
        number, left = divmod(done, self.steps)
        if number == 0 or left:
            return
        trainer, history, valid = self.trainer, self.history, self.valid
        checked = None if valid is None else self.parallel.evaluate(valid.images, valid.labels)
        if checked is not None:
            self.check({"validation loss": checked.loss}, f"after epoch {number}")
        sizes = np.array([self.size(k) for k in range(self.steps)])
        losses = sizes * history["loss"][-self.steps :]
        # Right answers, of which the steps have the share.
        right = (sizes * history["accuracy"][-self.steps :]).round()
        epoch = Epoch(
            epoch=number,
            lr=trainer.optimizer.lr,
            train_loss=float(losses.sum()) / len(self.train),
            train_accuracy=float(right.sum()) / len(self.train),
            valid_loss=None if checked is None else checked.loss,
            valid_accuracy=None if checked is None else checked.accuracy,
            seconds=self.seconds - sum(epoch.seconds for epoch in history.epochs),
        )
        history.watched.append({"step": done, **asdict(epoch)})
        if trainer.schedule is not None:
            watched = epoch.train_loss if epoch.valid_loss is None else epoch.valid_loss
            trainer.schedule.observe(watched)
        for callback in trainer.callbacks:
            callback(trainer, epoch)
        if self.communicator.size > 1:
            trainer.stop = broadcast_json(trainer.stop, self.communicator)
        self.stop = trainer.stop


def _what_changes(model: Module, before: int, now: int) -> str:
    if needs_whole_batch(model):
        change = (
            "each step sees the same images, but ranks draw other random numbers for dropout and "
            "augmentation, and sums are taken in another order"
        )
    elif all(ranks & (ranks - 1) == 0 for ranks in (before, now)):
        change = "each step sees the same images and takes the same sums: not a bit changes"
    else:
        change = (
            "each step sees the same images, but the sum of the gradients is taken in another "
            "order, so roundings differ, and with them the weights"
        )
    return f"training goes on with {now} rank{'s' * (now > 1)} in place of {before}; {change}"
