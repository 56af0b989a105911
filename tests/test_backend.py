import sys
import types

import cupy_double
import numpy as np
import pytest

from dlcourse import backend


class FakeArray:
    """An array that is not NumPy's, of a library that calls itself cupy."""


def fake_cupy(**attributes):
    module = types.ModuleType("cupy")
    module.__version__ = "0"
    module.__spec__ = types.SimpleNamespace(name="cupy")
    module.ndarray = FakeArray
    vars(module).update(attributes)
    return module


def test_the_array_decides(monkeypatch):
    assert backend.array_module(np.zeros(1), 2.0) is np
    cupy = fake_cupy()
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert backend.array_module(np.zeros(1)) is np
    assert backend.array_module(np.zeros(1), FakeArray()) is cupy


def test_without_cupy_the_gpu_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs CuPy.* pip install 'dlcourse\[gpu\]'"):
        backend.to_device(np.zeros(1), "cuda")
    assert "CuPy, which is not installed" in backend.cuda_status()


def test_cupy_without_a_gpu_is_told_apart(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(is_available=lambda: False))
    assert "finds no CUDA GPU" in backend.cuda_status()


def test_other_devices_are_refused():
    with pytest.raises(ValueError, match="'cpu' or 'cuda', found 'tpu'"):
        backend.to_device(np.zeros(1), "tpu")


def test_random_numbers_are_the_same_for_a_seed():
    like = np.zeros(0, np.float32)
    a, b = (backend.random_uniform(np.random.default_rng(1), (3,), like) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_the_memory_pool_shows_the_most_that_was_used(monkeypatch):
    xp = cupy_double.install(monkeypatch)
    backend.empty_memory_pool()
    before = backend.memory_pool()
    array = xp.zeros(1000, np.float32)
    assert backend.memory_pool().used - before.used == 4096  # in units of 512 bytes
    del array
    after = backend.memory_pool()
    assert after.used == before.used and after.held >= before.held + 4096
    backend.empty_memory_pool()
    assert backend.memory_pool().held == before.held
    assert after.total >= after.held


def test_element_by_element_in_the_order_of_the_first(monkeypatch):
    xp = cupy_double.install(monkeypatch)
    x = xp.asarray(np.ones((2, 3), np.float32)).T
    assert backend.elementwise("add", x, x).flags.f_contiguous
    here = np.ones((2, 3), np.float32).T
    assert backend.elementwise("add", here, here).flags.f_contiguous


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("given", [False, True])
def test_masked_keeps_or_clears(dtype, given):
    x = np.array([[1, np.inf], [np.nan, -2]], dtype)
    found = backend.masked(x, np.array([[True, False], [False, True]]), x.copy() if given else None)
    np.testing.assert_array_equal(found, np.array([[1, 0], [0, -2]], dtype))
    assert found.dtype == x.dtype
