import sys

import numpy as np
import pytest

from dlcourse.applications.style import StyleTransfer, load_features, transfer_style

SMALL = dict(style_layers=("conv1_1", "conv2_1"), content_layer="conv2_1")


@pytest.fixture
def pictures():
    """Stripes to be shown, and spots to be painted with."""
    rng = np.random.default_rng(5)
    content = np.zeros((1, 3, 32, 40), np.float32)
    content[:, :, :, ::8] = 1
    return content, (rng.random((1, 3, 36, 32)) > 0.7).astype(np.float32)


@pytest.fixture
def loss(pictures):
    return StyleTransfer(load_features("random"), *pictures, **SMALL)


def test_the_gradient_is_that_of_the_total(rng, pictures):
    loss = StyleTransfer(load_features("random"), *pictures, style_weight=3.0, **SMALL)
    loss.features.layers.astype(np.float64)
    image = rng.random(pictures[0].shape)
    found = loss(image)
    assert found.total == pytest.approx(
        found.content + 3 * found.style + found.total_variation, rel=1e-12
    )
    grad = loss.backward()
    for index in [(0, 0, 0, 0), (0, 1, 13, 20), (0, 2, 31, 39)]:
        step = np.zeros_like(image)
        step[index] = 1e-6
        slope = (loss(image + step).total - loss(image - step).total) / 2e-6
        assert grad[index] == pytest.approx(slope, rel=1e-4, abs=1e-9)


def test_content_costs_nothing_for_itself_and_style_nothing_for_itself(pictures):
    content, style = pictures
    vgg = load_features("random")
    assert StyleTransfer(vgg, content, style, **SMALL)(content).content == 0
    assert StyleTransfer(vgg, style, style, **SMALL)(style).style == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_steps_lower_the_loss_and_repeat_bit_for_bit(loss, pictures, optimizer):
    if optimizer == "lbfgs":
        pytest.importorskip("scipy", reason="pip install scipy")
    content = pictures[0]
    before = content.copy()
    seen = []
    runs = [
        transfer_style(
            *(loss, content, 8),
            optimizer=optimizer,
            on_step=lambda step, image: seen.append((step, image)),
            progress=False,
        )
        for _ in range(2)
    ]
    (image, losses), (again, _) = runs
    assert losses[-1].total < 0.8 * losses[0].total
    assert losses[-1].style < losses[0].style and losses[0].content == 0 < losses[-1].content
    assert image.dtype == np.float32 and image.min() >= 0 and image.max() <= 1
    assert len(losses) == 9 and [step for step, _ in seen] == 2 * list(range(1, 9))
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(image, seen[7][1])
    np.testing.assert_array_equal(content, before)
    assert loss(image).total == pytest.approx(losses[-1].total)
    assert np.abs(seen[0][1] - seen[7][1]).max() > 0, "the pictures on the way are one array"


def test_more_weight_on_the_style_gives_more_of_it(pictures):
    vgg = load_features("random")
    ends = []
    for weight in (1.0, 100.0):
        loss = StyleTransfer(vgg, *pictures, style_weight=weight, **SMALL)
        _, losses = transfer_style(loss, pictures[0], 15, optimizer="adam", progress=False)
        ends.append(losses[-1])
    assert ends[1].style < ends[0].style and ends[1].content > ends[0].content


def test_what_cannot_be_is_refused(loss, pictures):
    content, style = pictures
    vgg = load_features("random")
    with pytest.raises(ValueError, match="style_weight must be a number from 0 up, found -1"):
        StyleTransfer(vgg, content, style, style_weight=-1)
    with pytest.raises(ValueError, match="variation_weight must be a number from 0 up, found nan"):
        StyleTransfer(vgg, content, style, variation_weight=float("nan"))
    with pytest.raises(
        ValueError, match=r"a style of shape .* 32 pixels a side, found \(1, 3, 36, 8"
    ):
        StyleTransfer(vgg, content, style[..., :8])
    with pytest.raises(ValueError, match="at least one style layer"):
        StyleTransfer(vgg, content, style, style_layers=())
    with pytest.raises(ValueError, match="found 'conv6_1'"):
        StyleTransfer(vgg, content, style, style_layers=("conv6_1",))
    with pytest.raises(ValueError, match="one of lbfgs, adam, found 'sgd'"):
        transfer_style(loss, content, 1, optimizer="sgd")
    with pytest.raises(ValueError, match="at least one step, found 0"):
        transfer_style(loss, content, 0)
    with pytest.raises(ValueError, match="features of the content's shape"):
        transfer_style(loss, style, 1, progress=False)


def test_without_scipy_it_names_the_way_out(monkeypatch, loss, pictures):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match="pip install scipy, or take the optimizer adam"):
        transfer_style(loss, pictures[0], 1, progress=False)
