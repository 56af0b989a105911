"""Parts that were switched to evaluation under a network in training are trained around."""

import numpy as np
import pytest

from dlcourse.data import Dataset
from dlcourse.nn import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU, Sequential
from dlcourse.optim import SGD
from dlcourse.precision import LossScaler
from dlcourse.training import Trainer

RNG = np.random.default_rng
DATA = Dataset(RNG(1).random((30, 1, 6, 6), dtype=np.float32), np.arange(30) % 3, tuple("abc"))


def network(norm):
    rng = RNG(0)
    middle = BatchNorm2d(4) if norm else Dropout(0.5)
    return Sequential(
        *(Conv2d(1, 4, 3, padding=1, rng=rng), middle, ReLU(), Flatten()),
        *(Dropout(0.5), Linear(144, 3, rng=rng)),
    )


def train(net, valid=None, **options):
    trainer = Trainer(
        net, SGD(net.parameters(), lr=0.1), batch_size=10, micro_batch=3, progress=False, **options
    )
    trainer.fit(DATA, valid, epochs=2)
    return {name: array.copy() for name, array in net.state_dict().items()}


@pytest.mark.parametrize("scaler", [None, LossScaler], ids=["float32", "mixed"])
def test_frozen_statistics_do_not_move(scaler):
    def options():
        return {} if scaler is None else {"scaler": scaler()}

    net = network(norm=True)
    net[1].eval()
    statistics = {name: array.copy() for name, array in net[1].state_dict().items()}
    modes = net.modes()
    state = train(net, DATA, **options())
    assert net.modes() == modes
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        np.testing.assert_array_equal(state[f"1.{name}"], statistics[name])
    assert (state["1.weight"] != statistics["weight"]).any()  # it learns all the same
    moved = train(network(norm=True), DATA, **options())
    assert (moved["1.running_mean"] != statistics["running_mean"]).any()


@pytest.mark.parametrize("workers", [1, 3])
def test_frozen_dropout_drops_nothing_on_any_thread(workers):
    def without(net):
        net[1].p = net[4].p = 0.0
        return net

    frozen = network(norm=False)
    frozen[1].eval(), frozen[4].eval()
    expected = train(without(network(norm=False)), workers=1)
    for name, array in train(frozen, DATA, workers=workers).items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_callback_may_set_a_part_free():
    net = network(norm=True)
    net[1].eval()
    seen = []

    def callback(trainer, epoch):
        seen.append(int(net[1].num_batches_tracked))
        net[1].train()

    train(net, callbacks=[callback])
    assert seen == [0, 3]


@pytest.mark.parametrize("scaler", [None, LossScaler], ids=["float32", "mixed"])
def test_a_network_in_evaluation_is_trained_as_a_whole(scaler):
    states = []
    for mode in (True, False):
        options = {} if scaler is None else {"scaler": scaler()}
        states.append(train(network(norm=True).train(mode), **options))
    for name in states[0]:
        np.testing.assert_array_equal(states[0][name], states[1][name])
