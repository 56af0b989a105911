import numpy as np
import pytest
from states import copied

from dlcourse.nn import Linear, Parameter
from dlcourse.optim import SGD, Adam, CosineAnnealingLR, WeightAverage


def walk(optimizer, parameter, steps, seed=0):
    rng = np.random.default_rng(seed)
    positions = []
    for _ in range(steps):
        parameter.grad = rng.standard_normal(parameter.data.shape).astype(np.float32)
        optimizer.step()
        positions.append(parameter.data.copy())
    return positions


def test_the_average_is_its_definition_and_training_is_not_changed():
    plain, averaged = (Parameter(np.ones((2, 3), np.float32)) for _ in range(2))
    average = WeightAverage(Adam([averaged], lr=0.1), decay=0.6)
    expected = averaged.data.copy()
    np.testing.assert_array_equal(
        walk(Adam([plain], lr=0.1), plain, 30), positions := walk(average, averaged, 30)
    )
    for k, position in enumerate(positions):
        d = min(0.6, (1 + k) / (10 + k))
        expected = d * expected + (1 - d) * position
    np.testing.assert_allclose(average.averages[0], expected, rtol=1e-5)
    assert average.averages[0].dtype == np.float32


def test_it_wavers_less_than_the_weights():
    w = Parameter(np.zeros(50, np.float32))
    average = WeightAverage(SGD([w], lr=0.5), decay=0.98)
    rng = np.random.default_rng(0)
    weights, averages = [], []
    for _ in range(400):  # a bowl, seen through noise
        w.grad = (w.data - 1 + 2 * rng.standard_normal(50)).astype(np.float32)
        average.step()
        weights.append(abs(w.data - 1).mean())
        averages.append(abs(average.averages[0] - 1).mean())
    assert np.mean(averages[200:]) < np.mean(weights[200:]) / 3


def test_state_goes_on_where_it_was():
    whole, first = (Parameter(np.zeros(4, np.float32)) for _ in range(2))
    reference = WeightAverage(Adam([whole]), 0.9)
    walk(reference, whole, 3)
    before = WeightAverage(Adam([first]), 0.9)
    walk(before, first, 3)
    again = Parameter(first.data.copy())
    after = WeightAverage(Adam([again]), 0.9)
    after.load_state_dict(copied(before))
    walk(reference, whole, 4, seed=1)
    walk(after, again, 4, seed=1)
    np.testing.assert_array_equal(after.averages[0], reference.averages[0])
    np.testing.assert_array_equal(again.data, whole.data)


def test_a_schedule_sets_the_rate_of_the_optimizer_inside():
    inside = SGD([Parameter(np.zeros(1, np.float32))], lr=1.0)
    average = WeightAverage(inside)
    CosineAnnealingLR(average, T_max=2).move_to(1)
    assert inside.lr == average.lr == pytest.approx(0.5)
    average.weight_decay = 0.25
    assert inside.weight_decay == 0.25 and average.decay == 0.999


def test_averages_are_copied_to_a_network_of_the_same_kind():
    net = Linear(2, 3, rng=np.random.default_rng(0))
    average = WeightAverage(SGD(net.parameters(), lr=0.1), decay=0.5)
    for parameter in net.parameters():
        parameter.grad = np.ones_like(parameter.data)
    average.step()
    target = Linear(2, 3, rng=np.random.default_rng(1))
    average.copy_to(target)
    np.testing.assert_array_equal(target.weight.data, average.averages[0])
    with pytest.raises(ValueError, match="other parameters than Linear has"):
        average.copy_to(Linear(3, 2, rng=np.random.default_rng(0)))


def test_a_state_of_another_kind_is_refused_whole():
    w = Parameter(np.zeros(4, np.float32))
    average = WeightAverage(SGD([w], lr=0.1))
    with pytest.raises(ValueError, match=r"not fit WeightAverage .*: missing average\.0, av"):
        average.load_state_dict(SGD([w], lr=0.1).state_dict())
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\), found 1"):
        WeightAverage(SGD([w], lr=0.1), decay=1)
