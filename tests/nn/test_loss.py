import numpy as np
import pytest
import told
from gradients import arrays
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.backend import each
from dlcourse.check import numerical_gradient
from dlcourse.doctor.cases import LOSSES
from dlcourse.nn import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, SmoothL1Loss, softmax

dtypes = st.sampled_from([np.float32, np.float64])


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_every_loss_is_its_slope(name):
    make, draw = LOSSES[name]
    y, *targets = draw(np.random.default_rng(0))
    loss, y = make(), each(lambda array: array.astype(np.float64), y)
    loss(y, *targets)
    grads = arrays(loss.backward())
    for part, grad in zip(arrays(y), grads, strict=True):
        expected = numerical_gradient(lambda: loss(y, *targets), part, np.ones(()))
        np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 5),
    classes=st.integers(1, 6),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    kind=st.sampled_from([np.int64, np.uint8, np.int32]),
    dtype=dtypes,
)
def test_cross_entropy_is_the_definition_and_backward_its_gradient(
    n, classes, smoothing, kind, dtype
):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((n, classes)) * 3
    targets = rng.integers(0, classes, n).astype(kind)
    loss = CrossEntropyLoss(label_smoothing=smoothing)
    target = (1 - smoothing) * np.eye(classes)[targets] + smoothing / classes
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    value = loss(logits.astype(dtype), targets)
    assert isinstance(value, float)
    assert value == pytest.approx(-(target * np.log(p)).sum(axis=1).mean(), rel=1e-4, abs=1e-6)
    grad = loss.backward()
    assert grad.dtype == dtype
    expected = numerical_gradient(lambda: loss(logits, targets), logits, np.ones(()))
    np.testing.assert_allclose(grad, expected, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("ignored", [False, True])
def test_labels_of_pixels_are_as_those_of_so_many_images(smoothing, ignored):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 4, 3, 5)).astype(np.float32)
    targets = rng.integers(0, 4, (2, 3, 5))
    rows = logits.transpose(0, 2, 3, 1).reshape(-1, 4)
    kept = np.ones(targets.size, bool)
    if ignored:
        targets[0, 1:] = 255
        kept = targets.ravel() != 255
    flat, whole = (
        CrossEntropyLoss(label_smoothing=smoothing),
        CrossEntropyLoss(label_smoothing=smoothing, ignore_index=255),
    )
    assert whole(logits, targets) == flat(rows[kept], targets.ravel()[kept])
    expected = np.zeros_like(rows)
    expected[kept] = flat.backward()
    grad = whole.backward()
    assert grad.dtype == np.float32
    np.testing.assert_array_equal(grad, expected.reshape(2, 3, 5, 4).transpose(0, 3, 1, 2))


def test_backward_may_be_called_again():
    loss = CrossEntropyLoss()
    loss(np.zeros((2, 3), np.float32), np.array([0, 1]))
    np.testing.assert_array_equal(loss.backward(), loss.backward())


def test_cross_entropy_of_huge_scores_is_finite():
    logits = np.array([[1e4, 0.0, -1e4], [-1e4, 0.0, 1e4]], np.float32)
    loss = CrossEntropyLoss()
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value = loss(logits, np.array([0, 0]))
        grad = loss.backward()
    assert value == 1e4  # 0 for the first, 20000 for the second
    np.testing.assert_allclose(grad, [[0, 0, 0], [-0.5, 0, 0.5]], atol=1e-7)


def test_a_class_that_is_ruled_out_does_not_spoil_the_loss():
    logits = np.array([[0.0, 0.0, -np.inf]], np.float32)
    assert CrossEntropyLoss()(logits, np.array([0])) == pytest.approx(np.log(2))


def test_not_a_number_is_passed_on():
    # The Trainer stops on it.
    logits = np.array([[np.nan, 0.0]], np.float32)
    assert np.isnan(CrossEntropyLoss()(logits, np.array([0])))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), dtype=dtypes)
def test_mean_squared_error_and_its_gradient(shape, dtype):
    rng = np.random.default_rng(0)
    y, t = rng.standard_normal((2, *shape))
    loss = MSELoss()
    assert loss(y.astype(dtype), t) == pytest.approx(((y - t) ** 2).mean(), rel=1e-5)
    grad = loss.backward()
    assert grad.dtype == dtype  # float64 targets do not make float64 of a float32 network


@settings(max_examples=15, deadline=None, derandomize=True)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), dtype=dtypes)
def test_binary_cross_entropy_and_its_gradient(shape, dtype):
    rng = np.random.default_rng(0)
    y, t = 3 * rng.standard_normal(shape), rng.random(shape)
    p = 1 / (1 + np.exp(-y))
    loss = BCEWithLogitsLoss()
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    assert loss(y.astype(dtype), t) == pytest.approx(expected, rel=1e-5)
    grad = loss.backward()
    assert grad.dtype == dtype


def test_binary_cross_entropy_of_extreme_scores_is_exact():
    loss, y = BCEWithLogitsLoss(), np.array([1e4, -1e4, 1e4, -1e4], np.float32)
    with np.errstate(all="raise", under="ignore"):
        assert loss(y, np.array([1, 0, 0, 1], np.float32)) == 5000
        np.testing.assert_array_equal(loss.backward(), [0, 0, 0.25, -0.25])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    axis=st.integers(-3, 2),
    scale=st.sampled_from([1.0, 1e4]),
    offset=st.sampled_from([0.0, 1e5, -1e5]),
    dtype=dtypes,
)
def test_softmax_sums_to_one_along_its_axis(axis, scale, offset, dtype):
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(dtype) * dtype(scale)
    with np.errstate(over="raise", invalid="raise"):
        p = softmax(x + dtype(offset), axis)
    assert p.dtype == dtype
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=axis), 1, rtol=1e-5)
    np.testing.assert_array_equal(p.argmax(axis), (x + dtype(offset)).argmax(axis))


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_labels_of_every_integer_dtype(kind, dtype):
    logits = np.random.default_rng(0).standard_normal((4, 3)).astype(dtype)
    loss, same = CrossEntropyLoss(), CrossEntropyLoss()
    value = loss(logits, np.array([0, 2, 1, 1], kind))
    expected = same(logits.astype(float), np.array([0, 2, 1, 1]))
    assert value == pytest.approx(expected, rel=1e-3)
    assert loss.backward().dtype == dtype
    np.testing.assert_allclose(loss.backward(), same.backward(), atol=1e-3)


@pytest.mark.parametrize("kind", [MSELoss, SmoothL1Loss, BCEWithLogitsLoss])
@pytest.mark.parametrize("targets", ["b1", "u1", "i1", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_targets_of_every_dtype(kind, targets, dtype):
    y = np.array([0.5, -1.5, 2.0], dtype)
    loss, same = kind(), kind()
    value = loss(y, np.array([0, 1, 1], targets))
    assert value == pytest.approx(same(y.astype(float), np.array([0.0, 1.0, 1.0])), rel=1e-6)
    assert loss.backward().dtype == dtype
    np.testing.assert_allclose(loss.backward(), same.backward(), rtol=2e-3)


TOLD = """
CrossEntropyLoss()(zeros((2, 3), np.uint8), zeros(2, int))  # ValueError: found dtype
CrossEntropyLoss()(zeros((2, 3)), [0, 1])  # ValueError: whole numbers, found list
CrossEntropyLoss()(zeros((2, 3)), zeros(2))
    ValueError: labels must be whole numbers, found dtype float64
CrossEntropyLoss()(zeros((2, 3)), zeros(2, bool))  # ValueError: found dtype bool
CrossEntropyLoss()(zeros((2, 3)), zeros(3, int))
    ValueError: scores (N, classes, ...) and labels (N, ...), found (2, 3) and (3,)
CrossEntropyLoss()(zeros((2, 3)), zeros((2, 1), int))  # ValueError: found (2, 3) and (2, 1)
CrossEntropyLoss()(zeros((2, 3)), zeros((2, 3), int))  # ValueError: found (2, 3) and (2, 3)
CrossEntropyLoss()(zeros((2, 3)), np.array([0, 3]))
    ValueError: labels must lie from 0 to 2, as there are 3 classes; found 3
CrossEntropyLoss()(zeros((2, 3)), np.array([-1, 0]))
    ValueError: labels must lie from 0 to 2, as there are 3 classes; found -1
CrossEntropyLoss()(zeros((2, 3)), np.array([200, 0], "u1"))  # ValueError: found 200
CrossEntropyLoss()(zeros((0, 3)), zeros(0, int))  # ValueError: found (0, 3)
CrossEntropyLoss(ignore_index=2)(zeros((2, 3)), np.array([2, 2]))
    ValueError: at least one label that is not ignored
CrossEntropyLoss(label_smoothing=1.5)  # ValueError: from 0 to 1, found 1.5
MSELoss()(zeros(2, int), zeros(2))
    ValueError: MSELoss expects an array of floating-point values, found dtype int64
MSELoss()(zeros(2), 1.0)  # ValueError: array of numbers, found float
MSELoss()(zeros(2), zeros(2, complex))  # ValueError: found dtype complex128
MSELoss()(zeros((3, 1)), zeros(3))  # ValueError: outputs' shape (3, 1), at least one, found (3,)
MSELoss()(zeros((0, 1)), zeros((0, 1)))  # ValueError: at least one
SmoothL1Loss()(zeros(2), zeros(3))  # ValueError: found (3,)
BCEWithLogitsLoss()(zeros((3, 1)), zeros(3))
    ValueError: scores' shape (3, 1), at least one, found (3,)
BCEWithLogitsLoss()(zeros((0, 1)), zeros((0, 1)))  # ValueError: at least one
BCEWithLogitsLoss()(zeros(2), np.array([-1, 2]))  # ValueError: from 0 to 1, found -1 to 2
BCEWithLogitsLoss()(zeros(2), np.array([0, 255], "u1"))  # ValueError: from 0 to 1
BCEWithLogitsLoss()(zeros(2), np.array([0, np.nan]))  # ValueError: from 0 to 1
softmax(zeros((2, 3), np.uint8))
    ValueError: softmax expects an array of floating-point values, found dtype uint8
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_what_cannot_be_learnt_from_is_named(code, kind, words):
    told.assert_told(globals() | {"zeros": np.zeros}, code, kind, words)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_masks_and_matrices_are_refused():
    y, t = np.ones((2, 3), np.float32), np.array([0, 1])
    for wrong in (np.ma.masked_array(y), np.matrix(y)):
        for loss in (MSELoss(), BCEWithLogitsLoss(), SmoothL1Loss()):
            for pair in ((wrong, y), (y, wrong)):
                with pytest.raises(ValueError, match=f"found a {type(wrong).__name__}"):
                    loss(*pair)
        with pytest.raises(ValueError, match=f"found a {type(wrong).__name__}"):
            CrossEntropyLoss()(wrong, t)
    with pytest.raises(ValueError, match="found a MaskedArray"):
        CrossEntropyLoss()(y, np.ma.masked_array(t))
