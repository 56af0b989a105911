"""`Network`: how long a message takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """Equal connections between all ranks, each of which sends and receives one message at a time.

    A message of n bytes takes ``latency + n / bandwidth`` seconds (Hockney 1994), as long as
    nobody else uses the connection of either end. What real networks have beyond that (switches
    with less capacity, ranks that share a connection, cores that share memory) is left out.

    Parameters
    ----------
    latency : float
        Seconds before the first byte arrives, 0 or more.
    bandwidth : float
        Bytes a second, above 0.

    Examples
    --------
    >>> ethernet = Network(latency=20e-6, bandwidth=1.25e9)  # 10 Gbit/s
    >>> ethernet.seconds(1_250_000)
    0.00102
    """

    latency: float
    bandwidth: float

    def __post_init__(self) -> None:
        if not self.latency >= 0 or not self.bandwidth > 0:
            raise ValueError(
                "expected a latency of 0 seconds or more and a bandwidth above 0 bytes a second, "
                f"found {self.latency} and {self.bandwidth}"
            )

    def seconds(self, size: float) -> float:
        """Return how long a message of `size` bytes takes."""
        return self.latency + size / self.bandwidth
