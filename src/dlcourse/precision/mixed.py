"""`MixedPrecision`: a network that computes in float16 and keeps its weights in float32."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.backend import Array, each
from dlcourse.habits import explained
from dlcourse.nn import BatchNorm2d, Module, Parameter
from dlcourse.precision.scaler import LossScaler


class _InFloat32(Module):
    """Mixed into a batch normalization: float16 goes in and out, everything else is float32."""

    def forward(self, x: Array) -> Array:
        return super().forward(x.astype(np.float32)).astype(np.float16)

    def backward(self, dy: Array) -> Array:
        return super().backward(dy.astype(np.float32)).astype(np.float16)


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
        half = model.replica()
        for _, module in half.named_modules():
            if isinstance(module, BatchNorm2d):
                kind = type(module)
                module.__class__ = type(kind.__name__, (_InFloat32, kind), {})
            else:
                for value in vars(module).values():
                    if isinstance(value, Parameter):
                        value.data = value.data.astype(np.float16)
        # In a tuple, so that it is not a child: its parameters must not be learnt as well.
        self._half = (half,)

    def forward(self, x: Array) -> Array:
        (half,) = self._half
        half.set_modes(self.model.modes())
        for rounded, master in self._pairs():
            if rounded.data is not master.data:
                rounded.data[...] = master.data
        return each(lambda y: y.astype(np.float32), half(x.astype(np.float16)))

    def backward(self, dy: Array) -> Array:
        (half,) = self._half
        half.zero_grad()
        scale = float(self.loss_scale)
        dx = half.backward(each(lambda dy: (dy * scale).astype(np.float16), dy))
        for rounded, master in self._pairs():
            if rounded.grad is not None:
                master.accumulate(rounded.grad.astype(np.float32) / scale)
        return None if dx is None else dx.astype(np.float32) / scale

    def _pairs(self) -> Iterator[tuple[Parameter, Parameter]]:
        """Yield each parameter in half precision and the master weights of the same name."""
        return zip(self._half[0].parameters(), self.model.parameters(), strict=True)

    def start_training(self) -> None:
        self.training = True
        self.model.start_training()

    # What reaches the children has to reach the half-precision network as well.

    @explained
    def set_generator(self, rng: np.random.Generator) -> None:
        self._half[0].set_generator(rng)

    def entrance(self) -> Module:
        return self._half[0]
