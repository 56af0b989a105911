"""Training FCN on scenes that are made as they are needed: none is seen twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dlcourse.applications.segmentation.metrics import (
    SegmentationScores,
    pixel_confusion,
    segmentation_scores,
)
from dlcourse.data.scenes import CLASSES, Scene
from dlcourse.models import FCN
from dlcourse.nn import CrossEntropyLoss
from dlcourse.training import Stream, generator


def stack(scenes: Iterable[Scene]) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (N, 3, S, S) and the class of each pixel (N, S, S).

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> images, classes = stack(load_scenes("test", 2))
    >>> images.shape, classes.shape
    ((2, 3, 96, 96), (2, 96, 96))
    """
    images, classes = zip(*((scene.image, scene.classes) for scene in scenes), strict=True)
    return np.stack(images), np.stack(classes)


def fcn_gradients(
    model: FCN, scenes: Sequence[Scene], batch_size: int, seed: int
) -> Callable[[int], float]:
    """Return the gradients that teach the class of each pixel, for `dlcourse.training.descent`.

    Batch number k has the scenes from ``k * batch_size`` on; after the last scene the first
    follows. The loss is the mean cross-entropy over all pixels.

    Parameters
    ----------
    model : FCN
        What is trained.
    scenes : sequence of Scene
        What to learn from.
    batch_size : int
        Scenes per step.
    seed : int
        What dropout draws from.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> model = FCN(len(CLASSES), stride=32, rng=np.random.default_rng(0))
    >>> gradients = fcn_gradients(model, load_scenes("train", 8), batch_size=2, seed=0)
    >>> gradients(0) > 0
    True
    """
    loss = CrossEntropyLoss()
    model.skip_input_grad()

    def gradients(number: int) -> float:
        first = number * batch_size
        images, classes = stack(scenes[k % len(scenes)] for k in range(first, first + batch_size))
        model.start_training()
        model.set_generator(generator(seed, Stream.DROPOUT, number))
        value = loss(model(images), classes)
        model.backward(loss.backward())
        return value

    return gradients


def evaluate_fcn(
    model: FCN, scenes: Sequence[Scene], batch_size: int = 50
) -> tuple[SegmentationScores, np.ndarray]:
    """Return the scores of a network on scenes, and the counts that they come from.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> model = FCN(len(CLASSES), rng=np.random.default_rng(0))
    >>> scores, counts = evaluate_fcn(model, load_scenes("test", 2))
    >>> int(counts.sum()) == 2 * 96 * 96
    True
    """
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for first in range(0, len(scenes), batch_size):
        part = range(first, min(first + batch_size, len(scenes)))
        images, classes = stack(scenes[k] for k in part)
        confusion += pixel_confusion(model.predict(images), classes, len(CLASSES))
    return segmentation_scores(confusion), confusion
