"""The common ground of explorers and quizzes: data from Python, everything else in the browser.

An explorer is a small anywidget. What it shows is computed once, when the page is built, and
travels in the page; the JavaScript in ``explore/js`` reacts to the reader. So it works in the
built book with neither a kernel nor a network, and the same in Jupyter, Colab and Binder.

The files in ``js/`` are plain ES modules without dependencies and without a build step. What
travels is a dataclass of the explorer's module, ``_Data``, which the JavaScript declares again, as
``Data``: mypy checks what is written, TypeScript what is read, and a test that both mean the same.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import anywidget
import numpy as np
import traitlets

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FOLDER = Path(__file__).resolve().parents[1] / "js"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.\.?/[\w./-]+)";\n', re.MULTILINE)
_RAW = re.compile(r'^import (\w+) from "(\.\.?/[\w./-]+)\?raw";.*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:class|const|function\*?|let) (\w+)", re.MULTILINE)
#: Comments on lines of their own that begin with two asterisks.
_COMMENT = re.compile(r"^ */\*\*.*?\*/ *\n", re.MULTILINE | re.DOTALL)


class Explorer(anywidget.AnyWidget):
    """A widget that ``js/KIND.js`` draws from ready-made data.

    Parameters
    ----------
    kind : str
        Name of the JavaScript module, and of the Python module that computes its data.
    title : str
        The name that readers see and screen readers announce.
    data : dataclass
        What the module shows, in what JSON knows, with arrays as `pack` makes them.

    Examples
    --------
    >>> from dlcourse.explore.iou import iou
    >>> iou()
    Explorer: when is a box right? (reacts to mouse and keyboard where widgets are shown)
    """

    kind = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, kind: str, title: str, data: DataclassInstance) -> None:
        super().__init__(
            kind=kind,
            title=title,
            # There and back: here it is as it will be there, with lists for tuples.
            data=json.loads(json.dumps(asdict(data), allow_nan=False)),
            _esm=bundle(f"{kind}.js"),
            _css=style(kind),
            # In a page the style of one id replaces the one before, and each kind has its own.
            _anywidget_id=f"dlcourse.explore.{kind}",
        )

    def __repr__(self) -> str:
        """Return what is shown where there are no widgets."""
        return f"{self.title} (reacts to mouse and keyboard where widgets are shown)"


def bundle(name: str) -> str:
    """Return a module of ``js/`` as one text, with the modules that it imports before it.

    anywidget takes a single module; a page opened from the disk could not import others. Each
    imported module becomes a function that returns what it exports, so its other names are its own.
    ``import text from "./worker.js?raw"`` gives the bundle of another module as text, for a worker.
    Comments that declare types are for those who read the sources, and stay there.

    Examples
    --------
    >>> "import " in bundle("quiz.js"), "export default" in bundle("quiz.js")
    (False, True)
    """
    done: set[Path] = set()

    def join(path: Path) -> tuple[str, str]:
        """Return the modules before one that are not there yet, and its own text."""
        text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
        others = [(path.parent / other).resolve() for _, other in _IMPORT.findall(text)]
        before = "".join(map(enclosed, others))
        text = _IMPORT.sub(lambda m: _constants(m[1], path.parent / m[2]), text)
        raw = _RAW.sub(lambda m: f"const {m[1]} = {_literal(path.parent / m[2])};\n", text)
        return before, raw

    def enclosed(path: Path) -> str:
        if path in done:
            return ""
        done.add(path)
        before, text = join(path)
        names = ", ".join(_EXPORT.findall(text))
        text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
        return f"{before}const {_variable(path)} = (() => {{\n{text}return {{ {names} }};\n}})();\n"

    return "".join(join(FOLDER / name))


def _constants(names: str, path: Path) -> str:
    """Return the line that takes the place of an import: ``as`` renames in it."""
    names = re.sub(r"\s+as\s+", ": ", " ".join(names.split()))
    return f"const {{ {names.strip(' ,')} }} = {_variable(path)};\n"


def _variable(path: Path) -> str:
    """Return the name that the exports of a module have in a bundle."""
    return "$" + re.sub(r"\W", "_", str(path.resolve().relative_to(FOLDER).with_suffix("")))


def _literal(path: Path) -> str:
    """Return the bundle of a module as a text of JavaScript."""
    return json.dumps(bundle(str(path.resolve().relative_to(FOLDER))))


def style(kind: str) -> str:
    """Return the style of a kind of explorer: that of all explorers, and its own if it has one.

    Examples
    --------
    >>> ".dl-bits" in style("formats"), ".dl-bits" in style("iou")
    (True, False)
    """
    shared = sorted((FOLDER / "lib").glob("*.css"), key=lambda path: (path.stem != "common", path))
    own = FOLDER / f"{kind}.css"
    files = [*shared, own] if own.exists() else shared
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


class Packed(TypedDict):
    """An array as `pack` makes it and ``unpack`` of ``js/lib/packed.js`` takes it."""

    shape: list[int]
    low: float
    high: float
    bytes: str


def pack(values: np.ndarray, low: float = 0.0, high: float = 1.0) -> Packed:
    """Return an array as 256 steps from `low` to `high`, for the browser: one byte per value.

    Parameters
    ----------
    values : array
        Of any shape; values beyond the limits become the limits.
    low, high : float
        What the bytes 0 and 255 stand for.

    Returns
    -------
    Packed
        ``shape``, ``low``, ``high``, and ``bytes`` in base64.

    Examples
    --------
    >>> pack(np.array([0.0, 0.5, 1.0]))
    {'shape': [3], 'low': 0.0, 'high': 1.0, 'bytes': 'AID/'}
    """
    share = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    steps = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    text = base64.b64encode(steps.tobytes()).decode()
    return {"shape": list(values.shape), "low": float(low), "high": float(high), "bytes": text}


def squares(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Check grey images and their names, and return (N, S, S).

    Raises
    ------
    ValueError
        If the images do not have shape (N, 1, S, S), or there is not one name for each.

    Examples
    --------
    >>> squares(np.zeros((2, 1, 8, 8), np.float32), ["a", "b"]).shape
    (2, 8, 8)
    """
    if images.ndim != 4 or images.shape[1] != 1 or images.shape[2] != images.shape[3]:
        raise ValueError(f"images must have shape (N, 1, S, S), found {images.shape}")
    if len(images) != len(names):
        raise ValueError(f"expected one name per image, found {len(names)} for {len(images)}")
    return images[:, 0]
