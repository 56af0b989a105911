"""Activations: the nonlinearities between linear layers, element by element."""

from __future__ import annotations

from collections.abc import Callable

from dlcourse import native
from dlcourse.backend import Array, array_module, elementwise, masked
from dlcourse.compiled import kernels_for
from dlcourse.nn.module import Module


class ReLU(Module):
    """Values above zero pass; all others become zero: ``y = max(x, 0)`` (Nair and Hinton 2010).

    The gradient at zero itself is taken as zero, as in torch. NaN stays NaN, and its gradient
    passes.

    Examples
    --------
    >>> import numpy as np
    >>> ReLU()(np.array([-1.0, 2.0], np.float32))
    array([0., 2.], dtype=float32)
    """

    def forward(self, x: Array, *, plus: Array | None = None, kept: Array | None = None) -> Array:
        """Return ``max(x, 0)``, or ``max(x + plus, 0)`` in one pass where there is a kernel.

        Parameters
        ----------
        x : array
            Of any shape.
        plus : array of the same shape, optional
            The other term of a sum. Its gradient is that of `x`, which `backward` returns.
        kept : array of bool of the same shape, optional
            The mask of a kernel that has done this layer's work; then `x` is what it gave.
        """
        self._grad: Callable[..., Array] = native.relu_grad
        if kept is not None:
            self._kept = kept
            return x
        if plus is not None and native.has_kernels(x, plus) and x.shape == plus.shape:
            y, self._kept = native.add_relu(x, plus)
            return y
        if plus is not None:
            x = elementwise("add", x, plus)
        kernels = kernels_for(x)
        if kernels:
            self._grad = kernels.relu_grad
            y, self._kept = kernels.relu(x)
            return y
        self._grad = masked
        self._kept = ~(x <= 0)  # and not x > 0, so that NaN has a gradient
        # NumPy is three times slower at the maximum of an array and a number than of two arrays.
        return elementwise("maximum", x, array_module(x).zeros_like(x))

    def backward(self, dy: Array) -> Array:
        return self._grad(dy, self._kept)


class ReLU6(Module):
    """ReLU that stops at 6: ``y = min(max(x, 0), 6)`` (Krizhevsky 2010).

    Networks for phones have it (Sandler et al. 2018): a known range is easy to store in few bits.
    The gradient at 0 and at 6 is taken as zero, as in torch. At NaN it is zero, too; torch's
    depends on the place in memory there.

    Examples
    --------
    >>> import numpy as np
    >>> ReLU6()(np.array([-1.0, 2.0, 8.0], np.float32))
    array([0., 2., 6.], dtype=float32)
    """

    def forward(self, x: Array, *, kept: Array | None = None) -> Array:
        """Return ``min(max(x, 0), 6)``; `kept` is that of `ReLU`."""
        self._grad: Callable[..., Array] = native.relu_grad
        if kept is not None:
            self._kept = kept
            return x
        if native.has_kernels(x):
            self._grad, self._kept = native.relu6_grad, x
            return native.relu6(x)
        self._grad, self._kept = masked, (x > 0) & (x < 6)
        return elementwise("clip", x, 0, 6)

    def backward(self, dy: Array) -> Array:
        return self._grad(dy, self._kept)


class LeakyReLU(Module):
    """Values below zero pass as well, but multiplied by a small share (Maas et al. 2013).

    Parameters
    ----------
    negative_slope : float
        The share; a unit that is below zero for all images can still learn.

    Examples
    --------
    >>> import numpy as np
    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0], np.float32))
    array([-0.1,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x: Array) -> Array:
        self._x = None
        if native.has_kernels(x):
            self._x = x
            return native.leaky_relu(x, self.negative_slope)
        number = x.dtype.type  # where() would turn two Python floats into float64
        slope = array_module(x).where(x > 0, number(1), number(self.negative_slope))
        self._slope = slope
        return elementwise("multiply", x, slope)

    def backward(self, dy: Array) -> Array:
        if self._x is not None:
            return native.leaky_relu_grad(dy, self._x, self.negative_slope)
        return elementwise("multiply", dy, self._slope)


class Tanh(Module):
    """The hyperbolic tangent, from -1 to 1.

    Its slope is ``1 - y ** 2``: at most 1, and near 0 where the output is near -1 or 1, where
    little can be learnt.

    Examples
    --------
    >>> import numpy as np
    >>> Tanh()(np.array([0.0, 20.0], np.float32))
    array([0., 1.], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        self._y = elementwise("tanh", x)
        return self._y.copy("K")

    def backward(self, dy: Array) -> Array:
        return elementwise("multiply", dy, 1 - self._y * self._y)


def sigmoid(x: Array) -> Array:
    """Return the logistic function ``1 / (1 + exp(-x))`` of each value, of any size.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    xp = array_module(x)
    # exp of a number below zero cannot overflow. For x < 0: exp(x) / (1 + exp(x)).
    small = xp.exp(-xp.abs(x))
    return xp.where(x < 0, small, xp.ones_like(small)) / (1 + small)


class Sigmoid(Module):
    """The logistic function ``y = 1 / (1 + exp(-x))``, from 0 to 1.

    Its slope is ``y (1 - y)``: at most 1/4, which is why deep networks of it hardly learn.

    Examples
    --------
    >>> import numpy as np
    >>> Sigmoid()(np.array([-1000.0, 0.0, 1000.0], np.float32))
    array([0. , 0.5, 1. ], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        self._y = sigmoid(x)
        return self._y.copy("K")

    def backward(self, dy: Array) -> Array:
        return dy * (self._y * (1 - self._y))
