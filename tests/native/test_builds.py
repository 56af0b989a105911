"""The kernels under sanitizers, with shorter vectors, and compiled for other machines."""

import importlib.util
import itertools
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlcourse.kernels import C_NAMES
from dlcourse.native.compiler import flags, libraries
from dlcourse.native.library import FOLDER

HERE = Path(__file__).parent
#: What compares kernels with NumPy: all but these.
OTHERS = [f"--ignore={HERE}/test_{name}.py" for name in ("builds", "library", "memory", "pool")]
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
BUILDS = {"sanitizers": SANITIZERS, "AVX2": "-mno-avx512f", "SSE": "-mno-avx"}
WARNINGS = ("-Wall", "-Wextra", "-Werror")
#: What Zig calls them, and their ``sys.platform``.
TARGETS = {
    "x86_64-linux-gnu -mcpu=x86_64_v2": "linux",
    "x86_64-linux-gnu -mcpu=x86_64_v3": "linux",
    "x86_64-linux-gnu -mcpu=x86_64_v4": "linux",
    "aarch64-linux-gnu": "linux",
    "aarch64-macos": "darwin",
    "x86_64-macos": "darwin",
    "x86_64-windows-gnu -mcpu=x86_64_v3": "win32",
    "aarch64-windows-gnu": "win32",
}


# -- built otherwise, and run -------------------------------------------------------------

needs_gcc = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("gcc"),
    reason="needs Linux and its gcc: apt-get install gcc",
)


def environment(flags, cache):
    """In which kernels are compiled with further flags, and memory is checked if these say so."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PYTEST_", "DLCOURSE_"))}
    kept |= {"CC": f"gcc {flags}", "XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "3"}
    if flags == SANITIZERS:
        find = ["gcc", "-print-file-name=libasan.so"]
        kept["LD_PRELOAD"] = subprocess.run(find, capture_output=True, text=True).stdout.strip()
        # Python ends without freeing all; what it hands out in parts of larger blocks is not seen.
        kept |= {"ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    return kept | {"PYTHONPATH": os.pathsep.join(sys.path)}


@needs_gcc
@pytest.mark.parametrize("build", BUILDS)
def test_kernels_built_otherwise(build, tmp_path):
    if build != "sanitizers" and platform.machine() != "x86_64":
        pytest.skip("only x86-64 has vectors of several lengths to choose from")
    test = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", HERE, *OTHERS]
    begin = "from dlcourse.native import status; there, told = status(); print(told); assert there"
    told = ""
    for command in ([sys.executable, "-c", begin], test):
        done = subprocess.run(
            command, env=environment(BUILDS[build], tmp_path), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        told += done.stdout
    for name, size in {"AVX2": 32, "SSE": 16}.items():
        assert build != name or f"vectors of {size} bytes" in told


@needs_gcc
@pytest.mark.parametrize("index, inside", [(2, True), (3, False)])
def test_a_kernel_that_reads_too_far_is_noticed(tmp_path, index, inside):
    (tmp_path / "last.c").write_text(
        '#include "vector.h"\nAPI float value(float *x, int i) { return x[i]; }\n'
    )
    shutil.copy(FOLDER / "vector.h", tmp_path)
    code = f"""
import ctypes, pathlib
import numpy as np
from dlcourse.native import library
library.FOLDER = pathlib.Path({str(tmp_path)!r})
x = np.zeros(3, np.float32)
library.library(x.dtype).value(ctypes.c_void_p(x.ctypes.data), {index})
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(SANITIZERS, tmp_path / "cache"),
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == inside
    assert ("heap-buffer-overflow" in done.stderr) != inside


@needs_gcc
@pytest.mark.parametrize("real", C_NAMES.values())
def test_results_do_not_depend_on_where_memory_lies(tmp_path, real):
    driver, program = HERE / "scratch_driver.c", tmp_path / "driver"
    options = ["-std=gnu11", "-O2", "-march=native", *WARNINGS, "-pthread", f"-DREAL={real}"]
    options += ["-Dmalloc=hand_out", "-Dfree=ignore"]
    subprocess.run(["gcc", *options, *FOLDER.glob("*.c"), driver, "-o", program, "-lm"], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- for other machines -------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_compiles_for(target, tmp_path):
    zig = importlib.util.find_spec("ziglang")
    if not zig:
        pytest.skip("needs Zig, which compiles for any machine: pip install ziglang")
    system = TARGETS[target]
    command = [sys.executable, "-m", "ziglang", "cc", *flags(system), "-target"]
    command += target.split()

    def ask(*options):
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def compile_one(job):
        ask(*WARNINGS, f"-DREAL={job[1]}", "-c", job[0], "-o", into(*job))

    def into(source, real):
        return str(tmp_path / f"{source.stem}-{real}.o")

    jobs = list(itertools.product(FOLDER.glob("*.c"), C_NAMES.values()))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(compile_one, jobs))
    for real in C_NAMES.values():
        objects = [into(*job) for job in jobs if job[1] == real]
        ask("-shared", *objects, *libraries(system), "-o", tmp_path / f"{real}.library")
