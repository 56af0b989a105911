"""Training two networks against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dlcourse.applications.generation.latent import latent_vectors
from dlcourse.applications.generation.losses import discriminator_loss, generator_loss
from dlcourse.backend import Array, array_module
from dlcourse.expect import whole_number
from dlcourse.models import DCGANDiscriminator, DCGANGenerator
from dlcourse.optim import Optimizer, Schedule
from dlcourse.streams import Stream, generator


def adversarial_step(
    G: DCGANGenerator,
    D: DCGANDiscriminator,
    optimizer_g: Optimizer,
    optimizer_d: Optimizer,
    real: Array,
    z: Array,
) -> dict[str, float]:
    """Make one step of the game: the discriminator's turn, then the generator's.

    The discriminator learns from a batch of real images and one of generated images, each
    normalized as a batch of its own; then the generator learns from what the discriminator, as it
    is now, says about the same images.

    Parameters
    ----------
    G, D : DCGANGenerator, DCGANDiscriminator
        The networks; trained in place.
    optimizer_g, optimizer_d : Optimizer
        Theirs.
    real : array of shape (N, 1, 28, 28)
        Real images, from -1 to 1.
    z : array of shape (N, latent, 1, 1)
        What images are made of.

    Returns
    -------
    dict
        Both losses, and the shares of real and of generated images that the discriminator was
        right about before it learnt from them.
    """
    made = G(z)

    # The discriminator's turn. A layer remembers its last input only, so what the real images
    # teach is added up before it sees the others. The images' own gradient is not needed yet.
    D.skip_input_grad()
    D.zero_grad()
    on_real = D(real)
    loss_on_real, d_scores = discriminator_loss(on_real, real=True)
    D.backward(d_scores)
    on_made = D(made)
    loss_on_made, d_scores = discriminator_loss(on_made, real=False)
    D.backward(d_scores)
    optimizer_d.step()

    # The generator's turn. The gradient passes through the discriminator, which stays as it is.
    D.skip_input_grad(False)
    G.zero_grad()
    loss, d_scores = generator_loss(D(made))
    G.backward(D.backward(d_scores))
    optimizer_g.step()
    return {
        "discriminator_loss": loss_on_real + loss_on_made,
        "generator_loss": loss,
        "right_on_real": float((on_real > 0).mean()),
        "right_on_made": float((on_made < 0).mean()),
    }


def adversarial_steps(
    G: DCGANGenerator,
    D: DCGANDiscriminator,
    optimizer_g: Optimizer,
    optimizer_d: Optimizer,
    images: Array,
    batch_size: int,
    seed: int,
    *,
    schedules: Iterable[Schedule] = (),
) -> Callable[[int], dict[str, float]]:
    """Return the step of a `dlcourse.training.Loop` that lets two networks play.

    Each is an `adversarial_step`. Every real image comes once per epoch, in a new order.

    Parameters
    ----------
    G, D, optimizer_g, optimizer_d
        As for `adversarial_step`.
    images : array of shape (N, 1, 28, 28)
        Real images, from -1 to 1.
    batch_size : int
        Images of each kind per step.
    seed : int
        What batches and vectors are drawn from.
    schedules : iterable of Schedule
        Of the learning rates; their time is the number of the step.

    Raises
    ------
    ValueError
        If the images have the wrong shape or range, or are fewer than a batch.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.optim import Adam
    >>> from dlcourse.training import Loop
    >>> rng = np.random.default_rng(0)
    >>> G, D = DCGANGenerator(8, 4, rng=rng), DCGANDiscriminator(4, rng=rng)
    >>> optimizers = [Adam(net.parameters(), 2e-4, betas=(0.5, 0.999)) for net in (G, D)]
    >>> images = rng.uniform(-1, 1, (10, 1, 28, 28)).astype(np.float32)
    >>> step = adversarial_steps(G, D, *optimizers, images, batch_size=4, seed=0)
    >>> state = {"G": G, "D": D, "optimizer_g": optimizers[0], "optimizer_d": optimizers[1]}
    >>> len(Loop(step, state, progress=False).run(2)["generator_loss"])
    2
    """
    whole_number("batch_size", batch_size)
    whole_number("seed", seed, least=0)
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
    schedules = list(schedules)

    def step(number: int) -> dict[str, float]:
        for schedule in schedules:
            schedule.move_to(number)
        epoch, batch = divmod(number, len(images) // batch_size)
        order = generator(seed, Stream.SHUFFLE, epoch).permutation(len(images))
        real = images[order[batch * batch_size : (batch + 1) * batch_size]]
        z = latent_vectors(batch_size, G.latent, generator(seed, Stream.NOISE, number))
        G.start_training()
        D.start_training()
        return adversarial_step(G, D, optimizer_g, optimizer_d, real, array_module(real).asarray(z))

    return step
