"""RMSprop: gradients divided by a running estimate of their size."""

from __future__ import annotations

from collections.abc import Iterable

from dlcourse.backend import Array, array_module
from dlcourse.nn.parameter import Parameter
from dlcourse.optim.optimizer import Optimizer, in_range


class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square s (Tieleman & Hinton 2012).

    .. math::
        s \\leftarrow \\alpha s + (1 - \\alpha) g^2, \\qquad
        w \\leftarrow w - \\mathrm{lr} \\; \\frac{g}{\\sqrt{s} + \\epsilon}

    From lecture 6.5 of "Neural networks for machine learning". Unlike AdaGrad's sum, the mean
    forgets, so the steps do not die out. It starts at zero and is not corrected for that: the
    first steps are up to ``1 / sqrt(1 - alpha)`` times larger.

    Parameters
    ----------
    params : iterable of Parameter
        What to optimize, ``model.parameters()``.
    lr : float
        Learning rate.
    alpha : float
        The share of the mean that is kept, in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty, added to the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.zeros(2, np.float32))
    >>> w.grad = np.array([0.1, 100.0], np.float32)
    >>> RMSprop([w], lr=0.01, alpha=0.99).step()  # lr / sqrt(1 - alpha)
    >>> w.data.round(4)
    array([-0.1, -0.1], dtype=float32)
    """

    state_names = ("square_avg",)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.alpha = in_range("alpha", alpha, 0.0, below=1.0)
        self.eps = in_range("eps", eps, 0.0)

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        mean_square = state["square_avg"]
        mean_square *= self.alpha
        mean_square += (1 - self.alpha) * grad * grad
        data -= self.lr * grad / (array_module(data).sqrt(mean_square) + self.eps)
