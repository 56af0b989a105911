"""NVIDIA's run-time compiler takes every kernel, for three generations of GPUs, and needs none."""

from pathlib import Path

import pytest

import dlcourse.cuda
from dlcourse.cuda import source
from dlcourse.kernels import C_NAMES

nvrtc = pytest.importorskip(
    "cupy", reason="compiles CUDA C: pip install 'cupy-cuda12x[ctk]'"
).cuda.nvrtc

FILES = sorted(path.stem for path in Path(dlcourse.cuda.__file__).parent.glob("*.cu"))


def compiled(code, architecture, real):
    program = nvrtc.createProgram(code, "kernel.cu", [], [])
    try:
        nvrtc.compileProgram(program, [f"--gpu-architecture={architecture}", f"-DREAL={real}"])
        return nvrtc.getPTX(program)
    except nvrtc.NVRTCError:
        raise AssertionError(nvrtc.getProgramLog(program)) from None
    finally:
        nvrtc.destroyProgram(program)


@pytest.mark.parametrize("real", C_NAMES.values())
@pytest.mark.parametrize("architecture", ["compute_75", "compute_80", "compute_90"])
@pytest.mark.parametrize("file", FILES)
def test_compiles(file, architecture, real):
    code = source(file)
    ptx = compiled(code, architecture, real)
    kernels = code.count("__global__")
    assert kernels > 0 and ptx.count(b".entry" if isinstance(ptx, bytes) else ".entry") == kernels


def test_a_mistake_is_found():
    with pytest.raises(AssertionError, match="undefined"):
        compiled(source("relu").replace("value <= 0", "valeu <= 0"), "compute_80", "float")
