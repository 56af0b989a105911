"""What the solutions of chapter 4's first two pages say comes out: why-hard and all-reduce."""

from math import log2

import numpy as np
import pytest
from page_code import run

from dlcourse.distributed import Threads, pieces
from dlcourse.lessons.all_reduce import ring_all_reduce
from dlcourse.lessons.schemes import join
from dlcourse.lessons.simulator import SECONDS, Network, record, replay
from dlcourse.models import DeepConvNet, resnet50
from dlcourse.nn import CrossEntropyLoss, Linear, ReLU, Sequential

ETHERNET = Network(latency=30e-6, bandwidth=1.25e9)
RESNET50 = 4 * 25_557_032


def test_ex_why_hard_pieces():
    """ex-why-hard-pieces."""
    for build, arrays, together, apart in (
        (resnet50, 161, 81.8e-3, 86.6e-3),
        (DeepConvNet, 16, 0.425e-3, 0.875e-3),
    ):
        sizes = [4 * p.data.size for p in build(rng=np.random.default_rng(0)).parameters()]
        assert len(sizes) == arrays
        assert ETHERNET.seconds(sum(sizes)) == pytest.approx(together, rel=5e-3)
        assert sum(map(ETHERNET.seconds, sizes)) == pytest.approx(apart, rel=5e-3)


@pytest.mark.parametrize(("ranks", "milliseconds", "waiting"), [(4, 200, 0.38), (64, 200, 0.49)])
def test_ex_why_hard_slow(ranks, milliseconds, waiting):
    """ex-why-hard-slow."""
    rng = np.random.default_rng(0)
    fast = Network(latency=1e-6, bandwidth=1e12)
    recorded = record(ring_all_reduce, ranks, ranks)
    computing = rng.normal(0.100, 0.010, (40, ranks))
    computing[:, 0] *= 2
    steps = [replay(recorded, fast, start=seconds).seconds for seconds in computing]
    assert 1000 * np.mean(steps) == pytest.approx(milliseconds, abs=4)
    assert 1 - computing.mean() / np.mean(steps) == pytest.approx(waiting, abs=0.01)


def test_ex_why_hard_pipeline():
    """ex-why-hard-pipeline."""
    rng = np.random.default_rng(0)
    layers = [
        Linear(20, 16, rng=rng),
        ReLU(),
        Linear(16, 16, rng=rng),
        ReLU(),
        Linear(16, 5, rng=rng),
    ]
    x = rng.standard_normal((32, 20), dtype=np.float32)
    labels = rng.integers(5, size=32)

    whole, loss = Sequential(*layers), CrossEntropyLoss()
    loss(whole(x), labels)
    whole.backward(loss.backward())
    expected = join([p.grad for p in whole.parameters()])
    whole.zero_grad()

    def work(peer):
        stage = Sequential(*(layers[:2], layers[2:])[peer.rank])
        parts = [slice(start, start + 8) for start in range(0, 32, 8)]
        values, d_values = (np.empty((4, 8, 16), np.float32) for _ in range(2))
        for k, part in enumerate(parts):  # forward: all parts, one after another
            if peer.rank == 0:
                peer.send(stage(x[part]), 1)
            else:
                peer.recv(values[k], 0)
        for k, part in enumerate(parts):  # back: compute the part once more, for a layer forgets
            if peer.rank == 0:
                stage(x[part])
                peer.recv(d_values[k], 1)
                stage.backward(d_values[k])
            else:
                loss = CrossEntropyLoss()
                loss(stage(values[k]), labels[part])
                peer.send(stage.backward(loss.backward() / 4), 0)

    Threads.run(2, work)
    assert np.allclose(join([p.grad for p in whole.parameters()]), expected, atol=1e-6)
    for parts, busy in ((1, 0.25), (4, 0.57), (16, 0.84)):
        assert clock(4, parts) == pytest.approx(busy, abs=5e-3)


def clock(stages, parts):
    """Return the share of its time that a stage of a pipeline computes: parts / all ticks."""
    done = np.zeros((stages, parts))
    for part in range(parts):
        for stage in range(stages):
            ready = max(done[stage - 1, part] if stage else 0, done[stage, part - 1] if part else 0)
            done[stage, part] = ready + 1
    return parts / done.max()


def test_ex_all_reduce_single():
    """ex-all-reduce-single."""
    ring, doubling = (SECONDS[name](64, 4, ETHERNET) for name in ("ring", "recursive doubling"))
    assert 1000 * ring == pytest.approx(3.78, abs=5e-3)
    assert 1000 * doubling == pytest.approx(0.18, abs=5e-3)
    assert ring / doubling == pytest.approx(21, abs=0.05)


@pytest.mark.parametrize(("ranks", "megabytes"), [(8, 0.33), (64, 1.12), (512, 5.4)])
def test_ex_all_reduce_crossover(ranks, megabytes):
    """ex-all-reduce-crossover."""
    steps = 2 * (ranks - 1)
    size = (
        ETHERNET.latency
        * ETHERNET.bandwidth
        * (steps - log2(ranks))
        / (log2(ranks) - steps / ranks)
    )
    assert size / 1e6 == pytest.approx(megabytes, rel=0.01)
    for factor, faster in ((0.99, "recursive doubling"), (1.01, "ring")):
        times = {
            n: SECONDS[n](ranks, factor * size, ETHERNET) for n in ("ring", "recursive doubling")
        }
        assert min(times, key=times.get) == faster


def both_ways(peer, x):
    """A ring that sends one half of the array to the right and the other to the left, in turns."""
    rank, size = peer.rank, peer.size
    halves = [x[: len(x) // 2], x[len(x) // 2 :]]
    for step in range(2 * (size - 1)):
        for half, sign in zip(halves, (1, -1), strict=True):
            piece, place = pieces(len(half), size), sign * rank
            to, source = (rank + sign) % size, (rank - sign) % size
            if step < size - 1:
                going, coming = (piece[(place - step - k) % size] for k in (1, 2))
                arrived = np.empty_like(half[coming])
                peer.sendrecv(half[going], to, arrived, source)
                half[coming] += arrived
            else:
                going, coming = (piece[(place - step + size - 1 - k) % size] for k in (0, 1))
                peer.sendrecv(half[going], to, half[coming], source)


def halving(peer, x):
    """Reduce-scatter by halving, all-gather by doubling; for 2, 4, 8 ... ranks."""
    low, high, received = 0, len(x), np.empty_like(x)
    mine = []
    distance = peer.size // 2
    while distance:
        partner, middle = peer.rank ^ distance, (low + high) // 2
        keep, give = (low, middle), (middle, high)
        if peer.rank & distance:
            keep, give = give, keep
        mine.append((partner, keep, give))
        arrived = received[: keep[1] - keep[0]]
        peer.sendrecv(x[slice(*give)], partner, arrived, partner)
        x[slice(*keep)] += arrived
        (low, high), distance = keep, distance // 2
    for partner, keep, give in reversed(mine):
        peer.sendrecv(x[slice(*keep)], partner, x[slice(*give)], partner)


@pytest.mark.parametrize("algorithm", [both_ways, halving])
@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
@pytest.mark.parametrize("length", [1, 5, 100])
def test_an_all_reduce_of_the_solutions_adds_up(algorithm, ranks, length):
    assert run("4-distributed/all-reduce", "def server")["try_out"](algorithm, ranks, length)


def seconds_of(algorithm, size, length=128):
    return replay(record(algorithm, 64, length), ETHERNET, size / length).seconds


def test_ex_all_reduce_two_ways():
    """ex-all-reduce-two-ways."""
    ring = seconds_of(ring_all_reduce, RESNET50)
    assert 1000 * ring == pytest.approx(164.8, abs=0.05)
    assert 1000 * seconds_of(both_ways, RESNET50) == pytest.approx(168.6, abs=0.05)
    # Were both directions carried at once, each would be a ring of its own over half of the array.
    assert 1000 * seconds_of(ring_all_reduce, RESNET50 / 2) == pytest.approx(84.3, abs=0.05)


def test_ex_all_reduce_halving():
    """ex-all-reduce-halving."""
    assert 1000 * seconds_of(halving, RESNET50) == pytest.approx(161.4, abs=0.05)
    assert 1000 * seconds_of(halving, 4e5) == pytest.approx(0.99, abs=0.005)
    assert 1000 * seconds_of(ring_all_reduce, 4e5) == pytest.approx(4.41, abs=0.005)
    calls = record(halving, 64, 64)[0]
    assert len(calls) == 12
