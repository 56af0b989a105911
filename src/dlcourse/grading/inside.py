"""What a program in a sandbox is to see: Python and packages, but for those that do the tasks."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

#: Packages that would do the tasks for the learner: inside, they are empty.
HIDDEN = (
    *("autograd", "cupy", "cupyx", "cv2", "dlcourse", "flax", "jax", "jaxlib", "keras", "nltk"),
    *("numba", "onnxruntime", "pycocotools", "scipy", "skimage", "sklearn", "tensorflow"),
    *("torch", "torchvision"),
)
#: All of the environment inside. BLAS has one thread, and nothing is compiled, so that marks do not
#: depend on the machine.
ENVIRONMENT = {
    "DLCOURSE_KERNELS": "off",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/bin:/bin",
    "USER": "learner",
}
#: The shell gives the two descriptors their numbers; nothing else stays open.
DESCRIPTORS = ("/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null', "sh")


@functools.cache
def python() -> tuple[Path, ...]:
    """Return the files and folders of this Python and of its packages, but for those in /usr."""
    homes = {Path(sys.prefix), Path(sys.base_prefix)}
    executable = Path(sys.executable)
    while executable.is_symlink():  # venv/bin/python -> python3 -> /opt/python-3.12/bin/python3
        executable = Path(os.path.normpath(executable.parent / executable.readlink()))
        homes.add(executable.parent.parent)
    parts = [
        home / part
        for home in homes - {Path("/")}
        for part in ("bin", "lib", "lib64", "pyvenv.cfg")
    ]
    return tuple(p for p in sorted(parts) if p.exists() and not p.is_relative_to("/usr"))


@functools.cache
def system() -> tuple[Path, ...]:
    """Return the folders of the system's programs and libraries, and links to them.

    Not all of /usr: images of containers have people's work in /usr/src.
    """
    folders = ("bin", "sbin", "lib", "lib32", "lib64")
    names = [
        *(f"/usr/{name}" for name in (*folders, "libexec", "share")),
        *(f"/usr/local/{name}" for name in (*folders, "share")),
        *(f"/{name}" for name in (*folders, "etc/alternatives", "etc/ld.so.cache")),
    ]
    return tuple(path for path in map(Path, names) if path.exists())


@functools.cache
def hidden() -> frozenset[Path]:
    """Return the folders of packages that are to be empty, of this Python and of the system's."""
    libraries = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64")
    folders = [*map(Path, libraries), *python()]
    places = [place for folder in folders for place in folder.glob("python3*/*-packages")]
    paths = (place / name for place in places for name in HIDDEN)
    return frozenset(path for path in paths if path.is_dir())


def around(path: Path, left_out: Collection[Path]) -> tuple[list[Path], list[Path]]:
    """Cut a folder into what may be read whole, around some folders that may not be.

    Parameters
    ----------
    path : Path
        The folder.
    left_out : collection of Path
        Folders in it.

    Returns
    -------
    tuple of two lists of Path
        What may be read with all that is in it; folders that have something left out.
    """
    if path in left_out:
        return [], []
    if not any(folder.is_relative_to(path) for folder in left_out):
        return [path], []
    readable, cut = [], [path]
    for child in path.iterdir():
        if not child.is_symlink():  # where it leads has its own place
            inner = around(child, left_out)
            readable += inner[0]
            cut += inner[1]
    return readable, cut


def as_outside(command: Sequence[str], read_only: Mapping[Path, Path]) -> list[str]:
    """Return a command with paths as they are outside, for where nothing is mounted.

    Examples
    --------
    >>> as_outside(["python", "/course/worker.py"], {Path("/home/ann"): Path("/course")})
    ['python', '/home/ann/worker.py']
    """
    changed = []
    for word in command:
        for outside, inside in read_only.items():
            if Path(word).is_relative_to(inside):
                word = str(outside / Path(word).relative_to(inside))
                break
        changed.append(word)
    return changed
