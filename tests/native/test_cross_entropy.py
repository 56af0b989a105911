"""Softmax with cross-entropy in C against NumPy and PyTorch."""

import natively
import numpy as np
import pytest

from dlcourse import nn
from dlcourse.kernels import plain

pytestmark = natively.NEEDED

CASES = [((1, 1), {}), ((7, 10), {}), ((100, 10), {"label_smoothing": 0.1}), ((3, 1000), {})]
CASES += [((2, 5, 4, 3), {"ignore_index": 2}), ((2, 21, 30, 40), {"label_smoothing": 0.3})]
each = pytest.mark.parametrize(("shape", "options"), CASES, ids=str)


def draw(shape, dtype=np.float32):
    rng = np.random.default_rng(0)
    scores = (rng.standard_normal(shape) * 5).astype(dtype)
    return scores, rng.integers(0, shape[1], (shape[0], *shape[2:]))


def both_passes(scores, labels, options):
    loss = nn.CrossEntropyLoss(**options)
    return np.float64(loss(scores, labels)), loss.backward()


@each
@natively.BOTH
def test_the_same_as_numpy(shape, options, dtype):
    scores, labels = draw(shape, dtype)
    with plain():
        expected = both_passes(scores, labels, options)
    found = both_passes(scores, labels, options)
    digits = dict(rtol=1e-5, atol=1e-7) if dtype == np.float32 else dict(rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found[0], expected[0], **digits)
    np.testing.assert_allclose(found[1], expected[1], **digits)
    assert found[1].dtype == dtype and found[1].strides == expected[1].strides


@each
def test_the_same_as_torch(shape, options):
    torch = pytest.importorskip("torch")
    scores, labels = draw(shape)
    tensor = torch.from_numpy(scores).requires_grad_()
    loss = torch.nn.functional.cross_entropy(tensor, torch.from_numpy(labels), **options)
    loss.backward()
    found = both_passes(scores, labels, options)
    np.testing.assert_allclose(found[0], loss.item(), rtol=1e-5)
    np.testing.assert_allclose(found[1], tensor.grad.numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("order", natively.ORDERS)
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_any_memory_order_and_kind_of_label(order, kind):
    scores, labels = draw((4, 5, 6, 7))
    scores = natively.lying(scores, order)
    expected = both_passes(np.ascontiguousarray(scores), labels, {})
    found = both_passes(scores, labels.astype(kind)[::-1][::-1], {})
    np.testing.assert_array_equal(found[1], expected[1])


def test_no_bit_depends_on_threads():
    scores, labels = draw((3, 19, 70, 71))
    natively.on_each_number_of_threads(
        lambda: both_passes(scores, labels, {"label_smoothing": 0.1, "ignore_index": 3})
    )


@pytest.mark.filterwarnings("ignore:invalid value")
def test_scores_that_are_infinite_or_no_number():
    scores = np.zeros((6, 3), np.float32)
    scores[0, 1], scores[1, 2], scores[2, 0], scores[3, 1] = np.nan, np.inf, -np.inf, 1e30
    scores[4] = -np.inf
    labels = np.array([0, 0, 1, 1, 0, 2])
    with plain():
        expected = both_passes(scores, labels, {})
    np.testing.assert_array_equal(both_passes(scores, labels, {})[1], expected[1])
    finite = scores[2:4], labels[2:4], {}
    with plain():
        expected = both_passes(*finite)
    np.testing.assert_allclose(both_passes(*finite)[1], expected[1], rtol=1e-6)


def test_rows_that_are_ignored_count_for_nothing_even_if_they_are_no_numbers():
    scores, labels = draw((4, 3))
    scores[1] = np.nan
    labels[1] = -100
    loss, grad = both_passes(scores, labels, {})
    kept = np.array([0, 2, 3])
    expected = both_passes(scores[kept], labels[kept], {})
    np.testing.assert_allclose(loss, expected[0], rtol=1e-6)
    np.testing.assert_allclose(grad[kept], expected[1], rtol=1e-6)
    assert not grad[1].any()


def test_the_gradient_can_be_asked_for_again():
    scores, labels = draw((4, 3))
    loss = nn.CrossEntropyLoss()
    loss(scores, labels)
    first = loss.backward()
    before = first.copy()
    first *= 2
    np.testing.assert_array_equal(loss.backward(), before)
