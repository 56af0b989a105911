import numpy as np
import pytest

from dlcourse.applications.segmentation import pixel_confusion, segmentation_scores


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed):
    metrics = pytest.importorskip("sklearn.metrics", reason="pip install scikit-learn")
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 5, (3, 8, 9))
    predicted = np.where(rng.random(known.shape) < 0.6, known, rng.integers(0, 5, known.shape))
    counts = sum(pixel_confusion(p, k, 5) for p, k in zip(predicted, known, strict=True))
    np.testing.assert_array_equal(
        counts, metrics.confusion_matrix(known.ravel(), predicted.ravel())
    )
    found = segmentation_scores(counts)
    flat = known.ravel(), predicted.ravel()
    assert found == pytest.approx(
        (
            metrics.accuracy_score(*flat),
            metrics.balanced_accuracy_score(*flat),
            metrics.jaccard_score(*flat, average="macro"),
            metrics.jaccard_score(*flat, average="weighted"),
        ),
        abs=1e-6,
    )


def test_classes_that_are_not_there():
    only_ground = segmentation_scores(
        pixel_confusion(np.zeros((2, 2), int), np.zeros((2, 2), int), 3)
    )
    assert only_ground == (1, 1, 1, 1)
    invented = segmentation_scores(pixel_confusion(np.array([0, 2]), np.array([0, 0]), 3))
    assert invented.mean_iou == pytest.approx((1 / 2 + 0) / 2)
    assert invented.mean_accuracy == 1 / 2
    with pytest.raises(ValueError, match="at least one pixel"):
        segmentation_scores(np.zeros((3, 3), int))
