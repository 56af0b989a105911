"""Training SegNet on road pictures in all weathers, and measuring a segmenter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlcourse.applications.driving.labels import CLASSES
from dlcourse.applications.driving.pictures import RoadPictures, as_input
from dlcourse.applications.driving.weather import draw_weather
from dlcourse.applications.segmentation import pixel_confusion
from dlcourse.habits import explained
from dlcourse.models import SegNet
from dlcourse.nn import CrossEntropyLoss
from dlcourse.training import Stream, generator


@explained
def draw_batch(
    pictures: RoadPictures, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return some of the pictures, each in its own weather and half of them mirrored.

    Returns
    -------
    frames : uint8 array of shape (size, 96, 96, 3)
    classes : uint8 array of shape (size, 96, 96)

    Examples
    --------
    >>> grey = RoadPictures(np.full((1, 96, 96, 3), 9, np.uint8), np.zeros((1, 96, 96), np.uint8))
    >>> frames, classes = draw_batch(grey, 4, np.random.default_rng(0))
    >>> frames.shape, classes.shape
    ((4, 96, 96, 3), (4, 96, 96))
    """
    chosen = rng.integers(len(pictures.frames), size=size)
    frames = np.stack([draw_weather(rng).apply(pictures.frames[k], rng) for k in chosen])
    classes = pictures.classes[chosen]
    mirrored = rng.random(size) < 0.5
    frames[mirrored] = frames[mirrored, :, ::-1]
    classes[mirrored] = classes[mirrored, :, ::-1]
    return frames, classes


def segnet_gradients(
    model: SegNet, pictures: RoadPictures, batch_size: int, seed: int
) -> Callable[[int], float]:
    """Return the gradients that teach the class of each pixel, for `dlcourse.training.descent`.

    The loss is the mean cross-entropy over all pixels; batches come from `draw_batch`, each drawn
    from the seed and the number of its step.
    """
    loss = CrossEntropyLoss()
    model.skip_input_grad()

    def gradients(number: int) -> float:
        rng = generator(seed, Stream.BATCH, number)
        frames, classes = draw_batch(pictures, batch_size, rng)
        model.start_training()
        value = loss(model(as_input(frames)), classes)
        model.backward(loss.backward())
        return value

    return gradients


def confusion(
    segment: Callable[[np.ndarray], np.ndarray], frames: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Return the counts of `pixel_confusion` for a segmenter of pictures.

    Parameters
    ----------
    segment : callable
        From frames (N, 96, 96, 3) of uint8 to classes (N, 96, 96).
    frames, classes : array
        Of `RoadPictures`.

    Examples
    --------
    >>> frames, classes = np.zeros((1, 2, 2, 3), np.uint8), np.ones((1, 2, 2), np.uint8)
    >>> confusion(lambda frames: frames[..., 0], frames, classes)[1]  # all taken for grass
    array([4, 0, 0, 0, 0])
    """
    total = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for first in range(0, len(frames), 20):
        part = slice(first, first + 20)
        total += pixel_confusion(segment(frames[part]), classes[part], len(CLASSES))
    return total


def segment_with(model: SegNet) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from frames (N, 96, 96, 3) of uint8 to the classes a network gives.

    Examples
    --------
    >>> segment = segment_with(SegNet(5, ((4,),), rng=np.random.default_rng(0)))
    >>> segment(np.zeros((1, 96, 96, 3), np.uint8)).shape
    (1, 96, 96)
    """
    return lambda frames: model.predict(as_input(frames))
