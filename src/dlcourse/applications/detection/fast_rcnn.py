"""Training Fast R-CNN, and what it finds (Girshick 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dlcourse.applications.detection.boxes import clip, decode, encode, nms, surest
from dlcourse.applications.detection.evaluation import Detections
from dlcourse.applications.detection.regions import Regions
from dlcourse.models import FastRCNN, FastRCNNOutputs
from dlcourse.nn import CrossEntropyLoss, SmoothL1Loss, softmax
from dlcourse.training import Stream, generator

#: Spread of the shifts: divided by it, they are about as large as the scores.
SHIFT_SCALE = np.array([0.1, 0.1, 0.2, 0.2], np.float32)


def fast_rcnn_gradients(
    model: FastRCNN,
    regions: Sequence[Regions],
    seed: int,
    *,
    images: int = 4,
    each: int = 32,
) -> Callable[[int], float]:
    """Return the gradients that train both outputs together, for `dlcourse.training.descent`.

    A step takes a few pictures and several regions of each, a quarter of them things (overlap of
    0.5 or more) and the others ground. The loss is the mean cross-entropy over the regions, plus
    the smooth L1 loss of the shifts of those that show things.

    Parameters
    ----------
    model : FastRCNN
        What is trained.
    regions : sequence of Regions
        From `training_regions`.
    seed : int
        What pictures, regions and dropout are drawn from.
    images, each : int
        Pictures per step, and regions of each.
    """
    classify, locate = CrossEntropyLoss(), SmoothL1Loss()
    model.skip_input_grad()

    def gradients(number: int) -> float:
        rng = generator(seed, Stream.BATCH, number)
        chosen = [regions[k] for k in rng.choice(len(regions), images, replace=False)]
        picks = [_sample(picture, each, rng) for picture in chosen]
        boxes = _join([p.boxes[pick] for p, pick in zip(chosen, picks, strict=True)])
        overlaps = np.concatenate([p.overlaps[k] for p, k in zip(chosen, picks, strict=True)])
        labels = np.concatenate([p.labels[k] for p, k in zip(chosen, picks, strict=True)])
        targets = np.concatenate([p.targets[k] for p, k in zip(chosen, picks, strict=True)])
        things = np.flatnonzero(overlaps >= 0.5)
        labels = np.where(overlaps >= 0.5, labels, 0)

        model.start_training()
        model.set_generator(generator(seed, Stream.DROPOUT, number))
        outputs = model(np.stack([picture.image for picture in chosen]), boxes)
        value = classify(outputs.scores, labels)
        d_scores, d_shifts = classify.backward(), np.zeros_like(outputs.shifts)
        if len(things):
            wanted = encode(targets[things], boxes[things, 1:]) / SHIFT_SCALE
            # The mean is over all regions, as for the cross-entropy, not only those with things.
            share = 4 * len(things) / len(labels)
            value += share * locate(outputs.shifts[things, labels[things]], wanted)
            d_shifts[things, labels[things]] = share * locate.backward()
        model.backward(FastRCNNOutputs(d_scores, d_shifts))
        return value

    return gradients


def fast_rcnn_detect(
    model: FastRCNN,
    image: np.ndarray,
    proposals: np.ndarray,
    *,
    least_score: float = 0.05,
    nms_threshold: float = 0.3,
) -> Detections:
    """Return what the network finds in a picture, the surest first.

    Parameters
    ----------
    model : FastRCNN
        It is left as it was.
    image : array of shape (3, H, W)
        The picture.
    proposals : array of shape (R, 4)
        Where to look.
    least_score : float
        Less probable things are left out.
    nms_threshold : float
        Of the boxes of one class that overlap by more than this, the surest is kept.
    """
    if not len(proposals):
        return Detections(np.empty((0, 4), np.float32), np.empty(0, np.int64), np.empty(0))
    outputs = model.for_inference()(image[None], _join([proposals]))
    probabilities = softmax(outputs.scores)
    classes = probabilities.shape[1]
    boxes = [
        clip(decode(outputs.shifts[:, k] * SHIFT_SCALE, proposals), image.shape[1:])
        for k in range(classes)
    ]
    return best_of_each_class(boxes, probabilities, least_score, nms_threshold)


def best_of_each_class(
    boxes: Sequence[np.ndarray], scores: np.ndarray, least_score: float, nms_threshold: float
) -> Detections:
    """Return the boxes of each class that are sure enough and left after suppression.

    Parameters
    ----------
    boxes : sequence of array of shape (R, 4)
        The boxes for each class; those of class 0, the ground, are ignored.
    scores : array of shape (R, classes)
        How sure the detector is.
    least_score, nms_threshold : float
        As for `fast_rcnn_detect`.
    """
    parts = []
    for label in range(1, scores.shape[1]):
        sure = np.flatnonzero(scores[:, label] >= least_score)
        kept = sure[nms(boxes[label][sure], scores[sure, label], nms_threshold)]
        parts.append((boxes[label][kept], np.full(len(kept), label), scores[kept, label]))
    all_boxes, labels, all_scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = surest(all_scores)
    return Detections(all_boxes[order], labels[order], all_scores[order])


def _sample(picture: Regions, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw regions of a picture, up to a quarter of them things."""
    things = np.flatnonzero(picture.overlaps >= 0.5)
    ground = np.flatnonzero(picture.overlaps < 0.5)
    wanted = min(len(things), count // 4)
    drawn = [rng.choice(things, wanted, replace=False)]
    if len(ground):
        drawn.append(rng.choice(ground, count - wanted, replace=len(ground) < count - wanted))
    return np.concatenate(drawn)


def _join(boxes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the regions of several pictures as (R, 5), the number of the picture first."""
    rows = [np.insert(part, 0, number, axis=1) for number, part in enumerate(boxes)]
    return np.concatenate(rows).astype(np.float32)
