"""What more workers bring: the time of a training step, speed-up, and two laws about it."""

from __future__ import annotations

from dataclasses import dataclass

from dlcourse.lessons.simulator.formulas import SECONDS
from dlcourse.lessons.simulator.network import Network


@dataclass(frozen=True)
class Training:
    """Synchronous data-parallel training, as far as its speed goes.

    Each worker computes the gradient of its share of the batch, then all add up their gradients.

    Parameters
    ----------
    seconds_per_image : float
        Forward and backward pass of one worker, above 0.
    gradient_bytes : float
        What is added up in a step: bytes of all parameters.
    network : Network
        Between the workers.
    all_reduce : str
        A name of `SECONDS`.
    overlap : float
        What share of the computing can go on while gradients travel, from 0 to 1: the gradients
        of the last layers are ready first. The backward pass is about two thirds of a step.
    seconds_per_step : float
        What every worker spends in each step however small its share, such as on updating weights.

    Examples
    --------
    >>> network = Network(latency=0.0, bandwidth=1e9)
    >>> training = Training(0.01, gradient_bytes=1e8, network=network, all_reduce="ring")
    >>> training.step_seconds(workers=1, images=32)
    0.32
    >>> round(training.step_seconds(workers=2, images=32), 9)  # 32 images each, 0.1 s of messages
    0.42
    >>> round(training.weak_efficiency(workers=2, images=32), 3)
    0.762
    """

    seconds_per_image: float
    gradient_bytes: float
    network: Network
    all_reduce: str = "ring"
    overlap: float = 0.0
    seconds_per_step: float = 0.0

    def __post_init__(self) -> None:
        if self.all_reduce not in SECONDS:
            raise ValueError(
                f"all_reduce must be one of {', '.join(SECONDS)}; found {self.all_reduce!r}"
            )
        if not 0 <= self.overlap <= 1:
            raise ValueError(f"overlap must lie from 0 to 1, found {self.overlap}")
        if self.seconds_per_image <= 0 or self.gradient_bytes < 0 or self.seconds_per_step < 0:
            raise ValueError(
                "expected seconds_per_image above 0, gradient_bytes and seconds_per_step of 0 or "
                f"more; found {self.seconds_per_image}, {self.gradient_bytes} and "
                f"{self.seconds_per_step}"
            )

    def step_seconds(self, workers: int, images: float) -> float:
        """Return the time of one step in which each of `workers` computes `images` images."""
        computing = self.seconds_per_image * images
        messages = SECONDS[self.all_reduce](workers, self.gradient_bytes, self.network)
        hidden = min(messages, self.overlap * computing)
        return self.seconds_per_step + computing + messages - hidden

    def weak_efficiency(self, workers: int, images: float) -> float:
        """Return how much of its solo speed a worker keeps, each with `images` images.

        The batch grows with the workers: weak scaling.
        """
        return self.step_seconds(1, images) / self.step_seconds(workers, images)

    def strong_speedup(self, workers: int, batch: float) -> float:
        """Return how many times faster a step is when `workers` share its batch.

        The batch stays as large as it was: strong scaling.
        """
        return self.step_seconds(1, batch) / self.step_seconds(workers, batch / workers)


def amdahl(serial: float, workers: float) -> float:
    """Return the speed-up of a task of fixed size, ``1 / (s + (1 - s) / p)`` (Amdahl 1967).

    Parameters
    ----------
    serial : float
        s, the share of the time on one worker that cannot be shared out.
    workers : float
        p, how many there are.

    Examples
    --------
    >>> amdahl(0.25, 3)
    2.0
    """
    _check_share(serial)
    return 1 / (serial + (1 - serial) / workers)


def gustafson(serial: float, workers: float) -> float:
    """Return the speed-up of a task that grows with p, ``s + (1 - s) p`` (Gustafson 1988).

    Parameters
    ----------
    serial : float
        s, the share of the time on all workers that is not shared out.
    workers : float
        p, how many there are.

    Examples
    --------
    >>> gustafson(0.1, 10)
    9.1
    """
    _check_share(serial)
    return serial + (1 - serial) * workers


def linear_scaling(lr: float, batch: int, base_batch: int = 256) -> float:
    """Return the learning rate for a batch: k times the images, k times the rate.

    The rule of Goyal et al. (2017): k steps with the rate lr move about as far as one step with
    k times as much, as long as the gradients change little meanwhile. In the first epochs they
    change fast, which is why the rule comes with a warm-up (`dlcourse.optim.LinearWarmup`).

    Parameters
    ----------
    lr : float
        The rate that is right for `base_batch` images.
    batch : int
        Images per step, over all workers together.
    base_batch : int
        Images per step for which `lr` was found.

    Examples
    --------
    >>> linear_scaling(0.1, batch=8192)
    3.2
    """
    if batch < 1 or base_batch < 1:
        raise ValueError(f"expected batches of at least 1 image, found {batch} and {base_batch}")
    return lr * batch / base_batch


def _check_share(serial: float) -> None:
    if not 0 <= serial <= 1:
        raise ValueError(f"the serial share must lie from 0 to 1, found {serial}")
