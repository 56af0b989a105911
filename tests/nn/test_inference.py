"""`Module.for_inference`: the same outputs to the last bit, and nothing is kept."""

import sys

import numpy as np
import pytest
from natively import NEEDED

from dlcourse import native
from dlcourse.models import DeepConvNet, EfficientNetLite0, resnet18, vgg16
from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    ReLU6,
    Sequential,
)


def rng():
    return np.random.default_rng(0)


def images(*shape):
    return rng().standard_normal(shape).astype(np.float32)


def convolved(*behind, channels=16, outputs=32):
    return Sequential(Conv2d(channels, outputs, 3, padding=1, rng=rng()), *behind)


NETWORKS = {
    "DeepConvNet": (lambda: DeepConvNet(rng=rng()), (1, 28, 28)),
    "resnet18": (lambda: resnet18(num_classes=5, rng=rng()), (3, 64, 64)),
    "efficientnet": (lambda: EfficientNetLite0(5, rng=rng()), (3, 32, 32)),
    "pooled": (lambda: convolved(ReLU(), MaxPool2d(2)), (16, 20, 18)),
    "normalized": (lambda: Sequential(BatchNorm2d(5), ReLU()), (5, 7, 6)),
    "pooled, odd": (lambda: convolved(ReLU6(), MaxPool2d(2)), (16, 13, 11)),
    "pooled, normalized": (lambda: convolved(BatchNorm2d(32), ReLU(), MaxPool2d(2)), (16, 9, 8)),
    "pooled, few channels": (lambda: convolved(ReLU(), MaxPool2d(2), channels=3), (3, 9, 8)),
    "not pooled": (lambda: convolved(MaxPool2d(2), ReLU()), (16, 9, 8)),
    "overlapping": (lambda: convolved(ReLU(), MaxPool2d(3, 2)), (16, 9, 8)),
    "hanging over": (lambda: convolved(ReLU(), MaxPool2d(2, ceil_mode=True)), (16, 9, 7)),
    "with a border": (lambda: convolved(ReLU(), MaxPool2d(2, padding=1)), (16, 9, 7)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("count", [1, 3])
def test_every_bit_is_that_of_the_network(name, count):
    make, shape = NETWORKS[name]
    net, x = make(), images(count, *shape)
    found = net.for_inference()(x)
    assert net.training
    np.testing.assert_array_equal(found, net.eval()(x))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_pooled_as_well(value):
    net, x = convolved(ReLU(), MaxPool2d(2)), images(2, 16, 14, 14)
    x[1, 3, 5, 6] = value
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(net.for_inference()(x), net.eval()(x))


@NEEDED
def test_pooling_is_no_pass_of_its_own(monkeypatch):
    net, x = convolved(ReLU(), MaxPool2d(2)), images(2, 16, 14, 14)
    monkeypatch.setattr(MaxPool2d, "forward", None)
    monkeypatch.setitem(sys.modules["dlcourse.nn.chained"]._FORWARD, MaxPool2d, None)
    assert net.for_inference()(x).shape == (2, 32, 7, 7)
    with native.plain(), pytest.raises(TypeError):
        net.for_inference()(x)


def test_the_network_keeps_its_modes_and_its_way_back():
    net, x = convolved(Dropout(0.5, rng=rng()), ReLU(), BatchNorm2d(32)), images(4, 16, 9, 8)
    net[3].eval()
    y = net(x)
    generator, statistics = net[1].rng.bit_generator.state, net[3].running_mean.copy()
    net.for_inference()(images(2, 16, 5, 5))
    assert net.modes() == [True, True, True, True, False]
    assert net[1].rng.bit_generator.state == generator
    np.testing.assert_array_equal(net[3].running_mean, statistics)
    assert net.backward(np.ones_like(y)).shape == x.shape


def test_it_shares_parameters_and_learns_with_them():
    net = Sequential(Linear(3, 2, rng=rng()))
    twin = net.for_inference()
    net[0].weight.data[...] = 1
    assert twin(np.ones((1, 3), np.float32)).tolist() == [[3, 3]]


class Keeping(Module):
    def forward(self, x):
        self.seen = x
        return 2 * x

    def backward(self, dy):
        return 2 * dy


def test_passes_leave_nothing_behind():
    net = Sequential(Linear(3, 3, rng=rng()), Keeping(), ReLU())
    twin = net.for_inference()
    before = [set(vars(module)) for module in twin.modules()]
    twin(np.ones((1, 3), np.float32))
    assert [set(vars(module)) for module in twin.modules()] == before
    assert not hasattr(twin[1], "seen")


@pytest.mark.parametrize("mixed", [False, True])
def test_there_is_no_way_back(mixed):
    net = Sequential(Linear(3, 3, rng=rng()), ReLU(), Linear(3, 3, rng=rng()))
    if mixed:
        net[2].double()
    twin = net.for_inference()
    y = twin(np.ones((1, 3), np.float32))
    assert y.dtype == (np.float64 if mixed else np.float32)
    with pytest.raises(RuntimeError, match="for_inference.. keeps nothing: call the network"):
        twin.backward(y)


def test_inputs_of_another_kind_are_what_they_are_to_the_network():
    net = Sequential(Linear(3, 2, rng=rng()))
    twin = net.for_inference()
    assert twin(np.ones((1, 3))).dtype == np.float32
    with pytest.raises(ValueError, match="Linear .0 of Sequential. expects floating-point"):
        twin(np.ones((1, 3), int))
    with pytest.raises(ValueError, match=r"Linear\(3, 2\) expects \(N, 3\), found shape \(1, 4\)"):
        twin(np.ones((1, 4), np.float32))


def test_a_forgotten_return_is_told():
    class Silent(Module):
        def forward(self, x):
            pass

    net = Sequential(Linear(3, 3, rng=rng()), Silent()).for_inference()
    with pytest.raises(RuntimeError, match=r"forward of Silent \(1 of Sequential\) returned None"):
        net(np.ones((1, 3), np.float32))
    assert sum(1 for _ in net.modules()) == 3


def test_memory_of_a_layer_is_free_when_the_next_one_is_done():
    import tracemalloc

    net, x = vgg16(num_classes=2, rng=rng()), images(1, 3, 64, 64)
    twin = net.for_inference()
    twin(x)
    peaks = []
    for network in (net.eval(), twin):
        tracemalloc.start()
        network(x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] / 2
