"""Dtypes, batches of none, NaN and float16: one rule each, over all layers and networks."""

import numpy as np
import pytest
from gradients import arrays
from states import copied
from threadpoolctl import threadpool_limits

from dlcourse import nn
from dlcourse.backend import each
from dlcourse.doctor.cases import LAYERS, MODELS

HEAVY = {"AlexNet", "AlexNet2012", "GoogLeNet2014", "VGG"}
CASES = {name: case for name, case in {**LAYERS, **MODELS}.items() if name not in HEAVY}
EACH = pytest.mark.parametrize("name", CASES)
EACH_LAYER = pytest.mark.parametrize("name", LAYERS)

#: Whole numbers have no gradient, and networks that play need none of what they see.
NO_INPUT_GRAD = {"Embedding", "MLPQNetwork", "MinAtarQNetwork"}

#: Sequences are (T, N, I): the images are their second axis.
SEQUENCES = {"RNN", "LSTM"}


def rng(seed=0):
    return np.random.default_rng(seed)


def draw(name, images=None, dtype="float32"):
    """An input of so many images; those of the case when left out."""
    shape = list(CASES[name].shape)
    if images is not None:
        shape[name in SEQUENCES] = images
    if name == "Embedding":
        return rng(2).integers(0, 5, shape)
    return rng(2).standard_normal(shape).astype(dtype)


def run(name, x, dtype="float32", train=True):
    """Return the module, its outputs, and the gradient of the first input."""
    module = CASES[name].build(rng()).astype(dtype).train(train)
    module.set_generator(rng(1))
    y = module(*CASES[name].inputs(x))
    draw = rng(3).standard_normal
    dx = module.backward(each(lambda y: draw(y.shape).astype(y.dtype), y))
    return module, arrays(y), dx[0] if isinstance(dx, tuple) else dx


@EACH
@pytest.mark.parametrize(("own", "given"), [("float32", "float64"), ("float64", "float32")])
def test_parameters_decide_the_dtype_and_gradients_have_that_of_what_they_belong_to(
    name, own, given
):
    x = draw(name, dtype=given)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            module, y, dx = run(name, x, own)
        parameters = module.parameters()
        assert {part.dtype for part in y} == {np.dtype(own if parameters else given)}
        assert {p.grad.dtype for p in parameters} <= {np.dtype(own)}
        if name not in NO_INPUT_GRAD:
            assert dx.dtype == given
        results.append([*y, dx, *(p.grad for p in parameters)])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@EACH
def test_a_gradient_of_another_dtype_changes_no_dtype(name):
    module, y, dx = run(name, draw(name))
    wide = tuple(np.ones(part.shape) for part in y)
    other = module.backward(wide if len(y) > 1 else wide[0])
    other = other[0] if isinstance(other, tuple) else other
    assert {p.grad.dtype for p in module.parameters()} <= {np.dtype("float32")}
    if name not in NO_INPUT_GRAD:
        assert other.dtype == dx.dtype == np.float32


@EACH
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_of_none(name, train, threads):
    axis = int(name in SEQUENCES)
    x = draw(name, 0)
    with threadpool_limits(threads, user_api="blas"), np.errstate(all="raise"):
        module, y, dx = run(name, x, train=train)
        before = copied(module)
    axis = 1 if name == "NIC" else axis  # its scores are (T, N, words)
    for part, usual in zip(y, run(name, draw(name), train=train)[1], strict=True):
        assert part.shape == (*usual.shape[:axis], 0, *usual.shape[axis + 1 :])
    assert dx is None if name in NO_INPUT_GRAD else dx.shape == x.shape
    for parameter in module.parameters():
        np.testing.assert_array_equal(parameter.grad, np.zeros_like(parameter.data))
    for key, value in CASES[name].build(rng()).state_dict().items():
        np.testing.assert_array_equal(before[key], value, key)


@EACH
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_wrong_with_one_image_stays_with_it(name, value):
    if name == "Embedding":
        pytest.skip("takes whole numbers")
    axis = int(name in SEQUENCES)
    x = draw(name, 3)
    spoilt = np.moveaxis(x.copy(), axis, 0)
    spoilt[0].flat[::7] = value
    spoilt = np.moveaxis(spoilt, 0, axis)
    with np.errstate(all="ignore"):
        _, y, dx = run(name, x, train=False)
        _, bad, bad_dx = run(name, spoilt, train=False)
    if name not in NO_INPUT_GRAD:
        np.testing.assert_array_equal(dx.take([1, 2], axis), bad_dx.take([1, 2], axis))
    axis = 1 if name == "NIC" else axis
    for part, bad_part in zip(y, bad, strict=True):
        np.testing.assert_array_equal(part.take([1, 2], axis), bad_part.take([1, 2], axis))


@EACH_LAYER
def test_float16_is_what_float32_is_rounded(name):
    x = draw(name, dtype="float16")
    module, (y,), dx = run(name, x, "float16")
    wide = x if name == "Embedding" else x.astype("float32")
    same, (expected,), expected_dx = run(name, wide, "float32")
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, expected, rtol=2e-2, atol=2e-2)
    if dx is not None:
        assert dx.dtype == np.float16
        np.testing.assert_allclose(dx, expected_dx, rtol=5e-2, atol=5e-2)
    for found, parameter in zip(module.parameters(), same.parameters(), strict=True):
        scale = np.abs(parameter.grad).max()
        np.testing.assert_allclose(found.grad, parameter.grad, rtol=5e-2, atol=2e-2 * scale)


@EACH_LAYER
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_images_without_a_pixel_or_a_channel_are_refused_or_stay_empty(name, axis):
    x = draw(name)
    if x.ndim != 4:
        pytest.skip("takes no images")
    shape = list(x.shape)
    shape[axis] = 0
    module = CASES[name].build(rng())
    module.set_generator(rng(1))
    try:
        y = module(*CASES[name].inputs(np.zeros(shape, np.float32)))
    except ValueError as error:
        assert "found" in str(error) or "fit" in str(error)
    else:
        assert y.size == 0


@EACH_LAYER
@pytest.mark.parametrize("kind", ["channels last", "backwards", "gaps", "read-only", "broadcast"])
def test_how_the_input_lies_in_memory_does_not_matter(name, kind):
    x = draw(name)
    if kind == "broadcast":
        x = np.broadcast_to(x[:1], x.shape)
    plain = np.ascontiguousarray(x)
    if kind == "channels last":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        x = np.moveaxis(x, -1, 1)
    elif kind == "backwards":
        x = np.ascontiguousarray(x[::-1, ..., ::-1])[::-1, ..., ::-1]
    elif kind == "gaps":
        x = np.repeat(np.repeat(x, 2, axis=-1), 3, axis=0)[::3, ..., ::2]
    elif kind == "read-only":
        x.flags.writeable = False
    found, expected = run(name, x), run(name, plain)
    for one, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    if name != "Embedding":
        np.testing.assert_allclose(found[2], expected[2], rtol=1e-5, atol=1e-5)
    for one, other in zip(found[0].parameters(), expected[0].parameters(), strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_sums_of_float16_neither_stand_still_nor_overflow():
    ones = np.ones((5000, 1), np.float16)
    linear = nn.Linear(1, 1, rng=rng()).astype("float16")
    linear(ones)
    linear.backward(ones)
    assert linear.bias.grad == 5000
    norm = nn.BatchNorm2d(1).astype("float16")
    y = norm(np.array([10.0, 30.0] * 5000, np.float16).reshape(100, 1, 10, 10))
    np.testing.assert_allclose(np.unique(y), [-1, 1], rtol=1e-3)
    assert nn.AvgPool2d(2)(np.full((1, 1, 2, 2), 40000, np.float16)).item() == 40000
    loss = nn.MSELoss()
    assert loss(np.full(3, 300, np.float16), np.zeros(3, np.float16)) == 90000.0
    assert loss.backward().dtype == np.float16
