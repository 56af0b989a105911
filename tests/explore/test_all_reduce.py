import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.distributed import Threads
from dlcourse.explore.all_reduce import RANKS, all_reduce, schedule
from dlcourse.lessons.all_reduce import ALL_REDUCE
from dlcourse.lessons.simulator import Network

NETWORKS = {"a network": Network(1e-5, 1e9)}


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_a_schedule_is_what_the_algorithm_does(name, ranks):
    """Rank r begins with 2^r, so a sum of different shares tells which they are."""

    def work(peer):
        x = np.full(ranks, 2**peer.rank)
        ALL_REDUCE[name](peer, x)
        return x

    state = np.tile(2 ** np.arange(ranks)[:, None], (1, ranks))
    for step in schedule(ALL_REDUCE[name], ranks):
        before = state.copy()
        for source, dest, start, stop, adds in step:
            kept = state[dest, start:stop] if adds else 0
            state[dest, start:stop] = kept + before[source, start:stop]
    np.testing.assert_array_equal(state, np.stack(Threads.run(ranks, work)))


@pytest.mark.parametrize("ranks", RANKS)
def test_numbers_of_steps(ranks):
    steps = {name: len(schedule(algorithm, ranks)) for name, algorithm in ALL_REDUCE.items()}
    rounds = int(np.ceil(np.log2(ranks)))
    assert steps["ring"] == steps["parameter server"] == 2 * (ranks - 1)
    assert steps["tree"] == 2 * rounds
    assert steps["recursive doubling"] == (rounds if 2**rounds == ranks else rounds + 1)


@pytest.mark.parametrize(
    ("arrays", "networks"), [({}, NETWORKS), ({"nothing": 0}, NETWORKS), ({"it": 1}, {})]
)
def test_contents_are_checked(arrays, networks):
    with pytest.raises(ValueError, match="expected at least one array, each of at least 1 byte"):
        all_reduce(arrays, networks)
