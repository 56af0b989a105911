from itertools import pairwise

import numpy as np
import pytest

from dlcourse.lessons.all_reduce import ALL_REDUCE
from dlcourse.lessons.simulator import (
    SECONDS,
    Network,
    Training,
    amdahl,
    gustafson,
    linear_scaling,
    record,
    replay,
)

NETWORK = Network(latency=3e-5, bandwidth=1.25e9)
RANKS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 33, 64)


@pytest.mark.parametrize("size", [0, 4, 1e8])
@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_formulas_agree_with_the_simulation(name, ranks, size):
    # An element for each rank, so that all pieces of the ring are equal.
    simulated = replay(record(ALL_REDUCE[name], ranks, ranks), NETWORK, size / ranks)
    assert simulated.seconds == pytest.approx(SECONDS[name](ranks, size, NETWORK), rel=1e-9)


@pytest.mark.parametrize("name", ["parameter server", "tree", "recursive doubling"])
def test_formulas_agree_at_4096_ranks(name):
    simulated = replay(record(ALL_REDUCE[name], 4096, 1), NETWORK, 1e8)
    assert simulated.seconds == pytest.approx(SECONDS[name](4096, 1e8, NETWORK), rel=1e-9)


def test_formula_of_the_ring_agrees_at_256_ranks():
    # 4,096 would be 33 million messages.
    simulated = replay(record(ALL_REDUCE["ring"], 256, 256), NETWORK, 1e8 / 256)
    assert simulated.seconds == pytest.approx(SECONDS["ring"](256, 1e8, NETWORK), rel=1e-9)


@pytest.mark.parametrize("ranks", range(2, 9))
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_messages_of_a_replay_make_the_sum(name, ranks):
    length = 2 * ranks + 1
    values = np.random.default_rng(ranks).integers(0, 100, (ranks, length))
    state = values.copy()
    found = replay(record(ALL_REDUCE[name], ranks, length), Network(1.0, np.inf))
    for end in sorted({m.end for m in found.messages}):
        before = state.copy()  # messages of one round go at the same time
        for m in found.messages:
            if m.end == end:
                part = slice(m.start, m.stop)
                kept = before[m.dest, part] if m.adds else 0
                state[m.dest, part] = kept + before[m.source, part]
    np.testing.assert_array_equal(state, np.tile(values.sum(axis=0), (ranks, 1)))


@pytest.mark.parametrize("ranks", range(2, 9))
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_a_connection_carries_one_message_at_a_time(name, ranks):
    found = replay(record(ALL_REDUCE[name], ranks, 100), NETWORK)
    for end in ("source", "dest"):
        for rank in range(ranks):
            own = sorted((m.begin, m.end) for m in found.messages if getattr(m, end) == rank)
            assert all(a[1] <= b[0] + 1e-12 for a, b in pairwise(own))


@pytest.mark.parametrize("name", ALL_REDUCE)
def test_the_slowest_rank_makes_all_wait(name):
    start = [0.0] * 5
    start[3] = 7.0
    late = replay(record(ALL_REDUCE[name], 5, 5), NETWORK, start=start)
    on_time = replay(record(ALL_REDUCE[name], 5, 5), NETWORK)
    assert 7 < late.seconds <= 7 + on_time.seconds + 1e-12
    assert min(late.finish) > 7


def test_ranks_that_wait_for_each_other_are_noticed():
    def both_send_first(peer, x):
        peer.send(x, 1 - peer.rank)
        peer.recv(x, 1 - peer.rank)

    with pytest.raises(ValueError, match="ranks 0, 1 wait forever for each other"):
        replay(record(both_send_first, 2, 4), NETWORK)


def test_messages_of_another_length_are_noticed():
    def wrong(peer, x):
        if peer.rank == 0:
            peer.send(x, 1)
        else:
            peer.recv(x[1:], 0)

    with pytest.raises(ValueError, match="rank 0 sends 4 elements to rank 1, which expects 3"):
        replay(record(wrong, 2, 4), NETWORK)


@pytest.mark.parametrize("name", SECONDS)
def test_one_rank_sends_nothing(name):
    assert SECONDS[name](1, 1e9, NETWORK) == 0
    with pytest.raises(ValueError, match="at least 1 rank, found 0"):
        SECONDS[name](0, 1e9, NETWORK)


def test_small_messages_want_few_steps_and_large_ones_few_bytes():
    def fastest(size):
        return min(SECONDS, key=lambda name: SECONDS[name](64, size, NETWORK))

    assert fastest(100) == "recursive doubling"
    assert fastest(1e8) == "ring"


# -- scaling -------------------------------------------------------------------------------


def training(**changes):
    settings = dict(seconds_per_image=1e-3, gradient_bytes=1e8, network=NETWORK)
    return Training(**(settings | changes))


def test_a_step_is_computing_and_messages():
    t = training(seconds_per_step=0.5)
    messages = SECONDS["ring"](8, 1e8, NETWORK)
    assert t.step_seconds(8, 32) == pytest.approx(0.5 + 0.032 + messages)
    assert t.weak_efficiency(1, 32) == 1
    assert t.strong_speedup(1, 32) == 1


def test_overlap_hides_messages_behind_computing_and_not_more():
    small = training(gradient_bytes=1e6, overlap=0.5)
    assert small.step_seconds(8, 32) == pytest.approx(0.032)
    large = training(overlap=0.5)
    messages = SECONDS["ring"](8, 1e8, NETWORK)
    assert large.step_seconds(8, 32) == pytest.approx(0.016 + messages)


def test_more_workers_can_be_slower():
    server = training(all_reduce="parameter server")
    assert server.strong_speedup(64, 256) < server.strong_speedup(2, 256)
    # Even a ring ends in its latency.
    ring = training(gradient_bytes=1e5)
    best = max(range(1, 4097), key=lambda workers: ring.strong_speedup(workers, 256))
    assert 1 < best < 4096


def test_laws():
    assert amdahl(0, 64) == gustafson(0, 64) == 64
    assert amdahl(1, 64) == gustafson(1, 64) == 1
    assert amdahl(0.05, 1e12) == pytest.approx(20)
    # The same training seen twice: a share of what it takes alone, and of what it takes on all.
    serial, workers = 0.1, 16
    on_all = serial / (serial + (1 - serial) / workers)
    assert amdahl(serial, workers) == pytest.approx(gustafson(on_all, workers))


def test_linear_scaling():
    assert linear_scaling(0.1, 256) == 0.1
    assert linear_scaling(0.1, 8192) == pytest.approx(3.2)
