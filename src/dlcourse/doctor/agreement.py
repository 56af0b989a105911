"""Every module on a GPU against the same module on NumPy: outputs, gradients, state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from dlcourse import nn
from dlcourse.backend import Array, each, to_device, to_numpy
from dlcourse.doctor.cases import LAYERS, LOSSES, MODELS, OPTIMIZERS, Case
from dlcourse.streams import Stream, generator

#: Largest relative error that counts as agreement. The two sides add in different orders and round.
#: Networks are compared in float64: in float32 a rounding may decide which of two nearly equal
#: values is the largest of a window, and the gradient then goes another way.
TOLERANCE = {"layer": 1e-5, "loss": 1e-5, "optimizer": 1e-5, "model": 1e-8}


@dataclass(frozen=True)
class Agreement:
    """How far a part of the package on a GPU is from the same part on NumPy.

    Attributes
    ----------
    name : str
        The class, with what is special about the case.
    kind : str
        What it is; decides which tolerance holds.
    error : float
        The largest relative error of the arrays compared; see `relative_errors`.
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
    for name, case in LAYERS.items():
        yield _compare(name, "layer", partial(run_module, case, seed=seed), device)
    for name in LOSSES:
        yield _compare(name, "loss", partial(run_loss, name, seed=seed), device)
    for name in OPTIMIZERS:
        yield _compare(name, "optimizer", partial(run_optimizer, name, seed=seed), device)
    for name, case in MODELS.items():
        work = partial(run_module, case, seed=seed, dtype=np.float64)
        yield _compare(name, "model", work, device)


def run_module(
    case: Case, device: str, seed: int = 0, dtype: DTypeLike = np.float32
) -> dict[str, np.ndarray]:
    """Run a module forward and backward in training, and forward in evaluation.

    Returns
    -------
    dict
        Outputs, gradients with respect to the input and each parameter, and buffers, by name.
    """
    rng = np.random.default_rng(seed)
    module, shape = case.build(rng).astype(dtype).to(device), case.shape
    if isinstance(module, nn.Embedding):
        x = to_device(rng.integers(5, size=shape), device)
    else:  # in memory as images are in the package: (N, H, W, C)
        drawn = rng.standard_normal((shape[0], *shape[2:], shape[1]), dtype=np.float32)
        x = to_device(drawn.astype(dtype), device).transpose(
            0, len(shape) - 1, *range(1, len(shape) - 1)
        )
    module.set_generator(generator(seed, Stream.DROPOUT))
    inputs = case.inputs(x)
    y = module(*inputs)
    dy = each(lambda y: to_device(rng.standard_normal(y.shape).astype(dtype), device), y)
    found = _named("output", y) | _named("gradient of the input", module.backward(dy))
    for name, parameter in module.named_parameters():
        found[f"gradient of {name}"] = parameter.grad
    parameters = {name for name, _ in module.named_parameters()}
    found |= {k: v for k, v in module.state_dict().items() if k not in parameters}
    found |= _named("output in evaluation", module.eval()(*inputs))
    return {name: to_numpy(array) for name, array in found.items()}


def run_loss(name: str, device: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Run a loss on a few outputs, forward and backward."""
    make, draw = LOSSES[name]
    loss, arguments = make(), draw(np.random.default_rng(seed))
    value = loss(*(each(lambda a: to_device(a, device), argument) for argument in arguments))
    gradients = _named("gradient", loss.backward())
    return {"loss": np.array(value)} | {key: to_numpy(a) for key, a in gradients.items()}


def run_optimizer(name: str, device: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Take three steps with three parameters; the gradient of one lies in another order."""
    rng = np.random.default_rng(seed)
    data = [rng.standard_normal(shape, dtype=np.float32) for shape in ((30, 20), (20, 30), (20,))]
    parameters = [nn.Parameter(to_device(array, device)) for array in data]
    optimizer = OPTIMIZERS[name](parameters)
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

    Where an array is far smaller than the largest, like the gradient of a bias that batch
    normalization undoes, its norm is taken as a thousandth of the largest: it is all rounding.

    Examples
    --------
    >>> relative_errors({"a": np.array([3.0, 4.0])}, {"a": np.array([0.0, 4.0])})
    {'a': 0.75}
    """
    norms = {name: float(np.linalg.norm(array)) for name, array in expected.items()}
    least = max(norms.values()) / 1000 or 1.0
    return {
        name: float(np.linalg.norm(found[name].astype(np.float64) - array))
        / max(norms[name], least)
        for name, array in expected.items()
    }


def _named(name: str, arrays: Any) -> dict[str, Array]:
    """Return the arrays by name, numbered where there are several; None is left out."""
    several = enumerate(arrays, 1) if isinstance(arrays, tuple) else [("", arrays)]
    return {f"{name} {i}".rstrip(): array for i, array in several if array is not None}


def _compare(
    name: str,
    kind: Literal["layer", "loss", "optimizer", "model"],
    run: Callable[[str], dict[str, np.ndarray]],
    device: str,
) -> Agreement:
    expected = run("cpu")
    try:
        found = run(device)
    except Exception as error:  # on hardware nobody has seen, whatever goes wrong is reported
        return Agreement(name, kind, float("inf"), f"{type(error).__name__}: {error}")
    for key, array in expected.items():
        if (found[key].shape, found[key].dtype) != (array.shape, array.dtype):
            return Agreement(name, kind, float("inf"), f"{key}: another shape or dtype")
    errors = relative_errors(found, expected)
    worst = max(errors, key=lambda key: errors[key])
    return Agreement(name, kind, errors[worst], worst)
