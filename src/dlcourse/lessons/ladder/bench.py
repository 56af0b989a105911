"""How fast rungs in C are: measured where there is a compiler, else read from a record."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dlcourse.lessons.ladder.building import build, compiler, inner_loop, lanes, registers
from dlcourse.lessons.ladder.kernel import aligned, convolve
from dlcourse.machine import measure
from dlcourse.zoo.environment import hardware

#: Written by ``python tools/kernels.py``.
RECORD = Path(__file__).parent / "kernels.json"

_T = TypeVar("_T")
#: The processor's time, which neighbours lengthen little; where it goes in leaps, the wall's.
_FINE = time.get_clock_info("thread_time").resolution < 1e-6
_clock = time.thread_time if _FINE else time.perf_counter


@dataclass(frozen=True)
class Layer:
    """A convolution of square images that keeps their size.

    Attributes
    ----------
    images, size, inside, outside : int
        Images, their side, channels of input and output.
    kernel : int
        Side of the kernel, odd.

    Examples
    --------
    >>> Layer(25, 28, 16, 16).operations
    90316800
    """

    images: int
    size: int
    inside: int
    outside: int
    kernel: int = 3

    @property
    def operations(self) -> int:
        """Operations on numbers; a multiply-add counts as two."""
        return 2 * self.images * self.size**2 * self.inside * self.outside * self.kernel**2

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return random images with their border of zeros, weights and biases, as `convolve` does.

        Examples
        --------
        >>> [a.shape for a in Layer(2, 8, 3, 4).arrays()]
        [(2, 10, 10, 3), (3, 3, 3, 4), (4,)]
        """
        rng = np.random.default_rng(0)
        border, k = self.kernel // 2, self.kernel
        x = rng.standard_normal((self.images, self.size, self.size, self.inside), np.float32)
        weight = rng.standard_normal((k, k, self.inside, self.outside), np.float32)
        x = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
        return x, aligned(weight), rng.standard_normal(self.outside, np.float32)


class Bench:
    """Times rungs on one core of this machine, or says what a record has.

    Parameters
    ----------
    record : mapping, optional
        What to read from. When left out, rungs are timed if there is a C compiler; without one the
        record that ships is read.

    Attributes
    ----------
    live : bool
        Whether rungs are timed here and now.
    machine : dict
        Processor, compiler, registers and lanes, and the limits by `dlcourse.machine.measure`.
    values : dict
        Operations a second, in units of 1e9, of all that was asked for, by name.
    listings : dict
        Instructions of inner loops, by name.

    Examples
    --------
    >>> bench = Bench({"machine": {}, "listings": {}, "values": {"peak SUMS=1": 30.0}})
    >>> bench.peak(1)
    30.0
    """

    def __init__(self, record: Mapping[str, Any] | None = None) -> None:
        self.live = record is None and compiler() is not None
        if record is None and not self.live:
            record = json.loads(RECORD.read_text(encoding="utf-8"))
        self.machine: dict[str, Any] = dict(record["machine"]) if record else _machine()
        self.values: dict[str, float] = dict(record["values"]) if record else {}
        self.listings: dict[str, list[str]] = dict(record["listings"]) if record else {}

    def rate(self, layer: Layer, name: str, **sizes: int) -> float:
        """Return how fast a rung computes a layer, in units of 1e9 operations a second.

        Parameters
        ----------
        layer : Layer
            The convolution.
        name : str
            ``loops``, ``reordered``, ``register`` or ``tile``.
        **sizes : int
            ``P``, ``Q`` and ``CHANNELS`` of a tile.

        Raises
        ------
        LookupError
            If the record does not have it.
        """
        arrays: list[np.ndarray] = []

        def work() -> None:
            if not arrays:
                arrays.extend(layer.arrays())
            convolve(name, arrays[0], arrays[1], arrays[2], **sizes)

        n, size, c, o = layer.images, layer.size, layer.inside, layer.outside
        return self._value(f"{n}x{size}x{size} {c} to {o} {name}", sizes, work, layer.operations)

    def peak(self, sums: int) -> float:
        """Return how fast this core adds products to so many sums, with nothing loaded.

        Parameters
        ----------
        sums : int
            Registers of sums, at most 64; those beyond the machine's registers lie in memory.

        Raises
        ------
        LookupError
            If the record does not have it.
        """
        turns = 200_000

        def work() -> None:
            values = np.full((sums + 2) * lanes(), 0.5, np.float32)
            pointer = ctypes.c_void_p(values.ctypes.data)
            build("peak", SUMS=sums).peak(pointer, ctypes.c_ssize_t(turns))

        operations = 2 * turns * sums * self.machine.get("lanes", 0)
        return self._value("peak", {"SUMS": sums}, work, operations)

    def listing(self, name: str, **sizes: int) -> list[str]:
        """Return the innermost loop of a rung, as the compiler wrote it.

        Parameters
        ----------
        name : str
            See `dlcourse.lessons.ladder.building.source`.
        **sizes : int
            As in `rate`.

        Raises
        ------
        LookupError
            If the record does not have it.
        """
        key = _key(name, sizes)
        if self.live and key not in self.listings:
            self.listings[key] = inner_loop(name, **sizes)
        return _known(self.listings, key)

    def _value(
        self, name: str, sizes: dict[str, int], work: Callable[[], None], operations: float
    ) -> float:
        key = _key(name, sizes)
        if self.live:
            self.values[key] = operations / _seconds(work) / 1e9
        return _known(self.values, key)


def _machine() -> dict[str, Any]:
    limits, found = measure(), compiler()
    return hardware() | {
        "compiler": found.name if found else "",
        "registers": registers(),
        "lanes": lanes(),
        "multiply_adds": limits.multiply_adds,
        "bandwidth": limits.bandwidth,
    }


def _key(name: str, sizes: dict[str, int]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in sizes.items())])


def _known(values: dict[str, _T], key: str) -> _T:
    if key not in values:
        raise LookupError(
            f"the record has no {key!r}; install a C compiler to measure it (pip install ziglang)"
        )
    return values[key]


def _seconds(work: Callable[[], None]) -> float:
    """Return the shortest time of many calls, for a fifth of a second, at least three."""
    work()
    times: list[float] = []
    begin = _clock()
    while len(times) < 3 or _clock() - begin < 0.2:
        start = _clock()
        work()
        times.append(_clock() - start)
    return min(times)
