"""What is installed and in place, and what to do about what is missing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dlcourse import native, zoo
from dlcourse.backend import cuda_status
from dlcourse.data import data_folder, load_mnist

#: What each optional package is for, and the extra that brings it.
_OPTIONAL = {
    "jupyter_book": ("to build the book", "book"),
    "ipywidgets": ("for the book's explorers", "book"),
    "nbgrader": ("to grade the exercises of a class", "grading"),
    "pytest": ("to run the tests", "test"),
    "safetensors": ("to load published weights", "pretrained"),
    "torch": ("to compare with PyTorch", "parity"),
    "mpi4py": ("to train on several processes", "mpi"),
}


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    name: str
    state: Literal["ok", "missing", "broken"]  #: only what every chapter needs is ever broken
    detail: str  #: what was found, and what to do if it is not as it should be


def check_all() -> list[Check]:
    """Check everything; takes about a second.

    Examples
    --------
    >>> [check.name for check in check_all()][:3]
    ['python', 'numpy', 'gpu']
    """
    return [
        Check("python", "ok", f"{platform.python_version()} at {sys.executable}"),
        *_numpy(),
        _needed("mnist", _mnist),
        _needed("weights", _weights),
        _downloads(),
        *_optional(),
    ]


def _numpy() -> Iterator[Check]:
    versions = zoo.versions()
    yield Check("numpy", "ok", f"{versions['numpy']} with {versions['blas']}")
    status = cuda_status()
    yield Check("gpu", "ok" if " on " in status else "missing", status)
    there, told = native.status()
    yield Check("kernels", "ok" if there else "missing", told)


def _needed(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look())
    except (ValueError, OSError) as error:
        return Check(name, "broken", str(error))


def _mnist() -> str:
    train, test = load_mnist()
    return f"{len(train):,} + {len(test):,} images, checksums right"


def _weights() -> str:
    entries = zoo.names()
    if not entries:
        raise ValueError(
            f"expected the entries of the zoo in {zoo.FOLDER}, found none; reinstall the "
            "package from its repository"
        )
    for name in entries:
        path, record = zoo.FOLDER / f"{name}.npz", zoo.record(name)
        if path.exists() and (
            hashlib.sha256(path.read_bytes()).hexdigest() != record.get("weights_sha256")
        ):
            raise ValueError(
                f"{path}: the weights are not those of the record beside them; reinstall the "
                "package from its repository"
            )
    return f"{len(entries)} zoo entries, checksums right"


def _downloads() -> Check:
    folder = data_folder()
    return Check(
        "downloads",
        "ok",
        f"kept in {folder}; `dlcourse data fashion-mnist cifar-10` fetches them",
    )


def _optional() -> Iterator[Check]:
    for module, (purpose, extra) in _OPTIONAL.items():
        name = module.replace("_", "-")
        if importlib.util.find_spec(module) is None:
            yield Check(
                name,
                "missing",
                f"{purpose}; in the repository `pip install -e '.[{extra}]'` installs it",
            )
        else:
            yield Check(name, "ok", f"{importlib.metadata.version(name)}, {purpose}")
