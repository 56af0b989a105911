"""Training two networks against each other."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.applications.generation.latent import latent_vectors
from dlcourse.applications.generation.losses import discriminator_loss, generator_loss
from dlcourse.backend import Array, array_module
from dlcourse.expect import whole_number
from dlcourse.files import Found
from dlcourse.models import DCGANDiscriminator, DCGANGenerator
from dlcourse.nn.state import put
from dlcourse.optim import Adam
from dlcourse.training import Checkpoint, Stream, TrainingDiverged, generator
from dlcourse.training.arguments import check_callable
from dlcourse.training.checkpoint import reading_checkpoint
from dlcourse.training.divergence import check_weights
from dlcourse.training.progress import progress_bar

#: What is kept of each step.
KEPT = ("discriminator_loss", "generator_loss", "right_on_real", "right_on_made")


class AdversarialLoop:
    """Train a generator and a discriminator in turns, step after step.

    In a step the discriminator learns from a batch of real images and one of generated images, each
    normalized as a batch of its own; then the generator learns from what the discriminator, as it
    is now, says about the same images. Both have Adam, by default with the published learning rate
    0.0002, and with momentum 0.5 (Radford et al. 2016, section 4). As with
    `dlcourse.training.Loop`, whatever is drawn depends on the number of the step alone, so a
    training run that was interrupted goes on as if it had not been, bit for bit.

    Parameters
    ----------
    generator, discriminator : DCGANGenerator, DCGANDiscriminator
        The networks; trained in place.
    images : array of shape (N, 1, 28, 28)
        Real images, from -1 to 1.
    batch_size : int
        Images of each kind per step.
    lr : float
        Learning rate of both networks.
    generator_lr : float, optional
        A different one for the generator (Heusel et al. 2017).
    rate : callable, optional
        ``rate(number)`` is the share of the learning rates that step `number` uses.
    seed : int
        What batches and vectors are drawn from.
    watch : callable, optional
        ``watch(generator, step)`` returns numbers to keep, in types that JSON knows; it is called
        before the first step, every `watch_every` steps and at the end.
    watch_every : int
        Steps from one call of `watch` to the next.
    checkpoint : path-like, optional
        File that is written at each of these calls; training goes on from it if it is there.
    settings : mapping, optional
        What else must be the same for a checkpoint to fit, in types that JSON knows.
    progress : bool
        Whether to show a progress bar.

    Attributes
    ----------
    history : dict from str to list of float
        `KEPT`, one number per step: both losses, and the shares of real and of generated images
        that the discriminator was right about before it learnt from them.
    watched : list of dict
        What `watch` returned, and the number of steps before it as ``"step"``.

    Raises
    ------
    ValueError
        If the images have the wrong shape or range, or are fewer than a batch.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> networks = DCGANGenerator(8, 4, rng=rng), DCGANDiscriminator(4, rng=rng)
    >>> images = rng.uniform(-1, 1, (10, 1, 28, 28)).astype(np.float32)
    >>> loop = AdversarialLoop(*networks, images, batch_size=4, progress=False)
    >>> history = loop.run(2)
    >>> len(history["generator_loss"])
    2
    """

    def __init__(
        self,
        generator: DCGANGenerator,
        discriminator: DCGANDiscriminator,
        images: Array,
        *,
        batch_size: int = 64,
        lr: float = 2e-4,
        generator_lr: float | None = None,
        rate: Callable[[int], float] | None = None,
        seed: int = 0,
        watch: Callable[[DCGANGenerator, int], dict[str, Any]] | None = None,
        watch_every: int = 100,
        checkpoint: str | os.PathLike[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> None:
        whole_number("batch_size", batch_size)
        whole_number("seed", seed, least=0)
        whole_number("watch_every", watch_every)
        for name, function in {"rate": rate, "watch": watch}.items():
            if function is not None:
                check_callable(name, function, f"{name}(...)")
        if images.ndim != 4 or len(images) < batch_size:
            raise ValueError(
                f"images must have the shape (N, 1, 28, 28) with at least {batch_size} of them, "
                f"found {images.shape}"
            )
        if not -1 <= float(images.min()) < 0 < float(images.max()) <= 1:
            raise ValueError(
                f"images must have values from -1 to 1, found {float(images.min()):g} to "
                f"{float(images.max()):g}: for those from 0 to 1 take 2 * images - 1"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.images = images
        self.batch_size = batch_size
        self.rate = rate
        self.seed = seed
        self.watch = watch
        self.watch_every = watch_every
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.progress = progress
        betas = (0.5, 0.999)
        generator_lr = lr if generator_lr is None else generator_lr
        self.optimizers = {
            "generator": Adam(generator.parameters(), generator_lr, betas),
            "discriminator": Adam(discriminator.parameters(), lr, betas),
        }
        self.settings = {
            "seed": seed,
            "batch_size": batch_size,
            "images": len(images),
            "lr": lr,
            "generator_lr": generator_lr,
            **(settings or {}),
        }
        self._rates = {"generator": generator_lr, "discriminator": lr}
        self.history: dict[str, list[float]] = {name: [] for name in KEPT}
        self.watched: list[dict[str, Any]] = []

    def run(self, steps: int) -> dict[str, list[float]]:
        """Train up to this many steps, counting those before a checkpoint; return the history.

        Raises
        ------
        TrainingDiverged
            If a loss becomes infinite or not a number.
        ValueError
            If the checkpoint is damaged or belongs to another training run.
        """
        steps = whole_number("steps", steps, least=0)
        if self.checkpoint is not None and self.checkpoint.exists():
            self._resume(self.checkpoint)
        done = len(self.history[KEPT[0]])
        with progress_bar(show=self.progress, total=steps, initial=done, unit="step") as bar:
            for number in range(done, steps):
                if number == 0:
                    self._look(0)
                numbers = self.step(number)
                if not all(math.isfinite(value) for value in numbers):
                    raise TrainingDiverged(
                        f"the losses became {numbers[0]} and {numbers[1]} in step {number + 1}: "
                        "try a smaller learning rate"
                    )
                for name, value in zip(KEPT, numbers, strict=True):
                    self.history[name].append(value)
                bar.set_postfix(D=f"{numbers[0]:.3f}", G=f"{numbers[1]:.3f}", refresh=False)
                bar.update()
                done = number + 1
                if done % self.watch_every == 0 or done == steps:
                    for name, optimizer in self.optimizers.items():
                        check_weights(getattr(self, name), optimizer.lr)
                    self._look(done)
                    if self.checkpoint is not None:
                        self._state().save(self.checkpoint)
        return self.history

    def step(self, number: int) -> tuple[float, float, float, float]:
        """Make step `number`: the discriminator's turn, then the generator's; return `KEPT`."""
        if self.rate is not None:
            for name, optimizer in self.optimizers.items():
                optimizer.lr = self._rates[name] * self.rate(number)
        real = self.images[self._chosen(number)]
        made_of = latent_vectors(
            self.batch_size, self.generator.latent, generator(self.seed, Stream.NOISE, number)
        )
        made_of = array_module(real).asarray(made_of)
        self.generator.start_training()
        self.discriminator.start_training()
        made = self.generator(made_of)

        # The discriminator's turn. A layer remembers its last input only, so what the real images
        # teach is added up before it sees the others. The images' own gradient is not needed yet.
        self.discriminator.skip_input_grad()
        self.discriminator.zero_grad()
        on_real = self.discriminator(real)
        loss_on_real, d_scores = discriminator_loss(on_real, real=True)
        self.discriminator.backward(d_scores)
        on_made = self.discriminator(made)
        loss_on_made, d_scores = discriminator_loss(on_made, real=False)
        self.discriminator.backward(d_scores)
        self.optimizers["discriminator"].step()

        # The generator's turn. The gradient passes through the discriminator, which stays as it is.
        self.discriminator.skip_input_grad(False)
        self.generator.zero_grad()
        g_loss, d_scores = generator_loss(self.discriminator(made))
        self.generator.backward(self.discriminator.backward(d_scores))
        self.optimizers["generator"].step()
        right = float((on_real > 0).mean()), float((on_made < 0).mean())
        return loss_on_real + loss_on_made, g_loss, *right

    def _chosen(self, number: int) -> np.ndarray:
        """The places of the real images of a step: each once per epoch, in a new order."""
        epoch, batch = divmod(number, len(self.images) // self.batch_size)
        order = generator(self.seed, Stream.SHUFFLE, epoch).permutation(len(self.images))
        return order[batch * self.batch_size : (batch + 1) * self.batch_size]

    def _look(self, done: int) -> None:
        if self.watch is not None:
            self.watched.append({"step": done, **self.watch(self.generator, done)})

    def _arrays(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the arrays of both networks, and those of both optimizers."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return (
            _joined({name: network.state_dict() for name, network in networks.items()}),
            _joined({name: adam.state_dict() for name, adam in self.optimizers.items()}),
        )

    def _state(self) -> Checkpoint:
        return Checkpoint(
            *self._arrays(),
            schedule=None,
            history={**self.history, "watched": self.watched},
            settings=self.settings,
            stop=False,
        )

    def _resume(self, path: Path) -> None:
        saved = Checkpoint.load(path)
        saved.expect(self.settings, path)
        pairs = saved.fitted(*self._arrays(), path)
        with reading_checkpoint(path):
            history = {name: list(map(float, saved.history[name])) for name in KEPT}
            watched = list(map(dict, saved.history["watched"]))
            if len(set(map(len, history.values()))) > 1:
                raise Found("one with more steps of one loss than of another")
        put(pairs)
        self.history, self.watched = history, watched


def _joined(states: dict[str, dict[str, Array]]) -> dict[str, Array]:
    return {f"{name}/{key}": a for name, state in states.items() for key, a in state.items()}
