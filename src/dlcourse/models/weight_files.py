"""Files of weights, of whatever kind: the named arrays in them."""

from __future__ import annotations

import os
from pathlib import Path

import ml_dtypes
import numpy as np

from dlcourse.expect import needed
from dlcourse.files import Found
from dlcourse.models.torch_file import read_torch_file
from dlcourse.nn.weights import load_arrays, reading_weights


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the named arrays of a ``.safetensors``, ``.npz`` or ``.pth`` file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or of another kind.
    ImportError
        If it is a ``.safetensors`` file and the package safetensors is not installed.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return load_arrays(path)
    if path.suffix in (".pth", ".pt"):
        return read_torch_file(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    raise ValueError(
        'expected "imagenet" or the path of a .safetensors, .npz or .pth file, '
        f"found {os.fspath(path)!r}"
    )


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    with needed("safetensors", str(path)):
        from safetensors import safe_open
    arrays = {}
    with (
        reading_weights(path, "a whole .safetensors file of plain arrays"),
        safe_open(path, framework="numpy") as file,
    ):
        # A safe_open cannot be iterated over.
        for name in file.keys():  # noqa: SIM118
            kind = file.get_slice(name).get_dtype()
            if kind.startswith("F") and kind not in ("F64", "F32", "F16"):
                raise Found(f"{name!r} in {kind}, which has scales elsewhere: convert it to F32")
            array = file.get_tensor(name)
            # NumPy knows the name bfloat16 from ml_dtypes, but little of it works with that.
            arrays[name] = array.astype(np.float32) if array.dtype == ml_dtypes.bfloat16 else array
    return arrays
