"""Residual networks against PyTorch, with torchvision's names."""

import numpy as np
import pytest

from dlcourse import models
from dlcourse.models import ResNetCifar
from dlcourse.nn import CrossEntropyLoss

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
nn, F = torch.nn, torch.nn.functional


class BasicBlock(nn.Module):
    def __init__(self, c_in, c, stride, downsample=None, shortcut=True):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.downsample = downsample
        self.shortcut = shortcut

    def forward(self, x):
        around = self.downsample(x) if self.downsample else x
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + around if self.shortcut else y)


class Bottleneck(nn.Module):
    def __init__(self, c_in, c, stride, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * c)
        self.downsample = downsample

    def forward(self, x):
        around = self.downsample(x) if self.downsample else x
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + around)


class ResNet(nn.Module):
    def __init__(self, block, expansion, layers):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        c_in = 64
        for i, blocks in enumerate(layers):
            c, stride = 64 * 2**i, 1 if i == 0 else 2
            stage = []
            for j in range(blocks):
                down = None
                if j == 0 and (stride != 1 or c_in != c * expansion):
                    down = nn.Sequential(
                        nn.Conv2d(c_in, c * expansion, 1, stride, bias=False),
                        nn.BatchNorm2d(c * expansion),
                    )
                stage.append(block(c_in, c, stride if j == 0 else 1, down))
                c_in = c * expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(c_in, 1000)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
        return self.fc(x.mean((2, 3)))


class Cifar(nn.Module):
    def __init__(self, depth, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        c_in = 16
        for i, c in enumerate((16, 32, 64)):
            stage = []
            for j in range((depth - 2) // 6):
                stride = 2 if i and j == 0 else 1
                down = (
                    (lambda x: F.pad(x[:, :, ::2, ::2], (0, 0) * 2 + (0, x.shape[1])))
                    if (stride == 2)
                    else None
                )
                stage.append(BasicBlock(c_in, c, stride, down, shortcut))
                c_in = c
            setattr(self, f"layer{i + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


MAKE = {
    "resnet18": lambda: ResNet(BasicBlock, 1, (2, 2, 2, 2)),
    "resnet34": lambda: ResNet(BasicBlock, 1, (3, 4, 6, 3)),
    "resnet50": lambda: ResNet(Bottleneck, 4, (3, 4, 6, 3)),
    "resnet101": lambda: ResNet(Bottleneck, 4, (3, 4, 23, 3)),
    "resnet152": lambda: ResNet(Bottleneck, 4, (3, 8, 36, 3)),
    "cifar20": lambda: Cifar(20, True),
    "plain20": lambda: Cifar(20, False),
}


def ours(name):
    rng = np.random.default_rng(0)
    if name in ("cifar20", "plain20"):
        return ResNetCifar(20, name == "cifar20", in_channels=1, rng=rng)
    return getattr(models, name)(rng=rng)


def pair(name):
    """Our network, with numbers of every kind in its batch normalizations, and torch's twin.

    The last normalization of a block is drawn smaller, as training makes it. With all near 1 a
    network of 152 layers multiplies rounding so much that PyTorch in float32 is itself 1.6e-4
    away from PyTorch in float64.
    """
    model, rng = ours(name), np.random.default_rng(1)
    last = "bn2.weight" if name in ("resnet18", "resnet34") else "bn3.weight"
    for key, value in model.state_dict().items():
        if value.ndim != 1:
            continue
        if "var" in key or "weight" in key:
            value[...] = rng.uniform(0.5, 1.5, value.shape) * (0.3 if key.endswith(last) else 1)
        else:
            value[...] = rng.normal(0, 0.1, value.shape)
    twin = MAKE[name]()
    assert list(model.state_dict()) == list(twin.state_dict())
    # Strict: every name and shape has to agree.
    twin.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in model.state_dict().items()})
    return model, twin


def distance(a, b):
    """Largest difference, relative to the largest value."""
    b = np.asarray(b.detach())
    return np.abs(a - b).max() / np.abs(b).max()


@pytest.mark.parametrize("name", MAKE)
def test_outputs(name):
    model, twin = pair(name)
    shape = (2, 1, 28, 28) if name in ("cifar20", "plain20") else (1, 3, 224, 224)
    x = np.random.default_rng(2).standard_normal(shape, dtype=np.float32)
    for training in (False, True):
        with torch.no_grad():
            expected = twin.train(training)(torch.from_numpy(x))
        assert distance(model.train(training)(x), expected) < 1e-4
    buffers = {k: v for k, v in twin.state_dict().items() if "running" in k or "num" in k}
    for key, value in buffers.items():
        assert distance(model.state_dict()[key], value) < 1e-4


def gradients(name, training, dtype, shape):
    """The gradients with respect to the input and each parameter by name, ours and torch's."""
    model, twin = pair(name)
    model.astype(dtype)
    twin.to(torch.float64 if dtype == np.float64 else torch.float32)
    rng = np.random.default_rng(2)
    x, t = rng.standard_normal(shape).astype(dtype), rng.integers(0, 10, shape[0])
    tx = torch.from_numpy(x).requires_grad_()
    F.cross_entropy(twin.train(training)(tx), torch.from_numpy(t)).backward()
    criterion = CrossEntropyLoss()
    criterion(model.train(training)(x), t)
    ours = {"input": model.backward(criterion.backward())}
    ours |= {key: parameter.grad for key, parameter in model.named_parameters()}
    theirs = {"input": tx.grad.numpy()}
    theirs |= {key: parameter.grad.numpy() for key, parameter in twin.named_parameters()}
    assert list(ours) == list(theirs)
    return ours, theirs


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("name", "shape"),
    [("resnet18", (2, 3, 64, 64)), ("cifar20", (4, 1, 28, 28)), ("plain20", (4, 1, 28, 28))],
)
def test_gradients(name, shape, training):
    ours, theirs = gradients(name, training, np.float64, shape)
    for key, grad in ours.items():
        assert np.abs(grad - theirs[key]).max() < 1e-9 * np.abs(theirs[key]).max(), key


@pytest.mark.parametrize("training", [False, True])
def test_gradients_in_float32(training):
    # All together: a value that rounding puts on the other side of a ReLU's bend changes a few
    # entries by more than rounding does.
    ours, theirs = gradients("resnet18", training, np.float32, (4, 3, 64, 64))
    difference = sum(np.sum((grad - theirs[key]) ** 2) for key, grad in ours.items())
    size = sum(np.sum(grad**2) for grad in theirs.values())
    assert np.sqrt(difference / size) < 1e-3
