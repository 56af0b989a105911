"""Every module on a GPU against the same module on NumPy: outputs, gradients, state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from dlcourse import models, nn, optim
from dlcourse.backend import Array, array_module, to_device, to_numpy
from dlcourse.nn import Module
from dlcourse.nn.loss import Loss
from dlcourse.optim import Optimizer

Build = Callable[[np.random.Generator], Module]
Shape = tuple[int, ...]

#: Largest relative error that counts as agreement. Both sides round float32 in another order of
#: summation; through a whole network the differences grow.
TOLERANCE = {"layer": 1e-5, "loss": 1e-5, "optimizer": 1e-5, "model": 1e-3}

_IMAGES = (4, 6, 11, 9)


class _TwoInputs(Module):
    """A module that takes a second input, given one of its own; several outputs are joined."""

    def __init__(self, module: Module, second: Callable[[int], np.ndarray]) -> None:
        super().__init__()
        self.module = module
        self.second = second  #: from the number of images

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        self._y = self.module(x, xp.asarray(self.second(len(x))))
        if not isinstance(self._y, tuple):
            return self._y
        return xp.concatenate([part.reshape(len(part), -1) for part in self._y], axis=1)

    def backward(self, dy: Array) -> Array:
        if not isinstance(self._y, tuple):
            return self.module.backward(dy)
        parts, start = [], 0
        for part in self._y:
            width = part[0].size
            parts.append(dy[:, start : start + width].reshape(part.shape))
            start += width
        return self.module.backward(type(self._y)(*parts))


def _words(images: int) -> np.ndarray:
    return np.arange(3 * images).reshape(3, images) % 5


def _regions(images: int) -> np.ndarray:
    corners = np.array([[0, 0, 5, 7], [2, 1, 8, 4], [6, 3, 40, 40]], np.float32)
    return np.concatenate([np.arange(3, dtype=np.float32)[:, None] % images, corners], axis=1)


LAYERS: dict[str, tuple[Build, Shape]] = {
    "AdaptiveAvgPool2d": (lambda rng: nn.AdaptiveAvgPool2d((3, 2)), _IMAGES),
    "AvgPool2d": (lambda rng: nn.AvgPool2d(3, stride=2, padding=1), _IMAGES),
    "BatchNorm2d": (lambda rng: nn.BatchNorm2d(6), _IMAGES),
    "Concat": (lambda rng: nn.Concat(nn.ReLU(), nn.Tanh()), _IMAGES),
    "Conv2d": (lambda rng: nn.Conv2d(6, 8, 3, padding=1, rng=rng), _IMAGES),
    "Conv2d 1x1": (lambda rng: nn.Conv2d(6, 8, 1, rng=rng), _IMAGES),
    "Conv2d of one channel": (lambda rng: nn.Conv2d(1, 8, 3, padding=1, rng=rng), (4, 1, 9, 8)),
    "Conv2d with few windows": (lambda rng: nn.Conv2d(6, 40, 3, rng=rng), (1, 6, 4, 4)),
    "Conv2d, stride and dilation": (
        lambda rng: nn.Conv2d(6, 8, (3, 2), (2, 1), (2, 1), (2, 1), bias=False, rng=rng),
        _IMAGES,
    ),
    "Conv2d, groups": (lambda rng: nn.Conv2d(6, 8, 3, padding=1, groups=2, rng=rng), _IMAGES),
    "Conv2d, depthwise": (
        lambda rng: nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, rng=rng),
        _IMAGES,
    ),
    "ConvTranspose2d": (
        lambda rng: nn.ConvTranspose2d(6, 5, 3, stride=2, padding=1, rng=rng),
        _IMAGES,
    ),
    "Dropout": (lambda rng: nn.Dropout(0.4), _IMAGES),
    "Embedding": (lambda rng: nn.Embedding(5, 3, rng=rng), (7, 4)),
    "Flatten": (lambda rng: nn.Flatten(), _IMAGES),
    "GlobalAvgPool": (lambda rng: nn.GlobalAvgPool(), _IMAGES),
    "LSTM": (lambda rng: nn.LSTM(5, 6, rng=rng), (4, 3, 5)),
    "LeakyReLU": (lambda rng: nn.LeakyReLU(0.1), _IMAGES),
    "Linear": (lambda rng: nn.Linear(30, 20, rng=rng), (8, 30)),
    "LocalResponseNorm": (lambda rng: nn.LocalResponseNorm(5, alpha=0.1), _IMAGES),
    "MaxPool2d": (lambda rng: nn.MaxPool2d(2), _IMAGES),
    "MaxPool2d, overlapping": (
        lambda rng: nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        _IMAGES,
    ),
    "RoIPool": (lambda rng: _TwoInputs(nn.RoIPool((3, 2)), _regions), _IMAGES),
    "RNN": (lambda rng: nn.RNN(5, 6, rng=rng), (4, 3, 5)),
    "ReLU": (lambda rng: nn.ReLU(), _IMAGES),
    "ReLU6": (lambda rng: nn.ReLU6(), _IMAGES),
    "Residual": (lambda rng: nn.Residual(nn.Conv2d(6, 6, 3, padding=1, rng=rng)), _IMAGES),
    "Sequential": (
        lambda rng: nn.Sequential(
            nn.Conv2d(6, 8, 3, rng=rng), nn.ReLU(), nn.GlobalAvgPool(), nn.Linear(8, 4, rng=rng)
        ),
        _IMAGES,
    ),
    "Sigmoid": (lambda rng: nn.Sigmoid(), _IMAGES),
    "Tanh": (lambda rng: nn.Tanh(), _IMAGES),
}


#: Whole networks, and blocks of them, on small images.
MODELS: dict[str, tuple[Build, Shape]] = {
    "AlexNet": (lambda rng: models.AlexNet(10, rng=rng), (2, 3, 63, 63)),
    "AlexNet2012": (lambda rng: models.AlexNet2012(10, rng=rng), (2, 3, 227, 227)),
    "BasicBlock": (
        lambda rng: models.BasicBlock(6, 8, 2, models.projection(6, 8, 2, rng=rng), rng=rng),
        _IMAGES,
    ),
    "BasicConv2d": (lambda rng: models.BasicConv2d(6, 8, 3, rng=rng), _IMAGES),
    "Bottleneck": (lambda rng: models.Bottleneck(8, 2, rng=rng), (4, 8, 6, 5)),
    "DeepConvNet": (lambda rng: models.DeepConvNet(rng=rng), (4, 1, 28, 28)),
    "EfficientNetLite0": (lambda rng: models.EfficientNetLite0(10, rng=rng), (4, 3, 64, 64)),
    "FCN": (lambda rng: models.FCN(4, rng=rng), (2, 3, 64, 32)),
    "FastRCNN": (lambda rng: _TwoInputs(models.FastRCNN(5, rng=rng), _regions), (3, 3, 64, 64)),
    "GoogLeNet": (lambda rng: models.GoogLeNet(10, aux_logits=False, rng=rng), (4, 3, 64, 64)),
    "GoogLeNet2014": (
        lambda rng: models.GoogLeNet2014(10, aux_logits=False, rng=rng),
        (2, 3, 224, 224),
    ),
    "Inception": (lambda rng: models.Inception(6, 4, 3, 4, 2, 4, 3, rng=rng), _IMAGES),
    "InceptionAux": (
        lambda rng: models.InceptionAux(8, 10, nn.AvgPool2d(5, 3), rng=rng),
        (2, 8, 14, 14),
    ),
    "InceptionConvNet": (
        lambda rng: models.InceptionConvNet(16, [(32,), (64, 64)], rng=rng),
        (4, 1, 28, 28),
    ),
    "InvertedResidual": (lambda rng: models.InvertedResidual(6, 6, rng=rng), _IMAGES),
    "LeNet5": (lambda rng: models.LeNet5(rng=rng), (4, 1, 28, 28)),
    "NIC": (lambda rng: _TwoInputs(models.NIC(5, 32, rng=rng), _words), (2, 3, 32, 32)),
    "RegionNet": (lambda rng: models.RegionNet(5, rng=rng), (2, 3, 64, 64)),
    "ResNet": (
        lambda rng: models.ResNet(models.BasicBlock, (1, 1, 1, 1), 10, rng=rng),
        (4, 3, 64, 64),
    ),
    "ResNetCifar": (lambda rng: models.ResNetCifar(8, rng=rng), (4, 3, 32, 32)),
    "StackedConvNet": (
        lambda rng: models.StackedConvNet([[8, 8], [16]], batch_norm=True, rng=rng),
        (4, 1, 28, 28),
    ),
    "VGG": (lambda rng: models.VGG((1, 1, 1, 1, 1), True, 10, rng=rng), (2, 3, 32, 32)),
    "ZeroPadShortcut": (lambda rng: models.ZeroPadShortcut(2, stride=2), _IMAGES),
}

LOSSES: dict[str, Callable[[], Loss]] = {
    "CrossEntropyLoss": lambda: nn.CrossEntropyLoss(label_smoothing=0.1),
    "MSELoss": nn.MSELoss,
}

OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "AdaGrad": lambda ps: optim.AdaGrad(ps, weight_decay=0.01),
    "Adam": lambda ps: optim.Adam(ps, weight_decay=0.01),
    "AdamW": optim.AdamW,
    "Momentum": optim.Momentum,
    "Nesterov": optim.Nesterov,
    "RMSprop": optim.RMSprop,
    "SGD": lambda ps: optim.SGD(ps, weight_decay=0.01),
}


@dataclass(frozen=True)
class Agreement:
    """How far a part of the package on a GPU is from the same part on NumPy.

    Attributes
    ----------
    name : str
        The class, with what is special about the case.
    kind : str
        What it is; says which tolerance holds.
    error : float
        The largest relative error of all arrays that were compared, see `relative_errors`.
    worst : str
        The array that has it.
    """

    name: str
    kind: Literal["layer", "loss", "optimizer", "model"]
    error: float
    worst: str

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return self.error <= TOLERANCE[self.kind]


def agreements(device: str = "cuda", seed: int = 0) -> Iterator[Agreement]:
    """Compare every layer, loss, optimizer and network, in turn.

    Parameters
    ----------
    device : str
        ``"cuda"``. On ``"cpu"`` everything is compared with itself.
    seed : int
        Decides weights and inputs.

    Raises
    ------
    RuntimeError
        If CuPy or a GPU is missing.

    Examples
    --------
    >>> first = next(agreements("cpu"))
    >>> first.name, first.error, first.ok
    ('AdaptiveAvgPool2d', 0.0, True)
    """
    for name, (build, shape) in LAYERS.items():
        yield _compare(name, "layer", partial(run_module, build, shape, seed=seed), device)
    for name, make_loss in LOSSES.items():
        yield _compare(name, "loss", partial(run_loss, make_loss, seed=seed), device)
    for name, make_optimizer in OPTIMIZERS.items():
        yield _compare(name, "optimizer", partial(run_optimizer, make_optimizer, seed=seed), device)
    for name, (build, shape) in MODELS.items():
        yield _compare(name, "model", partial(run_module, build, shape, seed=seed), device)


def run_module(build: Build, shape: Shape, device: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Run a module forward and backward in training, and forward in evaluation.

    Returns
    -------
    dict
        Outputs, gradients with respect to the input and each parameter, and buffers, by name.
    """
    rng = np.random.default_rng(seed)
    module = build(rng).to(device)
    if isinstance(module, nn.Embedding):
        x = to_device(rng.integers(5, size=shape), device)
    else:  # in memory as images are in the package: (N, H, W, C)
        drawn = rng.standard_normal((shape[0], *shape[2:], shape[1]), dtype=np.float32)
        x = to_device(drawn, device).transpose(0, len(shape) - 1, *range(1, len(shape) - 1))
    module.set_generator(np.random.default_rng(seed))
    y = module(x)
    dy = to_device(rng.standard_normal(y.shape, dtype=np.float32), device)
    found: dict[str, Array] = {"output": y}
    if (dx := module.backward(dy)) is not None:  # whole numbers have no gradient
        found["gradient of the input"] = dx
    for name, parameter in module.named_parameters():
        found[f"gradient of {name}"] = parameter.grad
    parameters = {name for name, _ in module.named_parameters()}
    found |= {k: v for k, v in module.state_dict().items() if k not in parameters}
    found["output in evaluation"] = module.eval()(x)
    return {name: to_numpy(array) for name, array in found.items()}


def run_loss(make_loss: Callable[[], Loss], device: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Run a loss on scores of 8 images and 5 classes, forward and backward."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((8, 5), dtype=np.float32)
    loss = make_loss()
    t = rng.standard_normal((8, 5)) if isinstance(loss, nn.MSELoss) else rng.integers(5, size=8)
    value = loss(to_device(y, device), to_device(t, device))
    return {"loss": np.array(value), "gradient": to_numpy(loss.backward())}


def run_optimizer(
    make: Callable[[list[nn.Parameter]], Optimizer], device: str, seed: int = 0
) -> dict[str, np.ndarray]:
    """Make three steps with three parameters; the gradient of one lies in another order."""
    rng = np.random.default_rng(seed)
    data = [rng.standard_normal(shape, dtype=np.float32) for shape in ((30, 20), (20, 30), (20,))]
    parameters = [nn.Parameter(to_device(array, device)) for array in data]
    optimizer = make(parameters)
    for _ in range(3):
        grads = [rng.standard_normal(array.shape, dtype=np.float32) for array in data]
        grads[0] = np.asfortranarray(grads[0])
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = to_device(grad, device)
        optimizer.step()
    found = {f"parameter {i}": p.data for i, p in enumerate(parameters)}
    return {name: to_numpy(a) for name, a in (found | optimizer.state_dict()).items()}


def relative_errors(
    found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return ``||found - expected|| / ||expected||`` for each array, by Euclidean norms.

    Where an array is far smaller than the largest, as the gradient of a bias that batch
    normalization undoes is, its norm is taken as a thousandth of the largest: it is rounding.

    Examples
    --------
    >>> relative_errors({"a": np.array([1.0, 2.2])}, {"a": np.array([1.0, 2.0])})
    {'a': 0.0894427190999916}
    """
    norms = {name: float(np.linalg.norm(array)) for name, array in expected.items()}
    least = max(norms.values()) / 1000 or 1.0
    return {
        name: float(np.linalg.norm(found[name].astype(np.float64) - array))
        / max(norms[name], least)
        for name, array in expected.items()
    }


def _compare(
    name: str,
    kind: Literal["layer", "loss", "optimizer", "model"],
    run: Callable[[str], dict[str, np.ndarray]],
    device: str,
) -> Agreement:
    expected = run("cpu")
    try:
        found = run(device)
    except Exception as error:  # whatever goes wrong on hardware nobody has seen is to be reported
        return Agreement(name, kind, float("inf"), f"{type(error).__name__}: {error}")
    for key, array in expected.items():
        if (found[key].shape, found[key].dtype) != (array.shape, array.dtype):
            return Agreement(name, kind, float("inf"), f"{key}: another shape or dtype")
    errors = relative_errors(found, expected)
    worst = max(errors, key=lambda key: errors[key])
    return Agreement(name, kind, errors[worst], worst)
