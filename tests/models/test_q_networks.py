"""Q-networks: shapes, the dueling head and all gradients."""

import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import DuelingHead, MinAtarQNetwork, MLPQNetwork


@pytest.mark.parametrize("actions", [1, 2, 6])
@pytest.mark.parametrize("batch", [1, 5])
def test_gradients_of_the_dueling_head(actions, batch):
    rng = np.random.default_rng(0)
    check_gradients(DuelingHead(7, actions, rng=rng), rng.standard_normal((batch, 7)), rng)


@pytest.mark.parametrize("dueling", [False, True])
def test_gradients_of_the_networks(dueling):
    rng = np.random.default_rng(0)
    mlp = MLPQNetwork(4, 3, hidden=(6, 5), dueling=dueling, rng=rng)
    check_gradients(mlp, rng.standard_normal((4, 4)), rng)
    minatar = MinAtarQNetwork(4, 3, dueling=dueling, rng=rng)
    check_gradients(minatar, rng.standard_normal((2, 4, 10, 10)), rng, entries=10)


def test_the_mean_of_a_dueling_heads_values_is_the_value_of_the_state():
    rng = np.random.default_rng(0)
    head = DuelingHead(5, 4, rng=rng)
    x = rng.standard_normal((3, 5)).astype(np.float32)
    np.testing.assert_allclose(head(x).mean(axis=1), head.value(x)[:, 0], rtol=1e-5)
    head.advantage.bias.data += 10  # a constant in all advantages changes nothing
    np.testing.assert_allclose(head(x).mean(axis=1), head.value(x)[:, 0], rtol=1e-5)


def test_planes_are_given_as_the_environment_shows_them():
    rng = np.random.default_rng(0)
    net = MinAtarQNetwork(4, 3, rng=rng)
    planes = rng.random((2, 10, 10, 4)) < 0.2
    values = net.values(planes)
    assert values.dtype == np.float32
    images = np.ascontiguousarray(planes.astype(np.float32).transpose(0, 3, 1, 2))
    np.testing.assert_allclose(values, net(images), rtol=1e-5)
