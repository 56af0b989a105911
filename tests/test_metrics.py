import numpy as np
import pytest
import told

from dlcourse.applications.segmentation.metrics import pixel_confusion
from dlcourse.metrics import (
    accuracy,
    confusion_matrix,
    descending,
    precision_recall,
    top_k_accuracy,
)


@pytest.fixture
def guesses():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 7)).astype(np.float32), rng.integers(0, 7, 200)


def test_accuracy_is_the_share_of_right_argmaxes(guesses):
    scores, labels = guesses
    right = sum(int(row.argmax()) == label for row, label in zip(scores, labels, strict=True))
    assert accuracy(scores, labels) == right / 200
    assert isinstance(accuracy(scores, labels), float)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_top_k_follows_the_definition(guesses, k):
    scores, labels = guesses
    right = sum(
        label in sorted(range(7), key=lambda c, row=row: -row[c])[:k]
        for row, label in zip(scores, labels, strict=True)
    )
    assert top_k_accuracy(scores, labels, k) == right / 200


def test_a_network_that_cannot_decide_gets_nothing_for_free():
    scores, labels = np.zeros((10, 10)), np.arange(10)
    assert accuracy(scores, labels) == 0.1
    assert top_k_accuracy(scores, labels, 3) == 0.3


def test_confusion_matrix(guesses):
    scores, labels = guesses
    predicted = scores.argmax(axis=1)
    matrix = confusion_matrix(predicted, labels.astype(np.uint8), 7)
    for i, j in np.ndindex(7, 7):
        assert matrix[i, j] == ((labels == i) & (predicted == j)).sum()
    assert np.trace(matrix) / 200 == accuracy(scores, labels)
    assert confusion_matrix(predicted, labels, 40).shape == (40, 40)


def test_precision_and_recall():
    labels = np.array([0, 0, 0, 1, 1, 3])
    predicted = np.array([0, 0, 1, 1, 0, 0])
    precision, recall = precision_recall(confusion_matrix(predicted, labels, 4))
    np.testing.assert_allclose(precision, [2 / 4, 1 / 2, np.nan, np.nan])
    np.testing.assert_allclose(recall, [2 / 3, 1 / 2, np.nan, 0])


zeros = np.zeros
TOLD = """
accuracy(zeros(3), zeros(3, int))  # ValueError: shape (N, classes), found (3,)
accuracy(zeros((0, 3)), zeros(0, int))  # ValueError: found (0, 3)
accuracy(zeros((2, 3)), zeros(3, int))  # ValueError: labels must be integers of shape (2,)
accuracy(zeros((2, 3)), zeros(2))  # ValueError: found float64
accuracy(zeros((2, 3)), np.array([0, 3]))  # ValueError: from 0 to 2, found 3
accuracy(zeros((2, 3), complex), zeros(2, int))  # ValueError: scores must be real numbers, found
accuracy(np.full((2, 3), "a"), zeros(2, int))  # ValueError: scores must be real numbers, found
accuracy(zeros((2, 3), object), zeros(2, int))  # ValueError: scores must be real numbers, found
accuracy([[1, 0], [0, 1]], np.array([0, 1]))  # ValueError: scores must be an array, found list
accuracy(np.eye(2), [0, 1])  # ValueError: found list: write np.asarray(labels)
top_k_accuracy(zeros((2, 3)), zeros(2, int), 4)  # ValueError: k must lie from 1 to 3
confusion_matrix(np.array([5]), np.array([0]), 3)
    ValueError: predicted must lie from 0 to 2, found 5
confusion_matrix(np.array([0]), np.array([-1]), 3)
    ValueError: labels must lie from 0 to 2, found -1
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)


KINDS = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


def extremes(dtype, shape, rng):
    """Scores of a dtype: few values, so that there are ties, its least and largest among them."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return rng.choice(np.array([limits.min, limits.max, 0, 1, 2], dtype), shape)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_every_dtype_are_ranked_as_python_does(kind):
    rng = np.random.default_rng(0)
    scores, labels = extremes(kind, (60, 5), rng), rng.integers(0, 5, 60)
    ranked = [sorted(range(5), key=lambda c, row=row: -row[c]) for row in scores.tolist()]
    np.testing.assert_array_equal(descending(scores), ranked)
    for k in range(1, 6):
        right = sum(label in row[:k] for row, label in zip(ranked, labels, strict=True))
        assert top_k_accuracy(scores, labels, k) == right / 60
    assert accuracy(scores, labels) == top_k_accuracy(scores, labels, 1)


def test_nan_counts_as_the_highest_score():
    scores = np.array([[np.inf, np.nan, 1.0, np.nan]])
    assert descending(scores).tolist() == [[1, 3, 0, 2]]
    assert accuracy(scores, np.array([1])) == top_k_accuracy(scores, np.array([1]), 1) == 1


@pytest.mark.parametrize("first", KINDS[1:9])
@pytest.mark.parametrize("second", KINDS[1:9])
def test_labels_of_every_integer_dtype(first, second):
    predicted, labels = np.array([0, 2, 2], first), np.array([0, 1, 2], second)
    expected = [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    np.testing.assert_array_equal(confusion_matrix(predicted, labels, 3), expected)
    np.testing.assert_array_equal(pixel_confusion(predicted, labels, 3), expected)
