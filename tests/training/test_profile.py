import copy
import sys

import cupy_double
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from dlcourse.machine import Machine
from dlcourse.models import (
    BasicBlock,
    DeepConvNet,
    Inception,
    SegNet,
    googlenet,
    projection,
    resnet18,
    summary,
)
from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    Module,
    ReLU,
    Sequential,
)
from dlcourse.training import profile
from dlcourse.workers import threads_for

MACHINE = Machine(1, "float32", 1e9, 1e9)


def rng():
    return np.random.default_rng(0)


def quick(model, x, **options):
    return profile(model, x, **{"repeats": 1, "machine": MACHINE} | options)


def batch(*shape):
    return rng().standard_normal(shape, dtype=np.float32)


NETWORKS = {
    "sequential": lambda: (DeepConvNet(rng=rng()), (1, 28, 28)),
    "residual": lambda: (resnet18(num_classes=5, rng=rng()), (3, 32, 32)),
    "branches": lambda: (Inception(8, 4, 4, 8, 4, 4, 4, batch_norm=True, rng=rng()), (8, 6, 6)),
    "projection": lambda: (
        BasicBlock(4, 8, 2, downsample=projection(4, 8, 2, rng=rng()), rng=rng()),
        (4, 6, 6),
    ),
    "several inputs and outputs": lambda: (SegNet(3, ((4,), (6,)), rng=rng()), (3, 8, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_work_are_those_of_the_summary(name):
    model, shape = NETWORKS[name]()
    report = quick(model, batch(3, *shape), training=False)
    expected = summary(model, shape)
    assert [(r.name, r.kind, r.output_shape) for r in report.rows] == [
        (r.name, r.kind, (3, *r.output_shape)) for r in expected.rows
    ]
    assert [r.forward.multiply_adds for r in report.rows] == [
        3 * r.multiply_adds for r in expected.rows
    ]
    assert report.backward_between is None and report.backward_seconds == 0
    assert all(r.backward is None for r in report.rows)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_seen_on_the_way_back(name):
    model, shape = NETWORKS[name]()
    report = quick(model, batch(3, *shape))
    assert all(r.backward is not None for r in report.rows)
    # Only layers that get the batch itself are spared the gradient of their input.
    ratios = {r.backward.multiply_adds / r.forward.multiply_adds for r in report.rows
              if r.forward.multiply_adds}  # fmt: skip
    assert 2 in ratios and ratios <= {1, 2}


def test_auxiliary_classifiers_count_in_training():
    model = googlenet(num_classes=3, aux_logits=True, rng=rng())
    x = batch(1, 3, 64, 64)
    names = [r.name for r in quick(model, x).rows]
    assert any(name.startswith("aux1") for name in names)
    assert not any("aux" in r.name for r in quick(model, x, training=False).rows)


def test_bytes_of_a_convolution():
    model = Sequential(Conv2d(2, 3, 3, rng=rng()), Conv2d(3, 4, 3, rng=rng()))
    first, second = quick(model, batch(5, 2, 8, 8)).rows
    x, y, z = 5 * 2 * 64, 5 * 3 * 36, 5 * 4 * 16
    w1, w2 = 3 * 18 + 3, 4 * 27 + 4
    assert first.forward.nbytes == 4 * (x + w1 + y)
    assert second.forward.nbytes == 4 * (y + w2 + z)
    assert first.backward.nbytes == 4 * (x + y + 2 * w1)  # no gradient of the batch
    assert second.backward.nbytes == 4 * (y + z + y + 2 * w2)
    assert second.forward.intensity == second.forward.multiply_adds / second.forward.nbytes


class Clock:
    """Counts milliseconds that layers say have gone by."""

    now = 0

    def __call__(self):
        return self.now

    def __deepcopy__(self, memo):
        return self


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()

    def stopwatch(xp):
        return clock, lambda start, end: (end - start) / 1000

    monkeypatch.setattr(sys.modules[profile.__module__], "stopwatch", stopwatch)
    return clock


class Slow(Module):
    """Takes 4 ms forward, then 8, then 12, ..., and 2 ms back."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.times = clock, 0

    def forward(self, x):
        self.times += 1
        self.clock.now += 4 * self.times
        return x + 0

    def backward(self, dy):
        self.clock.now += 2
        return dy + 0


def test_times_are_medians_without_the_first_pass(clock):
    report = quick(Sequential(Slow(clock), ReLU()), batch(1, 4), repeats=3)
    slow = report.rows[0]
    assert slow.forward.seconds == 0.012  # of 4 ms (not counted), 8, 12 and 16
    assert slow.backward.seconds == 0.002
    assert (report.forward_seconds, report.backward_seconds) == (0.012, 0.002)
    assert report.by_kind() == {"Slow": 1, "ReLU": 0, "between layers": 0}


class Sum(Module):
    """Two layers and a sum, which takes 5 ms each way."""

    def __init__(self, clock):
        super().__init__()
        self.a, self.b = Slow(clock), Slow(clock)

    def forward(self, x):
        self.a.clock.now += 5
        return self.a(x) + self.b(x)

    def backward(self, dy):
        self.a.clock.now += 5
        return self.a.backward(dy) + self.b.backward(dy)


def test_what_composites_do_stands_between_the_layers(clock):
    report = quick(Sum(clock), batch(1, 4))
    assert (report.forward_between, report.backward_between) == pytest.approx((0.005, 0.005))
    assert report.forward_seconds == pytest.approx(0.008 + 0.008 + 0.005)
    assert report.by_kind()["between layers"] == pytest.approx(10 / (21 + 9))


def test_a_layer_that_runs_twice_is_one_row(clock):
    shared = Slow(clock)
    report = quick(Sequential(shared, shared), batch(1, 4), training=False)
    assert [row.forward.seconds for row in report.rows] == [pytest.approx(0.012 + 0.016)]
    with pytest.raises(RuntimeError, match="make one layer for each place"):
        quick(Sequential(shared, shared), batch(1, 4))  # it could not learn


def test_shares_add_up_to_the_whole():
    model, shape = NETWORKS["residual"]()
    shares = quick(model, batch(2, *shape)).by_kind()
    assert list(shares)[-1] == "between layers"
    assert sum(shares.values()) == pytest.approx(1)
    kinds = list(shares.values())[:-1]
    assert kinds == sorted(kinds, reverse=True)


def everything(model):
    """Return all that a module holds, caches and generators too."""
    return {
        f"{path}.{name}": copy.deepcopy(value)
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if not isinstance(value, Module | list | tuple)
    } | {name: (p.data.copy(), p.grad) for name, p in model.named_parameters()}


def same(a, b):
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, tuple):
        return all(map(same, a, b))
    if isinstance(a, np.random.Generator):
        return a.bit_generator.state == b.bit_generator.state
    if hasattr(a, "grad"):
        return same(a.data, b.data) and same(a.grad, b.grad)
    return a == b


@pytest.mark.parametrize("mode", [True, False])
def test_the_network_is_left_as_it_was(mode):
    model = Sequential(
        *(Conv2d(1, 4, 3, rng=rng()), BatchNorm2d(4), ReLU(), GlobalAvgPool(), Flatten()),
        *(Dropout(0.5, rng=rng()), Linear(4, 2, rng=rng())),
    )
    x = batch(3, 1, 8, 8)
    model.backward(np.ones_like(model(x)))  # so that there are gradients, caches and statistics
    model.train(mode)
    before = everything(model)
    quick(model, batch(4, 1, 8, 8))
    after = everything(model)
    assert before.keys() == after.keys()
    assert [name for name in before if not same(before[name], after[name])] == []


class Threads(Module):
    def forward(self, x):
        Threads.seen = threads_for(x)
        return x


def test_threads_are_held():
    with threadpool_limits(3, user_api="blas"):
        for threads in (1, 2):
            quick(Threads(), batch(1, 2), threads=threads, training=False)
            assert Threads.seen == threads
        assert threads_for(batch(1)) == 3


def test_the_machine_is_measured_if_none_is_given():
    report = profile(ReLU(), np.ones((1, 2)), repeats=1)
    assert (report.machine.threads, report.machine.dtype) == (1, "float64")


def test_the_table():
    model = Sequential(Conv2d(2, 3, 3, rng=rng()), ReLU())
    text = str(quick(model, batch(5, 2, 8, 8)))
    head, _, conv, relu, between, _, total = text.splitlines()
    assert head.split()[:2] == ["layer", "kind"] and head.count("of peak") == 2
    assert conv.split()[:2] == ["0", "Conv2d"] and conv.split()[-1] == "5x3x6x6"
    assert between.startswith("(between)")
    assert len(relu.split()) == len(conv.split()) - 3  # no multiply-adds, no share of the peak
    assert total.startswith("total") and "100.0%" in total
    text = str(quick(model, batch(5, 2, 8, 8), training=False))
    assert "bwd" not in text


@pytest.mark.parametrize("options", [{"repeats": 0}, {"threads": 0}])
def test_bad_numbers(options):
    with pytest.raises(ValueError, match="repeats and threads must be at least 1, found"):
        profile(ReLU(), batch(1, 2), **options)


def test_on_a_gpu_events_take_the_time(monkeypatch):
    xp = cupy_double.install(monkeypatch)
    model = NETWORKS["residual"]()[0].to("cuda")
    x = xp.asarray(batch(2, 3, 32, 32))
    report = quick(model, x)
    assert report.seconds > 0 and report.backward_seconds and "layer1.0" in str(report)
    assert isinstance(model.parameters()[0].data, xp.ndarray)
    expected = quick(NETWORKS["residual"]()[0], batch(2, 3, 32, 32))
    assert [(r.name, r.output_shape, r.forward.nbytes, r.backward.nbytes) for r in report.rows] == [
        (r.name, r.output_shape, r.forward.nbytes, r.backward.nbytes) for r in expected.rows
    ]
