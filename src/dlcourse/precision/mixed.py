"""`MixedPrecision`: a network that computes in float16 and keeps its weights in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from dlcourse.backend import Array, each
from dlcourse.nn import BatchNorm2d, Module
from dlcourse.precision.scaler import LossScaler


class MixedPrecision(Module):
    """A network seen through float16: forward and backward passes in half the bits.

    The recipe of Micikevicius et al. (2018): *master weights* in float32 are rounded to float16
    for each pass, gradients return to float32, and optimizers change the master weights, to which
    even small steps can be added. Scores come out in float32, so that the loss is computed there;
    batch normalization computes in float32, because its statistics need it.

    ``backward`` multiplies by the scale of the `LossScaler` and divides the gradients of the
    parameters by it. On a GPU float16 is twice as fast as float32 or more; NumPy has no fast
    float16 products, so on a CPU this shows what happens and saves no time.

    Parameters
    ----------
    model : Module
        The network with the master weights, float32. Its parameters receive the gradients.
    scaler : LossScaler
        Has the scale.

    Raises
    ------
    ValueError
        If a floating-point parameter is not float32.

    Examples
    --------
    >>> from dlcourse.nn import Linear
    >>> linear = Linear(3, 2, rng=np.random.default_rng(0))
    >>> half = MixedPrecision(linear, LossScaler(init_scale=1024.0))
    >>> y = half(np.ones((1, 3), np.float32))
    >>> _ = half.backward(np.full_like(y, 1e-8))  # far too small for float16
    >>> linear.weight.grad.dtype, bool(np.allclose(linear.weight.grad, 1e-8, rtol=0.01))
    (dtype('float32'), True)
    """

    loss_scale: Array

    def __init__(self, model: Module, scaler: LossScaler) -> None:
        super().__init__()
        for name, parameter in model.named_parameters():
            if parameter.data.dtype != np.float32:
                raise ValueError(
                    f"mixed precision needs master weights in float32, found {name} in "
                    f"{parameter.data.dtype}; call model.astype('float32') first"
                )
        self.model = model
        self.register_buffer("loss_scale", scaler.array)

    def forward(self, x: Array) -> Array:
        norms = (m for m in self.model.modules() if isinstance(m, BatchNorm2d))
        exact = {parameter for norm in norms for parameter in norm.parameters()}
        self._rounded = [
            p.data if p in exact else p.data.astype(np.float16) for p in self.model.parameters()
        ]
        with self._in_float16():
            y = self.model(x.astype(np.float16))
        return each(lambda y: y.astype(np.float32), y)

    def backward(self, dy: Array) -> Array:
        scale = float(self.loss_scale)
        with self._in_float16():
            dx = self.model.backward(each(lambda dy: (dy * scale).astype(np.float16), dy))
        return None if dx is None else dx.astype(np.float32) / scale

    @contextmanager
    def _in_float16(self) -> Iterator[None]:
        """Put the rounded weights in place of the master weights, for one pass.

        What the pass adds to their gradients is scaled back, and goes to the master weights.
        """
        parameters = self.model.parameters()
        masters = [(parameter.data, parameter.grad) for parameter in parameters]
        try:
            for parameter, rounded in zip(parameters, self._rounded, strict=True):
                parameter.data, parameter.grad = rounded, None
            yield
        finally:
            found = [parameter.grad for parameter in parameters]
            for parameter, master in zip(parameters, masters, strict=True):
                parameter.data, parameter.grad = master
        for parameter, grad in zip(parameters, found, strict=True):
            if grad is not None:
                parameter.accumulate(grad.astype(np.float32) / float(self.loss_scale))

    def start_training(self) -> None:
        self.training = True
        self.model.start_training()

    def entrance(self) -> Module:
        return self.model
