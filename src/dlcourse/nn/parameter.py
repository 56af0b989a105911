"""`Parameter`: an array that is learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NoReturn

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.habits import Familiar


class Parameter(Familiar):
    """An array that is learnt, with the gradient of the loss with respect to it.

    Parameters
    ----------
    data : array
        The initial values; training works in their dtype (float32 by default everywhere).

    Attributes
    ----------
    data : array
        The values. Optimizers change them in place.
    grad : array or None
        The gradient, of the same shape; None until a backward pass has run.
    requires_grad : bool
        Whether it learns; see `Module.requires_grad_`.

    Examples
    --------
    >>> w = Parameter(np.zeros(3, np.float32))
    >>> w.accumulate(np.ones(3, np.float32)); w.accumulate(np.ones(3, np.float32))
    >>> w.grad
    array([2., 2., 2.], dtype=float32)
    """

    hints: ClassVar = {
        "requires_grad_": "write parameter.requires_grad = False",
        "requires_grad=": "write parameter.requires_grad = False afterwards",
        "size": "write parameter.shape, or parameter.numel()",
        "dim": "write parameter.data.ndim",
        "view": "write parameter.data.reshape(shape)",
        "clone": "write parameter.data.copy()",
        "register_hook": "look at parameter.grad after the backward pass",
        "backward": "there is no autograd, write model.backward(criterion.backward())",
    }

    def __init__(self, data: Array) -> None:
        if not hasattr(data, "dtype"):
            raise TypeError(
                f"Parameter expects an array, found {type(data).__name__}: "
                "write Parameter(np.zeros(3, np.float32))"
            )
        self.data = data
        self.grad: Array | None = None
        self.requires_grad = True

    def accumulate(self, grad: Array | Callable[[], Array]) -> None:
        """Add to the gradient, so that a parameter used twice receives both shares.

        Parameters
        ----------
        grad : array, or callable that returns one
            The share. A function is called only if the parameter learns: so a frozen layer saves
            the work.
        """
        if not self.requires_grad:
            return
        grad = (grad() if callable(grad) else grad).astype(self.data.dtype, copy=False)
        self.grad = grad if self.grad is None else self.grad + grad

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient, or fill it with zeros."""
        keep = self.grad is not None and not set_to_none
        self.grad = array_module(self.grad).zeros_like(self.grad) if keep else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        shape: tuple[int, ...] = self.data.shape
        return shape

    def numel(self) -> int:
        """Return how many values there are."""
        return int(self.data.size)

    def _hint(self, name: str) -> str:
        of_array = f".{name}" if hasattr(np.ndarray, name) else ""
        if name.endswith("_") and not name.endswith("__"):  # torch's names for changes in place
            of_array = "[...] = values"
        return super()._hint(name) or f"its values are an array, write parameter.data{of_array}"

    def _refuse(self, *_: object, **options: object) -> NoReturn:
        raise TypeError("a Parameter is no array: its values are one, write parameter.data")

    # NumPy would take it for an object, and compute with that or not say what is wrong.
    __array__ = __float__ = __getitem__ = __setitem__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __matmul__ = __rmatmul__ = _refuse

    def __repr__(self) -> str:
        return f"Parameter({self.data.dtype}, shape={self.data.shape})"
