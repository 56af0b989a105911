"""What the solutions of chapter 6's exercises on agents say, measured as they describe."""

import numpy as np
import pytest

for module in ("gymnasium", "Box2D", "pygame"):
    pytest.importorskip(module, reason="pip install 'dlcourse[rl]'")

from page_code import run

from dlcourse import zoo
from dlcourse.applications.driving import Driver, RoadSimulator, angle_to
from dlcourse.applications.rl import (
    LinearSchedule,
    TabularAgent,
    epsilon_greedy,
    evaluate,
    learn,
    make,
    play,
    q_learning,
    q_learning_target,
    sarsa,
    value_iteration,
)
from dlcourse.applications.rl.deep_training import DQNSettings, train_dqn
from dlcourse.applications.rl.dqn import q_targets
from dlcourse.applications.rl.games import make_game, network_for
from dlcourse.applications.rl.grid_world import GridWorld


def constant(value):
    return lambda episode: value


def test_ex_q_learning_discount():
    """ex-q-learning-discount."""
    world = run("6-future/q-learning", "world = GridWorld([")["world"]
    for discount, worth in ((0.5, 0.03), (0.9999, 1.0)):
        best = value_iteration(world.P, discount=discount)
        assert best[world.start].max() == pytest.approx(worth, abs=2e-3)
    assert np.allclose(best[world.start], 1, atol=2e-3)  # up and left lose a step, and nothing else


@pytest.mark.parametrize(
    ("places", "epsilon", "arrives"),
    [(20, 0.0, True), (20, 0.1, False), (20, 0.3, False), (13, 0.1, True), (13, 0.3, False)],
)
def test_ex_q_learning_map(places, epsilon, arrives):
    """ex-q-learning-map."""
    world = GridWorld(["O" * places, "S" + "." * (places - 2) + "G", "O" * places])
    for seed in range(5):
        table = np.zeros((3 * places, 4))
        learn(q_learning, table, world, episodes=200, epsilon=constant(epsilon),
              learning_rate=constant(0.5), discount=0.9, seed=seed)  # fmt: skip
        returned = evaluate(world, TabularAgent(table).act, episodes=1).returns[0]
        assert (returned == 1) == arrives


@pytest.mark.parametrize(("method", "steps"), [(sarsa, 17), (q_learning, 13)])
def test_ex_q_learning_cliff(method, steps):
    """ex-q-learning-cliff: the first of its seeds."""
    cliff, table = make("CliffWalking-v1", max_episode_steps=200), np.zeros((48, 4))
    learn(method, table, cliff, episodes=1000, epsilon=LinearSchedule(0.1, 0.0, 1000),
          learning_rate=constant(0.5), discount=1.0, seed=0)  # fmt: skip
    assert evaluate(cliff, TabularAgent(table).act, episodes=1).lengths[0] == steps


ROWS = [
    "S.........", ".########.", "..........", ".########.",
    "..........", ".########.", ".........G",
]  # fmt: skip


@pytest.mark.parametrize(("remembered", "steps"), [(0, 268), (5, 22)])
def test_ex_q_learning_dyna(remembered, steps):
    """ex-q-learning-dyna."""
    world, found = GridWorld(ROWS, max_steps=2000), []
    assert value_iteration(world.P, 0.9)[0].max() == pytest.approx(0.9**14)  # 15 steps
    for seed in range(5):
        table, model, rng = np.zeros((70, 4)), {}, np.random.default_rng(seed)
        for episode in range(10):
            taken = 0
            for step in play(world, lambda s: epsilon_greedy(table[s], 0.1, rng)):  # noqa: B023
                model[step.observation, step.action] = step
                known, drawn = list(model.values()), rng.integers(len(model), size=remembered)
                for past in [step, *(known[k] for k in drawn)]:
                    place = past.observation, past.action
                    table[place] += 0.5 * (q_learning_target(table, past, 0.9) - table[place])
                taken += 1
            if episode >= 3:
                found.append(taken)
    assert np.mean(found) == pytest.approx(steps, rel=0.05)


@pytest.mark.parametrize(("actions", "largest"), [(2, 0.56), (10, 1.54), (100, 2.51)])
def test_ex_deep_q_network_noise(actions, largest):
    """ex-deep-q-network-noise."""
    drawn = np.random.default_rng(0).standard_normal((10_000, actions))
    assert drawn.max(axis=1).mean() == pytest.approx(largest, abs=0.02)
    assert 1 / np.sqrt(np.pi) == pytest.approx(0.56, abs=5e-3)


def test_ex_deep_q_network_huber():
    """ex-deep-q-network-huber."""
    targets = q_targets(np.ones(9), np.arange(9) == 8, np.full((9, 2), 102.0), 0.99)
    assert targets[:8] == pytest.approx(101.98)
    for delta, sign in ((15.83, 1), (15.85, -1)):
        assert np.sign(np.clip(targets - 100, -delta, delta).sum()) == sign


def test_ex_deep_q_network_parts():
    """ex-deep-q-network-parts: the records, and a run with a delta of 1 up to its first check."""

    def means(kind):
        return [zoo.record(f"rl/cartpole-{kind}-seed{seed}")["test"]["mean"] for seed in range(5)]

    assert np.median(means("no-target")) < 22
    assert min(means("no-replay")) > 400
    settings = DQNSettings(
        frames=1000, lr=1e-3, epsilon=LinearSchedule(1.0, 0.05, 8_000), capacity=15_000,
        learn_after=1_000, learn_every=2, batch=64, target_every=100, delta=1.0,
        check_every=1_000, check_episodes=3,
    )  # fmt: skip
    net = network_for(make_game("CartPole-v1"), rng=np.random.default_rng(0))
    history = train_dqn(lambda: make_game("CartPole-v1"), net, settings, progress=False)
    assert [check["score"] for check in history.watched] == [pytest.approx(25, abs=1)]


@pytest.mark.parametrize(
    ("drives", "allowed"), [(10, 0.26), (30, 0.095), (100, 0.030), (2995, 0.001)]
)
def test_ex_self_driving_sure(drives, allowed):
    """ex-self-driving-sure."""
    assert 1 - 0.05 ** (1 / drives) == pytest.approx(allowed, rel=0.02)


def driven(driver, steps, delay=0, track=0):
    """Return how a drive ends and after how many steps, the share of tiles, angles and wheel."""
    with RoadSimulator(steps=steps) as road:
        road.reset(track)
        seen, angles, wheel = [], [], []
        while not road.over:
            seen.append(road.classes)
            command = driver.act(seen[max(0, len(seen) - 1 - delay)], road.speed)
            road.step(*command)
            wheel.append(command[0])
            if driver.plan is not None:
                angles.append(angle_to(driver.plan.near))
        end = "off" if road.off_road else "on"
        return end, road.steps_done, road.tiles_visited, np.array(angles), np.array(wheel)


@pytest.mark.parametrize(("fastest", "end"), [(100.0, "on"), (120.0, "off")])
def test_ex_self_driving_fast(fastest, end):
    """ex-self-driving-fast: track 0 of its two."""
    found, steps, *_ = driven(Driver(fastest=fastest), 300)
    assert found == end
    assert steps == (300 if end == "on" else pytest.approx(4.9 * 50, abs=10))


def test_ex_self_driving_late():
    """ex-self-driving-late: track 0 of its two."""
    assert driven(Driver(), 150, delay=5)[0] == "on"
    end, steps, *_ = driven(Driver(), 150, delay=10)
    assert end == "off" and steps <= 2.1 * 50


def test_ex_self_driving_damping():
    """ex-self-driving-damping."""
    for damping, angle, move in ((3.0, 0.029, 0.040), (0.0, 0.034, 0.016)):
        end, _, _, angles, wheel = driven(Driver(steer_damping=damping), 200)
        assert end == "on"
        assert abs(angles).mean() == pytest.approx(angle, rel=0.05)
        assert abs(np.diff(wheel)).mean() == pytest.approx(move, rel=0.1)
