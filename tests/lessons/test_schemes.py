import numpy as np
import pytest

from dlcourse.distributed import Threads
from dlcourse.lessons.schemes import (
    Float16,
    Server,
    TopK,
    accumulated,
    asynchronous_sgd,
    asynchronous_threads,
    local_sgd,
    ring_average,
    synchronous_sgd,
)
from dlcourse.nn import CrossEntropyLoss, Flatten, Linear, Parameter, ReLU, Sequential
from dlcourse.optim import SGD, Adam, Momentum

STEPS, BATCH = 12, 24
RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((STEPS, BATCH, 6), dtype=np.float32)
LABELS = (IMAGES @ RNG.standard_normal((6, 3), dtype=np.float32)).argmax(axis=2)


def make_net():
    rng = np.random.default_rng(7)
    return Sequential(Flatten(), Linear(6, 8, rng=rng), ReLU(), Linear(8, 3, rng=rng))


def share(net, rank=0, size=1):
    """Return a function that computes the gradient of a rank's share of each batch."""

    def compute(step):
        part = slice(rank * BATCH // size, (rank + 1) * BATCH // size)
        loss = CrossEntropyLoss()
        net.zero_grad()
        value = loss(net(IMAGES[step % STEPS, part]), LABELS[step % STEPS, part])
        net.backward(loss.backward())
        return value

    return compute


def weights(net):
    return np.concatenate([p.data.ravel() for p in net.parameters()])


def on_ranks(size, train):
    def work(peer):
        net = make_net()
        losses = train(peer, net, share(net, peer.rank, peer.size))
        return weights(net), losses

    return Threads.run(size, work)


@pytest.fixture(scope="module", params=[SGD, Momentum, Adam])
def optimizer(request):
    return lambda net: request.param(net.parameters(), lr=0.05)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
def test_synchronous_is_one_large_batch(optimizer, size):
    def train(peer, net, compute):
        return synchronous_sgd(peer, net.parameters(), optimizer(net), compute, STEPS)

    alone = make_net()
    steps = optimizer(alone)
    compute = share(alone)
    expected = []
    for step in range(STEPS):
        expected.append(compute(step))
        steps.step()
    for found, losses in on_ranks(size, train):
        np.testing.assert_allclose(found, weights(alone), atol=1e-6)
        np.testing.assert_allclose(losses, expected, atol=1e-6)


def synchronous(peer, net, compute):
    return synchronous_sgd(peer, net.parameters(), SGD(net.parameters(), 0.1), compute, STEPS)


def test_ranks_end_with_the_same_bits():
    first, *others = (found for found, _ in on_ranks(5, synchronous))
    assert all(found.tobytes() == first.tobytes() for found in others)


# -- local SGD -------------------------------------------------------------------------------


def local(period, steps=STEPS):
    def train(peer, net, compute):
        return local_sgd(peer, net.parameters(), SGD(net.parameters(), 0.1), compute, steps, period)

    return train


def test_local_sgd_with_period_1_is_synchronous():
    found, expected = on_ranks(4, local(1))[0][0], on_ranks(4, synchronous)[0][0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_local_sgd_ends_equal_and_elsewhere():
    found = [w for w, _ in on_ranks(4, local(6))]
    assert all(w.tobytes() == found[0].tobytes() for w in found)
    often = on_ranks(4, local(1))[0][0]
    assert 1e-4 < abs(found[0] - often).max() < 0.5


# -- accumulation ----------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 8])
def test_accumulated_parts_are_one_large_batch(parts):
    net, whole = make_net(), make_net()

    def compute(i):  # part i % parts of batch i // parts
        return share(net, i % parts, parts)(i // parts)

    steps = accumulated(net.parameters(), compute, parts)
    assert steps(2) == pytest.approx(share(whole)(2), abs=1e-6)
    for p, q in zip(net.parameters(), whole.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, atol=1e-6)
        assert p.grad.dtype == np.float32


def test_accumulation_and_ranks_together():
    def train(peer, net, _):
        def compute(i):
            return share(net, 2 * peer.rank + i % 2, 2 * peer.size)(i // 2)

        return synchronous(peer, net, accumulated(net.parameters(), compute, 2))

    np.testing.assert_allclose(on_ranks(2, train)[0][0], on_ranks(1, synchronous)[0][0], atol=1e-6)


# -- compression -----------------------------------------------------------------------------


def averaged(average, size, x):
    def work(peer):
        own = x[peer.rank].copy()
        average()(peer, own)
        return own

    return Threads.run(size, work)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("average", "atol"),
    [(lambda: ring_average, 1e-6), (Float16, 4e-3), (lambda: TopK(1.0), 1e-6)],
)
def test_means_with_all_values(size, average, atol):
    x = np.random.default_rng(0).standard_normal((size, 50), dtype=np.float32)
    found = averaged(average, size, x)
    for own in found:
        assert own.dtype == np.float32
        assert own.tobytes() == found[0].tobytes()
        np.testing.assert_allclose(own, x.mean(axis=0), atol=atol)


def test_float16_does_not_overflow_where_the_mean_does_not():
    x = np.full((4, 3), 60_000, np.float32)
    np.testing.assert_array_equal(averaged(Float16, 4, x)[0], np.full(3, 60_000, np.float32))


@pytest.mark.parametrize("share_sent", [0.001, 0.1, 0.5])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_top_k_has_not_sent_it_keeps(size, share_sent):
    rng = np.random.default_rng(size)
    given = rng.standard_normal((6, size, 40), dtype=np.float32)

    def work(peer):
        average = TopK(share_sent)
        arrived = np.zeros(40, np.float32)
        for step in range(6):
            x = given[step, peer.rank].copy()
            average(peer, x)
            most = peer.size * max(1, round(share_sent * 40))
            assert np.count_nonzero(x) <= most
            arrived += x
        return arrived, average.unsent

    found = Threads.run(size, work)
    unsent = sum(left for _, left in found) / size
    for arrived, _ in found:  # nothing is lost, nothing comes twice
        np.testing.assert_allclose(arrived + unsent, given.sum(axis=0).mean(axis=0), atol=1e-5)


def test_the_largest_values_are_sent():
    x = np.array([[1, -9, 3, 8, 0, -2]], np.float32)
    found = averaged(lambda: TopK(2 / 6), 1, x)[0]
    np.testing.assert_array_equal(found, [0, -9, 0, 8, 0, 0])


def test_without_error_feedback_small_values_never_arrive():
    def work(peer):
        average = TopK(0.5, error_feedback=False)
        total = np.zeros(2, np.float32)
        for _ in range(10):
            x = np.array([3, 2], np.float32)
            average(peer, x)
            total += x
        return total.tolist()

    assert Threads.run(2, work)[0] == [30, 0]


def test_training_with_compression_learns():
    def train(average):
        def run(peer, net, compute):
            return synchronous_sgd(
                peer, net.parameters(), SGD(net.parameters(), 0.2), compute, 60, average
            )

        return on_ranks(2, run)

    for make in (Float16, lambda: TopK(0.2)):
        averages = [make() for _ in range(2)]
        found = train(lambda peer, x, averages=averages: averages[peer.rank](peer, x))
        losses = found[0][1]
        assert losses[-5:].mean() < 0.6 * losses[:5].mean()
        assert found[0][0].tobytes() == found[1][0].tobytes()


# -- asynchronous SGD ------------------------------------------------------------------------


def asynchronous(workers, updates, seconds, lr=0.1):
    net, own = make_net(), make_net()
    server = Server(net.parameters(), SGD(net.parameters(), lr))
    history = asynchronous_sgd(server, own.parameters(), share(own), workers, updates, seconds)
    return net, server, history


def test_one_worker_is_plain_sgd():
    net, server, history = asynchronous(1, STEPS, lambda worker: 1.0)
    alone = make_net()
    optimizer = SGD(alone.parameters(), 0.1)
    losses = []
    for step in range(STEPS):
        losses.append(share(alone)(step))
        optimizer.step()
    assert weights(net).tobytes() == weights(alone).tobytes()
    assert [update.loss for update in history] == losses
    assert [update.staleness for update in history] == [0] * STEPS
    assert server.version == STEPS


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_equal_workers_are_late_by_all_others(workers):
    _, _, history = asynchronous(workers, 30, lambda worker: 1.0)
    assert [u.staleness for u in history[:workers]] == list(range(workers))
    assert {u.staleness for u in history[workers:]} == {workers - 1}
    assert [u.worker for u in history[:workers]] == list(range(workers))


def test_a_slow_worker_is_later():
    _, _, history = asynchronous(3, 60, lambda worker: (1.0, 1.0, 4.5)[worker])
    by_worker = [[u.staleness for u in history if u.worker == w] for w in range(3)]
    assert min(by_worker[2]) >= 8  # two others, four times each
    assert max(by_worker[0]) <= 2
    assert [u.seconds for u in history] == sorted(u.seconds for u in history)


def test_the_same_durations_give_the_same_training():
    def run():
        rng = np.random.default_rng(3)
        return asynchronous(4, 40, lambda worker: rng.exponential())

    (net, _, history), (again, _, same) = run(), run()
    assert history == same
    assert weights(net).tobytes() == weights(again).tobytes()
    assert max(u.staleness for u in history) > 3


def test_gradients_are_those_of_the_weights_that_were_fetched():
    w, own = (Parameter(np.full(1, 4.0, np.float32)) for _ in range(2))

    def compute(i):
        own.grad = own.data.copy()
        return float(own.data[0])

    server = Server([w], SGD([w], lr=0.5))
    history = asynchronous_sgd(server, [own], compute, 2, 3, lambda worker: 1.0)
    # 4 - 2; then with the gradient of 4 again, 2 - 2; then with that of 2, 0 - 1.
    assert [u.loss for u in history] == [4, 4, 2]
    assert w.data[0] == -1


def test_threads_take_every_batch_once():
    net = make_net()
    server = Server(net.parameters(), SGD(net.parameters(), 0.05))
    seen = []

    def worker():
        own = make_net()
        compute = share(own)

        def noted(i):
            seen.append(i)
            return compute(i)

        return own.parameters(), noted

    before = weights(net)
    history = asynchronous_threads(server, [worker() for _ in range(3)], 50)
    assert sorted(seen) == list(range(50))
    assert len(history) == server.version == 50
    assert all(0 <= u.staleness < 50 for u in history)
    assert not np.array_equal(weights(net), before)


def test_an_error_of_a_thread_is_not_lost():
    net = make_net()
    server = Server(net.parameters(), SGD(net.parameters(), 0.05))

    def compute(i):
        raise ZeroDivisionError("a worker fails")

    with pytest.raises(ZeroDivisionError, match="a worker fails"):
        asynchronous_threads(server, [(make_net().parameters(), compute)] * 2, 5)
