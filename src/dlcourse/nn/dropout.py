"""Dropout: a network that cannot lean on any single value."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module, elementwise, random_uniform
from dlcourse.nn.draws import Draws
from dlcourse.nn.module import Module


class Dropout(Draws, Module):
    """Each value becomes zero with probability `p` while training (Srivastava et al. 2014).

    What stays is multiplied by ``1 / (1 - p)``, so that the mean keeps its size; outside training
    the input passes unchanged.

    Parameters
    ----------
    p : float
        Probability from 0 up to, but not including, 1.
    rng : numpy.random.Generator, optional
        Draws what to drop. `Module.set_generator` hands one to every layer of a network.

    Examples
    --------
    >>> dropout = Dropout(0.5, rng=np.random.default_rng(0))
    >>> dropout(np.ones(4, np.float32))
    array([2., 2., 2., 0.], dtype=float32)
    >>> dropout.eval()(np.ones(4, np.float32))
    array([1., 1., 1., 1.], dtype=float32)
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"Dropout expects a probability p with 0 <= p < 1, found {p}")
        self.p = p
        self.rng = rng

    def forward(self, x: Array) -> Array:
        if not self.training or self.p == 0:
            self._mask = None
            return x
        keep = random_uniform(self.generator, x.shape, like=x) >= self.p
        # In the dtype and memory order of the input, so that the output has them too.
        self._mask = array_module(x).empty_like(x)
        self._mask[...] = keep
        self._mask *= 1 / (1 - self.p)
        return elementwise("multiply", x, self._mask)

    def backward(self, dy: Array) -> Array:
        return dy if self._mask is None else elementwise("multiply", dy, self._mask)
