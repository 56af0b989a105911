"""Losses of style transfer and their gradients against torch's autograd."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install 'dlcourse[parity]'")

from dlcourse.applications.style import StyleTransfer, load_features
from dlcourse.nn import Conv2d, MaxPool2d

LAYERS = ["conv1_1", "conv2_1", "conv3_1"]


def torch_features(features, x):
    """Run the layers of our features in torch, and return the outputs of all ReLUs."""
    mean, std = (
        torch.tensor(v, dtype=x.dtype)[:, None, None] for v in (features.mean, features.std)
    )
    x = (x - mean) / std
    outputs = []
    for layer in features.layers:
        if isinstance(layer, Conv2d):
            weight, bias = (torch.tensor(p.data) for p in layer.parameters())
            x = torch.nn.functional.conv2d(x, weight, bias, padding=1)
        elif isinstance(layer, MaxPool2d):
            x = torch.nn.functional.max_pool2d(x, 2)
        else:
            x = x.relu()
            outputs.append(x)
    return dict(zip(features.names, outputs, strict=True))


def test_the_gradient_of_the_picture_is_that_of_autograd():
    rng = np.random.default_rng(0)
    content, style, image = rng.random((3, 1, 3, 32, 36))
    features = load_features("random")
    features.layers.astype(np.float64)
    loss = StyleTransfer(
        *(features, content, style),
        style_weight=7.0,
        variation_weight=2.0,
        style_layers=LAYERS,
        content_layer="conv2_2",
    )
    found = loss(image)
    ours = loss.backward()

    def gram(x):
        rows = x[0].flatten(1)
        return rows @ rows.T / rows.shape[1]

    x = torch.tensor(image, requires_grad=True)
    wanted = {n: torch_features(loss.features, torch.tensor(p)) for n, p in
              (("content", content), ("style", style))}  # fmt: skip
    outputs = torch_features(loss.features, x)
    total = (outputs["conv2_2"] - wanted["content"]["conv2_2"]).square().mean() / 2
    for name in LAYERS:
        difference = gram(outputs[name]) - gram(wanted["style"][name])
        total = total + 7 * difference.square().mean() / 4 / len(LAYERS)
    steps = x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()
    total = total + 2 * steps / x.numel()
    total.backward()
    assert found.total == pytest.approx(total.item(), rel=1e-10)
    np.testing.assert_allclose(ours, x.grad.numpy(), rtol=1e-8, atol=1e-12)
