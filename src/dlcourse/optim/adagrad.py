"""AdaGrad: its own learning rate for every weight."""

from __future__ import annotations

from collections.abc import Iterable

from dlcourse.backend import Array, array_module
from dlcourse.nn.parameter import Parameter
from dlcourse.optim.optimizer import Optimizer, in_range


class Adagrad(Optimizer):
    """Steps that shrink with the sum s of all squared gradients so far (Duchi et al. 2011).

    .. math::
        s \\leftarrow s + g^2, \\qquad
        w \\leftarrow w - \\mathrm{lr} \\; \\frac{g}{\\sqrt{s} + \\epsilon}

    Weights with rare gradients keep large steps. The sum never falls, so all steps tend to
    zero in long training.

    Parameters
    ----------
    params : iterable of Parameter
        What to optimize, ``model.parameters()``.
    lr : float
        Learning rate.
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty, added to the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.zeros(2, np.float32))
    >>> w.grad = np.array([0.1, 100.0], np.float32)
    >>> Adagrad([w], lr=0.5).step()  # the first step is lr, whatever the gradient's size
    >>> w.data
    array([-0.5, -0.5], dtype=float32)
    """

    state_names = ("sum",)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.eps = in_range("eps", eps, 0.0)

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        total = state["sum"]
        total += grad * grad
        data -= self.lr * grad / (array_module(data).sqrt(total) + self.eps)
