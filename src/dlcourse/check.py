"""What exercises assert with: each check passes in silence, or says in one sentence what is wrong.

A check raises `CheckFailed`, and its message names the likely mistake, not only the difference.
``check.close(dw, expected, "dw")`` finds out by itself whether the array at hand is twice too
large, has the wrong sign or the axes swapped; for mistakes that belong to one task, the task hands
over what they would give: ``mistakes={"the padding seems to be forgotten": unpadded}``.

Tests of an exercise call the learner's code through `own_work`, which notices when it calls the
finished layer of `dlcourse` instead of doing the work itself.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import permutations
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

#: What `own_work` takes for somebody else's work: the modules of the package that do the lessons.
FINISHED = (
    "dlcourse.data.augment",
    "dlcourse.models",
    "dlcourse.nn",
    "dlcourse.optim",
    "dlcourse.training",
    "dlcourse.zoo",
    "scipy",
    "torch",
)
#: The base classes, which nobody has to write again.
COMMON = ("dlcourse.nn.module", "dlcourse.nn.containers")

#: Seconds that this thread computed, so that other programs do not matter. Windows counts them in
#: steps of 16 ms only.
COMPUTED = time.perf_counter if sys.platform == "win32" else time.thread_time


class CheckFailed(AssertionError):
    """What was handed in is not right yet; the message says why, as far as can be told."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of the way through the checks, which would say nothing.
        return [f"Not right yet: {self}"]


def that(condition: object, message: str) -> None:
    """Fail with a message unless the condition holds.

    Examples
    --------
    >>> that(1 + 1 == 2, "one and one should be two")
    """
    if not condition:
        raise CheckFailed(message)


def raises(error: type[Exception], function: Callable[[], object], message: str) -> None:
    """Fail with a message unless the call raises an error of the given kind.

    Examples
    --------
    >>> raises(ZeroDivisionError, lambda: 1 / 0, "division by zero should be refused")
    """
    try:
        function()
    except error:
        return
    raise CheckFailed(message)


def shape(value: object, expected: tuple[int, ...], name: str) -> None:
    """Fail unless `value` is an array of the expected shape.

    Parameters
    ----------
    value : object
        What the learner's code returned.
    expected : tuple of int
        The shape it should have.
    name : str
        What to call it in the message.

    Examples
    --------
    >>> shape(np.zeros((2, 3)), (2, 3), "y")
    >>> shape(np.zeros((3, 2)), (2, 3), "y")
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: y should have the shape (2, 3), but has (3, 2): two axes seem \
to be swapped; a transpose may be missing.
    """
    if value is None:
        raise CheckFailed(f"{name} is None; is a return missing?")
    if not isinstance(value, np.ndarray):
        if np.isscalar(value) and expected == ():
            return
        raise CheckFailed(f"{name} should be a NumPy array, but is a {type(value).__name__}.")
    found = value.shape
    if found == expected:
        return
    text = f"{name} should have the shape {expected}, but has {found}"
    if sorted(found) == sorted(expected):
        text += ": two axes seem to be swapped; a transpose may be missing"
    elif [n for n in found if n != 1] == [n for n in expected if n != 1]:
        text += ": only an axis of length 1 is missing or too much; look at keepdims and reshape"
    elif value.size == np.prod(expected):
        text += ": the number of values is right, so a reshape may be missing"
    elif len(found) == len(expected) > 2 and found[:2] == expected[:2]:
        text += ": look at how padding and stride enter the height and width"
    raise CheckFailed(text + ".")


def dtype(value: np.ndarray, expected: DTypeLike, name: str) -> None:
    """Fail unless the array has the expected dtype.

    Examples
    --------
    >>> dtype(np.zeros(2, np.float32), np.float32, "y")
    >>> dtype(np.zeros(2), np.float32, "y")
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: y should be float32, as the input is, but became float64; \
np.zeros, np.ones and rng.random make float64 unless you pass dtype=.
    """
    expected = np.dtype(expected)
    if value.dtype != expected:
        raise CheckFailed(
            f"{name} should be {expected}, as the input is, but became {value.dtype}; "
            "np.zeros, np.ones and rng.random make float64 unless you pass dtype=."
        )


def close(
    value: Any,
    expected: ArrayLike,
    name: str,
    mistakes: Mapping[str, ArrayLike | None] | None = None,
    tolerance: float = 1e-5,
) -> None:
    """Fail unless `value` is what was expected, up to rounding.

    Parameters
    ----------
    value : array
        What the learner's code returned.
    expected : array
        What is right.
    name : str
        What to call it in the message.
    mistakes : dict, optional
        From a sentence to the result that a typical mistake would give. Where that is what was
        found, the sentence is the message.
    tolerance : float
        Largest difference allowed, as a share of the largest expected value. The default fits
        float32 after some hundred additions.

    Examples
    --------
    >>> y = np.array([1.0, -2.0, 3.0])
    >>> close(y + 1e-9, y, "y")
    >>> close(-y, y, "dx")
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: dx is right except for its sign.
    >>> close(y + 1, y, "y", mistakes={"The bias seems to be added twice.": y + 1})
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: The bias seems to be added twice.
    """
    expected = np.asarray(expected, np.float64)

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        allowed = tolerance * max(1e-3, float(np.abs(b).max(initial=0)))
        return a.shape == b.shape and bool((np.abs(a - b) <= allowed).all())

    real = np.asarray(value).dtype.kind in "fiub"
    for sentence, wrong in (mistakes or {}).items():
        if wrong is not None and real:
            wrong = np.asarray(wrong, np.float64)
            if same(np.asarray(value), wrong) and not same(wrong, expected):
                raise CheckFailed(sentence)
    shape(value, expected.shape, name)
    if not real:
        kind = np.asarray(value).dtype
        raise CheckFailed(f"{name} should hold real numbers, but is of dtype {kind}.")
    value = np.asarray(value, np.float64)
    if same(value, expected):
        return
    raise CheckFailed(_likely(value, expected, name, same))


def _likely(
    value: np.ndarray,
    expected: np.ndarray,
    name: str,
    same: Callable[[np.ndarray, np.ndarray], bool],
) -> str:
    """Say what could have gone wrong, from the two arrays alone."""
    if not np.isfinite(value).all():
        return f"{name} holds NaN or infinity; is there a division by zero, or memory never filled?"
    if not value.any():
        return f"{name} is zero everywhere; is the result written to where it is returned from?"
    if same(-value, expected):
        return f"{name} is right except for its sign."
    factor = float(np.vdot(expected, value) / max(np.vdot(expected, expected), 1e-300))
    if abs(factor) > 1e-12 and same(value / factor, expected):
        return (
            f"{name} is {factor:.4g} times what it should be; is something divided by a size, or "
            "summed, once too often or not at all?"
        )
    difference = value - expected
    if same(difference, np.full_like(difference, difference.mean())):
        return f"{name} is off by {difference.mean():.4g} everywhere; look at what is added last."
    if value.ndim > 1:
        if value.ndim <= 4:
            for axes in permutations(range(value.ndim)):
                if same(value.transpose(axes), expected):
                    return f"{name} holds the right numbers with two axes swapped."
        for axis in range(value.ndim):
            if same(np.flip(value, axis), expected):
                return f"{name} is right but reversed along axis {axis}."
    wrong = np.abs(difference) > 1e-4 * max(1e-3, float(np.abs(expected).max()))
    if value.ndim == 4 and not wrong[:, :, 1:-1, 1:-1].any() and wrong[..., 1:-1, 1:-1].size:
        return f"{name} is right inside and wrong along the border; look at the padding."
    if value.ndim and len(value) > 1 and not wrong[0].any():
        return f"{name} is right for the first item only; does it depend on the others?"
    where = np.unravel_index(int(np.abs(difference).argmax()), value.shape)
    return (
        f"{name} has the right shape, but {wrong.mean():.0%} of its values are wrong; the largest "
        f"difference is at {tuple(int(i) for i in where)}: {value[where]:.6g} instead of "
        f"{expected[where]:.6g}."
    )


def numerical_gradient(
    function: Callable[[], Any], values: np.ndarray, dy: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Return the gradient of ``sum(function() * dy)`` with respect to an array it depends on.

    Parameters
    ----------
    function : callable
        Gives the output, of the shape of `dy`.
    values : array of float64
        What to move, one entry at a time; it is left as it was.
    dy : array
        The gradient of the loss with respect to the output.
    step : float
        How far an entry moves either way.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> numerical_gradient(lambda: x**2, x, np.ones(2)).round(6)
    array([2., 4.])
    """
    gradient = np.empty_like(values)
    for index in np.ndindex(values.shape):
        old = values[index]
        values[index] = old + step
        above = np.array(function())
        values[index] = old - step
        below = np.array(function())
        values[index] = old
        gradient[index] = np.vdot(dy, above - below) / (2 * step)
    return gradient


def gradient(
    function: Callable[[], Any],
    values: np.ndarray,
    found: Any,
    dy: np.ndarray,
    name: str,
    mistakes: Mapping[str, ArrayLike | None] | None = None,
) -> None:
    """Fail unless `found` is the gradient that moving each value up and down gives.

    Parameters
    ----------
    function, values, dy
        As in `numerical_gradient`.
    found : array
        The gradient to check.
    name, mistakes
        As in `close`.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> gradient(lambda: x**2, x, x, np.ones(2), "dx")
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: dx is 0.5 times what it should be; is something divided by a \
size, or summed, once too often or not at all?
    """
    close(found, numerical_gradient(function, values, dy), name, mistakes, tolerance=1e-6)


def faster(
    yours: Callable[[], object],
    reference: Callable[[], object],
    limit: float,
    name: str,
    than: str,
    cause: str,
    repeats: int = 3,
    clock: Callable[[], float] = COMPUTED,
) -> None:
    """Fail unless `yours` takes at most `limit` times as long as `reference`.

    Both run in turn, `repeats` times, and the shortest time of each counts; where it can be told,
    that is the time this thread computed. So it does not matter how fast the machine is, and hardly
    what else it does. Choose a limit that is several times
    what a right answer needs, and several times less than what a wrong one does. Call it outside
    of `own_work`, which makes Python code slower.

    Parameters
    ----------
    yours, reference : callable
        The learner's work, and what it is compared with: plain loops, or the finished layer.
    limit : float
        Largest time allowed, as a multiple of the reference's: below 1 where `yours` has to be
        faster.
    name, than : str
        What to call the two in the message.
    cause : str
        What is likely to make it slow.
    repeats : int
        How often each is timed.
    clock : callable
        Gives the time in seconds; `COMPUTED` unless a test of this check needs another.

    Examples
    --------
    >>> x = np.ones(10_000)
    >>> def loop():
    ...     return sum(value * value for value in x)
    >>> faster(lambda: x @ x, loop, 0.5, "your product", "the loop", "a loop over values")
    >>> faster(loop, lambda: x @ x, 2, "sum", "x @ x", "a loop over values")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: sum takes ... times as long as x @ x, and should take at most 2 \
times as long; the likely cause is a loop over values.
    """
    best = [float("inf"), float("inf")]
    for _ in range(repeats):
        for i, function in enumerate((yours, reference)):
            start = clock()
            function()
            best[i] = min(best[i], clock() - start)
    ratio = best[0] / max(best[1], 1e-9)
    if ratio > limit:
        rounded = float(f"{ratio:.2g}")  # 1,300 and not 1.3e+03
        raise CheckFailed(
            f"{name} takes {rounded:,g} times as long as {than}, and should take at most {limit:g} "
            f"times as long; the likely cause is {cause}."
        )


@contextmanager
def unchanged(**arrays: np.ndarray) -> Iterator[None]:
    """Fail if one of the arrays is another after the block than before.

    Examples
    --------
    >>> x = np.zeros(3)
    >>> with unchanged(x=x):
    ...     x += 1
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: x was changed on the way; work on a copy, for += and [...] = \
write into the array of the caller.
    """
    before = {name: array.copy() for name, array in arrays.items()}
    yield
    for name, array in arrays.items():
        if not np.array_equal(array, before[name], equal_nan=True):
            raise CheckFailed(
                f"{name} was changed on the way; work on a copy, for += and [...] = write into the "
                "array of the caller."
            )


@contextmanager
def own_work(allowed: tuple[str, ...] = (), but_not: tuple[str, ...] = ()) -> Iterator[None]:
    """Fail if the block calls what the exercise asks for ready-made.

    Every call of a Python function is looked at, so it does not matter by which name, base class
    or detour the finished function is reached.

    Parameters
    ----------
    allowed : tuple of str
        Modules of `FINISHED` that this exercise may use.
    but_not : tuple of str
        Modules, classes or functions that it may not use all the same, for example
        ``"dlcourse.nn.containers.Concat"``.

    Examples
    --------
    >>> from dlcourse.nn import ReLU
    >>> with own_work():
    ...     y = ReLU()(np.ones(3))
    Traceback (most recent call last):
        ...
    dlcourse.check.CheckFailed: This calls the finished code of dlcourse.nn.activation.ReLU; \
the exercise is to write that part yourself.
    """
    caught: list[str] = []
    before = sys.getprofile()

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
                return  # the body of a module or class, run by an import
            # What the module defines, and the call is a part of: dlcourse.nn.activation.ReLU.
            outermost = frame.f_code.co_qualname.partition(".")[0]
            name = f"{frame.f_globals.get('__name__', '')}.{outermost}"
            if _within(name, but_not) or (
                _within(name, FINISHED) and not _within(name, COMMON + allowed)
            ):
                caught.append(name)
        elif event == "c_call":
            module = getattr(argument, "__module__", None) or ""
            if _within(module, ("torch", "scipy")):
                caught.append(module)

    sys.setprofile(look)
    try:
        yield
    except Exception:
        sys.setprofile(before)
        if not caught:  # a mistake inside of the finished code is not the point
            raise
    finally:
        sys.setprofile(before)
    if caught:
        raise CheckFailed(
            f"This calls the finished code of {caught[0]}; the exercise is to write that part "
            "yourself."
        )


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def passed(task: str, hidden: bool = True) -> None:
    """Say that the visible tests of a task passed, and that this is not the end.

    Examples
    --------
    >>> passed("Task 1")
    Task 1: the visible tests pass. Hidden tests come when your work is graded.
    """
    more = " Hidden tests come when your work is graded." if hidden else ""
    print(f"{task}: the visible tests pass.{more}")
