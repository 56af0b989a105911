"""What the learner's code may ask of the objects that a test hands to it."""

from __future__ import annotations

import types
from types import SimpleNamespace
from typing import Any

import numpy as np

from dlcourse.check.strict import StrictArray
from dlcourse.distributed import Communicator
from dlcourse.grading.stand import OPERATORS, Stand
from dlcourse.nn import Module, Parameter
from dlcourse.optim.optimizer import Optimizer

#: Special methods of any object.
_SPECIAL = frozenset(
    f"__{name}__"
    for name in (
        *("call", "len", "getitem", "setitem", "iter", "next", "contains", "enter", "exit"),
        "array_ufunc",
    )
)
#: Special methods of an array of the strict library.
_OF_ARRAYS = frozenset(OPERATORS) | frozenset(
    f"__{name}__"
    for name in (
        *("len", "getitem", "setitem", "bool", "float", "int", "index"),
        *("array", "array_ufunc", "array_function"),
    )
)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, np.ufunc, type)
#: Classes of the package whose objects tests hand out.
_LENT = (Module, Optimizer, Communicator, StrictArray, SimpleNamespace, Stand)
#: What a public attribute of a layer or an optimizer may be set to.
_DATA = (bool, int, float, str, tuple, np.generic, np.ndarray, type(None))


def may_ask(owner: Any, verb: str, name: str) -> bool:
    """Return whether an object of a test may be asked for this.

    Public attributes and methods may be looked at and called: of what the assignment itself
    defines, of layers, optimizers and ranks. Nothing of a function but its call. To be set are
    numbers and arrays of layers and optimizers, as ``optimizer.lr = 0.1``; what a test writes down
    is not the learner's to change.

    Parameters
    ----------
    owner : object
        What is asked.
    verb : str
        ``"call"``, ``"get"`` or ``"set"``.
    name : str
        The attribute.

    Examples
    --------
    >>> may_ask(len, "call", "__call__"), may_ask(len, "get", "__self__")
    (True, False)
    """
    if isinstance(owner, _FUNCTIONS):
        return verb == "call" and name == "__call__"
    kind = type(owner)
    if not isinstance(owner, _LENT) and kind.__module__ not in ("__main__", "builtins"):
        return False
    if name.startswith("_"):
        special = _OF_ARRAYS if isinstance(owner, StrictArray) else _SPECIAL
        return verb == "call" and name in special
    if verb != "set":
        return True
    # A method that is replaced would answer for the test's own network.
    return (
        isinstance(owner, Module | Optimizer)
        and kind.__module__.startswith("dlcourse.")
        and name in vars(owner)
        and isinstance(vars(owner)[name], _DATA)
        and not isinstance(vars(owner)[name], Module | Parameter)
    )
