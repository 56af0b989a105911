"""What is refused, and in which words: names and numbers that a user gives, missing packages."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

#: The most of any whole number that is not bounded by something smaller.
MOST = 2**31 - 1
#: Up to this many names are listed in full; of more, only those that come near.
_FEW = 20


def one_of(what: str, value: str, known: Iterable[str]) -> None:
    """Check that a name is a known one.

    Parameters
    ----------
    what : str
        What the name stands for, as the user knows it: ``--optimizer``.
    value : str
        The name that was given.
    known : iterable of str
        The names that there are.

    Raises
    ------
    ValueError
        If it is not among them; the sentence says which names there are, or which come near.

    Examples
    --------
    >>> one_of("--optimizer", "adma", ["adam", "momentum"])
    Traceback (most recent call last):
    ...
    ValueError: --optimizer must be one of adam, momentum, found 'adma': did you mean adam?
    """
    names = list(known)
    if value in names:
        return
    near = difflib.get_close_matches(value, names, n=1)
    hint = f": did you mean {near[0]}?" if near else ""
    raise ValueError(
        f"{what} must be one of {listed(value, names)}, found {shortened(value)}{hint}"
    )


def listed(value: str, names: Sequence[str]) -> str:
    """Return the known names, in one line; of many, only the three that come nearest.

    Examples
    --------
    >>> listed("seed-7", [f"seed{n}" for n in range(30)])
    'seed7, seed27, seed17 and 27 others'
    """
    if len(names) <= _FEW:
        return ", ".join(names)
    near = difflib.get_close_matches(value, names, cutoff=0.5) or names[:3]
    return f"{', '.join(near)} and {len(names) - len(near)} others"


def number(
    what: str,
    value: float,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> None:
    """Check that a number is finite and lies in a range.

    Parameters
    ----------
    what : str
        What the number is, as the user knows it: ``--seed``.
    value : float
        The number that was given.
    least : float, optional
        The smallest that is right.
    above : float, optional
        In place of `least`, what the number must be above.
    most : float, optional
        The largest that is right; if left out, `MOST` for a whole number.

    Raises
    ------
    ValueError
        If it is not; the sentence has the name, the range and the number.

    Examples
    --------
    >>> number("--seed", -1, least=0)
    Traceback (most recent call last):
    ...
    ValueError: --seed must be at least 0, found -1
    """
    low = value > above if above is not None else least is None or value >= least
    if isinstance(value, float) and not math.isfinite(value):
        wanted = "a finite number"
    elif not low:
        wanted = f"above {above:g}" if above is not None else f"at least {least:g}"
    elif value > (most or (MOST if isinstance(value, int) else math.inf)):
        wanted = f"at most {most or MOST:,}"
    else:
        return
    raise ValueError(f"{what} must be {wanted}, found {shortened(value)}")


def whole_number(what: str, value: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`, as a Python int.

    Raises
    ------
    ValueError
        If it is less, or not a whole number.

    Examples
    --------
    >>> whole_number("batch_size", 2.5)
    Traceback (most recent call last):
        ...
    ValueError: batch_size must be a whole number, found 2.5
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{what} must be a whole number, found {value!r}")
    number(what, int(value), least=least, most=2**63 - 1)  # a seed may be large
    return int(value)


def missing(package: str, purpose: str, install: str = "") -> ImportError:
    """Return the error that says that a package is not installed.

    Parameters
    ----------
    package : str
        What it is called.
    purpose : str
        What needs it.
    install : str
        What follows ``python -m pip install``, if not just its name.

    Examples
    --------
    >>> raise missing("scikit-image", "selective search")
    Traceback (most recent call last):
    ImportError: selective search needs scikit-image, which is not installed: \
python -m pip install scikit-image
    """
    return ImportError(
        f"{purpose} needs {package}, which is not installed: "
        f"python -m pip install {install or package}"
    )


@contextmanager
def needed(package: str, purpose: str, install: str = "") -> Iterator[None]:
    """Import inside a ``with`` statement what may be `missing`.

    Raises
    ------
    ImportError
        If an import fails.

    Examples
    --------
    >>> with needed("scipy", "L-BFGS"):
    ...     from scipy.optimize import minimize
    """
    try:
        yield
    except ImportError as error:
        raise missing(package, purpose, install) from error


def shortened(value: object) -> str:
    """Return ``repr(value)``, with its middle left out where it is long.

    Examples
    --------
    >>> shortened(10**99)
    '10000000000000000000...00000000000000000000'
    """
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:20]}...{text[-20:]}"
