"""The number that a loss returns."""

from __future__ import annotations

from typing import Any, ClassVar

from dlcourse.habits import Familiar


class LossValue(Familiar, float):
    """The number that a loss returns: a float, with torch's ``item()``.

    Examples
    --------
    >>> value = LossValue(0.25)
    >>> value, value.item()
    (0.25, 0.25)
    >>> value.backward()
    Traceback (most recent call last):
    AttributeError: 'LossValue' object has no attribute 'backward': there is no autograd, write \
model.backward(criterion.backward())
    """

    hints: ClassVar = {
        "backward": "there is no autograd, write model.backward(criterion.backward())",
        **dict.fromkeys(("cpu", "detach", "numpy"), "it is a float already"),
    }

    def item(self) -> float:
        """Return the plain float."""
        return float(self)

    # The sum of two losses, or a share of one, is a loss.

    def __add__(self, other: Any) -> Any:
        return _loss(super().__add__(other))

    def __radd__(self, other: Any) -> Any:
        return _loss(super().__radd__(other))

    def __sub__(self, other: Any) -> Any:
        return _loss(super().__sub__(other))

    def __mul__(self, other: Any) -> Any:
        return _loss(super().__mul__(other))

    def __rmul__(self, other: Any) -> Any:
        return _loss(super().__rmul__(other))

    def __truediv__(self, other: Any) -> Any:
        return _loss(super().__truediv__(other))


def _loss(value: Any) -> Any:
    return value if value is NotImplemented else LossValue(value)
