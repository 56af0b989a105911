"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from dlcourse.backend import Array, array_module, laid_out, same_order
from dlcourse.compiled import kernels_for
from dlcourse.nn.parameter import Parameter
from dlcourse.optim.optimizer import Optimizer, in_range


class Adam(Optimizer):
    """Running means of the gradient and of its square set the step (Kingma & Ba 2015).

    At the parameter's t-th step, with m and v starting at zero,

    .. math::
        m \\leftarrow \\beta_1 m + (1 - \\beta_1) g, \\qquad
        v \\leftarrow \\beta_2 v + (1 - \\beta_2) g^2

    .. math::
        w \\leftarrow w - \\mathrm{lr} \\; \\frac{\\hat m}{\\sqrt{\\hat v} + \\epsilon},
        \\qquad \\hat m = \\frac{m}{1 - \\beta_1^t}, \\quad \\hat v = \\frac{v}{1 - \\beta_2^t}

    (algorithm 1 of the paper). The hats correct for the start at zero.

    Parameters
    ----------
    params : iterable of Parameter
        What to optimize, ``model.parameters()``.
    lr : float
        Learning rate: about the largest change of a weight in one step.
    betas : (float, float)
        The shares of the two means that are kept, in [0, 1).
    eps : float
        Keeps the division finite.
    weight_decay : float
        L2 penalty, added to the gradient; it is then divided by sqrt(v) as well, see `AdamW`.

    Examples
    --------
    >>> w = Parameter(np.zeros(2, np.float32))
    >>> w.grad = np.array([0.1, -100.0], np.float32)
    >>> optimizer = Adam([w], lr=0.01)
    >>> optimizer.step()
    >>> w.data
    array([-0.01,  0.01], dtype=float32)
    >>> list(optimizer.state_dict())
    ['exp_avg.0', 'exp_avg_sq.0', 'step.0']
    """

    state_names = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.betas = (
            in_range("betas[0]", betas[0], 0.0, below=1.0),
            in_range("betas[1]", betas[1], 0.0, below=1.0),
        )
        self.eps = in_range("eps", eps, 0.0)
        # Each parameter counts its own steps: it may have no gradient in some, and its means
        # then stand still. The counts stay with NumPy, since reading one off a GPU would wait.
        for state in self.state:
            state["step"] = np.zeros((), np.int64)

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        xp = array_module(data)
        beta1, beta2 = self.betas
        m, v = state["exp_avg"], state["exp_avg_sq"]
        rate, eps = self._corrected(state)
        # Each operation passes over the whole array, so all share one scratch array.
        scratch = xp.empty_like(data)
        m *= beta1
        m += xp.multiply(grad, 1 - beta1, out=scratch)

        v *= beta2
        xp.multiply(grad, grad, out=scratch)
        scratch *= 1 - beta2
        v += scratch

        xp.sqrt(v, out=scratch)
        scratch += eps
        xp.divide(m, scratch, out=scratch)
        scratch *= rate
        data -= scratch

    def update_in_one_pass(self, data: Array, grad: Array, state: dict[str, Array]) -> bool:
        return self._step(data, grad, state, self.weight_decay, shrink=1.0)

    def _step(
        self, data: Array, grad: Array, state: dict[str, Array], weight_decay: float, shrink: float
    ) -> bool:
        m, v = state["exp_avg"], state["exp_avg_sq"]
        kernels = kernels_for(data, grad, m, v)
        if kernels is None or not same_order(data, m, v):
            return False
        rate, eps = self._corrected(state)
        grad = laid_out(grad, data)
        kernels.adam(data, m, v, grad, self.betas, rate, eps, weight_decay, shrink)
        return True

    def _corrected(self, state: dict[str, Array]) -> tuple[float, float]:
        """Count the step; return learning rate and eps with the corrections for the start.

        lr * m_hat / (sqrt(v_hat) + eps), with numerator and denominator multiplied by
        sqrt(1 - beta2^t): the corrections are then two numbers (section 2 of the paper).
        """
        state["step"] += 1
        t = int(state["step"])
        root = math.sqrt(1 - self.betas[1] ** t)
        return self.lr * root / (1 - self.betas[0] ** t), self.eps * root


class AdamW(Adam):
    """Adam whose weight decay acts on the weights directly (Loshchilov & Hutter 2019).

    .. math:: w \\leftarrow (1 - \\mathrm{lr} \\; \\lambda) \\, w

    before Adam's step (algorithm 2 of the paper, as torch scales it). In `Adam` the penalty passes
    through the division by sqrt(v), so weights with large gradients hardly decay; here all decay
    alike. The parameters are those of `Adam`; `weight_decay` is lambda.

    Examples
    --------
    >>> w = Parameter(np.ones(1, np.float32))
    >>> w.grad = np.zeros(1, np.float32)
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w.data
    array([0.95], dtype=float32)
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def decayed(self, data: Array, grad: Array) -> Array:
        """Shrink the weights, and return the gradient unchanged."""
        data *= 1 - self.lr * self.weight_decay
        return grad

    def update_in_one_pass(self, data: Array, grad: Array, state: dict[str, Array]) -> bool:
        return self._step(data, grad, state, 0.0, shrink=1 - self.lr * self.weight_decay)
