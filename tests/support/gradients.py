"""Numerical gradients: the check that a backward pass belongs to its forward pass."""

import copy

import numpy as np

from dlcourse.backend import each
from dlcourse.check.gradients import slope


def arrays(values):
    """The arrays of one output, or of several, or of what comes back for several inputs."""
    values = values if isinstance(values, tuple) else (values,)
    return [value for value in values if value is not None]


def check_gradients(module, inputs, rng, entries=40):
    """Assert that `module.backward` is the gradient of `module.forward` at the inputs.

    The module and the inputs are copied to float64. The outputs are projected on a random
    direction, ``f = sum(y * direction)``, and ``backward(direction)`` is compared with
    ``(f(v + step) - f(v - step)) / (2 step)`` for values v of each input and of each parameter.
    Layers that draw get the same draws in each pass.

    Parameters
    ----------
    module : Module
        Left as it was.
    inputs : array or tuple of arrays
        Of those for which ``backward`` returns None, nothing is checked.
    rng : numpy.random.Generator
        Chooses the direction, and the entries of large arrays.
    entries : int
        At most so many values of each array are checked, each for two forward passes.
    """
    module = copy.deepcopy(module).astype(np.float64)
    module.zero_grad()
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    # Memory order is kept.
    inputs = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]
    seed = int(rng.integers(2**32))

    def forward():
        module.set_generator(np.random.default_rng(seed))
        return module(*inputs)

    def draw(y):
        assert y.dtype == np.float64, f"the output became {y.dtype}"
        direction = np.empty_like(y)
        direction[...] = rng.standard_normal(y.shape)
        return direction

    before = copy.deepcopy(inputs)
    y = forward()
    direction = each(draw, y)
    drawn = copy.deepcopy(direction)
    dx = module.backward(direction)
    for found, expected in zip(arrays(direction), arrays(drawn), strict=True):
        np.testing.assert_array_equal(found, expected, "backward changed its argument")
    for found, expected in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(found, expected, "the module changed its input")

    checked = {name: (p.data, p.grad) for name, p in module.named_parameters()}
    for number, (x, grad) in enumerate(
        zip(inputs, dx if isinstance(dx, tuple) else (dx,), strict=True)
    ):
        if grad is not None or (number == 0 and x.dtype.kind == "f" and module.input_grad):
            checked["the input" if number == 0 else f"input {number}"] = x, grad
    flat = np.concatenate([part.ravel() for part in arrays(direction)])
    scale = np.sqrt(flat.size)  # about the size of f
    for name, (values, grad) in checked.items():
        assert grad is not None, f"no gradient with respect to {name}"
        assert grad.shape == values.shape, f"gradient of {name}: {grad.shape}, not {values.shape}"
        assert grad.dtype == np.float64, f"the gradient of {name} became {grad.dtype}"
        chosen = rng.permutation(values.size)[:entries]
        for index in zip(*np.unravel_index(chosen, values.shape), strict=True):
            expected = slope(
                lambda: np.concatenate([part.ravel() for part in arrays(forward())]),
                values, index, flat, step=1e-6,
            )  # fmt: skip
            np.testing.assert_allclose(
                grad[index], expected, rtol=1e-5, atol=1e-8 * scale,
                err_msg=f"gradient with respect to {name} at {tuple(map(int, index))}",
            )  # fmt: skip
