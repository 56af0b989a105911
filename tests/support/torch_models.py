"""AlexNet, VGG, GoogLeNet and ResNet in PyTorch, with torchvision's names, shapes and arithmetic.

torchvision itself is not needed. Dropout is left out of the arithmetic, but keeps its place in
the numbering; compare with networks whose dropout is 0.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
nn, F = torch.nn, torch.nn.functional


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for c_in, c, k, stride, padding, pool in [
            (3, 64, 11, 4, 2, True),
            (64, 192, 5, 1, 2, True),
            (192, 384, 3, 1, 1, False),
            (384, 256, 3, 1, 1, False),
            (256, 256, 3, 1, 1, True),
        ]:
            layers += [nn.Conv2d(c_in, c, k, stride, padding), nn.ReLU()]
            layers += [nn.MaxPool2d(3, 2)] if pool else []
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Identity(), nn.Linear(9216, 4096), nn.ReLU()),
            *(nn.Identity(), nn.Linear(4096, 4096), nn.ReLU()),
            nn.Linear(4096, 1000),
        )

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 6).flatten(1))


class VGG(nn.Module):
    def __init__(self, stages, batch_norm):
        super().__init__()
        layers, c_in = [], 3
        for count, c in zip(stages, (64, 128, 256, 512, 512), strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(c_in, c, 3, padding=1)]
                layers += [nn.BatchNorm2d(c)] if batch_norm else []
                layers += [nn.ReLU()]
                c_in = c
            layers += [nn.MaxPool2d(2, 2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Linear(25088, 4096), nn.ReLU(), nn.Identity()),
            *(nn.Linear(4096, 4096), nn.ReLU(), nn.Identity()),
            nn.Linear(4096, 1000),
        )

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


class Conv(nn.Module):
    def __init__(self, c_in, c, k, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(c, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, c_in, one, three_red, three, five_red, five, proj):
        super().__init__()
        self.branch1 = Conv(c_in, one, 1)
        self.branch2 = nn.Sequential(Conv(c_in, three_red, 1), Conv(three_red, three, 3, 1, 1))
        self.branch3 = nn.Sequential(Conv(c_in, five_red, 1), Conv(five_red, five, 3, 1, 1))
        pool = nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True)
        self.branch4 = nn.Sequential(pool, Conv(c_in, proj, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Aux(nn.Module):
    def __init__(self, c_in):
        super().__init__()
        self.conv = Conv(c_in, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.conv(F.adaptive_avg_pool2d(x, 4)).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv(3, 64, 7, 2, 3)
        self.conv2 = Conv(64, 64, 1)
        self.conv3 = Conv(64, 192, 3, 1, 1)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1 = Aux(512)
        self.aux2 = Aux(528)
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.conv3(self.conv2(x)), 3, 2, ceil_mode=True)
        x = self.inception3b(self.inception3a(x))
        x = self.inception4a(F.max_pool2d(x, 3, 2, ceil_mode=True))
        aux1 = self.aux1(x) if self.training else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if self.training else None
        x = F.max_pool2d(self.inception4e(x), 2, 2, ceil_mode=True)
        x = self.inception5b(self.inception5a(x))
        x = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return (x, aux2, aux1) if self.training else x


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


STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
MAKE = {
    "alexnet": AlexNet,
    "googlenet": GoogLeNet,
    **{f"vgg{depth}": lambda s=stages: VGG(s, False) for depth, stages in STAGES.items()},
    **{f"vgg{depth}_bn": lambda s=stages: VGG(s, True) for depth, stages in STAGES.items()},
    "resnet18": lambda: ResNet(BasicBlock, 1, (2, 2, 2, 2)),
    "resnet34": lambda: ResNet(BasicBlock, 1, (3, 4, 6, 3)),
    "resnet50": lambda: ResNet(Bottleneck, 4, (3, 4, 6, 3)),
    "resnet101": lambda: ResNet(Bottleneck, 4, (3, 4, 23, 3)),
    "resnet152": lambda: ResNet(Bottleneck, 4, (3, 8, 36, 3)),
    "cifar20": lambda: Cifar(20, True),
    "plain20": lambda: Cifar(20, False),
}
#: The last normalization of a block, which is drawn smaller, as training makes it. With all near 1
#: a network of 152 layers multiplies rounding so much that PyTorch in float32 is itself 1.6e-4
#: away from PyTorch in float64.
LAST = {"resnet18": "bn2.weight", "resnet34": "bn2.weight"} | dict.fromkeys(
    ("resnet50", "resnet101", "resnet152", "cifar20", "plain20"), "bn3.weight"
)


def twin(model, name):
    """The PyTorch network of torchvision's `name`, sharing the arrays of `model` by name.

    The arrays of batch normalization and the biases are drawn first, so that none is 0 or 1.
    """
    rng = np.random.default_rng(1)
    for key, value in model.state_dict().items():
        if value.ndim == 1 and ("var" in key or "weight" in key):
            smaller = key.endswith(LAST.get(name, "none"))
            value[...] = rng.uniform(0.5, 1.5, value.shape) * (0.3 if smaller else 1)
        elif value.ndim == 1:
            value[...] = rng.normal(0, 0.1, value.shape)
    with torch.device("meta"):  # no time for initial weights
        net = MAKE[name]()
    assert list(model.state_dict()) == list(net.state_dict())
    state = {key: torch.from_numpy(value) for key, value in model.state_dict().items()}
    # Buffers change in training; parameters are shared, for VGG has 0.5 GB of them.
    state |= {key: state[key].clone() for key, _ in net.named_buffers()}
    net.load_state_dict(state, assign=True)  # strict: every name and shape has to agree
    return net.requires_grad_()


def distance(a, b):
    """Largest difference, relative to the largest value."""
    a, b = np.asarray(a), np.asarray(b.detach())
    return np.abs(a - b).max() / np.abs(b).max()


def outputs(model, net, shape):
    """The distances of all outputs, in training and in evaluation mode, and of the buffers."""
    x = np.random.default_rng(2).standard_normal(shape, dtype=np.float32)
    found = []
    for training in (True, False):
        with torch.no_grad():
            theirs = net.train(training)(torch.from_numpy(x))
        ours = model.train(training)(x)
        assert isinstance(ours, tuple) == isinstance(theirs, tuple)
        pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
        found += [distance(a, b) for a, b in pairs]
    own = model.state_dict()
    return found + [distance(own[key], value) for key, value in net.named_buffers()]


def gradients(model, net, shape, dtype, seed=2):
    """The gradients with respect to the input and each parameter, by name: ours and torch's."""
    model.astype(dtype)
    net.train(model.training).to(torch.float64 if dtype == np.float64 else torch.float32)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape, dtype=np.float32).astype(dtype)
    t = rng.integers(0, 10, shape[0])
    tx, tt = torch.from_numpy(x).requires_grad_(), torch.from_numpy(t)
    theirs = net(tx)
    if isinstance(theirs, tuple):
        main, *others = (F.cross_entropy(scores, tt) for scores in theirs)
        loss = main + 0.3 * sum(others)
    else:
        loss = F.cross_entropy(theirs, tt)
    loss.backward()
    criterion = model.criterion()
    value = criterion(model(x), t)
    assert abs(value - loss.item()) < 1e-4 * value
    ours = {"input": model.backward(criterion.backward())}
    ours |= {key: parameter.grad for key, parameter in model.named_parameters()}
    expected = {"input": tx.grad} | {key: p.grad for key, p in net.named_parameters()}
    assert list(ours) == list(expected)
    return ours, {key: grad.numpy() for key, grad in expected.items()}
