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


def test_copies_can_be_forbidden(x):
    with no_copies():
        y = xp.asarray(x) + xp.asarray([1.0, 2.0, 3.0])
        for copy in (lambda: xp.asnumpy(y), lambda: xp.asarray(VALUES)):
            with pytest.raises(CheckFailed, match="copied between NumPy and xp"):
                copy()
    assert xp.asnumpy(y).shape == (2, 3)
