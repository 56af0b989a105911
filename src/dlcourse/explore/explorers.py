"""Explorers that several pages use. Each returns a widget, which the last line of a cell shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlcourse.backend import to_numpy
from dlcourse.data import Dataset
from dlcourse.data.augment import Augmentation, Cutout, Elastic, Rotate, Scale, Shift
from dlcourse.explore.widget import Explorer, pack
from dlcourse.models import summary
from dlcourse.nn import Conv2d, MaxPool2d, ReLU, Sequential, softmax
from dlcourse.streams import Stream, generator

#: Kernels that show what a convolution can do; they are not flipped, as in `Conv2d`.
KERNELS: dict[str, np.ndarray] = {
    "ink begins, left to right": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "ink begins, top to bottom": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "outline": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "mean of 3 x 3": np.full((3, 3), 1 / 9),
    "mean of 5 x 5": np.full((5, 5), 1 / 25),
    "copy": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "move left by one": np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
}

#: Kinds of augmentation, each with what its strengths are called and do, from weak to strong.
AUGMENTATIONS: dict[str, dict[str, Augmentation]] = {
    "shift": {f"up to {n} pixels": Shift(n) for n in (1, 2, 4, 8)},
    "rotation": {f"up to {n} degrees": Rotate(n) for n in (5, 15, 45, 180)},
    "scale": {f"by up to {f}": Scale(f) for f in (1.1, 1.3, 1.6, 2.5)},
    "elastic distortion": {f"alpha {a}, sigma 4": Elastic(a, 4) for a in (17, 34, 68, 136)},
    "cutout": {f"a square of {n} pixels": Cutout(n) for n in (4, 8, 12, 18)},
}


def convolution(
    images: np.ndarray, names: Sequence[str], kernels: Mapping[str, np.ndarray] = KERNELS
) -> Explorer:
    """Slide kernels over images, with any stride, padding and dilation up to 3.

    Parameters
    ----------
    images : array of shape (N, 1, S, S)
        Values from 0 to 1.
    names : sequence of N str
        What each image is called.
    kernels : mapping from str to array of shape (K, K)
        Kernels by name, each small enough for the images when dilated by 3.

    Raises
    ------
    ValueError
        If a shape is wrong, or a kernel is too large.

    Examples
    --------
    >>> convolution(np.zeros((1, 1, 28, 28), np.float32), ["nothing"]).kind
    'convolution'
    """
    squares = _squares(images, names)
    size = squares.shape[1]
    for name, kernel in kernels.items():
        if kernel.ndim != 2 or len(set(kernel.shape)) != 1 or 3 * (len(kernel) - 1) + 1 > size:
            raise ValueError(
                f"kernels must be square and at most {(size + 2) // 3} wide, so that they fit "
                f"{size} x {size} pixels with a dilation of 3; {name!r} has shape {kernel.shape}"
            )
    data = {
        "images": pack(squares),
        "names": list(names),
        "kernels": [
            {"name": name, "size": len(kernel), "weights": kernel.astype(float).ravel().tolist()}
            for name, kernel in kernels.items()
        ],
    }
    return Explorer("convolution", "Explorer: a convolution, product by product", data)


def calculator(image: np.ndarray, networks: Mapping[str, Sequential]) -> Explorer:
    """Build a stack of layers and read off what it costs and how far it sees.

    Parameters
    ----------
    image : array of shape (C, S, S)
        Its size is that of the input; its first channel is shown.
    networks : mapping from str to Sequential
        What the reader can start from, by name. Their square convolutions and max poolings are
        taken over, and ReLU is left out.

    Raises
    ------
    ValueError
        If the image is not square, or a layer is one that the calculator does not know.

    Examples
    --------
    >>> net = Sequential(Conv2d(1, 8, 3, rng=np.random.default_rng(0)), ReLU(), MaxPool2d(2))
    >>> explorer = calculator(np.zeros((1, 28, 28), np.float32), {"small": net})
    >>> [layer["kind"] for layer in explorer.data["networks"]["small"]]
    ['convolution', 'pooling']
    """
    if image.ndim != 3 or image.shape[1] != image.shape[2]:
        raise ValueError(f"image must have shape (C, S, S), found {image.shape}")
    data = {
        "image": pack(image[:1]),
        "channels": len(image),
        "networks": {name: _layers(network) for name, network in networks.items()},
    }
    return Explorer("calculator", "Explorer: parameters and receptive field", data)


def augmentation(
    images: np.ndarray,
    names: Sequence[str],
    kinds: Mapping[str, Mapping[str, Augmentation]] = AUGMENTATIONS,
    seed: int = 0,
) -> Explorer:
    """Show the same images under stronger and stronger augmentation.

    Every strength draws the same random numbers, so a stronger one goes further in the same way.

    Parameters
    ----------
    images : array of shape (N, 1, S, S)
        Values from 0 to 1.
    names : sequence of N str
        What each image is called.
    kinds : mapping
        From the name of a kind to its strengths: a mapping from a name to an augmentation, with
        the same number of strengths for each kind.
    seed : int
        For the random numbers.

    Raises
    ------
    ValueError
        If a shape is wrong, or kinds differ in how many strengths they have.

    Examples
    --------
    >>> augmentation(np.zeros((1, 1, 28, 28), np.float32), ["nothing"]).kind
    'augmentation'
    """
    squares = _squares(images, names)
    if len({len(strengths) for strengths in kinds.values()}) != 1:
        raise ValueError("every kind of augmentation must have the same number of strengths")
    data = {
        "images": pack(squares),
        "names": list(names),
        "kinds": [
            {
                "name": name,
                "strengths": list(strengths),
                "frames": pack(
                    np.stack(
                        [a(images, generator(seed, Stream.AUGMENT)) for a in strengths.values()]
                    )
                ),
            }
            for name, strengths in kinds.items()
        ],
    }
    return Explorer("augmentation", "Explorer: augmentation", data)


def misclassified(data: Dataset, scores: np.ndarray, most: int = 150) -> Explorer:
    """Look through what a classifier reads wrong, by label and by reading.

    Parameters
    ----------
    data : Dataset
        Grey images with labels.
    scores : array of shape (N, classes)
        What the network gave them.
    most : int
        At most this many mistakes are shown, the surest ones; the table counts all.

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> images = Dataset(np.zeros((2, 1, 8, 8), np.float32), np.array([0, 1]), ("cat", "dog"))
    >>> misclassified(images, np.array([[2.0, 1.0], [2.0, 1.0]])).data["counts"]
    [[1, 0], [1, 0]]
    """
    n, classes = len(data), len(data.classes)
    if scores.shape != (n, classes) or data.images.shape[1] != 1:
        raise ValueError(
            f"expected grey images and scores of shape ({n}, {classes}), found images of shape "
            f"{data.images.shape} and scores of shape {scores.shape}"
        )
    probability = softmax(scores)
    read = scores.argmax(axis=1)
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (data.labels, read), 1)
    wrong = np.flatnonzero(read != data.labels)
    wrong = wrong[np.argsort(-probability[wrong, read[wrong]], kind="stable")][:most]
    mistakes = [
        {
            "index": int(i),
            "label": int(data.labels[i]),
            "read": int(read[i]),
            "p_label": round(float(probability[i, data.labels[i]]), 4),
            "p_read": round(float(probability[i, read[i]]), 4),
        }
        for i in wrong
    ]
    content: dict[str, Any] = {
        "images": pack(data.images[wrong, 0]),
        "mistakes": mistakes,
        "counts": counts.tolist(),
        "classes": list(data.classes),
        "total": n,
    }
    return Explorer("misclassified", "Explorer: what the network reads wrong", content)


def feature_maps(features: Sequential, images: np.ndarray, names: Sequence[str]) -> Explorer:
    """Look at what each convolution of a network makes of some images, after the ReLU.

    Parameters
    ----------
    features : Sequential
        Convolutions, ReLU, poolings. Every ReLU is shown.
    images : array of shape (N, 1, S, S)
        Values from 0 to 1. Four digits come to 260 kB for DeepConvNet.
    names : sequence of N str
        What each image is called.

    Raises
    ------
    ValueError
        If a shape is wrong, or there is no ReLU.

    Examples
    --------
    >>> from dlcourse.models import DeepConvNet
    >>> net = DeepConvNet(rng=np.random.default_rng(0))
    >>> explorer = feature_maps(net.features, np.zeros((1, 1, 28, 28), np.float32), ["0"])
    >>> [layer["maps"]["shape"][1] for layer in explorer.data["layers"]]
    [16, 16, 32, 32, 64, 64]
    """
    squares = _squares(images, names)
    report = summary(features, images.shape[1:])
    layers: list[dict[str, Any]] = []
    x = images
    for layer, row in zip(features, report.rows, strict=True):
        x = layer(x)
        if isinstance(layer, ReLU):
            maps = to_numpy(x)
            layers.append(
                {
                    "name": f"convolution {len(layers) + 1}",
                    "field": str(row.field).replace("x", " x "),
                    "maps": pack(maps, high=float(maps.max())),
                }
            )
    if not layers:
        raise ValueError("features must have a ReLU after each convolution, found none")
    data = {"images": pack(squares), "names": list(names), "layers": layers}
    return Explorer("featuremaps", "Explorer: feature maps, layer by layer", data)


def trainings(
    rates: Sequence[float],
    scales: Sequence[float],
    losses: Mapping[str, np.ndarray],
    accuracies: Mapping[str, np.ndarray],
) -> Explorer:
    """Look through short training runs that differ in learning rate and initial scale.

    Parameters
    ----------
    rates : sequence of R float
        The learning rates.
    scales : sequence of S float
        What the initial weights were multiplied by.
    losses : mapping from str to array of shape (S, R, steps)
        From the name of a network, of which there are two, to the losses of its training runs.
    accuracies : mapping from str to array of shape (S, R)
        From the same names to the shares of held-out images read right at the end.

    Raises
    ------
    ValueError
        If there are not two networks, or a shape is wrong.

    Examples
    --------
    >>> losses, accuracies = np.full((1, 2, 3), 2.3), np.full((1, 2), 0.1)
    >>> both = {"plain": losses, "normalized": losses}
    >>> explorer = trainings([0.1, 1], [1], both, dict.fromkeys(both, accuracies))
    >>> explorer.data["networks"][0]["losses"]
    [[[2.3, 2.3, 2.3], [2.3, 2.3, 2.3]]]
    """
    shape = (len(scales), len(rates))
    if len(losses) != 2 or losses.keys() != accuracies.keys():
        raise ValueError(
            "expected losses and accuracies of the same two networks, "
            f"found {list(losses)} and {list(accuracies)}"
        )
    for name, values in losses.items():
        if values.ndim != 3 or values.shape[:2] != shape or accuracies[name].shape != shape:
            raise ValueError(
                f"expected losses of shape ({shape[0]}, {shape[1]}, steps) and accuracies of "
                f"shape {shape}, found {values.shape} and {accuracies[name].shape} for {name!r}"
            )
    data = {
        "rates": [f"{rate:g}" for rate in rates],
        "scales": [f"{scale:g}" for scale in scales],
        "networks": [
            {
                "name": name,
                # Three digits are more than a curve shows; JSON knows neither infinity nor nan.
                "losses": [
                    [[float(f"{v:.3g}") if np.isfinite(v) else None for v in run] for run in runs]
                    for runs in values
                ],
                "accuracies": accuracies[name].round(4).tolist(),
            }
            for name, values in losses.items()
        ],
    }
    return Explorer("trainings", "Explorer: learning rate and initial scale", data)


def _squares(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Check images and their names, and return (N, S, S)."""
    if images.ndim != 4 or images.shape[1] != 1 or images.shape[2] != images.shape[3]:
        raise ValueError(f"images must have shape (N, 1, S, S), found {images.shape}")
    if len(images) != len(names):
        raise ValueError(f"expected one name per image, found {len(names)} for {len(images)}")
    return images[:, 0]


def _layers(network: Sequential) -> list[dict[str, Any]]:
    """Return the layers of a network as js/arithmetic.js takes them."""
    layers: list[dict[str, Any]] = []
    for module in network:
        if isinstance(module, Conv2d):
            g = module.geometry
            sides = dict(kernel=g.kernel, stride=g.stride, padding=g.padding, dilation=g.dilation)
            layer: dict[str, Any] = {"kind": "convolution", "channels": len(module.weight.data)}
        elif isinstance(module, MaxPool2d) and module.padding == (0, 0):
            sides = dict(kernel=module.kernel_size, stride=module.stride)
            layer = {"kind": "pooling"}
        elif isinstance(module, ReLU):
            continue
        else:
            raise ValueError(
                "the calculator knows Conv2d, MaxPool2d without padding, and ReLU; "
                f"found {type(module).__name__}"
            )
        for name, (height, width) in sides.items():
            if height != width:
                raise ValueError(f"the calculator knows square windows; found {name} {sides[name]}")
            layer[name] = height
        layers.append(layer)
    return layers
