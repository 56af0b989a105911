import io
from contextlib import redirect_stdout

import numpy as np
import pytest

from dlcourse.applications.detection.evaluation import (
    COCO_THRESHOLDS,
    Detections,
    average_precision,
    mean_average_precision,
    precision_recall,
)


def draw(seed, images=20, classes=3, most=6):
    """Things at random places, and detections near them, of others, and of nothing."""
    rng = np.random.default_rng(seed)
    known, found = [], []
    for _ in range(images):
        count = int(rng.integers(0, most))
        corner = rng.uniform(0, 60, (count, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], axis=1)
        labels = rng.integers(1, classes + 1, count)
        known.append(Detections(boxes, labels))
        copies = np.repeat(np.arange(count), rng.integers(0, 4, count))
        near = boxes[copies] + rng.normal(0, 3, (len(copies), 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])  # some without area, none inside out
        wrong = rng.random(len(copies)) < 0.2
        near_labels = np.where(wrong, rng.integers(1, classes + 1, len(copies)), labels[copies])
        noise = rng.uniform(0, 60, (int(rng.integers(0, 4)), 2))
        noise = np.concatenate([noise, noise + rng.uniform(5, 40, noise.shape)], axis=1)
        all_boxes = np.concatenate([near, noise])
        all_labels = np.concatenate([near_labels, rng.integers(1, classes + 1, len(noise))])
        # Few different scores, so that some are equal.
        scores = rng.integers(0, 12, len(all_boxes)) / 12
        found.append(Detections(all_boxes, all_labels, scores))
    return found, known


def by_pycocotools(found, known):
    """The same, by COCO's own code: (mAP at 0.5 to 0.95, mAP at 0.5)."""
    coco = pytest.importorskip("pycocotools.coco", reason="pip install pycocotools")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def width_and_height(box):
        return [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]

    things = [
        {
            "id": 0, "image_id": k, "category_id": int(label), "iscrowd": 0,
            "bbox": width_and_height(box), "area": float((box[2:] - box[:2]).prod()),
        }
        for k, image in enumerate(known)
        for box, label in zip(image.boxes, image.labels, strict=True)
    ]  # fmt: skip
    for number, thing in enumerate(things):
        thing["id"] = number + 1
    results = [
        {"image_id": k, "category_id": int(label), "bbox": width_and_height(box), "score": float(s)}
        for k, image in enumerate(found)
        for box, label, s in zip(image.boxes, image.labels, image.scores, strict=True)
    ]
    with redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": k} for k in range(len(known))],
            "annotations": things,
            "categories": [{"id": k} for k in (1, 2, 3)],
        }
        truth.createIndex()
        run = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats[:2]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("seed", range(5))
def test_mean_average_precision_is_that_of_pycocotools(seed):
    found, known = draw(seed)
    expected = by_pycocotools(found, known)
    measured = [mean_average_precision(found, known, t) for t in (COCO_THRESHOLDS, (0.5,))]
    assert measured == pytest.approx(expected, abs=1e-6)


def test_a_curve_by_hand():
    boxes = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    known = [Detections(boxes, np.array([1, 1]))]
    detected = np.array([[0.0, 0, 10, 10], [0, 1, 10, 10], [20, 20, 30, 29], [50, 50, 60, 60]])
    scores = np.array([0.9, 0.8, 0.7, 0.95])
    curve = precision_recall([Detections(detected, np.ones(4, int), scores)], known, 1)
    # In order: nothing there, right, the same thing once more, right.
    np.testing.assert_allclose(curve.precision, [0, 1 / 2, 1 / 3, 1 / 2])
    np.testing.assert_allclose(curve.recall, [0, 1 / 2, 1 / 2, 1])
    np.testing.assert_array_equal(curve.scores, [0.95, 0.9, 0.8, 0.7])
    assert average_precision(curve) == pytest.approx(0.5)


def test_nothing_found_and_nothing_there():
    none = Detections(np.empty((0, 4)), np.empty(0, int), np.empty(0))
    one = Detections(np.array([[0.0, 0, 4, 4]]), np.array([1]), np.array([0.5]))
    assert mean_average_precision([none], [one]) == 0
    assert mean_average_precision([one, one], [one, none]) == 1  # the second of them costs nothing
    assert mean_average_precision([none, one], [none, one]) == 1
    with pytest.raises(ValueError, match="at least one thing"):
        mean_average_precision([one], [none])
    with pytest.raises(ValueError, match="no image has a thing of class 2"):
        precision_recall([one], [one], 2)
    flat = Detections(np.array([[2.0, 2, 2, 9]]), np.array([1]), np.array([0.5]))
    assert mean_average_precision([flat], [one]) == 0


@pytest.mark.parametrize("kind", ["i1", "u1", "u2", "i8", "u8", "f2"])
def test_scores_of_every_dtype(kind):
    one = Detections(np.array([[0, 0, 10, 10]], np.uint8), np.array([1], np.uint8))
    boxes = np.array([[50, 50, 60, 60], [0, 0, 10, 10]], np.uint8)
    two = Detections(boxes, np.array([1, 1]), np.array([0, 100], kind))
    assert mean_average_precision([two], [one], COCO_THRESHOLDS) == 1.0
