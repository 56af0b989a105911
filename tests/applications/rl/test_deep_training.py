"""Training of a deep agent: it learns and is repeatable."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")

from dlcourse.applications.rl import LinearSchedule, make
from dlcourse.applications.rl.deep_training import DQNSettings, train_dqn
from dlcourse.models.q_networks import MLPQNetwork

SETTINGS = DQNSettings(
    frames=600,
    lr=1e-3,
    epsilon=LinearSchedule(1.0, 0.1, 300),
    capacity=250,
    learn_after=100,
    check_every=200,
    check_episodes=2,
    batch=8,
    target_every=20,
)


def train(settings=SETTINGS, **options):
    network = MLPQNetwork(4, 2, hidden=(8,), rng=np.random.default_rng(0))
    history = train_dqn(lambda: make("CartPole-v1"), network, settings, progress=False, **options)
    return network, history


def same(a, b):
    return all(np.array_equal(a.state_dict()[k], b.state_dict()[k]) for k in a.state_dict())


@pytest.mark.parametrize("changes", [{}, {"double": True}, {"capacity": 0}, {"target_every": 0}])
def test_the_same_seed_gives_the_same_agent(changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    (a, first), (b, second) = train(settings, seed=1), train(settings, seed=1)
    assert same(a, b)
    assert first == second
    assert not same(a, train(settings, seed=2)[0])


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    train(seed=1, checkpoint=path)
    with pytest.raises(ValueError, match="with seed 1, expected 2"):
        train(seed=2, checkpoint=path)


def test_the_weights_that_did_best_are_kept():
    network, history = train(seed=1)
    best = max(history.watched, key=lambda check: check["score"])["frame"]
    shorter = dataclasses.replace(SETTINGS, frames=best)  # whose last check is the best
    assert same(network, train(shorter, seed=1)[0])


def test_it_learns_to_balance_the_pole():
    settings = dataclasses.replace(
        SETTINGS, frames=8_000, epsilon=LinearSchedule(1.0, 0.05, 4_000), capacity=8_000,
        check_every=500, batch=32, target_every=50, delta=100.0, learn_every=2,
    )  # fmt: skip
    network = MLPQNetwork(4, 2, hidden=(64, 64), rng=np.random.default_rng(0))
    history = train_dqn(lambda: make("CartPole-v1"), network, settings, progress=False)
    assert max(check["score"] for check in history.watched) > 100  # random play brings 22
