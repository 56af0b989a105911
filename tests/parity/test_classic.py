"""AlexNet, VGG and GoogLeNet against PyTorch, with torchvision's names."""

import numpy as np
import pytest

from dlcourse import models

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")

from torch_models import STAGES, gradients, outputs, twin


def build(name):
    rng = np.random.default_rng(0)
    if name == "alexnet":
        return models.AlexNet(dropout=0.0, rng=rng)
    if name == "googlenet":
        return models.GoogLeNet(dropout=0.0, dropout_aux=0.0, rng=rng)
    return models.VGG(STAGES[int(name[3:5])], name.endswith("bn"), dropout=0.0, rng=rng)


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("alexnet", 2),
        ("googlenet", 2),
        ("vgg11", 2),
        ("vgg11_bn", 2),
        # One image, which is enough to pass every layer: these take seconds.
        *((name, 1) for name in ("vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn")),
    ],
)
def test_outputs_for_images_of_224(name, batch):
    model = build(name)
    assert max(outputs(model, twin(model, name), 224, batch)) < 1e-4


@pytest.mark.parametrize(("name", "batch"), [("alexnet", 2), ("vgg11", 2), ("googlenet", 4)])
def test_gradients_in_float32(name, batch):
    # GoogLeNet's as one vector: a value that rounding puts on the other side of a ReLU's bend
    # changes some of them by more than rounding does, in PyTorch as here.
    model = build(name)
    ours, theirs = gradients(model, twin(model, name), 64, batch, np.float32)
    groups = [list(ours)] if name == "googlenet" else [[key] for key in ours]
    for keys in groups:
        difference = sum(np.sum((ours[key] - theirs[key]) ** 2) for key in keys)
        size = sum(np.sum(theirs[key] ** 2) for key in keys)
        assert np.sqrt(difference / size) < 1e-3, keys


def test_gradients_of_googlenet_in_float64():
    model = build("googlenet")
    ours, theirs = gradients(model, twin(model, "googlenet"), 96, 2, np.float64)
    for key, grad in ours.items():
        assert np.abs(grad - theirs[key]).max() < 1e-9 * np.abs(theirs[key]).max(), key
