"""Every module of the package runs on the double of CuPy, and agrees with NumPy."""

import inspect
from contextlib import nullcontext

import cupy_double
import numpy as np
import pytest

from dlcourse import cuda, models, nn, optim
from dlcourse.doctor import agreement

#: Bases without a forward pass of their own.
BASES = {"Chain", "Classifier", "Module", "QNetwork", "SequentialClassifier"}


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


def test_no_module_is_left_out():
    """What fails here is to be added to dlcourse.doctor.cases, and then runs on the double."""
    assert {name.split()[0].rstrip(",") for name in agreement.LAYERS} == modules(nn)
    assert agreement.MODELS.keys() == modules(models)
    assert set(agreement.OPTIMIZERS) == {
        name
        for name in optim.__all__
        if inspect.isclass(value := getattr(optim, name)) and issubclass(value, optim.Optimizer)
    } - {"Optimizer"}


@pytest.mark.parametrize("name", agreement.LAYERS)
def test_layers(xp, name):
    build, shape = agreement.LAYERS[name]
    expected = agreement.run_module(build, shape, "cpu")
    found = agreement.run_module(build, shape, "cuda")
    for key, array in expected.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_allclose(found[key], array, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", agreement.MODELS)
def test_models(xp, name):
    build, shape = agreement.MODELS[name]
    expected, found = (
        agreement.run_module(build, shape, device, dtype=np.float64) for device in ("cpu", "cuda")
    )
    errors = agreement.relative_errors(found, expected)
    assert max(errors.values()) <= agreement.TOLERANCE["model"], errors


@pytest.mark.parametrize("name", agreement.LOSSES)
def test_losses(xp, name):
    expected, found = (agreement.run_loss(agreement.LOSSES[name], d) for d in ("cpu", "cuda"))
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", agreement.OPTIMIZERS)
def test_optimizers(xp, name):
    make = agreement.OPTIMIZERS[name]
    expected, found = (agreement.run_optimizer(make, d) for d in ("cpu", "cuda"))
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-5, atol=1e-7, err_msg=key)


OF_IMAGES = [name for name, (_, shape) in agreement.LAYERS.items() if len(shape) == 4]


# Two do not keep it, and are rare: the next convolution then reads with larger steps.
@pytest.mark.parametrize("name", sorted({*OF_IMAGES} - {"LocalResponseNorm", "Sigmoid"}))
def test_images_stay_channels_last(xp, name):
    """CuPy's element-wise results lie in C order: layers have to keep the order themselves."""
    build, shape = agreement.LAYERS[name]
    module = build(np.random.default_rng(0)).to("cuda")
    module.set_generator(np.random.default_rng(0))
    x = np.zeros((shape[0], *shape[2:], shape[1]), np.float32)
    x = xp.asarray(x).transpose(0, 3, 1, 2)
    y = module(x)
    arrays = [y, module.backward(xp.zeros_like(y))]
    module.eval()
    arrays.append(module(x))
    for array in arrays:
        if array.ndim == 4 and min(array.shape) > 1:
            n, c, h, w = (step // array.itemsize for step in array.strides)
            assert c == 1 and w >= array.shape[1] and n >= h > w, array.strides
