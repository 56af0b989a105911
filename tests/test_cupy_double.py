"""The double has nothing that CuPy lacks, and refuses what CuPy refuses."""

import importlib.util
import inspect
import re

import cupy_double
import numpy as np
import pytest
from cupy_double import device
from cupy_double.array import ndarray

installed = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is None,
    reason="compares with CuPy: pip install 'cupy-cuda12x[ctk]'",
)


@pytest.fixture
def xp(monkeypatch):
    return cupy_double.install(monkeypatch)


def test_arrays_do_not_convert_to_numpy_by_themselves(xp):
    x = xp.ones(3)
    for convert in (np.asarray, np.array, np.float32):
        with pytest.raises(TypeError, match="Implicit conversion"):
            convert(x)
    with pytest.raises(TypeError, match=r"numpy\.concatenate"):
        np.concatenate([x, x])
    np.testing.assert_array_equal(x.get(), np.ones(3))


def test_arrays_do_not_mix_with_those_of_numpy(xp):
    x, host = xp.ones(3), np.ones(3)
    for mix in (
        lambda: x + host,
        lambda: host + x,
        lambda: x == host,
        lambda: xp.maximum(x, host),
        lambda: xp.where(x > 0, x, host),
        lambda: xp.matmul(x, host),
        lambda: xp.stack([x, host]),
        lambda: xp.zeros_like(host),
    ):
        with pytest.raises(TypeError, match="Unsupported type"):
            mix()
    with pytest.raises(ValueError, match="non-scalar"):
        x[...] = host
    assert (x + np.float64(1)).dtype == (np.float32(1) * x).dtype == np.float64


def test_numbers_leave_their_dtype_to_the_array(xp):
    x = xp.ones(3, np.float32)
    assert (2 * x + 1.5).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64


def test_results_lie_in_c_order(xp):
    x = xp.ones((2, 3)).T
    assert (x + x).flags.c_contiguous and xp.exp(x).flags.c_contiguous
    assert xp.empty_like(x).flags.f_contiguous and x.copy("K").flags.f_contiguous


def test_keywords_that_cupy_lacks_are_refused(xp):
    x = xp.ones(3)
    for call in (
        lambda: xp.add(x, x, where=x > 0),
        lambda: xp.tile(x, 2, out=x),
        lambda: x.max(axis=0, where=x > 0),
        lambda: xp.einsum("i,i->", x, x, out=x),
        lambda: xp.argsort(x, stable=True),
    ):
        with pytest.raises(TypeError, match="[Ww]rong|unexpected|Unknown"):
            call()
    with pytest.raises(TypeError):
        range(xp.ones((), np.int64))  # there is no __index__
    with pytest.raises(ValueError, match="stable"):
        xp.argsort(x, kind="quicksort")


def test_copies_are_counted(xp):
    count = cupy_double.transfers
    x = xp.asarray(np.arange(6.0))
    assert (count.to_device, count.to_host, count.scalars) == (1, 0, 0)
    float(x.sum())
    bool((x > 0).any())
    x.get()
    x[np.array([0, 2])]
    x[x > 3]
    assert (count.to_device, count.to_host, count.scalars) == (2, 1, 3)


def test_writing_twice_to_one_place_is_refused(xp):
    x = xp.zeros(3)
    x[xp.asarray([0, 2])] += 1
    with pytest.raises(ValueError, match="written twice"):
        x[xp.asarray([0, 0])] += 1


def test_another_stream_has_to_wait(xp):
    stream = xp.cuda.Stream(non_blocking=True)
    x = xp.empty(3)
    with stream:
        x.set(np.ones(3))
        ready = stream.record()
    with pytest.raises(device.DataRace):
        x + 1
    xp.cuda.get_current_stream().wait_event(ready)
    assert float((x + 1).sum()) == 6
    with stream:
        y = x * 2
    with pytest.raises(device.DataRace):
        y.get()  # waits for the current stream alone
    stream.synchronize()
    assert y.get().sum() == 6


def test_events_measure_only_what_was_waited_for(xp):
    start, end = xp.cuda.Event(), xp.cuda.Event()
    start.record()
    xp.ones(3)
    end.record()
    with pytest.raises(RuntimeError, match="NotReady"):
        xp.cuda.get_elapsed_time(start, end)
    end.synchronize()
    assert xp.cuda.get_elapsed_time(start, end) >= 0


def test_the_pool_keeps_what_was_freed(xp):
    pool = xp.get_default_memory_pool()
    before = pool.used_bytes()
    x = xp.zeros(1000)
    assert pool.used_bytes() - before == 8192
    del x
    assert pool.used_bytes() == before
    assert pool.total_bytes() >= before + 8192


# -- against the real package ------------------------------------------------------------


def functions(module, prefix=""):
    for name, value in vars(module).items():
        if name.startswith("__"):
            continue
        if inspect.ismodule(value) or type(value).__name__ == "SimpleNamespace":
            yield from functions(value, f"{prefix}{name}.")
        elif callable(value):
            yield prefix + name, value


FUNCTIONS = dict(functions(cupy_double.module()))


def real(name):
    import cupy

    value = cupy
    for part in name.split("."):
        value = getattr(value, part)
    return value


def parameters(callable_):
    """Names, kinds and whether each parameter has a default; Cython tells them in its docstring."""
    try:
        signature = inspect.signature(callable_)
    except ValueError:
        text = (callable_.__doc__ or "").split("\n")[0]
        inside = re.search(r"\((.*)\)", text) or re.search(r"\((.*)", text)
        names = []
        for part in re.sub(r"\([^()]*\)", "0", inside[1]).split(","):
            name = part.split("=")[0].split()
            if name and name[-1] not in ("/", "self") and name[-1].isidentifier():
                names.append((name[-1], "=" in part))
        return names
    return [
        (p.name, p.default is not p.empty)
        for p in signature.parameters.values()
        if p.name != "self" and not p.name.startswith("_")
    ]


@installed
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_have_the_parameters_of_cupy(name):
    ours, theirs = FUNCTIONS[name], real(name)
    if isinstance(theirs, type) and issubclass(theirs, np.generic):
        assert ours is theirs
    elif type(ours).__name__ == "ufunc":
        assert type(theirs).__name__ == "ufunc"
        assert (ours.nin, ours.nout) == (theirs.nin, theirs.nout)
        assert set(re.findall(r"(\w+)=", theirs.__doc__.split("\n")[0])) == {
            "out", "casting", "dtype",
        }  # fmt: skip
    elif ours is not theirs and name not in ("ndarray", "ufunc"):
        found, expected = parameters(ours), parameters(theirs)
        if name.startswith("cuda.runtime."):
            assert len(found) == len(expected)
        else:
            assert found == expected


@installed
def test_arrays_have_only_attributes_of_cupy():
    theirs = real("ndarray")
    own = {name for name in vars(ndarray) if name not in ("__dict__", "__weakref__")}
    private = {"_read", "_reduce"}
    assert own - private - set(dir(theirs)) == set()
    for name in own:
        method = vars(ndarray)[name]
        if not name.startswith("_") and inspect.isfunction(method):
            found, expected = parameters(method), parameters(getattr(theirs, name))
            assert [n for n, _ in found] == [n for n, _ in expected] or name in (
                "reshape",  # shapes come one by one as well
                "transpose",
            ), name


@installed
def test_cupy_refuses_what_the_double_refuses():
    """What can be tried without a GPU: arguments are looked at before the device."""
    import cupy

    with pytest.raises(TypeError, match="Wrong arguments"):
        cupy.add(1.0, 1.0, where=True)
    with pytest.raises(TypeError, match="unexpected keyword"):
        cupy.tile(1.0, 2, out=None)
    with pytest.raises(TypeError, match="incorrect type"):
        cupy.matmul(np.ones((2, 2)), np.ones((2, 2)))
    assert not hasattr(cupy.ndarray, "__index__") and cupy.ndarray.__hash__ is None
