"""Every module of the package runs on the double of CuPy, and agrees with NumPy."""

import ast
import inspect
from contextlib import nullcontext
from pathlib import Path

import cupy_double
import numpy as np
import pytest
from gradients import arrays

import dlcourse
from dlcourse import cuda, models, nn, optim
from dlcourse.doctor import agreement

#: Bases without a forward pass of their own.
BASES = {"Chain", "Classifier", "Module", "QNetwork", "SequentialClassifier"}

#: The base of all modules, what a loss is to a type checker, and what losses are made of.
NO_LOSSES = {"Module", "Loss", "VGGFeatures", "StyleTransfer"}


@pytest.fixture(params=["kernels", "plain"])
def xp(request, monkeypatch):
    """The double of CuPy, with the kernels in CUDA C and without."""
    if request.param == "kernels" and cupy_double.compiler_missing():
        pytest.skip(cupy_double.compiler_missing())
    with cuda.plain() if request.param == "plain" else nullcontext():
        yield cupy_double.install(monkeypatch)


def modules(package):
    return {
        name
        for name in package.__all__
        if inspect.isclass(value := getattr(package, name)) and issubclass(value, nn.Module)
    } - BASES


def losses():
    """The classes of the package that are called and have a gradient, and are no modules."""
    return {
        node.name
        for path in Path(dlcourse.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and {"__call__", "backward"} <= {getattr(part, "name", "") for part in node.body}
    }


def test_no_module_is_left_out():
    """What fails here is to be added to dlcourse.doctor.cases, and then runs on the double."""
    assert {name.split()[0].rstrip(",") for name in agreement.LAYERS} == modules(nn)
    assert agreement.MODELS.keys() == modules(models)
    assert set(agreement.OPTIMIZERS) == {
        name
        for name in optim.__all__
        if inspect.isclass(value := getattr(optim, name)) and issubclass(value, optim.Optimizer)
    } - {"Optimizer"}
    assert agreement.LOSSES.keys() == losses() - NO_LOSSES


@pytest.mark.parametrize("name", agreement.LAYERS)
def test_layers(xp, name):
    expected, found = (agreement.run_module(agreement.LAYERS[name], d) for d in ("cpu", "cuda"))
    for key, array in expected.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_allclose(found[key], array, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", agreement.MODELS)
def test_models(xp, name):
    expected, found = (
        agreement.run_module(agreement.MODELS[name], device, dtype=np.float64)
        for device in ("cpu", "cuda")
    )
    errors = agreement.relative_errors(found, expected)
    assert max(errors.values()) <= agreement.TOLERANCE["model"], errors


@pytest.mark.parametrize("name", agreement.LOSSES)
def test_losses(xp, name):
    expected, found = (agreement.run_loss(name, d) for d in ("cpu", "cuda"))
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", agreement.OPTIMIZERS)
def test_optimizers(xp, name):
    expected, found = (agreement.run_optimizer(name, d) for d in ("cpu", "cuda"))
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-5, atol=1e-7, err_msg=key)


OF_IMAGES = [name for name, case in agreement.LAYERS.items() if len(case.shape) == 4]


# Two do not keep it, and are rare: the next convolution then reads with larger steps.
@pytest.mark.parametrize("name", sorted({*OF_IMAGES} - {"LocalResponseNorm", "Sigmoid"}))
def test_images_stay_channels_last(xp, name):
    """CuPy's element-wise results lie in C order: layers have to keep the order themselves."""
    case = agreement.LAYERS[name]
    module, shape = case.build(np.random.default_rng(0)).to("cuda"), case.shape
    module.set_generator(np.random.default_rng(0))
    x = np.zeros((shape[0], *shape[2:], shape[1]), np.float32)
    x = xp.asarray(x).transpose(0, 3, 1, 2)
    inputs = case.inputs(x)
    y = module(*inputs)
    dx = module.backward(xp.zeros_like(y))
    for array in (y, *arrays(dx), module.eval()(*inputs)):
        if array.ndim == 4 and min(array.shape) > 1:
            n, c, h, w = (step // array.itemsize for step in array.strides)
            assert c == 1 and w >= array.shape[1] and n >= h > w, array.strides
