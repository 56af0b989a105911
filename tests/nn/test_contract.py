"""What the guard around every forward and backward pass asks for, over all layers and networks."""

import copy
import pickle
import threading
from operator import methodcaller

import numpy as np
import pytest
from gradients import arrays

from dlcourse.backend import each
from dlcourse.doctor.cases import LAYERS, MODELS
from dlcourse.nn import (
    RNN,
    BatchNorm2d,
    Chain,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    Linear,
    MaxPool2d,
    Module,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    Tanh,
)

HEAVY = {"AlexNet", "AlexNet2012", "GoogLeNet2014", "VGG"}
CASES = {name: case for name, case in {**LAYERS, **MODELS}.items() if name not in HEAVY}
EACH = pytest.mark.parametrize("name", CASES)


def rng(seed=0):
    return np.random.default_rng(seed)


def case(name):
    """The module, its first input, and the others."""
    case = CASES[name]
    module = case.build(rng())
    module.set_generator(rng(1))
    x = rng(2).standard_normal(case.shape).astype(np.float32)
    x = rng(2).integers(0, 5, case.shape) if name == "Embedding" else x
    return module, x, case.inputs(x)[1:]


def ones_like(y):
    return each(np.ones_like, y)


def first_of(y):
    return y[0] if isinstance(y, tuple) else y


def gradients(module, dy, forward=()):
    module.zero_grad()
    module.set_generator(rng(1))
    if forward:
        module(*forward)
    dx = module.backward(dy)
    return [first_of(dx), *(p.grad for p in module.parameters())]


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@EACH
def test_what_is_no_array_is_refused(name):
    module, x, others = case(name)
    for wrong, kind in ((x.tolist(), "list"), (1.5, "float"), (None, "NoneType"), ("x", "str")):
        with pytest.raises(TypeError, match=f"array of NumPy or CuPy, found {kind}: convert it"):
            module(wrong, *others)


@EACH
def test_numbers_of_another_kind_are_refused(name):
    module, x, others = case(name)
    expected = "whole numbers" if name == "Embedding" else "floating-point values"
    for dtype in ("u1", "i1", "i8", "?", "c8", "O", "U3", "M8[s]"):
        wrong = np.zeros(x.shape, dtype)
        if name != "Embedding" or wrong.dtype.kind not in "iu":
            with pytest.raises(ValueError, match=f"expects {expected}, found") as caught:
                module(wrong, *others)
            assert ("divide by 255" in str(caught.value)) == (dtype == "u1")


@EACH
def test_backward_needs_a_whole_forward_pass_and_a_gradient_of_its_shape(name):
    module, x, others = case(name)
    with pytest.raises(RuntimeError, match="needs a forward pass before it"):
        module.backward(x)
    dy = ones_like(module(x, *others))
    with pytest.raises(ValueError, match="in the shape of the last output"):
        module.backward(np.ones(1, np.float32))
    with pytest.raises(TypeError, match=r"expects the gradient as an array of shape \("):
        module.backward(first_of(dy).tolist())
    with pytest.raises(ValueError, match="expects floating-point values, found int64"):
        module.backward(first_of(dy).astype(np.int64))
    if name != "Embedding":
        first = gradients(module, dy, forward=(x, *others))
        module.set_generator(rng(1))
        assert_same(gradients(module, dy), first)  # backward twice


@EACH
def test_the_last_of_two_forward_passes_counts(name):
    module, x, others = case(name)
    other = x[:, ::-1].copy() if x.shape[1] > 1 else -x
    dy = ones_like(module(x, *others))
    alone = gradients(module, dy, forward=(x, *others))
    buffers = {name: array.copy() for name, array in module.state_dict().items()}
    module(other, *others)
    module.load_state_dict(buffers)
    assert_same(gradients(module, dy, forward=(x, *others)), alone)


@EACH
def test_what_passes_leave_is_neither_copied_nor_pickled(name):
    module, x, others = case(name)
    fresh = [set(vars(part)) for _, part in module.named_modules()]
    size = len(pickle.dumps(module))
    module.backward(ones_like(module(x, *others)))
    module.zero_grad()
    for copied in (copy.deepcopy(module), module.replica(), pickle.loads(pickle.dumps(module))):
        assert [set(vars(part)) for _, part in copied.named_modules()] == fresh
        with pytest.raises(RuntimeError, match="needs a forward pass"):
            copied.backward(x)
    assert len(pickle.dumps(module)) < size + 5000  # the state that an LSTM goes on from is kept


def test_a_replica_has_no_gradients_yet():
    net = Sequential(Linear(3, 3, rng=rng()))
    net.backward(net(np.ones((2, 3), np.float32)))
    weight = net[0].weight
    twin = net.replica()[0].weight
    assert twin.data is weight.data and twin.grad is None
    assert weight.grad is not None


#: These return what they got, or a view of it, when they have nothing to do.
PASSING = {"Flatten"}


@EACH
def test_an_output_may_be_changed_before_the_backward_pass(name):
    module, x, others = case(name)
    draw = rng(3).standard_normal
    dy = each(lambda y: draw(y.shape).astype(np.float32), module(x, *others))
    right = gradients(module, dy, forward=(x, *others))
    module.set_generator(rng(1))
    y = module(x, *others)
    if name in PASSING:
        return
    for part in arrays(y):
        part *= -2
    assert_same(gradients(module, dy), right)


@EACH
def test_the_gradient_of_the_input_may_be_changed(name):
    module, x, others = case(name)
    dx = gradients(module, ones_like(module(x, *others)))[0]
    if dx is not None:
        assert not any(np.shares_memory(dx, parameter.grad) for parameter in module.parameters())


def test_the_state_of_a_recurrent_layer_may_be_changed():
    for name in ("RNN", "LSTM"):
        module, x, others = case(name)
        dy = ones_like(module(x, *others))
        right = gradients(module, dy, forward=(x, *others))
        module(x)
        for state in np.atleast_3d(module.state) if name == "RNN" else module.state:
            state[...] = 0
        assert_same(gradients(module, dy), right)
        assert copy.deepcopy(module).state is not None  # it is no cache: one goes on from it


# -- one layer in two places -----------------------------------------------------------------

SQUARE = {
    "BatchNorm2d": lambda: BatchNorm2d(4),
    "Conv2d": lambda: Conv2d(4, 4, 3, padding=1, rng=rng()),
    "Dropout": lambda: Dropout(0.5, rng=rng()),
    "MaxPool2d": lambda: MaxPool2d(3, 1, padding=1),
    "ReLU": ReLU,
    "Residual": lambda: Residual(Tanh()),
    "Sequential": lambda: Sequential(ReLU(), Conv2d(4, 4, 1, rng=rng())),
    "Tanh": Tanh,
}
IMAGES = rng().standard_normal((2, 4, 5, 6)).astype(np.float32)


class Twice(Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer.forward(self.layer(x))

    def backward(self, dy):
        return self.layer.backward(self.layer.backward(dy))


TWICE = {
    "Sequential": lambda layer: Sequential(layer, Conv2d(4, 4, 1, rng=rng()), layer),
    "nested": lambda layer: Sequential(layer, Sequential(Tanh(), layer)),
    "Concat": lambda layer: Concat(layer, Tanh(), layer),
    "Residual": lambda layer: Residual(layer, layer),
    "own": Twice,
}


@pytest.mark.parametrize("kind", SQUARE)
@pytest.mark.parametrize("whole", TWICE)
def test_a_layer_in_two_places_can_look_but_not_learn(kind, whole):
    net = TWICE[whole](SQUARE[kind]())
    dy = np.ones_like(net.eval()(IMAGES))
    message = rf"{kind} \(.* of {type(net).__name__}\) ran more than once.* one layer for each"
    with pytest.raises(RuntimeError, match=message):
        net.backward(dy)


def test_tied_parameters_are_right():
    a, b = Linear(3, 3, rng=rng(1)), Linear(3, 3, rng=rng(2))
    b.weight = a.weight
    net = Sequential(a, Tanh(), b).astype(np.float64)
    x, dy = rng(3).standard_normal((4, 3)), rng(4).standard_normal((4, 3))
    net(x)
    net.backward(dy)
    weight, step = a.weight.data, 1e-6
    for place in np.ndindex(3, 3):
        sums = []
        for sign in (1, -1):
            weight[place] += sign * step
            sums.append((net(x) * dy).sum())
            weight[place] -= sign * step
        assert a.weight.grad[place] == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-6)


def test_a_layer_that_is_run_again_on_the_way_back_is_right():
    class Recomputing(Module):  # keeps the inputs, and not what its layer makes of them
        def __init__(self):
            super().__init__()
            self.cell = Tanh()

        def forward(self, x):
            self._inputs = [x]
            for _ in range(3):
                self._inputs.append(self.cell(self._inputs[-1]))
            return self._inputs[-1].copy()

        def backward(self, dy):
            for x in reversed(self._inputs[:-1]):
                self.cell(x)
                dy = self.cell.backward(dy)
            return dy

    deep = Sequential(Tanh(), Tanh(), Tanh())
    own = Recomputing()
    np.testing.assert_array_equal(own(IMAGES), deep(IMAGES))
    np.testing.assert_array_equal(own.backward(IMAGES), deep.backward(IMAGES))


# -- what a learner forgets ------------------------------------------------------------------


class Doubling(Module):
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        2 * dy


class Silent(Module):
    def forward(self, x):
        2 * x


def test_a_forgotten_return_is_named_with_its_place():
    x = np.ones((2, 3), np.float32)
    for net, place in (
        (Doubling(), ""),
        (Sequential(ReLU(), Doubling(), ReLU()), r" \(1 of Sequential\)"),
        (Sequential(ReLU(), Residual(Doubling())), r" \(1.body of Sequential\)"),
    ):
        y = net(x)
        with pytest.raises(RuntimeError, match=rf"backward of Doubling{place} returned None: end"):
            net.backward(y)
    for net, place in ((Silent(), ""), (Sequential(ReLU(), Silent()), r" \(1 of Sequential\)")):
        with pytest.raises(RuntimeError, match=rf"forward of Silent{place} returned None: end"):
            net(x)
    net = Sequential(Doubling(), ReLU())
    net.skip_input_grad()  # nobody asks for it
    assert net.backward(net(x)) is None


@EACH
def test_the_gradient_of_the_input_may_be_left_out_and_changes_no_other(name):
    module, x, others = case(name)
    dy = ones_like(module(x, *others))
    expected = gradients(module, dy, forward=(x, *others))
    module.skip_input_grad()
    found = gradients(module, dy, forward=(x, *others))
    assert_same(found[1:], expected[1:])
    first = module
    while first.entrance():
        first = first.entrance()
    if isinstance(first, Conv2d | ConvTranspose2d | Linear | RNN):  # RNN is LSTM's base
        assert found[0] is None  # the work is saved
    module.skip_input_grad(False)
    assert (gradients(module, dy, forward=(x, *others))[0] is None) == (name == "Embedding")


@EACH
@pytest.mark.parametrize("train", [True, False])
def test_a_frozen_module_computes_no_gradient_of_its_parameters(name, train, monkeypatch):
    module, x, others = case(name)
    module.train(train)
    dy = ones_like(module(x, *others))
    expected = gradients(module, dy, forward=(x, *others))[0]
    given, accumulate = [], Parameter.accumulate

    def watched(parameter, grad):
        given.append(grad)
        accumulate(parameter, grad)

    monkeypatch.setattr(Parameter, "accumulate", watched)
    module.requires_grad_(False)
    dx, *others = gradients(module, dy, forward=(x, *others))
    assert_same([dx], [expected])
    assert others == [None] * len(others)
    if not train:  # with the statistics of a batch, normalization needs them for the input's
        assert all(map(callable, given))  # it was not computed


def test_one_layer_inside_may_leave_it_out_and_an_index_has_none():
    x = np.ones((2, 3), np.float32)
    net = Sequential(Tanh(), Linear(3, 3, rng=rng()), Tanh())
    net[1].skip_input_grad()
    assert net.backward(net(x)) is None  # there is nothing to learn before it
    words = Sequential(Embedding(5, 3, rng=rng()), Tanh())
    assert words.backward(words(np.array([1, 2, 2]))) is None


def test_a_layer_behind_one_that_learns_may_not_leave_it_out():
    x = np.ones((2, 3), np.float32)
    net = Sequential(Linear(3, 3, rng=rng()), Sequential(ReLU(), Linear(3, 3, rng=rng()), Tanh()))
    net[1][1].skip_input_grad()
    place = r"Sequential \(1 of Sequential\)"
    for skip in (False, True):  # nobody asks for that of the first layer
        net.skip_input_grad(skip)
        with pytest.raises(RuntimeError, match=f"{place} returned None, but layers before it"):
            net.backward(net(x))
    net[0].requires_grad_(False)
    assert net.backward(net(x)) is None


def test_a_composite_is_told_of_a_gradient_that_is_missing_behind_a_layer():
    class Two(Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = Linear(3, 3, rng=rng()), Linear(3, 3, rng=rng())

        def forward(self, x):
            return self.two(self.one(x))

        def backward(self, dy):
            return self.one.backward(self.two.backward(dy))

    net = Sequential(Two(), ReLU())
    net.skip_input_grad()
    net[0].two.skip_input_grad()
    dy = net(np.ones((2, 3), np.float32))
    with pytest.raises(RuntimeError, match=r"Linear \(0.one of Sequential\) got None in place"):
        net.backward(dy)


def test_a_pass_that_failed_leaves_nothing_to_go_back_on():
    net = Sequential(Linear(3, 3, rng=rng()), ReLU(), Linear(3, 2, rng=rng()))
    net(np.ones((2, 3), np.float32))
    net[2].in_features = 4
    with pytest.raises(ValueError, match="expects"):
        net(np.zeros((2, 3), np.float32))
    with pytest.raises(RuntimeError, match="backward of Sequential needs a forward pass"):
        net.backward(np.ones((2, 2), np.float32))
    net[0](np.ones((2, 3), np.float32))
    with pytest.raises(RuntimeError, match=r"backward of Sequential needs"):
        net.backward(np.ones((2, 2), np.float32))


# -- classes of every make -------------------------------------------------------------------


class Scaled(Linear):
    """Calls what it derives from, by its methods and not by the layer."""

    def forward(self, x):
        return 3 * super().forward(x)

    def backward(self, dy):
        return super().backward(3 * dy)


class Mixed:
    """No module, put in front of one."""

    def forward(self, x):
        return super().forward(x) + 1

    def backward(self, dy):
        return super().backward(dy)


@pytest.mark.parametrize(
    "cls", [Scaled, type("Made", (Mixed, Linear), {}), type("Bare", (Scaled,), {})]
)
def test_classes_that_call_their_base_and_classes_made_at_run_time(cls):
    layer = cls(3, 2, rng=rng())
    x = np.ones((4, 3), np.float32)
    for net in (layer, Sequential(layer)):
        dy = np.ones_like(net(x))
        assert net.backward(dy).shape == x.shape
        net.forward(x=x)
        net.backward(dy)
        with pytest.raises(ValueError, match=f"backward of {type(net).__name__} expects"):
            net.backward(dy[:1])
        with pytest.raises(ValueError, match=f"{cls.__name__}.* found int64"):
            net(x.astype(np.int64))
    assert copy.deepcopy(layer).weight.data.shape == (2, 3)


def test_several_inputs_and_outputs_pass():
    class Both(Module):
        def forward(self, x, t, scale=1):
            return scale * x, t + x

        def backward(self, dy):
            return (dy[0] + dy[1], None)[: self.known]

    both, x = Both(), np.ones((2, 3), np.float32)
    both.known = 2
    a, b = both(x, np.arange(3), scale=2)
    assert b.dtype == np.float64
    dx, dt = both.backward((a.astype(np.float64), b))
    assert dx.shape == x.shape and dx.dtype == np.float32 and dt is None
    both.known = 1
    with pytest.raises(RuntimeError, match="a tuple of 2, a gradient for each input .* found 1 of"):
        both.backward((a, b))
    with pytest.raises(ValueError, match=r"shape of the last output, \(2, 3\), found \(2, 1\)"):
        both.backward((a, b[:, :1]))
    pool = MaxPool2d(2, return_indices=True)
    y, _ = pool(IMAGES)
    assert pool.backward(np.ones_like(y)).shape == IMAGES.shape  # of the values alone


def test_a_class_says_what_it_takes_and_lazy_parameters_are_kept():
    class OneHot(Module):
        input_kinds = "iu"

        def forward(self, x):
            return np.eye(5, dtype=np.float32)[x]

        def backward(self, dy):
            return None

    class Lazy(Module):
        def forward(self, x):
            if not hasattr(self, "weight"):
                self.weight = Parameter(np.ones(x.shape[1], np.float32))
                self.inner = Tanh()
                self.register_buffer("seen", np.zeros(1))
            self.x = x
            return self.inner(x * self.weight.data)

        def backward(self, dy):
            return self.weight.data * self.inner.backward(dy)

    net = Sequential(OneHot(), Lazy())
    assert net.backward(net(np.array([1, 2]))) is None
    twin = copy.deepcopy(net)
    assert list(twin.state_dict()) == ["1.weight", "1.seen"]
    assert hasattr(net[1], "x") and not hasattr(twin[1], "x")


def test_threads_have_their_own_passes():
    net = Sequential(Linear(3, 3, rng=rng()), Tanh())
    x = rng(5).standard_normal((20, 3)).astype(np.float32)
    found = {}

    def work(index, twin):
        for _ in range(20):
            found[index] = twin.backward(twin(x))

    threads = [threading.Thread(target=work, args=(i, net.replica())) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = net.backward(net(x))
    assert all((found[i] == expected).all() for i in range(4))


def test_chains_of_learners_name_the_place():
    class Net(Chain):
        def __init__(self):
            super().__init__()
            self.first = Linear(3, 3, rng=rng())
            self.double = Doubling()

    net = Net()
    y = net(np.ones((1, 3), np.float32))
    with pytest.raises(RuntimeError, match=r"backward of Doubling \(double of Net\) returned None"):
        net.backward(y)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@EACH
def test_arrays_of_derived_classes_are_plain_arrays_and_masks_are_refused(name):
    module, x, others = case(name)
    dy = ones_like(module(x, *others))
    expected = gradients(module, dy, forward=(x, *others))
    kinds = [np.memmap, np.matrix] if x.ndim == 2 == first_of(dy).ndim else [np.memmap]
    for kind in kinds:
        views = each(methodcaller("view", kind), dy)
        found = gradients(module, views, forward=(x.view(kind), *others))
        assert type(found[0]) in (np.ndarray, type(None))
        assert_same(found[1:], expected[1:])
        np.testing.assert_array_equal(found[0], expected[0])
    with pytest.raises(TypeError, match="expects an array without a mask: write x.filled"):
        module(np.ma.masked_array(x, mask=False), *others)
    module(x, *others)
    with pytest.raises(TypeError, match="expects an array without a mask"):
        module.backward(np.ma.masked_array(first_of(dy), mask=False))
