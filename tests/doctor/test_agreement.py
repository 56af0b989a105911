"""Every module of the package runs on the double of CuPy, and agrees with NumPy."""

import inspect

import cupy_double
import numpy as np
import pytest

from dlcourse import models, nn, optim
from dlcourse.doctor import agreement

#: Bases without a forward pass of their own.
BASES = {"Chain", "Classifier", "Module", "SequentialClassifier"}


@pytest.fixture
def xp(monkeypatch):
    return cupy_double.install(monkeypatch)


def modules(package):
    return {
        name
        for name in package.__all__
        if inspect.isclass(value := getattr(package, name)) and issubclass(value, nn.Module)
    } - BASES


def test_no_module_is_left_out():
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
    expected = agreement.run_module(build, shape, "cpu")
    found = agreement.run_module(build, shape, "cuda")
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
