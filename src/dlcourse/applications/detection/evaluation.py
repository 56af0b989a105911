"""How good a detector is: precision and recall, average precision, and their mean over classes.

The rules are those of COCO's `pycocotools` (Lin et al. 2014a), which go back to PASCAL VOC
(Everingham et al. 2010): a detection is right if it overlaps a thing of its class that no surer
detection has taken. Lower the score from which detections count, and more things are found and more
detections are wrong; average precision sums up that trade in one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dlcourse.applications.detection.boxes import box_iou, surest

#: Overlaps at which COCO measures: 0.5, 0.55, ..., 0.95.
COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)

#: Recalls at which COCO reads off the precision: 0, 0.01, ..., 1.
_RECALLS = np.linspace(0, 1, 101)

#: As in COCO, only this many detections per image count, the surest.
_MOST = 100


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found, or what there is, in one image.

    Parameters
    ----------
    boxes : array of shape (K, 4)
        Left, top, right, bottom, in pixels.
    labels : array of shape (K,)
        The class of each.
    scores : array of shape (K,), optional
        How sure the detector is; not needed for what is known.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if self.boxes.shape != (count, 4) or self.labels.shape != (count,):
            raise ValueError(
                "expected boxes of shape (K, 4) and labels of shape (K,), found "
                f"{self.boxes.shape} and {self.labels.shape}"
            )
        if not np.isfinite(self.boxes).all() or (count and self.labels.dtype.kind not in "iu"):
            raise ValueError(
                "expected boxes of finite numbers and labels that are whole numbers, found "
                f"{self.boxes.dtype} and {self.labels.dtype}"
            )
        if self.scores is not None and self.scores.shape != (count,):
            raise ValueError(f"expected {count} scores, one per box, found {self.scores.shape}")


class Curve(NamedTuple):
    """Precision against recall, one point for each detection, from the surest on."""

    recall: np.ndarray
    precision: np.ndarray
    scores: np.ndarray


def precision_recall(
    found: Sequence[Detections],
    known: Sequence[Detections],
    label: int,
    iou_threshold: float = 0.5,
) -> Curve:
    """Return precision and recall of one class as less and less sure detections are counted.

    Parameters
    ----------
    found : sequence of Detections
        The detections in each image, with scores.
    known : sequence of Detections
        What there is in each image.
    label : int
        The class.
    iou_threshold : float
        A detection is right if it overlaps a thing by at least this much.

    Raises
    ------
    ValueError
        If the numbers of images differ, there are no scores, or no image has a thing of the class.

    Examples
    --------
    >>> one = Detections(np.array([[0, 0, 10, 10]]), np.array([1]))
    >>> boxes = np.array([[0, 0, 10, 9], [50, 50, 60, 60]])
    >>> two = Detections(boxes, np.array([1, 1]), np.array([0.9, 0.4]))
    >>> curve = precision_recall([two], [one], label=1)
    >>> curve.recall, curve.precision
    (array([1., 1.]), array([1. , 0.5]))
    """
    scores, hits, things = _matches(found, known, label, np.array([iou_threshold]))
    if not things:
        raise ValueError(f"no image has a thing of class {label}, so it has no recall")
    right = np.cumsum(hits[0])
    return Curve(right / things, right / np.arange(1, len(right) + 1), scores)


def average_precision(curve: Curve) -> float:
    """Return the mean over recalls 0, 0.01, ..., 1 of the best precision at that recall or more.

    Examples
    --------
    >>> average_precision(Curve(np.array([1.0]), np.array([1.0]), np.array([0.9])))
    1.0
    """
    # From the right: the best precision at this detection or at any that is less sure.
    best = np.maximum.accumulate(curve.precision[::-1])[::-1]
    places = np.searchsorted(curve.recall, _RECALLS, side="left")
    reached = places[places < len(best)]  # beyond the last detection precision counts as zero
    return float(best[reached].sum() / len(_RECALLS))


def mean_average_precision(
    found: Sequence[Detections],
    known: Sequence[Detections],
    iou_thresholds: Sequence[float] | np.ndarray = (0.5,),
) -> float:
    """Return mAP: the mean of average precision over thresholds and over the classes there are.

    Parameters
    ----------
    found : sequence of Detections
        The detections in each image, with scores.
    known : sequence of Detections
        What there is in each image. Classes without a single thing are left out.
    iou_thresholds : sequence of float
        ``(0.5,)`` for mAP at 0.5, `COCO_THRESHOLDS` for mAP at 0.5 to 0.95.

    Raises
    ------
    ValueError
        If the numbers of images differ, there are no scores, or there is nothing in any image.

    Examples
    --------
    >>> one = Detections(np.array([[0, 0, 10, 10]]), np.array([1]), np.array([0.9]))
    >>> mean_average_precision([one], [one], COCO_THRESHOLDS)
    1.0
    """
    labels = {int(label) for image in known for label in image.labels}
    if not labels:
        raise ValueError("expected at least one thing in the images, found none")
    thresholds = np.asarray(iou_thresholds)
    values = []
    for label in sorted(labels):
        scores, hits, things = _matches(found, known, label, thresholds)
        for row in hits:
            right = np.cumsum(row)
            precision = right / np.arange(1, len(right) + 1)
            values.append(average_precision(Curve(right / things, precision, scores)))
    return float(np.mean(values))


def _matches(
    found: Sequence[Detections], known: Sequence[Detections], label: int, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return scores (D,), whether each is right at each threshold (T, D), and the number of things.

    The surest detections come first, over all images.
    """
    if len(found) != len(known):
        raise ValueError(
            f"expected detections for each of {len(known)} images, found them for {len(found)}"
        )
    all_scores, all_hits, things = [np.empty(0)], [np.empty((len(thresholds), 0), bool)], 0
    for detections, truth in zip(found, known, strict=True):
        if detections.scores is None:
            raise ValueError("expected detections with scores, found some without")
        mine = np.flatnonzero(detections.labels == label)
        order = mine[surest(detections.scores[mine])][:_MOST]
        targets = truth.boxes[truth.labels == label]
        overlaps = box_iou(detections.boxes[order], targets)
        all_scores.append(detections.scores[order])
        all_hits.append(np.stack([_assign(overlaps, threshold) for threshold in thresholds]))
        things += len(targets)
    scores, hits = np.concatenate(all_scores), np.concatenate(all_hits, axis=1)
    order = surest(scores)
    return scores[order], hits[:, order], things


def _assign(overlaps: np.ndarray, threshold: float) -> np.ndarray:
    """Give each detection, the surest first, the free thing that it overlaps most."""
    free = np.ones(overlaps.shape[1], bool)
    hits = np.zeros(len(overlaps), bool)
    for k, row in enumerate(overlaps):
        candidates = np.where(free, row, -1.0)
        if not candidates.size or candidates.max() < min(threshold, 1 - 1e-10):
            continue
        # Among several that overlap equally it is the last one, as in pycocotools.
        best = len(candidates) - 1 - int(candidates[::-1].argmax())
        free[best] = False
        hits[k] = True
    return hits
