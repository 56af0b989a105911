"""LeNet-5, AlexNet, VGG, GoogLeNet, ResNet: sizes as published, and what is special of each."""

import numpy as np
import pytest
from gradients import check_gradients

from dlcourse import models
from dlcourse.models import (
    AlexNet2012,
    GoogLeNet,
    GoogLeNet2014,
    GoogLeNetLoss,
    GoogLeNetOutputs,
    Inception,
    LeNet5,
    summary,
)
from dlcourse.nn import CrossEntropyLoss
from dlcourse.training import ParallelModel

# Parameters and billions of multiply-adds for 224x224, from torchvision's table "All available
# classification weights" (https://pytorch.org/vision/stable/models.html, Params and GFLOPS, which
# there counts a multiply-add as one) and the metadata of *_Weights.IMAGENET1K_V1 in its code.
TORCHVISION = {
    "alexnet": (61_100_840, 0.714),
    "vgg11": (132_863_336, 7.609),
    "vgg11_bn": (132_868_840, 7.609),
    "vgg13": (133_047_848, 11.308),
    "vgg13_bn": (133_053_736, 11.308),
    "vgg16": (138_357_544, 15.470),
    "vgg16_bn": (138_365_992, 15.470),
    "vgg19": (143_667_240, 19.632),
    "vgg19_bn": (143_678_248, 19.632),
    "googlenet": (6_624_904, 1.498),  # without auxiliary classifiers
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
}

# The paper's table 1: weights in units of 1024.
TABLE_1 = {
    "conv2": 112, "inception3a": 159, "inception3b": 380, "inception4a": 364, "inception4b": 437,
    "inception4d": 580, "inception4e": 840, "inception5b": 1388, "fc": 1000,
}  # fmt: skip


def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    # Where only shapes are asked for, drawing 140 million numbers is most of the time.
    def zeros(shape, rng, dtype=np.float32):
        return np.zeros(shape, dtype)

    monkeypatch.setattr("dlcourse.nn.init.he_normal", zeros)


@pytest.fixture
def draws(monkeypatch, _no_drawing):
    monkeypatch.undo()


@pytest.mark.parametrize("name", TORCHVISION)
def test_sizes_that_torchvision_publishes(name):
    parameters, billions = TORCHVISION[name]
    options = {"aux_logits": False} if name == "googlenet" else {}
    report = summary(getattr(models, name)(rng=rng(), **options), (3, 224, 224))
    assert report.parameters == parameters
    assert report.idle == 0
    assert round(report.multiply_adds / 1e9, 3) == billions


def test_auxiliary_classifiers_are_counted_but_do_not_run():
    # 13,004,888 is num_params in torchvision before 0.13 and len of the published weights' file.
    report = summary(models.googlenet(rng=rng()), (3, 224, 224))
    assert (report.parameters, report.idle) == (13_004_888, 13_004_888 - 6_624_904)
    assert round(report.multiply_adds / 1e9, 3) == 1.498
    assert "(training only)" in str(report) and "13,004,888" in str(report)


def test_sizes_of_the_forms_in_the_papers():
    # 60,965,224 and 724,406,816: Caffe's bvlc_reference networks; the paper says 60 million.
    report = summary(AlexNet2012(rng=rng()), (3, 227, 227))
    assert (report.parameters, report.multiply_adds) == (60_965_224, 724_406_816)
    shapes = {row.name: row.output_shape for row in report.rows}
    assert shapes["features.0"] == (96, 55, 55)
    assert shapes["features.4"] == (256, 27, 27)
    assert shapes["features.12"] == (256, 13, 13)
    # Caffe's bvlc_googlenet; the paper says about 1.5 billion multiply-adds.
    report = summary(GoogLeNet2014(rng=rng()), (3, 224, 224))
    assert (report.parameters, report.idle) == (13_378_280, 13_378_280 - 6_998_552)
    assert 1.5e9 < report.multiply_adds < 1.6e9
    # LeCun et al. 1998 have 60,000 with a partial connection table.
    assert summary(LeNet5(rng=rng()), (1, 28, 28)).parameters == 61_706


def test_googlenet_has_the_weights_of_the_papers_table():
    net = GoogLeNet2014(rng=rng())
    sizes = {}
    for name, parameter in net.named_parameters():
        if name.endswith("weight"):
            part = name.split(".")[0].replace("conv3", "conv2")  # one row in the table
            sizes[part] = sizes.get(part, 0) + parameter.data.size
    for part, thousands in TABLE_1.items():
        assert sizes[part] / 1024 == pytest.approx(thousands, rel=0.02), part
    # The three rows that do not fit, as the docstring says.
    found = [sizes[part] for part in ("conv1", "inception4c", "inception5a")]
    assert found == [9_408, 509_440, 1_042_432]


def test_names_of_the_state():
    names = list(models.alexnet(rng=rng()).state_dict())
    assert names[:3] == ["features.0.weight", "features.0.bias", "features.3.weight"]
    assert names[-4:] == [f"classifier.{i}.{kind}" for i in (4, 6) for kind in ("weight", "bias")]
    names = [n for n in models.vgg11_bn(rng=rng()).state_dict() if n.endswith("weight")]
    assert names[:4] == [f"features.{i}.weight" for i in (0, 1, 4, 5)]
    assert names[-3:] == [f"classifier.{i}.weight" for i in (0, 3, 6)]
    names = list(models.googlenet(rng=rng()).state_dict())
    assert names[:2] == ["conv1.conv.weight", "conv1.bn.weight"]
    assert "inception3a.branch1.conv.weight" in names
    assert "inception5b.branch4.1.bn.num_batches_tracked" in names
    last = [f"{fc}.{kind}" for fc in ("aux2.fc1", "aux2.fc2", "fc") for kind in ("weight", "bias")]
    assert names[-6:] == last


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_gradients_of_inception(draws, batch_norm, kernel_size):
    block = Inception(4, 3, 2, 5, 2, 4, 2, batch_norm, kernel_size, rng=rng())
    x = rng().standard_normal((2, 4, 6, 5))
    assert block(x.astype(np.float32)).shape == (2, 14, 6, 5)
    check_gradients(block, x, rng())


@pytest.mark.parametrize("image_size", [28, 32])
def test_gradients_of_lenet(draws, image_size):
    net = LeNet5(image_size, rng=rng())
    check_gradients(net, rng().random((2, 1, image_size, image_size)), rng(), entries=5)


@pytest.mark.parametrize("kind", [GoogLeNet, GoogLeNet2014])
def test_the_gradient_with_auxiliary_losses_is_the_slope(draws, kind):
    net = kind(num_classes=5, dropout=0.0, dropout_aux=0.0, rng=rng()).astype(np.float64)
    size = 64 if kind is GoogLeNet else 224  # the heads of 2014 need 14x14
    x, t = rng().standard_normal((2, 3, size, size)), np.array([1, 4])
    loss = net.criterion()
    outputs = net(x)
    assert isinstance(outputs, GoogLeNetOutputs)
    main, aux2, aux1 = (CrossEntropyLoss()(scores, t) for scores in outputs)
    assert loss(outputs, t) == pytest.approx(main + 0.3 * (aux1 + aux2))
    net.zero_grad()
    assert net.backward(loss.backward()).shape == x.shape
    norm = np.sqrt(sum(np.sum(p.grad**2) for p in net.parameters()))

    def moved(step):
        for parameter in net.parameters():
            parameter.data += step / norm * parameter.grad
        return net.loss(x, t)

    # One way, and then back twice as far.
    assert (moved(1e-8) - moved(-2e-8)) / 2e-8 == pytest.approx(norm, rel=1e-4)


def test_evaluation_gives_the_main_scores_alone(draws):
    net = GoogLeNet(num_classes=5, rng=rng()).eval()
    x, t = rng().standard_normal((2, 3, 32, 32), dtype=np.float32), np.array([1, 4])
    assert net(x).shape == (2, 5)
    assert net.loss(x, t) == CrossEntropyLoss()(net(x), t)
    assert net.backward(np.ones((2, 5), np.float32)).shape == x.shape


@pytest.mark.parametrize("aux_logits", [True, False])
def test_weights_from_a_file_with_auxiliary_classifiers(draws, tmp_path, aux_logits):
    net = GoogLeNet(num_classes=5, rng=rng())
    net.save_params(tmp_path / "mine.npz")
    loaded = models.googlenet(tmp_path / "mine.npz", num_classes=5, aux_logits=aux_logits)
    x = rng().standard_normal((1, 3, 32, 32), dtype=np.float32)
    np.testing.assert_array_equal(loaded.predict(x), net.predict(x))
    assert isinstance(loaded(np.repeat(x, 2, axis=0)), tuple) == aux_logits


def test_without_auxiliary_classifiers_outputs_are_one_array(draws):
    net = GoogLeNet(num_classes=5, aux_logits=False, rng=rng())
    y = net(rng().standard_normal((2, 3, 32, 32), dtype=np.float32))
    assert y.shape == (2, 5)
    assert net.backward(np.ones_like(y)).shape == (2, 3, 32, 32)


def test_the_trainers_gradients_include_the_auxiliary_losses(draws):
    net = GoogLeNet(num_classes=5, dropout=0.0, dropout_aux=0.0, rng=rng())
    x, t = rng().standard_normal((4, 3, 32, 32), dtype=np.float32), np.array([1, 4, 0, 0])
    with ParallelModel(net, GoogLeNetLoss) as parallel:
        score = parallel.gradients(x, t, len(x), seed=0, position=(0,))
        found = {name: parameter.grad for name, parameter in net.named_parameters()}
    expected = net.gradient(x, t)
    assert score.count == 4
    assert score.loss == pytest.approx(net.loss(x, t), rel=1e-4)
    for name, grad in expected.items():
        np.testing.assert_allclose(found[name], grad, atol=1e-4 * np.abs(grad).max(), err_msg=name)
