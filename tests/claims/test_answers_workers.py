"""What the solutions of chapter 4's last two pages say comes out: many-workers and scaling-out."""

import numpy as np
import pytest
from page_code import definitions, run

from dlcourse.distributed import Threads
from dlcourse.lessons.all_reduce import ring_all_reduce
from dlcourse.lessons.schemes import Server, TopK, asynchronous_sgd, local_sgd
from dlcourse.lessons.simulator import Network, Training, amdahl, gustafson
from dlcourse.nn import CrossEntropyLoss
from dlcourse.optim import SGD

RESNET50 = 4 * 25_557_032


@pytest.fixture(scope="module")
def workers():
    """The names of the page many-workers that compare schemes."""
    return run("4-distributed/many-workers", "def make_net")


def test_ex_many_workers_topk():
    """ex-many-workers-topk."""
    length, share = 1000, 0.05

    def sent(ranks, average):
        def work(peer):
            counting = Counting(peer)
            average(counting, np.random.default_rng(peer.rank).random(length, dtype=np.float32))
            return counting.sent

        return np.mean(Threads.run(ranks, work))

    Counting = run("4-distributed/many-workers", "class Counting", "def make_net")["Counting"]
    for ranks in (2, 4, 5):
        assert sent(ranks, TopK(share)) == 8 * share * length * (ranks - 1)
        assert sent(ranks, ring_all_reduce) == 8 * length * (ranks - 1) / ranks
    assert 1 / 0.01 == 100


def asynchronous(workers, server, count, updates, lr, seconds):
    net, own = workers["make_net"](), workers["make_net"]()
    served = server(net.parameters(), SGD(net.parameters(), lr))
    compute = workers["share_of"](own)
    with np.errstate(all="ignore"):  # some of these trainings break down
        return asynchronous_sgd(served, own.parameters(), compute, count, updates, seconds)


def test_ex_many_workers_slow(workers):
    """ex-many-workers-slow."""
    rng = np.random.default_rng(1)
    history = asynchronous(
        workers, Server, 4, 2400, 0.1, lambda worker: rng.gamma(4.0) * (5 if worker == 0 else 1)
    )
    late = [update.staleness for update in history if update.worker == 0][1:]
    others = [update.staleness for update in history if update.worker > 0][3:]
    assert np.mean(late) == pytest.approx(14, abs=0.5) and max(late) == 42
    assert np.mean(others) == pytest.approx(2.2, abs=0.05)


@pytest.mark.parametrize(
    ("period", "own_digits", "shared"),
    [(1, 0.34, 0.35), (4, 0.51, 0.39), (20, 0.89, 0.38), (60, 1.46, 0.39)],
)
def test_ex_many_workers_digits(workers, period, own_digits, shared):
    """ex-many-workers-digits."""
    images, labels = workers["images"], workers["labels"]

    def own(net, rank):
        mine, rng = np.flatnonzero(labels * 4 // 10 == rank), np.random.default_rng([7, rank])

        def compute(step):
            part, loss = rng.choice(mine, 25), CrossEntropyLoss()
            net.zero_grad()
            value = loss(net(images[part]), labels[part])
            net.backward(loss.backward())
            return value

        return compute

    def loss_of(compute_of):
        def work(peer):
            net = workers["make_net"]()
            optimizer = SGD(net.parameters(), 0.5)
            local_sgd(peer, net.parameters(), optimizer, compute_of(net, peer.rank), 120, period)
            return workers["quality"](net)

        return Threads.run(4, work)[0]

    assert loss_of(own) == pytest.approx(own_digits, abs=0.02)
    assert loss_of(lambda net, rank: workers["share_of"](net, rank, 4)) == pytest.approx(
        shared, abs=0.02
    )


class Damped(Server):
    """Divides each gradient by one more than its staleness."""

    def push(self, grads, version):
        late = self.version - version
        return super().push([g / (1 + late) for g in grads], version)


@pytest.mark.parametrize(
    ("server", "count", "lr", "loss"),
    [
        (Server, 1, 0.5, 0.30),
        (Server, 4, 0.5, 0.44),
        (Damped, 4, 0.5, 0.44),
        (Server, 16, 0.06, 0.91),
        (Server, 16, 0.1, 1.33),
        (Server, 16, 0.5, 2.31),
        (Damped, 16, 0.5, 1.06),
        (Damped, 16, 1.0, 0.74),
        (Damped, 16, 2.0, 1.20),
    ],
)
def test_ex_many_workers_late(workers, server, count, lr, loss):
    """ex-many-workers-late."""
    rng = np.random.default_rng(1)
    history = asynchronous(workers, server, count, 240, lr, lambda worker: rng.gamma(4.0))
    assert np.mean([update.loss for update in history[-40:]]) == pytest.approx(loss, rel=0.05)


def test_ex_scaling_out_serial():
    """ex-scaling-out-serial."""
    assert amdahl(0.02, 1e9) == pytest.approx(50)
    assert amdahl(0.02, 49) == pytest.approx(25)
    assert gustafson(0.02, 49) == pytest.approx(48, abs=0.1)


def test_ex_scaling_out_faster():
    """ex-scaling-out-faster."""
    computing = 64 / 2190

    def kept(latency, bandwidth):
        network = Network(latency, bandwidth)
        return Training(1 / 2190, RESNET50, network).weak_efficiency(64, 64)

    assert kept(30e-6, 1e15) < 0.9
    assert kept(2e-6, 538e9 / 8) == pytest.approx(0.9, abs=1e-4)
    assert kept(30e-6, 10e9 / 8) == pytest.approx(0.15, abs=2e-3)
    assert 1000 * computing == pytest.approx(29.2, abs=0.05)
    assert 1000 * computing / 9 == pytest.approx(3.25, abs=0.005)
    assert [126 * latency for latency in (30e-6, 2e-6)] == pytest.approx([3.78e-3, 0.252e-3])
    bytes_sent = 2 * 63 / 64 * RESNET50
    assert bytes_sent / 1e6 == pytest.approx(201, abs=0.5)


@pytest.fixture(scope="module")
def training():
    """The page's `training`, without the five runs below it in the same cell."""
    return definitions("4-distributed/scaling-out", "def training(")["training"]


@pytest.mark.parametrize(
    ("batch", "lr", "losses"),
    [(32, 0.1, (0.23, 0.22)), (512, 1.6, (0.23, 0.23, 0.21)), (512, 0.8, (0.29, 0.29, 0.28))],
)
def test_ex_scaling_out_512(training, batch, lr, losses):
    """ex-scaling-out-512."""
    for seed, expected in enumerate(losses):
        found = training(batch, lr, seed=seed)
        assert found[-len(found) // 8 :].mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("batch", "lr", "epochs", "steps"),
    [
        (16, 0.4, 2, 377),
        (32, 0.8, 2, 192),
        (64, 1.2, 2, 119),
        (128, 1.2, 3, 86),
        (256, 1.2, 3, 64),
        (512, 1.2, 4, 53),
        (1024, 1.2, 7, 48),
        (2048, 1.6, 12, 45),
        (4096, 1.6, 24, 45),
    ],
)
def test_ex_scaling_out_steps(training, batch, lr, epochs, steps):
    """ex-scaling-out-steps; rounding in another BLAS moves them a little."""
    width = max(1, 1600 // batch)
    smooth = np.convolve(training(batch, lr, epochs=epochs), np.ones(width) / width, "valid")
    assert np.flatnonzero(smooth < 0.35)[0] + width == pytest.approx(steps, rel=0.1)
