"""All layers but convolution and pooling against PyTorch, forward and backward."""

import numpy as np
import pytest

from dlcourse import nn

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")

from torch_agreement import assert_same_layer, channels_last, close, draw, take_over


@pytest.mark.parametrize(("n", "inputs", "outputs"), [(1, 1, 1), (5, 7, 3), (64, 300, 50)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(n, inputs, outputs, bias):
    ours = nn.Linear(inputs, outputs, bias, rng=np.random.default_rng(0))
    theirs = torch.nn.Linear(inputs, outputs, bias)
    take_over(ours, theirs)
    assert_same_layer(ours, theirs, draw((n, inputs)))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.Flatten(), torch.nn.Flatten()),
        (nn.ReLU(), torch.nn.ReLU()),
        (nn.ReLU6(), torch.nn.ReLU6()),
        (nn.LeakyReLU(), torch.nn.LeakyReLU()),
        (nn.LeakyReLU(0.3), torch.nn.LeakyReLU(0.3)),
        (nn.Tanh(), torch.nn.Tanh()),
        (nn.Sigmoid(), torch.nn.Sigmoid()),
        (nn.Dropout(0.5).eval(), torch.nn.Dropout(0.5).eval()),
        (nn.LocalResponseNorm(5), torch.nn.LocalResponseNorm(5)),
        (nn.LocalResponseNorm(5, k=2.0), torch.nn.LocalResponseNorm(5, k=2.0)),
        (nn.LocalResponseNorm(4, 2.0, 0.6, 1.5), torch.nn.LocalResponseNorm(4, 2.0, 0.6, 1.5)),
        (nn.LocalResponseNorm(1, 2.0), torch.nn.LocalResponseNorm(1, 2.0)),
        (nn.LocalResponseNorm(20, 2.0), torch.nn.LocalResponseNorm(20, 2.0)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_without_parameters(ours, theirs, last):
    x = draw((3, 7, 5, 6))
    x[0, 0] = 0  # where ReLU has its bend
    x[0, 1] = 6  # and ReLU6 its second
    assert_same_layer(ours, theirs, channels_last(x) if last else x)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("momentum", [0.1, 0.7])
def test_batch_norm_over_several_steps(momentum, last):
    ours = nn.BatchNorm2d(5, eps=1e-3, momentum=momentum)
    theirs = torch.nn.BatchNorm2d(5, eps=1e-3, momentum=momentum)
    with torch.no_grad():
        theirs.weight.copy_(torch.linspace(-1, 2, 5))
        theirs.bias.copy_(torch.linspace(3, -2, 5))
    take_over(ours, theirs)
    for step, mode in enumerate((True, True, False, True, False)):
        x = draw((4, 5, 6, 3), seed=step) + 3
        ours.train(mode).zero_grad()
        theirs.train(mode).zero_grad()
        assert_same_layer(ours, theirs, channels_last(x) if last else x)


def test_batch_norm_starts_as_torch_does():
    assert_same_layer(nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3), draw((4, 3, 5, 5)))


def assert_same_loss(kind, y, t, **options):
    ours, theirs = getattr(nn, kind)(**options), getattr(torch.nn, kind)(**options)
    ty = torch.from_numpy(y).requires_grad_()
    value = theirs(ty, torch.from_numpy(t))
    value.backward()
    assert ours(y, t) == pytest.approx(value.item(), rel=1e-5)
    np.testing.assert_allclose(ours.backward(), ty.grad, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("scale", [1, 100])
def test_cross_entropy(smoothing, scale):
    targets = np.random.default_rng(0).integers(0, 10, 6)
    scores = draw((6, 10)) * np.float32(scale)
    assert_same_loss("CrossEntropyLoss", scores, targets, label_smoothing=smoothing)


def test_cross_entropy_of_pixels():
    targets = np.random.default_rng(0).integers(0, 4, (2, 3, 5))
    targets[1, 2] = -100
    assert_same_loss("CrossEntropyLoss", draw((2, 4, 3, 5)), targets)


@pytest.mark.parametrize("kind", ["MSELoss", "SmoothL1Loss"])
def test_losses_of_differences(kind):
    assert_same_loss(kind, draw((4, 3, 2)), draw((4, 3, 2), seed=1))


def test_binary_cross_entropy():
    targets = np.random.default_rng(1).random((4, 3, 2), dtype=np.float32)
    assert_same_loss("BCEWithLogitsLoss", 5 * draw((4, 3, 2)), targets)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(axis):
    x = draw((3, 4, 5)) * 50
    close(nn.softmax(x, axis), torch.softmax(torch.from_numpy(x), axis), 1e-6)


class TorchResidual(torch.nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def test_a_whole_network_by_its_state_dict():
    rng = np.random.default_rng(0)

    def build(n, residual, **options):
        return n.Sequential(
            n.Conv2d(3, 8, 3, padding=1, bias=False, **options),
            n.BatchNorm2d(8),
            n.ReLU(),
            n.LocalResponseNorm(3),
            residual(
                body=n.Sequential(
                    n.Conv2d(8, 8, 3, stride=2, padding=1, **options), n.BatchNorm2d(8), n.Tanh()
                ),
                shortcut=n.Conv2d(8, 8, 1, stride=2, **options),
            ),
            n.MaxPool2d(2),
            n.Flatten(),
            n.Linear(8 * 2 * 2, 5, **options),
            n.LeakyReLU(),
            n.Sequential(n.Dropout(0.0), n.Linear(5, 4, **options)),
        )

    ours = build(nn, nn.Residual, rng=rng)
    theirs = build(torch.nn, TorchResidual)
    take_over(ours, theirs)
    assert_same_layer(ours, theirs, draw((4, 3, 8, 8)))


def test_both_refuse_a_single_value_per_channel_in_training():
    x = draw((1, 3, 1, 1))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        torch.nn.BatchNorm2d(3)(torch.from_numpy(x))
    with pytest.raises(ValueError, match="more than one value per channel"):
        nn.BatchNorm2d(3)(x)
