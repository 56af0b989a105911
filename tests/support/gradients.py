"""Numerical gradients: the check that a backward pass belongs to its forward pass."""

import copy

import numpy as np

STEP = 1e-6


def check_gradients(module, x, rng, entries=40):
    """Assert that `module.backward` is the gradient of `module.forward` at the input `x`.

    The module and the input are copied to float64. The output is projected on a random
    direction, ``f = sum(y * direction)``, and ``backward(direction)`` is compared with
    ``(f(v + step) - f(v - step)) / (2 step)`` for values v of the input and of each parameter.
    Layers that draw get the same draws in each pass.

    Parameters
    ----------
    module : Module
        Left as it was.
    x : array
        The input; if it holds whole numbers, only the parameters are checked.
    rng : numpy.random.Generator
        Chooses the direction, and the entries of large arrays.
    entries : int
        At most so many values of each array are checked, each for two forward passes.
    """
    module = copy.deepcopy(module).astype(np.float64)
    module.zero_grad()
    if x.dtype.kind == "f":
        x = x.astype(np.float64)  # memory order is kept
    seed = int(rng.integers(2**32))

    def forward():
        module.set_generator(np.random.default_rng(seed))
        return module(x)

    before = x.copy()
    y = forward()
    assert y.dtype == np.float64, f"the output became {y.dtype}"
    direction = np.empty_like(y)
    direction[...] = rng.standard_normal(y.shape)
    drawn = direction.copy()
    dx = module.backward(direction)
    np.testing.assert_array_equal(direction, drawn, "backward changed its argument")
    np.testing.assert_array_equal(x, before, "the module changed its input")

    arrays = {name: (p.data, p.grad) for name, p in module.named_parameters()}
    if x.dtype.kind == "f" and module.input_grad:
        arrays["the input"] = x, dx
    scale = np.sqrt(y.size)  # about the size of f
    for name, (values, grad) in arrays.items():
        assert grad is not None, f"no gradient with respect to {name}"
        assert grad.shape == values.shape, f"gradient of {name}: {grad.shape}, not {values.shape}"
        assert grad.dtype == np.float64, f"the gradient of {name} became {grad.dtype}"
        chosen = rng.permutation(values.size)[:entries]
        for index in zip(*np.unravel_index(chosen, values.shape), strict=True):
            expected = _slope(forward, values, index, direction)
            np.testing.assert_allclose(
                grad[index], expected, rtol=1e-5, atol=1e-8 * scale,
                err_msg=f"gradient with respect to {name} at {tuple(map(int, index))}",
            )  # fmt: skip


def _slope(forward, values, index, direction):
    value = values[index]
    values[index] = value + STEP
    above = forward().copy()  # the output may be the input itself, which changes now
    values[index] = value - STEP
    difference = above - forward()
    values[index] = value
    return np.vdot(direction, difference) / (2 * STEP)
