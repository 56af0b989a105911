"""`cupy.RawModule` on the processor: CUDA C compiled by g++ behind ``tests/support/cuda_shim.h``.

A launch checks what CUDA does not: that as many arguments come as the kernel has parameters, each
of the parameter's type, and that the grid and the block are within CUDA's limits. A wrong one
would read other memory on a GPU, without a word.
"""

import ctypes
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from cupy_double import device
from cupy_double.array import ndarray

SHIM = Path(__file__).parents[1] / "cuda_shim.h"
_FOLDER = Path(tempfile.gettempdir()) / "dlcourse-cuda-shim"
_TYPES = {
    "bool": np.bool_,
    "int": np.int32,
    "unsigned": np.uint32,
    "long long": np.int64,
    "float": np.float32,
    "double": np.float64,
}
_C_TYPES = {
    np.int32: ctypes.c_int32,
    np.uint32: ctypes.c_uint32,
    np.int64: ctypes.c_int64,
    np.float32: ctypes.c_float,
    np.float64: ctypes.c_double,
}
_KERNEL = r'extern "C" __global__ void (\w+)\(([^)]*)\)'


class RawModule:
    def __init__(
        self,
        code=None,
        *,
        path=None,
        options=(),
        backend="nvrtc",
        translate_cucomplex=False,
        enable_cooperative_groups=False,
        name_expressions=None,
        jitify=None,
    ):
        if not isinstance(options, tuple):
            raise TypeError(f"expected a tuple of options, found {options!r}")
        self.code, self.options = code, options
        defined = dict(option[2:].split("=") for option in options if option.startswith("-D"))
        self.parameters = {
            name: [_parameter(text, defined) for text in parameters.split(",")]
            for name, parameters in re.findall(_KERNEL, code)
        }
        self._library = None

    def get_function(self, name):
        if name not in self.parameters:
            raise RuntimeError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}")
        return RawKernel(self.code, name, self.options, _module=self)

    def library(self):
        if self._library is None:
            self._library = ctypes.CDLL(_compile(self.code, self.options, self.parameters))
        return self._library


class RawKernel:
    def __init__(
        self,
        code,
        name,
        options=(),
        backend="nvrtc",
        translate_cucomplex=False,
        *,
        enable_cooperative_groups=False,
        jitify=False,
        _module=None,
    ):
        self._module = _module or RawModule(code, options=options)
        self.name = name

    def __call__(self, grid, block, args, *, shared_mem=0):
        _check_size("grid", grid, (2**31 - 1, 65535, 65535))
        _check_size("block", block, (1024, 1024, 64))
        if np.prod(block) > 1024:
            raise ValueError(f"CUDA allows 1024 threads a block, found {block}")
        parameters = self._module.parameters[self.name]
        if len(args) != len(parameters):
            raise TypeError(f"{self.name} takes {len(parameters)} arguments, found {len(args)}")
        values, outputs = [], []
        for (text, is_array, dtype), arg in zip(parameters, args, strict=True):
            found = arg.dtype if isinstance(arg, ndarray | np.generic) else type(arg)
            if isinstance(arg, ndarray) != is_array or found != dtype:
                raise TypeError(f"{self.name}: expected {text!r}, found {found} in {type(arg)}")
            if is_array:
                device.used(arg._memory)
                values.append(ctypes.c_void_p(arg._a.ctypes.data))
                if "const" not in text:
                    outputs.append(arg)
            else:
                values.append(_C_TYPES[dtype](arg))
        size = ctypes.c_uint32 * 3
        launch = getattr(self._module.library(), f"launch_{self.name}")
        launch(size(*_three(grid)), size(*_three(block)), *values)
        for array in outputs:
            device.written(array._memory)


def _parameter(text, defined):
    """The text of a parameter, whether it is an array, and its dtype."""
    text = " ".join(text.split())
    words = [w for w in re.findall(r"\w+", text)[:-1] if w not in ("const", "__restrict__")]
    kind = " ".join(defined.get(word, word) for word in words)
    return text, "*" in text, _TYPES[kind]


def _compile(code, options, kernels):
    launchers = []
    for name, parameters in kernels.items():
        texts = [text.replace("__restrict__", "") for text, _, _ in parameters]
        names = [re.findall(r"\w+", text)[-1] for text in texts]
        barriers = "true" if "__syncthreads" in _body(code, name) else "false"
        launchers.append(
            f'extern "C" void launch_{name}(const unsigned* grid_, const unsigned* block_, '
            f"{', '.join(texts)}) {{ run_grid(grid_, block_, {barriers}, "
            f"[=] {{ {name}({', '.join(names)}); }}); }}\n"
        )
    source = f'#include "{SHIM}"\n{code}\n{"".join(launchers)}'
    key = hashlib.sha256((source + SHIM.read_text() + str(options)).encode()).hexdigest()[:24]
    library = _FOLDER / f"{key}.so"
    if not library.exists():
        _FOLDER.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
            (Path(folder) / "kernel.cpp").write_text(source)
            made = Path(folder) / "kernel.so"
            flags = ["-std=c++20", "-O2", "-shared", "-fPIC", "-pthread", "-Wall", "-Werror"]
            flags += ["-Wno-unknown-pragmas", *options]
            command = ["g++", *flags, "-o", str(made), str(Path(folder) / "kernel.cpp")]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"g++ does not compile this kernel:\n{done.stderr}")
            made.replace(library)
    return str(library)


def _body(code, name):
    start = code.index(f"void {name}(")
    end = code.find('extern "C"', start)
    return code[start : end if end >= 0 else None]


def _three(size):
    return (*size, 1, 1)[:3]


def _check_size(what, size, most):
    if not isinstance(size, tuple) or not 1 <= len(size) <= 3:
        raise ValueError(f"{what} must be a tuple of 1 to 3 numbers, found {size!r}")
    for n, limit in zip(size, most, strict=False):
        if not isinstance(n, int) or not 1 <= n <= limit:
            raise ValueError(f"{what} must have whole numbers from 1 to {limit}, found {size}")


def compiler_missing():
    """Say what to install where there is no compiler; an empty string where there is one."""
    return "" if shutil.which("g++") else "needs g++: apt-get install g++"
