"""`Optimizer`: what all optimizers share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from numbers import Real
from typing import Any, ClassVar

from dlcourse.backend import Array, array_module
from dlcourse.habits import Familiar, explained
from dlcourse.nn.parameter import Parameter
from dlcourse.nn.state import fitted, put


class Optimizer(Familiar):
    """Base of all optimizers: changes parameters in place, against their gradients.

    A subclass defines ``update(data, grad, state)`` for one parameter, and names in
    ``state_names`` the arrays that it keeps for each. They start at zero, in the shape, dtype
    and memory order of the parameter; so build the optimizer after the model has its final
    dtype and device.

    Parameters
    ----------
    params : iterable of Parameter
        What to optimize, ``model.parameters()``. One that is listed twice is updated once.
    lr : float
        The learning rate, 0 or more. Change the attribute ``lr`` at any time.
    weight_decay : float
        The factor L of the penalty ``L/2 * ||w||^2``, whose gradient ``L * w`` is added to the
        loss's. It holds for all parameters, biases too, as in torch.

    Examples
    --------
    >>> import numpy as np
    >>> class SignDescent(Optimizer):
    ...     def update(self, data, grad, state):
    ...         data -= self.lr * np.sign(grad)
    >>> w = Parameter(np.array([1.0, -1.0], np.float32))
    >>> w.grad = np.array([3.0, -0.1], np.float32)
    >>> SignDescent([w], lr=0.5).step()
    >>> w.data
    array([ 0.5, -0.5], dtype=float32)
    """

    hints: ClassVar = {
        "add_param_group": "make one optimizer for each group of parameters",
        "step()": "there is no closure, compute the gradients before",
        "defaults": "read the attributes, optimizer.lr",
    }

    #: The names of the arrays kept for each parameter; those of torch.
    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Iterable[Parameter], lr: float, weight_decay: float = 0.0) -> None:
        self.parameters = _checked(params)
        self.lr = in_range("lr", lr, 0.0)
        self.weight_decay = in_range("weight_decay", weight_decay, 0.0)
        self.state: list[dict[str, Array]] = [
            {name: array_module(p.data).zeros_like(p.data) for name in self.state_names}
            for p in self.parameters
        ]

    @explained
    def step(self) -> None:
        """Update every parameter that has a gradient; the gradients stay as they are.

        Raises
        ------
        ValueError
            If the shape of a gradient differs from its parameter's.
        """
        for i, (parameter, state) in enumerate(zip(self.parameters, self.state, strict=True)):
            data, grad = parameter.data, parameter.grad
            if grad is None or not parameter.requires_grad:  # it may have had a gradient before
                continue
            if grad.shape != data.shape:  # it might broadcast, and train something else
                raise ValueError(
                    f"the gradient of parameter {i} has shape {grad.shape}, expected the "
                    f"parameter's own {data.shape}; check the layer's backward"
                )
            self._apply(data, grad, state)

    def _apply(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        if not self.update_in_one_pass(data, grad, state):
            self.update(data, self.decayed(data, grad), state)

    def decayed(self, data: Array, grad: Array) -> Array:
        """Apply the weight decay, and return the gradient to use."""
        return grad + self.weight_decay * data if self.weight_decay else grad

    def update(self, data: Array, grad: Array, state: dict[str, Array]) -> None:
        """Change `data` and the arrays of `state` in place; `grad` must not be changed."""
        raise NotImplementedError(f"{type(self).__name__} does not define update")

    def update_in_one_pass(self, data: Array, grad: Array, state: dict[str, Array]) -> bool:
        """Do the same as `decayed` and `update` with a compiled kernel, if one can; tell whether.

        A class with a rule of its own does not inherit that of its base.
        """
        return False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls)
        if ("update" in own or "decayed" in own) and "update_in_one_pass" not in own:
            cls.update_in_one_pass = Optimizer.update_in_one_pass  # type: ignore[method-assign]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters:
            parameter.zero_grad(set_to_none)

    @property
    def param_groups(self) -> list[MutableMapping[str, Any]]:
        """One group of all parameters, as torch shows it: ``param_groups[0]["lr"]`` is ``lr``.

        Examples
        --------
        >>> import numpy as np
        >>> from dlcourse.optim import SGD
        >>> optimizer = SGD([Parameter(np.zeros(1))], lr=0.1)
        >>> for group in optimizer.param_groups:
        ...     group["lr"] = 0.01
        >>> optimizer.lr
        0.01
        """
        return [_Group(self)]

    def __repr__(self) -> str:
        _, *values = self.param_groups[0].items()
        words = [f"{len(self.parameters)} parameters", *(f"{n}={value!r}" for n, value in values)]
        return f"{type(self).__name__}({', '.join(words)})"

    def state_dict(self) -> dict[str, Array]:
        """Return the arrays kept for each parameter as "<name>.<parameter's number>".

        They are not copied. Hyperparameters are not among them: those are set in the constructor,
        and a schedule keeps the learning rate.
        """
        return {
            f"{name}.{i}": array
            for i, state in enumerate(self.state)
            for name, array in state.items()
        }

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Copy arrays of `state_dict` into an optimizer of the same kind and parameters.

        Training then goes on bit for bit as it would have. Nothing is changed unless every
        name and shape agrees, and all values are real numbers.

        Raises
        ------
        ValueError
            If a name is missing or unknown, a shape differs, or an array holds text or the like.
        """
        put(fitted(self.state_dict(), state, self.misfit))

    @property
    def misfit(self) -> str:
        """The beginning of the sentence that says why a state does not fit."""
        return f"this state does not fit {type(self).__name__} on {len(self.parameters)} parameters"


class _Group(MutableMapping[str, Any]):
    """The attributes of an optimizer as the items of torch's group of parameters."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer

    def __getitem__(self, name: str) -> Any:
        return vars(self._optimizer)["parameters" if name == "params" else name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._names():
            raise KeyError(f"{name} of {type(self._optimizer).__name__} cannot be set")
        setattr(self._optimizer, name, value)

    def __delitem__(self, name: str) -> None:
        raise KeyError(f"{name} of {type(self._optimizer).__name__} cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        yield "params"
        yield from self._names()

    def __len__(self) -> int:
        return 1 + len(self._names())

    def _names(self) -> list[str]:
        return [name for name in vars(self._optimizer) if name not in ("parameters", "state")]


def in_range(name: str, value: float, low: float, below: float = math.inf) -> float:
    """Return a hyperparameter as a Python float, which does not change the dtype of arrays.

    Raises
    ------
    ValueError
        If not ``low <= value < below``.

    Examples
    --------
    >>> in_range("momentum", 0.9, 0.0, below=1.0)
    0.9
    """
    number = isinstance(value, Real) or getattr(value, "ndim", None) == 0
    if not (number and low <= value < below):  # written so that NaN fails
        raise ValueError(f"{name} must lie in [{low:g}, {below:g}), found {value!r}")
    return float(value)


def _checked(params: Iterable[Parameter]) -> list[Parameter]:
    if not isinstance(params, Iterable):
        raise TypeError(
            f"expected Parameters, found {type(params).__name__}; pass model.parameters()"
        )
    params = list(params)
    if any(isinstance(parameter, Mapping) for parameter in params):
        raise TypeError(
            "all parameters of an optimizer form one group, found groups; "
            "make one optimizer for each"
        )
    unique = list({id(parameter): parameter for parameter in params}.values())
    if not unique:
        raise ValueError("an optimizer needs at least one parameter; pass model.parameters()")
    for i, parameter in enumerate(unique):
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"expected Parameters, found {type(parameter).__name__}; pass model.parameters()"
            )
        if parameter.data.dtype.kind != "f":
            raise ValueError(
                f"parameter {i} has dtype {parameter.data.dtype}, expected floating-point values; "
                "build it from a float32 array"
            )
    return unique
