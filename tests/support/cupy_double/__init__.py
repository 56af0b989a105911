"""A strict double of CuPy: the package runs on it where there is no GPU.

It computes with NumPy, and behaves as CuPy 14 does where code written for NumPy goes wrong:

- its arrays convert to NumPy's only by ``get``, ``asnumpy``, ``item``, ``float`` and the like, and
  do not mix with them;
- it has only names, parameters and keyword arguments that CuPy has (`tests/test_cupy_double.py`
  compares them with an installed ``cupy``), so no ``where=``, and no ``out=`` where CuPy has none;
- results of element-wise functions and reductions lie in C order;
- memory that is not written yet holds NaN;
- copies between host and device are counted in `transfers`, and a use of an array before the
  stream that writes it was waited for is an error;
- ``RawModule`` compiles CUDA C for the processor, see `cupy_double.raw`.

`install` puts it in the place of ``cupy`` for a test.
"""

import importlib.machinery
import re
import sys
import types

import numpy as np

from cupy_double import device, functions, raw, ufuncs
from cupy_double.array import ndarray
from cupy_double.counters import transfers
from cupy_double.raw import compiler_missing

__all__ = ["compiler_missing", "install", "module", "transfers"]

#: Types and constants that CuPy takes over from NumPy.
_NUMPY_NAMES = re.findall(
    r"\w+",
    """
    bool_ dtype e float16 float32 float64 inf int8 int16 int32 int64 nan newaxis pi result_type
    uint8 uint16 uint32 uint64
    """,
)


def module():
    """Build the module that stands in for ``cupy``."""
    double = types.ModuleType("cupy")
    double.__spec__ = importlib.machinery.ModuleSpec("cupy", None)
    double.__version__ = "14.2.0"
    names = {
        name: value
        for name, value in vars(functions).items()
        if getattr(value, "__module__", None) == functions.__name__ and not name.startswith("_")
    }
    vars(double).update({name: getattr(np, name) for name in _NUMPY_NAMES})
    vars(double).update(names, **ufuncs.UFUNCS)
    double.ndarray = ndarray
    double.ufunc = ufuncs.ufunc
    double.linalg, double.lib = functions.linalg, functions.lib
    double.RawModule, double.RawKernel = raw.RawModule, raw.RawKernel
    double.cuda = types.ModuleType("cupy.cuda")
    for name in (
        "Stream",
        "Event",
        "Device",
        "alloc_pinned_memory",
        "get_current_stream",
        "get_elapsed_time",
        "is_available",
        "runtime",
    ):
        setattr(double.cuda, name, getattr(device, name))
    return double


def install(monkeypatch):
    """Let ``import cupy`` find the double until the test ends, and return it."""
    double = module()
    monkeypatch.setitem(sys.modules, "cupy", double)
    monkeypatch.setitem(sys.modules, "cupy.cuda", double.cuda)
    device.restart()
    transfers.reset()
    return double
