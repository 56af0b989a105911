"""Gradient clipping: no step is longer than it should be."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dlcourse.backend import array_module
from dlcourse.blas import blas_held
from dlcourse.nn.parameter import Parameter


@blas_held()
def clip_grad_norm_(parameters: Iterable[Parameter] | Parameter, max_norm: float) -> float:
    """Shorten the gradients, taken together as one vector, to at most a given norm.

    All are multiplied by ``max_norm / (norm + 1e-6)`` where that is below 1 (Pascanu et al. 2013).
    The direction stays.

    Parameters
    ----------
    parameters : iterable of Parameter, or one
        Those without a gradient are skipped.
    max_norm : float
        Above 0; with ``math.inf`` the norm is only measured.

    Returns
    -------
    float
        The Euclidean norm before clipping.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.zeros(2))
    >>> w.grad = np.array([3.0, 4.0])
    >>> clip_grad_norm_([w], max_norm=1.0)
    5.0
    >>> w.grad.round(3)
    array([0.6, 0.8])
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be above 0, found {max_norm!r}")
    unique = list(dict.fromkeys([parameters] if isinstance(parameters, Parameter) else parameters))
    for parameter in unique:
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"expected Parameters, found {type(parameter).__name__}; pass model.parameters()"
            )
    grads = [p.grad for p in unique if p.grad is not None]
    if not grads:
        return 0.0
    xp = array_module(grads[0])
    # A norm of norms stays on the device, and is fetched once.
    norm = float(xp.linalg.norm(xp.stack([xp.linalg.norm(grad) for grad in grads])))
    factor = float(max_norm) / (norm + 1e-6)
    if factor < 1 or math.isnan(factor):
        for parameter in unique:
            if parameter.grad is not None:
                # A new array: a layer may have handed one array to two parameters.
                parameter.grad = parameter.grad * factor
    return norm
