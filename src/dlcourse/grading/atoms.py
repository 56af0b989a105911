"""Data without parts as JSON: NumPy's numbers, dtypes, ranges; the states of generators."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcourse.grading.errors import CannotCross
from dlcourse.grading.shared import KINDS
from dlcourse.grading.wire import Malformed

#: Numbers in a range.
LONGEST = 1_000_000
_TYPES = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, list, tuple, dict, *set(np.sctypeDict.values()))
}
_TYPE_NAMES = {kind: name for name, kind in _TYPES.items()}
_BITS: dict[str, type[Any]] = {
    name: getattr(np.random, name) for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
}


def atom_out(value: Any) -> Any:
    """Return what stands for a value as JSON, None if it is something else.

    Examples
    --------
    >>> atom_out(np.float32(0.5)), atom_out(range(3)), atom_out(np.float64)
    (['n', '<f4', '0000003f'], ['r', 0, 3, 1], ['T', 'float64'])
    """
    if isinstance(value, np.generic) and value.dtype.char in KINDS:
        return ["n", value.dtype.str, value.tobytes().hex()]
    for plain in (bool, int, float, str):  # of a class derived from it
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, complex):
        return ["c", value.real, value.imag]
    if isinstance(value, bytes):
        return ["b", value.hex()]
    if isinstance(value, range):
        if len(value) > LONGEST:
            raise CannotCross(f"a range of more than {LONGEST:,} numbers cannot be handed over")
        return ["r", value.start, value.stop, value.step]
    if value is Ellipsis:
        return ["e"]
    if isinstance(value, np.dtype) and (code := dtype_out(value)) is not None:
        return ["D", code]
    if isinstance(value, type) and value in _TYPE_NAMES:
        return ["T", _TYPE_NAMES[value]]
    return ["M"] if value is np else None


def atom_in(tag: str, rest: list[Any]) -> Any:
    """Return the value that `atom_out` wrote on the other side."""
    if tag == "n":
        return np.frombuffer(bytes.fromhex(rest[1]), dtype_in(rest[0]))[0]
    if tag == "c":
        return complex(*rest)
    if tag == "b":
        return bytes.fromhex(*rest)
    if tag == "r" and len(found := range(*rest)) <= LONGEST:
        return found
    if tag == "e":
        return ...
    if tag == "D":
        return dtype_in(*rest)
    if tag == "T":
        return _TYPES[rest[0]]
    if tag == "M":
        return np
    raise Malformed("a kind of data that is not known")


def dtype_out(dtype: np.dtype) -> Any:
    """Return a dtype of numbers, or of records of numbers, as JSON; None if it is another."""
    if dtype.names is None:
        return dtype.str if dtype.char in KINDS else None
    fields = [(name, *dtype.fields[name][:2]) for name in dtype.names]  # type: ignore[index]
    if any(kind.char not in KINDS for _, kind, _ in fields):
        return None
    return [dtype.itemsize, *([name, kind.str, offset] for name, kind, offset in fields)]


def dtype_in(code: Any) -> np.dtype:
    """Return the dtype that `dtype_out` wrote; refuse all others."""
    if isinstance(code, str):
        dtype = np.dtype(code)
    else:
        size, *fields = code
        names, formats, offsets = zip(*fields, strict=True)
        spec: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
        dtype = np.dtype(spec)
    if dtype_out(dtype) is None:
        raise Malformed("a dtype that is not one of numbers")
    return dtype


def state_out(generator: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator as JSON."""
    return {name: _listed(part) for name, part in generator.bit_generator.state.items()}


def state_in(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state, for ``generator.bit_generator.state = ...``."""
    return {name: _arrays(part) for name, part in state.items()}


def generator_in(state: dict[str, Any]) -> np.random.Generator:
    """Return a generator in a state."""
    generator = np.random.Generator(_BITS[state["bit_generator"]]())
    generator.bit_generator.state = state_in(state)
    return generator


def _listed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return {k: _listed(v) for k, v in value.items()} if isinstance(value, dict) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, list):
        return np.array(value, np.uint64)
    return {k: _arrays(v) for k, v in value.items()} if isinstance(value, dict) else value
