"""An explorer of a whole network: forward, backward and a step, on what the reader draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.backend import Array, to_numpy
from dlcourse.data import Dataset
from dlcourse.explore.lib.network_data import network_data
from dlcourse.explore.lib.widget import Explorer, Packed, pack
from dlcourse.nn import Module, softmax

_MOST_IMAGES = 100
_MOST_PARAMETERS = 4_000_000


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    description: str  #: JSON, see `network_data`
    weights: str
    images: Packed  #: (N, C, H, W)
    labels: list[int]
    readings: list[int]  #: what the model reads
    classes: list[str]


def network(
    model: Module,
    images: Array,
    labels: Sequence[int] | np.ndarray | None = None,
    classes: Sequence[str] | None = None,
) -> Explorer:
    """See a classifier at work in the browser: values, gradients, steps of training.

    Parameters
    ----------
    model : Module
        A `Sequential`, or another network that `network_data` takes, with scores as its output. It
        is looked at as it is in use, in evaluation; the model itself is left as it is.
        A step in the page moves all weights, frozen ones too.
    images : array of shape (N, C, H, W)
        To choose from, at most 100. Grey ones can be drawn on, too.
    labels : sequence of N int, optional
        The right classes; without them, those that the model reads.
    classes : sequence of str, optional
        What the classes are called; without it, by their numbers.

    Raises
    ------
    TypeError
        If the engine in the browser does not have a layer of the network.
    ValueError
        If it has the layer, but not with such an argument; if there is more of it than a page can
        hold; or if images, labels or classes do not suit.

    Examples
    --------
    >>> from dlcourse.nn import Conv2d, GlobalAvgPool, Linear, ReLU, Sequential
    >>> rng = np.random.default_rng(0)
    >>> own = Sequential(Conv2d(1, 4, 3, rng=rng), ReLU(), GlobalAvgPool(), Linear(4, 10, rng=rng))
    >>> network(own, rng.random((2, 1, 28, 28), dtype=np.float32), [3, 8])
    Explorer: the whole network (reacts to mouse and keyboard where widgets are shown)
    """
    described = network_data(model)
    size = sum(parameter.data.size for parameter in model.parameters())
    if size > _MOST_PARAMETERS:
        raise ValueError(
            f"expected at most {_MOST_PARAMETERS:,} parameters, which a page can hold, "
            f"found {size:,}"
        )
    pictures = _pictures(images)
    scores = _scores(model, images)
    readings = scores.argmax(axis=1)
    count = scores.shape[1]
    chosen = readings if labels is None else np.asarray(labels)
    if chosen.shape != (len(pictures),) or chosen.dtype.kind not in "iu":
        raise ValueError(
            f"expected {len(pictures)} whole numbers as labels, one for each image, "
            f"found shape {chosen.shape} of {chosen.dtype}"
        )
    if not ((chosen >= 0) & (chosen < count)).all():
        raise ValueError(f"labels must lie from 0 to {count - 1}, found {chosen.tolist()}")
    names = [str(name) for name in (range(count) if classes is None else classes)]
    if len(names) != count:
        raise ValueError(f"expected {count} classes, one for each score, found {len(names)}")
    data = _Data(
        description=json.dumps(described["description"]),
        weights=described["weights"],
        images=pack(pictures, min(0.0, float(pictures.min())), max(1.0, float(pictures.max()))),
        labels=[int(label) for label in chosen],
        readings=readings.tolist(),
        classes=names,
    )
    return Explorer("network", "Explorer: the whole network", data)


def telling(data: Dataset, scores: np.ndarray, count: int = 20, misread: int = 8) -> np.ndarray:
    """Choose images of a test set to show: one of each class in turn, then some that are misread.

    Parameters
    ----------
    data : Dataset
        Images with labels.
    scores : array of shape (N, classes)
        What a network gave them.
    count : int
        How many images.
    misread : int
        How many of these are misread, if there are so many: those where the network is surest, no
        two of them with the same label and reading.

    Returns
    -------
    array of int
        Their numbers in the data set: those read right first.

    Examples
    --------
    >>> images = np.zeros((4, 1, 2, 2), np.float32)
    >>> data = Dataset(images, np.array([0, 1, 2, 0]), tuple("abcd"))
    >>> telling(data, np.eye(4), count=3, misread=1)
    array([0, 1, 3])
    """
    probability = softmax(scores)
    read = probability.argmax(axis=1)
    pairs: dict[tuple[int, int], int] = {}
    for i in np.argsort(-probability.max(axis=1), kind="stable"):
        if read[i] != data.labels[i]:
            pairs.setdefault((int(data.labels[i]), int(read[i])), int(i))
    wrong = list(pairs.values())[:misread]
    right = np.flatnonzero(read == data.labels)
    # The first of each class, then the second of each, and so on.
    turns = np.zeros(len(right), int)
    for label in range(len(data.classes)):
        mine = data.labels[right] == label
        turns[mine] = np.arange(mine.sum())
    order = np.lexsort((data.labels[right], turns))
    return np.array([*right[order][: count - len(wrong)], *wrong])


def _pictures(images: Array) -> np.ndarray:
    if not hasattr(images, "ndim"):
        raise ValueError(
            f"images must be an array of shape (N, C, H, W), found a {type(images).__name__}"
        )
    shape = tuple(images.shape)
    if len(shape) != 4 or 0 in shape:
        hint = ""
        if len(shape) == 3 and 0 not in shape:
            hint = ": grey ones get their channel by images[:, None], a single one by image[None]"
        raise ValueError(f"images must have shape (N, C, H, W), found {shape}{hint}")
    if shape[0] > _MOST_IMAGES:
        raise ValueError(
            f"expected at most {_MOST_IMAGES} images to choose from, found {shape[0]:,}: "
            "give some of them, such as images[:20]"
        )
    pictures = to_numpy(images)
    if not np.isfinite(pictures).all():
        raise ValueError("expected images of finite values, found NaN or infinity")
    return pictures


def _scores(model: Module, images: Array) -> np.ndarray:
    was = model.training
    model.eval()
    try:
        scores = to_numpy(model(images))
    finally:
        model.train(was)
    if scores.ndim != 2:
        raise ValueError(
            f"expected a classifier, with scores of shape (N, classes), found {scores.shape}: "
            "end it with GlobalAvgPool or with Flatten and Linear"
        )
    return scores
