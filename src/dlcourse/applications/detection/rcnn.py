"""R-CNN in its five steps (Girshick et al. 2014).

Proposals, each warped to a square; a network fine-tuned on them; its features judged by a linear
support vector machine for each class, trained on hard negatives; boxes moved by a regression; and
the surest of those that overlap.

Settings of our own: squares of 64 x 64 pixels; the regression reads the last hidden layer, with a
ridge of 1 (published: the features of the last pooling, with 1000); the machines count a positive
example twice, and look for hard negatives in two rounds (published: one pass over all images).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dlcourse.applications.detection.boxes import clip, decode, encode
from dlcourse.applications.detection.evaluation import Detections
from dlcourse.applications.detection.fast_rcnn import best_of_each_class
from dlcourse.applications.detection.regions import Regions
from dlcourse.applications.detection.warp import warp_regions
from dlcourse.blas import blas, blas_held
from dlcourse.expect import needed
from dlcourse.models import RCNN, RegionNet
from dlcourse.nn import CrossEntropyLoss
from dlcourse.training import Stream, generator

#: Below this overlap a region is a negative example for the machines.
_NEGATIVE = 0.3
#: At this overlap or more a region teaches how to move boxes.
_NEAR = 0.6
#: How often hard negatives are added.
_ROUNDS = 2


def fine_tuning_gradients(
    model: RegionNet, regions: Sequence[Regions], seed: int, *, things: int = 16, ground: int = 48
) -> Callable[[int], float]:
    """Return the gradients that teach what a warped region shows, for `dlcourse.training.descent`.

    Regions with an overlap of 0.5 or more are things, all others ground; a batch has the same
    number of each, drawn from all pictures.

    Parameters
    ----------
    model : RegionNet
        What is trained.
    regions : sequence of Regions
        From `training_regions`.
    seed : int
        What batches and dropout are drawn from.
    things, ground : int
        Regions of either kind per batch.
    """
    loss = CrossEntropyLoss()
    model.skip_input_grad()
    overlaps = [picture.overlaps >= 0.5 for picture in regions]
    index = np.array([(p, r) for p, is_thing in enumerate(overlaps) for r in range(len(is_thing))])
    is_thing = np.concatenate(overlaps)
    pools = np.flatnonzero(is_thing), np.flatnonzero(~is_thing)

    def gradients(number: int) -> float:
        rng = generator(seed, Stream.BATCH, number)
        rows = np.concatenate([rng.choice(pools[0], things), rng.choice(pools[1], ground)])
        squares = [
            warp_regions(regions[p].image, regions[p].boxes[r : r + 1], model.size)
            for p, r in index[rows]
        ]
        labels = np.array([regions[p].labels[r] for p, r in index[rows]])
        model.start_training()
        model.set_generator(generator(seed, Stream.DROPOUT, number))
        value = loss(model(np.concatenate(squares)), np.where(is_thing[rows], labels, 0))
        model.backward(loss.backward())
        return value

    return gradients


def region_features(
    model: RegionNet, image: np.ndarray, boxes: np.ndarray, batch_size: int = 100
) -> np.ndarray:
    """Return the features (R, 256) of the regions of a picture: one forward pass for each."""
    twin = model.for_inference()
    parts = [
        twin.features(warp_regions(image, boxes[k : k + batch_size], model.size))
        for k in range(0, len(boxes), batch_size)
    ]
    return np.concatenate(parts)


@blas_held()
def rcnn_detect(
    model: RCNN,
    image: np.ndarray,
    proposals: np.ndarray,
    *,
    least_score: float = -0.5,
    nms_threshold: float = 0.3,
) -> Detections:
    """Return what R-CNN finds in a picture (3, H, W) at proposals (R, 4), the surest first.

    Scores are distances from the machines' boundaries: above 0 they say yes.

    Parameters
    ----------
    model : RCNN
        It is left as it was.
    image, proposals, least_score, nms_threshold
        As for `fast_rcnn_detect`.
    """
    if not len(proposals):
        return Detections(np.empty((0, 4), np.float32), np.empty(0, np.int64), np.empty(0))
    rows = _with_one(region_features(model, image, proposals) / model.scale)
    shifts = np.einsum("rf,cfs->crs", rows, model.regressions)
    boxes = [clip(decode(shift, proposals), image.shape[1:]) for shift in shifts]
    return best_of_each_class(boxes, rows @ model.machines.T, least_score, nms_threshold)


def fit_rcnn(model: RCNN, regions: Sequence[Regions], seed: int) -> None:
    """Train the machines and the regressions on the network's features.

    For the machine of a class, its true boxes are the positive examples, and regions that overlap
    each thing of the class by less than 0.3 are negative. There are far too many of those, so
    training begins with some and then adds the *hard* ones that it gets wrong (section 2.3).

    Parameters
    ----------
    model : RCNN
        Its layers are fine-tuned already.
    regions : sequence of Regions
        From `training_regions`: the true boxes are those with an overlap of 1.
    seed : int
        Draws the first negatives.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    with needed("scikit-learn", "the last step of R-CNN"):
        from sklearn.linear_model import Ridge
        from sklearn.svm import LinearSVC
    features = np.concatenate([region_features(model, p.image, p.boxes) for p in regions])
    overlaps = np.concatenate([p.overlaps for p in regions])
    labels = np.concatenate([p.labels for p in regions])
    shifts = np.concatenate([encode(p.targets, p.boxes) for p in regions])
    scale = float(np.linalg.norm(features, axis=1).mean())
    features = features / scale
    rows = _with_one(features)
    rng = generator(seed, Stream.NEGATIVES)
    model.scale[:] = scale
    blas.cache_clear()  # SciPy's is there now as well
    with blas_held():
        for label in range(1, len(model.machines)):
            positive = np.flatnonzero((labels == label) & (overlaps == 1))
            negatives = np.flatnonzero((labels != label) | (overlaps < _NEGATIVE))
            used = rng.choice(negatives, min(len(negatives), 5 * len(positive)), replace=False)
            for _ in range(_ROUNDS + 1):
                chosen = np.concatenate([positive, used])
                svm = LinearSVC(C=1.0, class_weight={0: 1, 1: 2}, max_iter=5000)
                svm.fit(features[chosen], np.arange(len(chosen)) < len(positive))
                model.machines[label] = np.append(svm.coef_[0], svm.intercept_[0])
                hard = negatives[rows[negatives] @ model.machines[label] > -1]
                used = np.union1d(used, hard)
            near = np.flatnonzero((labels == label) & (overlaps >= _NEAR))
            ridge = Ridge(alpha=1.0).fit(features[near], shifts[near])
            model.regressions[label] = np.concatenate([ridge.coef_.T, ridge.intercept_[None]])


def _with_one(features: np.ndarray) -> np.ndarray:
    """Append a 1 to each row, for the offset."""
    return np.concatenate([features, np.ones((len(features), 1), features.dtype)], axis=1)
