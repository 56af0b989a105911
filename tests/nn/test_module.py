import numpy as np
import pytest
from gradients import check_gradients
from states import assert_state, unchanged

from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    Module,
    Parameter,
    ReLU,
    Residual,
    Sequential,
)


class Block(Module):
    """Parameters of its own, a buffer and children, in an order that is easily got wrong."""

    def __init__(self, rng):
        super().__init__()
        self.norm = BatchNorm2d(4)
        self.scale = Parameter(np.ones(1, np.float32))
        self.register_buffer("seen", np.zeros((), np.int64))
        self.body = Sequential(Conv2d(4, 4, 3, padding=1, bias=False, rng=rng), ReLU())

    def forward(self, x):
        self.seen[...] += len(x)
        self._inner = self.body(self.norm(x))
        return self._inner * self.scale.data

    def backward(self, dy):
        self.scale.accumulate((dy * self._inner).sum(keepdims=True).reshape(1))
        return self.norm.backward(self.body.backward(dy * self.scale.data))


def network(seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(1, 4, 3, rng=rng),
        Block(rng),
        Residual(Conv2d(4, 4, 1, rng=rng)),
        Flatten(),
        Dropout(0.5),
        Linear(4 * 4 * 4, 3, rng=rng),
    )


IMAGES = np.random.default_rng(0).random((2, 1, 6, 6), dtype=np.float32)


def test_state_has_dotted_names_own_parameters_then_buffers_then_children():
    net = network()
    names = [
        "0.weight", "0.bias",
        "1.scale", "1.seen",
        "1.norm.weight", "1.norm.bias",
        "1.norm.running_mean", "1.norm.running_var", "1.norm.num_batches_tracked",
        "1.body.0.weight",
        "2.body.weight", "2.body.bias",
        "5.weight", "5.bias",
    ]  # fmt: skip
    assert list(net.state_dict()) == names
    buffers = {"1.seen", "1.norm.running_mean", "1.norm.running_var", "1.norm.num_batches_tracked"}
    assert [name for name, _ in net.named_parameters()] == [n for n in names if n not in buffers]
    assert net.parameters() == [parameter for _, parameter in net.named_parameters()]
    assert [name for name, _ in net.named_modules()][:5] == ["", "0", "1", "1.norm", "1.body"]


def test_backward_is_the_gradient_of_forward():
    net = network()
    check_gradients(net, IMAGES, np.random.default_rng(0))
    assert net[1].seen == 0  # the check works on a copy


def test_state_is_not_copied_but_loading_is():
    a, b = network(1), network(2)
    assert a.state_dict()["0.weight"] is a[0].weight.data
    kept = b[0].weight.data
    b.load_state_dict(a.state_dict())
    assert b[0].weight.data is kept
    assert_state(b, a.state_dict())
    b[0].weight.data += 1
    assert (a[0].weight.data != b[0].weight.data).all()


def test_loading_converts_to_the_dtype_of_the_network():
    net = network()
    net.load_state_dict(network(1).astype(np.float64).state_dict())
    assert net[0].weight.data.dtype == np.float32
    np.testing.assert_array_equal(net[0].weight.data, network(1)[0].weight.data)


def test_weights_of_another_network_are_refused_and_nothing_is_changed():
    net = network()
    good = network(1).state_dict()
    cases = [
        (
            {k: v for k, v in good.items() if not k.startswith("1")},
            r"do not fit Sequential: missing 1\.scale, 1\.seen, 1\.norm\.weight "
            r"and 5 more$",
        ),
        (good | {"6.weight": np.zeros(1)}, r"unknown 6\.weight$"),
        (
            {("2.bias" if k == "2.body.bias" else k): v for k, v in good.items()},
            r"missing 2\.body\.bias; unknown 2\.bias$",
        ),
        (
            good | {"5.bias": np.zeros(10)},
            r"do not fit Sequential: 5\.bias has shape \(10,\), expected \(3,\)",
        ),
    ]
    for state, message in cases:
        with unchanged(net), pytest.raises(ValueError, match=message):
            net.load_state_dict(state)


def test_a_replica_shares_values_and_buffers_but_not_gradients():
    net = network()
    net.set_generator(np.random.default_rng(0))
    dy = np.ones_like(net(IMAGES))
    net.backward(dy)
    grads = [p.grad for p in net.parameters()]
    copies = [grad.copy() for grad in grads]

    replica = net.replica()
    for name, array in replica.state_dict().items():
        assert array is net.state_dict()[name]
    replica.zero_grad()
    replica(IMAGES * 2)
    replica.backward(dy)
    for parameter, grad, copied in zip(net.parameters(), grads, copies, strict=True):
        assert parameter.grad is grad
        np.testing.assert_array_equal(grad, copied)
    assert net[1].seen == 4
    assert net[1].norm.num_batches_tracked == 2
    replica.eval()
    assert net.training and net[1].norm.training


def test_a_parameter_used_twice_receives_both_shares():
    linear = Linear(3, 2, rng=np.random.default_rng(0))
    x = np.ones((1, 3), np.float32)
    linear.backward(linear(x))
    once = linear.weight.grad
    linear.backward(linear(x))
    np.testing.assert_array_equal(linear.weight.grad, 2 * once)
    linear.zero_grad()
    assert linear.weight.grad is None and linear.bias.grad is None


def test_train_and_eval_reach_every_module():
    net = network()
    assert net.eval() is net
    assert not any(module.training for _, module in net.named_modules())
    assert net.train() is net
    assert all(module.training for _, module in net.named_modules())
    net.train(False)
    assert not net[1].norm.training


def test_a_part_that_was_switched_off_stays_off():
    net = network()
    net[1].norm.eval()
    net[4].eval()
    modes = net.modes()
    with net.evaluating():
        assert not any(net.modes())
        with net[1].evaluating():
            net.train()
    assert net.modes() == modes and not all(modes)
    with pytest.raises(KeyError), net.evaluating():
        raise KeyError
    assert net.modes() == modes
    net.start_training()
    assert net.modes() == modes
    net.eval().start_training()
    assert all(net.modes())


def test_astype_converts_what_is_floating_and_the_gradients_with_it():
    net = network()
    net.set_generator(np.random.default_rng(0))
    net.backward(net(IMAGES))
    before = [parameter.grad for parameter in net.parameters()]
    assert net.astype(np.float64) is net
    for name, array in net.state_dict().items():
        expected = np.int64 if name.endswith(("num_batches_tracked", "seen")) else np.float64
        assert array.dtype == expected, name
    for parameter, grad in zip(net.parameters(), before, strict=True):
        assert parameter.grad.dtype == np.float64
        np.testing.assert_array_equal(parameter.grad, grad)
    y = net(IMAGES.astype(np.float64))
    assert y.dtype == net.backward(y).dtype == np.float64


def test_a_generator_reaches_every_dropout_and_makes_passes_repeatable():
    net = Sequential(Dropout(0.5), Sequential(Residual(Dropout(0.5))))
    x = np.ones((4, 50), np.float32)
    results = []
    for seed in (1, 1, 2):
        net.set_generator(np.random.default_rng(seed))
        results.append(net(x))
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()
    assert net[0].rng is net[1][0].body.rng


def test_moving_to_where_it_is_keeps_all_and_another_word_is_refused():
    net = network()
    net.set_generator(np.random.default_rng(0))
    net.backward(net(IMAGES))
    before = [(p.data, p.grad) for p in net.parameters()]
    assert net.to("cpu") is net and net.astype(np.float32) is net
    for parameter, (data, grad) in zip(net.parameters(), before, strict=True):
        assert parameter.data is data and parameter.grad is grad
    with pytest.raises(ValueError, match="'cpu' or 'cuda', found 'gpu'"):
        net.to("gpu")


def test_a_module_without_passes_says_which_is_missing():
    class Empty(Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty does not define forward\(x\)"):
        Empty()(IMAGES)
    with pytest.raises(NotImplementedError, match=r"Empty does not define backward\(dy\)"):
        Empty().backward(IMAGES)


class WrongInput(ReLU):
    def backward(self, dy):
        dx = super().backward(dy).copy()
        dx.flat[-1] += 0.001
        return dx


class WrongWeight(Linear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad /= len(dy)  # the mean over the batch, where the sum is right
        return dx


class Destructive(ReLU):
    def forward(self, x):
        x[x < 0] = 0
        return super().forward(x)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (WrongInput(), r"gradient with respect to the input at \(2, 4\)"),
        (WrongWeight(5, 3, rng=np.random.default_rng(0)), "gradient with respect to bias"),
        (Destructive(), "changed its input"),
    ],
)
def test_the_gradient_check_catches_mistakes(module, message):
    x = np.random.default_rng(0).standard_normal((3, 5))
    with pytest.raises(AssertionError, match=message):
        check_gradients(module, x, np.random.default_rng(0))


class Keeping(Module):
    """Holds layers in every way there is, and draws."""

    def __init__(self, rng):
        super().__init__()
        self.linear = Linear(3, 3, rng=rng)
        self.dropouts = [Dropout(0.5, rng=rng), Dropout(0.5, rng=rng)]
        self.kinds = {"first": (self.linear, 1)}
        self.run = self.by_linear

    def by_linear(self, x):
        return self.kinds["first"][0](x)

    def forward(self, x):
        return self.run(x)


def test_a_replica_is_new_but_for_the_values_of_parameters():
    net = Keeping(np.random.default_rng(0))
    twin = net.replica()
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(twin(x), net.linear(x))
    assert twin.linear.weight.data is net.linear.weight.data
    assert twin.linear.weight is not net.linear.weight
    # Whichever way it is reached, a layer has one replica, and so has a generator.
    assert twin.kinds["first"][0] is twin.linear is not net.linear
    assert twin.run.__self__ is twin
    mine, other = twin.dropouts
    assert mine is not net.dropouts[0] and mine.rng is other.rng is not net.dropouts[0].rng
    assert mine.rng.random() == net.dropouts[0].rng.random()


def test_a_layer_with_a_generator_of_its_own_must_derive_from_draws():
    class Noise(Module):
        def __init__(self, rng):
            super().__init__()
            self.noise = rng

    net = Sequential(Noise(np.random.default_rng(0)))
    with pytest.raises(TypeError, match=r"must derive from dlcourse\.nn\.Draws, as class Noise"):
        net.set_generator(np.random.default_rng(1))
