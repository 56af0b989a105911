"""Gradient clipping."""

import math

import numpy as np
import pytest

from dlcourse.nn import Parameter
from dlcourse.optim import clip_grad_norm_


def with_grads(*grads, dtype=np.float32):
    parameters = [Parameter(np.zeros(np.shape(g), dtype)) for g in grads]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = np.asarray(grad, dtype)
    return parameters


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shortens_all_gradients_together(dtype):
    parameters = with_grads([[3.0, 0.0]], 4.0, dtype=dtype)
    norm = clip_grad_norm_(iter(parameters), 1.0)
    assert type(norm) is float
    assert norm == pytest.approx(5.0)
    np.testing.assert_allclose(parameters[0].grad, [[0.6, 0.0]], rtol=1e-5)
    np.testing.assert_allclose(parameters[1].grad, 0.8, rtol=1e-5)
    assert all(p.grad.dtype == dtype for p in parameters)


@pytest.mark.parametrize("max_norm", [5.1, math.inf])
def test_short_gradients_stay(max_norm):
    (parameter,) = with_grads([3.0, 4.0])
    grad = parameter.grad
    assert clip_grad_norm_([parameter], max_norm) == 5.0
    assert parameter.grad is grad
    np.testing.assert_array_equal(grad, [3.0, 4.0])


def test_one_array_shared_by_two_parameters_is_scaled_once():
    first, second = with_grads([3.0], [3.0])
    second.grad = first.grad
    clip_grad_norm_([first, second, second], math.sqrt(18) / 3)
    np.testing.assert_allclose([first.grad, second.grad], 1.0, rtol=1e-5)


def test_parameters_without_gradients():
    frozen = Parameter(np.zeros(2))
    assert clip_grad_norm_([frozen], 1.0) == 0.0
    (shown,) = with_grads([2.0])
    assert clip_grad_norm_([frozen, shown], 1.0) == 2.0
    assert frozen.grad is None


def test_not_a_number_shows_everywhere():
    first, second = with_grads([math.nan], [1.0])
    assert math.isnan(clip_grad_norm_([first, second], 1.0))
    assert np.isnan(second.grad).all()


def test_one_parameter_or_a_network():
    w = Parameter(np.zeros(2))
    w.grad = np.array([3.0, 4.0])
    assert clip_grad_norm_(w, max_norm=10.0) == 5.0
    with pytest.raises(TypeError, match=r"found str; pass model.parameters\(\)"):
        clip_grad_norm_(["weight"], max_norm=1.0)
