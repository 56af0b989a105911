"""Where the time of a network goes: seconds, multiply-adds and bytes, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dlcourse.backend import Array, array_module, each
from dlcourse.machine import Machine, measure, stopwatch
from dlcourse.models.report import is_layer, named_once, table
from dlcourse.models.summary import multiply_adds
from dlcourse.nn import Module


@dataclass(frozen=True)
class Cost:
    """What one pass through a layer takes."""

    seconds: float  #: the median of several passes
    multiply_adds: int  #: of convolutions and linear layers, for the whole batch
    nbytes: int  #: what it has to read and write; see `profile`

    @property
    def rate(self) -> float:
        """Multiply-adds per second."""
        return self.multiply_adds / self.seconds if self.seconds else 0.0

    @property
    def intensity(self) -> float:
        """Multiply-adds per byte."""
        return self.multiply_adds / self.nbytes if self.nbytes else 0.0


@dataclass(frozen=True)
class LayerProfile:
    """One layer."""

    name: str
    kind: str
    output_shape: tuple[int, ...]  #: of the whole batch
    forward: Cost
    backward: Cost | None  #: None where no backward pass came through

    @property
    def seconds(self) -> float:
        """Both passes together."""
        return self.forward.seconds + (self.backward.seconds if self.backward else 0.0)


@dataclass(frozen=True)
class Profile:
    """The layers of a network in the order they ran; printing it shows a table."""

    network: str
    rows: list[LayerProfile]
    forward_between: float  #: seconds between layers, for sums at shortcuts and the like
    backward_between: float | None  #: None where there was no backward pass
    machine: Machine

    @property
    def forward_seconds(self) -> float:
        """The forward pass, with what is done between layers."""
        return sum(row.forward.seconds for row in self.rows) + self.forward_between

    @property
    def backward_seconds(self) -> float:
        """The backward pass; 0 where there was none."""
        layers = sum(row.backward.seconds for row in self.rows if row.backward)
        return layers + (self.backward_between or 0.0)

    @property
    def seconds(self) -> float:
        """Both passes together."""
        return self.forward_seconds + self.backward_seconds

    def by_kind(self) -> dict[str, float]:
        """Return the share of each kind of layer in the time, the largest first, then the rest."""
        seconds: dict[str, float] = {}
        for row in self.rows:
            seconds[row.kind] = seconds.get(row.kind, 0.0) + row.seconds
        order = sorted(seconds, key=lambda kind: -seconds[kind])
        seconds["between layers"] = self.forward_between + (self.backward_between or 0.0)
        return {kind: seconds[kind] / self.seconds for kind in [*order, "between layers"]}

    def __str__(self) -> str:
        both = self.backward_between is not None
        nothing = Cost(0.0, 0, 0)
        rows = [(r.name, r.kind, r.output_shape, r.forward, r.backward) for r in self.rows]
        back = Cost(self.backward_between or 0.0, 0, 0)
        rows.append(("(between)", "", (), Cost(self.forward_between, 0, 0), back))
        total = _sum([r.forward for r in self.rows], self.forward_seconds)
        back = _sum([r.backward or nothing for r in self.rows], self.backward_seconds)
        rows.append(("total", self.network, (), total, back))

        head = ["layer", "kind", "fwd ms", "of peak", *(["bwd ms", "of peak"] if both else [])]
        lines = [[*head, "of time", "M mult-adds", "MB", "output"]]
        for name, kind, shape, forward, backward in rows:
            seconds = forward.seconds + (backward or nothing).seconds
            work, moved = forward.multiply_adds, forward.nbytes
            lines.append(
                [name, kind]
                + self._cells(forward)
                + (self._cells(backward) if both else [])
                + [f"{100 * seconds / self.seconds:.1f}%"]
                + [f"{work / 1e6:,.1f}" if work else "", f"{moved / 1e6:,.2f}" if moved else ""]
                + ["x".join(map(str, shape))]
            )
        return table(lines, left=(0, 1, len(lines[0]) - 1))

    def _cells(self, cost: Cost | None) -> list[str]:
        if cost is None:
            return ["", ""]
        share = 100 * cost.rate / self.machine.multiply_adds
        return [f"{1e3 * cost.seconds:.2f}", f"{share:.0f}%" if cost.multiply_adds else ""]


def profile(
    model: Module,
    x: Array,
    *,
    training: bool = True,
    repeats: int = 5,
    threads: int = 1,
    machine: Machine | None = None,
) -> Profile:
    """Run a batch through a network and back, and report what every layer takes.

    Parameters
    ----------
    model : Module
        The network. It is left as it was: the passes run in a copy that shares its weights.
    x : array
        The batch.
    training : bool
        Whether to run backward as well, with dropout and batch statistics on; otherwise forward
        only, as in use. The gradient of the batch itself is left out, as in training.
    repeats : int
        Passes of which the medians are taken, after one that does not count.
    threads : int
        How many threads may be used. With 1, all layers are measured alike, as in each worker of
        `ParallelModel`.
    machine : Machine, optional
        What the rates are compared with; when left out, it is measured with the same threads.

    Returns
    -------
    Profile
        Multiply-adds are counted as in `dlcourse.models.summary`, and twice in the backward pass:
        once for the gradient of the weights, once for that of the input, where it is wanted.
        Bytes are those of the input, the parameters and the output, as if each were moved once;
        in the backward pass those of the input, both gradients, the parameters and their
        gradients. Times of layers that run several times in a pass add up.

    Raises
    ------
    ValueError
        If `repeats` or `threads` is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.models import DeepConvNet
    >>> net = DeepConvNet(rng=np.random.default_rng(0))
    >>> report = profile(net, np.ones((2, 1, 28, 28), np.float32), repeats=1)
    >>> first, last = report.rows[0], report.rows[-1]
    >>> first.forward.multiply_adds, first.backward.multiply_adds, last.name
    (225792, 225792, 'classifier.4')
    """
    if repeats < 1 or threads < 1:
        raise ValueError(f"repeats and threads must be at least 1, found {repeats} and {threads}")
    xp = array_module(x)
    machine = machine or measure(threads, x.dtype, xp)
    mark, between = stopwatch(xp)
    twin = model.replica()
    for module in twin.modules():  # statistics, which a replica shares, would move
        for name in module._buffers:
            setattr(module, name, getattr(module, name).copy())
    if training:
        twin.start_training()
    else:
        twin.eval()
    twin.skip_input_grad()
    watches: dict[str, _Watch] = {}  # in the order in which layers run first
    for name, module in named_once(twin):
        if is_layer(module):
            _watch(name, module, watches, mark)

    passes: dict[str, list[float]] = {"forward": [], "backward": []}
    with threadpool_limits(threads, user_api="blas"):
        for _ in range(repeats + 1):
            twin.zero_grad()
            start = mark()
            y = twin(x)
            middle = mark()
            if training:
                twin.backward(each(xp.ones_like, y))
            end = mark()
            passes["forward"].append(between(start, middle))
            passes["backward"].append(between(middle, end))

    layers = {way: np.zeros(repeats + 1) for way in passes}  # seconds in layers, pass by pass
    rows = []
    for name, watch in watches.items():
        costs = {}
        for way, calls in watch.calls.items():
            times = [between(call.start, call.end) for call in calls]
            # Every pass made the same calls.
            seconds = np.reshape(times, (repeats + 1, -1)).sum(axis=1)
            layers[way] += seconds
            first = calls[: len(calls) // (repeats + 1)]
            work, moved = sum(c.multiply_adds for c in first), sum(c.nbytes for c in first)
            costs[way] = Cost(float(np.median(seconds[1:])), work, moved)
        back = costs["backward"] if watch.calls["backward"] else None
        rows.append(LayerProfile(name, watch.kind, watch.output_shape, costs["forward"], back))
    rest = {way: float(np.median((passes[way] - layers[way])[1:])) for way in passes}
    return Profile(
        type(model).__name__, rows, rest["forward"], rest["backward"] if training else None, machine
    )


class _Call(NamedTuple):
    start: Any
    end: Any
    multiply_adds: int
    nbytes: int


class _Watch:
    """The calls of one layer, over all passes."""

    def __init__(self, kind: str, output_shape: tuple[int, ...]) -> None:
        self.kind = kind
        self.output_shape = output_shape
        self.calls: dict[str, list[_Call]] = {"forward": [], "backward": []}


def _watch(name: str, module: Module, watches: dict[str, _Watch], mark: Callable[[], Any]) -> None:
    """Put functions that note the time around the two passes of a layer."""
    forward, backward = module.forward, module.backward
    weights = sum(p.data.nbytes for p in module.parameters())
    inputs: list[int] = []  # bytes of each forward call, for the backward pass

    def watched_forward(*x: Array, **options: Any) -> Any:
        start = mark()
        y = forward(*x, **options)
        end = mark()
        shape = _first(y).shape
        watch = watches.setdefault(name, _Watch(type(module).__name__, shape))
        moved = _nbytes(x) + weights + _nbytes(y)
        watch.calls["forward"].append(_Call(start, end, multiply_adds(module, shape), moved))
        inputs.append(_nbytes(x))
        return y

    def watched_backward(dy: Any) -> Any:
        start = mark()
        dx = backward(dy)
        end = mark()
        work = multiply_adds(module, _first(dy).shape) * (1 + module.input_grad)
        moved = inputs.pop() + _nbytes(dy) + 2 * weights + _nbytes(dx)
        watches[name].calls["backward"].append(_Call(start, end, work, moved))
        return dx

    module.forward = watched_forward  # type: ignore[method-assign]
    module.backward = watched_backward  # type: ignore[method-assign]


def _first(arrays: Any) -> Array:
    return arrays[0] if isinstance(arrays, tuple) else arrays


def _nbytes(arrays: Any) -> int:
    """The bytes of one array or of several; None, in place of a gradient, has none."""
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    return sum(array.nbytes for array in arrays if array is not None)


def _sum(costs: list[Cost], seconds: float) -> Cost:
    return Cost(seconds, sum(c.multiply_adds for c in costs), sum(c.nbytes for c in costs))
