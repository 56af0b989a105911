"""The strict library does as NumPy does, and refuses NumPy itself."""

import numpy as np
import pytest

from dlcourse.check import CheckFailed
from dlcourse.check.strict import StrictArray, no_copies, xp

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def x():
    return xp.asarray(VALUES)


@pytest.mark.parametrize(
    "function",
    [
        lambda lib, a: a * 2 + 1 - a / 3,
        lambda lib, a: 2 - a,
        lambda lib, a: np.float32(3) * a,
        lambda lib, a: a @ a.T,
        lambda lib, a: -(abs(a - 3) ** 2),
        lambda lib, a: (a > 2) & ~(a == 4),
        lambda lib, a: lib.where(a > 2, lib.exp(a), 0),
        lambda lib, a: a.sum(axis=0) + lib.mean(a, axis=0),
        lambda lib, a: a[:, 1:].reshape(-1).astype(lib.float64),
        lambda lib, a: lib.stack([a, a]),
        lambda lib, a: lib.einsum("ij,kj->ik", a, a),
        lambda lib, a: lib.zeros(a.shape, dtype=lib.float16),
        lambda lib, a: lib.exp(-lib.logaddexp(0, -a)),
        lambda lib, a: a.dot(a.T).clip(0, 9).swapaxes(0, 1).ravel(),
        lambda lib, a: a.flatten().cumsum() + a[:1].squeeze(0).std(),
        lambda lib, a: lib.array([[1.0, 2.0], [3.0, 4.0]], lib.float32) @ lib.ravel(a)[:2],
        lambda lib, a: lib.heaviside(a - 2, 0.5) * lib.copysign(a, -1),
        lambda lib, a: lib.nan_to_num(a / 2).argsort(axis=1),
        lambda lib, a: lib.stack(lib.broadcast_arrays(a, a[:1])),
        lambda lib, a: a.min(axis=1, keepdims=True).round(1).take(lib.array([0]), axis=1),
    ],
)
def test_results_are_those_of_numpy(x, function):
    found, expected = function(xp, x), function(np, VALUES)
    assert isinstance(found, StrictArray)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(xp.asnumpy(found), expected)


def test_writing_and_looking(x):
    y = x
    y += 1  # in place, as NumPy does it
    y[0, 1:] = x[1, :2] * 10
    np.testing.assert_array_equal(xp.asnumpy(x), [[1, 40, 50], [4, 5, 6]])
    assert (len(y), y.ndim, y.size) == (2, 2, 6)
    np.testing.assert_array_equal(VALUES[0], [0, 1, 2])  # asarray copied


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.exp(x), r"np\.exp .* xp\.exp"),
        (lambda x: np.sum(x), r"np\.sum .* xp\.sum"),
        (lambda x: np.concatenate([x, x]), r"np\.concatenate"),
        (lambda x: np.zeros((2, 3)) + x, "A NumPy array meets"),
        (lambda x: x + np.zeros((2, 3)), "A NumPy array meets"),
        (lambda x: xp.exp(np.zeros(3)), "A NumPy array meets"),
        (lambda x: x.__setitem__(0, np.zeros(3)), "A NumPy array meets"),
        (lambda x: np.asarray(x), "without being asked to"),
        (lambda x: np.zeros((2, 3)).__setitem__(0, x[0]), "without being asked to"),
        (lambda x: float(x[0, 0]), "becomes a Python number"),
        (lambda x: bool(x[0, 0] > 0), "becomes a Python number"),
    ],
)
def test_numpy_is_refused(x, function, message):
    with pytest.raises(CheckFailed, match=message):
        function(x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: xp.histogram(x), "The strict library has no histogram; write it with"),
        (lambda x: xp.sigmoid(x), "There is no sigmoid, neither in this library nor in NumPy"),
        (lambda x: x.tobytes(), "An array of this library has no tobytes"),
        (lambda x: x.cuda(), "An array has no cuda, neither here nor in NumPy"),
    ],
)
def test_what_is_missing_is_told(x, function, message):
    with pytest.raises(CheckFailed, match=message):
        function(x)
    assert not hasattr(x, "cuda")
    assert getattr(xp, "histogram", None) is None


def test_copies_can_be_forbidden(x):
    with no_copies():
        y = xp.asarray(x) + xp.asarray([1.0, 2.0, 3.0])
        for copy in (lambda: xp.asnumpy(y), lambda: xp.asarray(VALUES)):
            with pytest.raises(CheckFailed, match="copied between NumPy and xp"):
                copy()
    assert xp.asnumpy(y).shape == (2, 3)
