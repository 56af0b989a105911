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


@pytest.mark.parametrize(("name", "size"), [("alexnet", 64), ("vgg11", 64), ("googlenet", 64)])
def test_gradients(name, size):
    model = build(name)
    ours, theirs = gradients(model, twin(model, name), size, 2, np.float32)
    for key, grad in ours.items():
        difference = np.linalg.norm((grad - theirs[key]).ravel())
        assert difference < 1e-3 * np.linalg.norm(theirs[key].ravel()), key
