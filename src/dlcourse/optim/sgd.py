"""Stochastic gradient descent: plain, with momentum, with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from dlcourse import native
from dlcourse.backend import Array, laid_out, same_order
from dlcourse.nn.parameter import Parameter
from dlcourse.optim.optimizer import Optimizer, in_range


class SGD(Optimizer):
    """Stochastic gradient descent (Robbins & Monro 1951): a step against the gradient g.

    .. math:: w \\leftarrow w - \\mathrm{lr} \\; g

    Parameters
    ----------
    params : iterable of Parameter
        What to optimize, ``model.parameters()``.
    lr : float
        Learning rate.
    weight_decay : float
        L2 penalty, added to the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.ones(2, np.float32))
    >>> w.grad = np.array([1.0, 2.0], np.float32)
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    array([0.9, 0.8], dtype=float32)
    """

    hints: ClassVar = Optimizer.hints | {
        "momentum=": "write Momentum(params, lr=0.1, momentum=0.9)",
        "nesterov=": "write Nesterov(params, lr=0.1, momentum=0.9)",
        "__init__()": "for torch's third, write Momentum(params, lr=0.1, momentum=0.9)",
    }

    def __init__(
        self, params: Iterable[Parameter], lr: float = 1e-3, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr, weight_decay)

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        data -= self.lr * grad

    def update_in_one_pass(self, data: Array, grad: Array, state: dict[str, Array]) -> bool:
        if not (native.has_kernels(data, grad) and same_order(data)):
            return False
        native.sgd(data, laid_out(grad, data), self.lr, self.weight_decay)
        return True


class Momentum(Optimizer):
    """Gradient descent with a velocity v that remembers earlier gradients (Polyak 1964).

    .. math::
        v \\leftarrow \\mu v + g, \\qquad
        w \\leftarrow w - \\mathrm{lr} \\; v

    This is torch's ``SGD(momentum=mu)``. Sutskever et al. (2013) write the learning rate into
    the velocity instead; both agree while it is constant.

    Parameters
    ----------
    params : iterable of Parameter
        What to optimize, ``model.parameters()``.
    lr : float
        Learning rate.
    momentum : float
        The share mu of the velocity that is kept, in [0, 1).
    weight_decay : float
        L2 penalty, added to the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.zeros(1, np.float32))
    >>> w.grad = np.ones(1, np.float32)
    >>> optimizer = Momentum([w], lr=1.0, momentum=0.5)
    >>> optimizer.step(); optimizer.step()  # 1, then 0.5 * 1 + 1
    >>> w.data
    array([-2.5], dtype=float32)
    """

    hints: ClassVar = Optimizer.hints | {
        "nesterov=": "write Nesterov(params, lr=0.1, momentum=0.9)",
        "__init__()": "for torch's third, write Momentum(params, lr=0.1, momentum=0.9)",
    }

    state_names = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.momentum = in_range("momentum", momentum, 0.0, below=1.0)

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        velocity = state["momentum_buffer"]
        velocity *= self.momentum
        velocity += grad
        data -= self.lr * velocity

    def update_in_one_pass(self, data: Array, grad: Array, state: dict[str, Array]) -> bool:
        return self._step(data, grad, state["momentum_buffer"], nesterov=False)

    def _step(self, data: Array, grad: Array, velocity: Array, nesterov: bool) -> bool:
        if not (native.has_kernels(data, grad, velocity) and same_order(data, velocity)):
            return False
        rates = self.lr, self.momentum, self.weight_decay
        native.momentum(data, velocity, laid_out(grad, data), *rates, nesterov)
        return True


class Nesterov(Momentum):
    """Momentum that takes the gradient where the velocity is about to lead (Nesterov 1983).

    .. math::
        v \\leftarrow \\mu v + g, \\qquad
        w \\leftarrow w - \\mathrm{lr} \\; (g + \\mu v)

    Nesterov's method evaluates the gradient at the point ahead, w - lr mu v. Sutskever et al.
    (2013) brought it to deep networks; in this form, which is torch's ``SGD(nesterov=True)``, the
    weights at hand *are* the point ahead, so one backward pass per step is enough.
    The parameters are those of `Momentum`.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.zeros(1, np.float32))
    >>> w.grad = np.ones(1, np.float32)
    >>> Nesterov([w], lr=1.0, momentum=0.5).step()  # 1 + 0.5 * 1
    >>> w.data
    array([-1.5], dtype=float32)
    """

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        velocity = state["momentum_buffer"]
        velocity *= self.momentum
        velocity += grad
        data -= self.lr * (grad + self.momentum * velocity)

    def update_in_one_pass(self, data: Array, grad: Array, state: dict[str, Array]) -> bool:
        return self._step(data, grad, state["momentum_buffer"], nesterov=True)
