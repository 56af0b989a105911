import numpy as np
import pytest

from dlcourse.metrics import accuracy, confusion_matrix, precision_recall, top_k_accuracy


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(np.zeros(3), np.zeros(3, int)), r"shape \(N, classes\), found \(3,\)"),
        (lambda: accuracy(np.zeros((0, 3)), np.zeros(0, int)), r"found \(0, 3\)"),
        (lambda: accuracy(np.zeros((2, 3)), np.zeros(3, int)), r"labels must be .*shape \(2,\)"),
        (lambda: accuracy(np.zeros((2, 3)), np.zeros(2)), "found float64"),
        (lambda: accuracy(np.zeros((2, 3)), np.array([0, 3])), "from 0 to 2, found 3"),
        (lambda: top_k_accuracy(np.zeros((2, 3)), np.zeros(2, int), 4), "k must lie from 1 to 3"),
        (lambda: confusion_matrix(np.array([5]), np.array([0]), 3), "predicted must .*found 5"),
        (lambda: confusion_matrix(np.array([0]), np.array([-1]), 3), "labels must .*found -1"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
