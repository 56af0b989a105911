"""Layers and networks, and their copies in PyTorch: the same weights, outputs and gradients."""

import numpy as np
import pytest
from gradients import arrays

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) * 2


def channels_last(x):
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def close(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(ours, theirs.detach(), rtol=tolerance, atol=tolerance)


def take_over(ours, theirs):
    """Copy PyTorch's weights, which must have our names in our order."""
    state = {name: array.numpy() for name, array in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)


def assert_same_gradients(ours, theirs, rtol=1e-7, atol=1e-7):
    for (name, p), (their_name, q) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == their_name
        np.testing.assert_allclose(p.grad, q.grad, rtol=rtol, atol=atol, err_msg=name)


def assert_same_layer(ours, theirs, x):
    """Forward, backward, every parameter's gradient, and the state afterwards, in float32."""
    tx = torch.from_numpy(x).requires_grad_(x.dtype.kind == "f")
    y, ty = ours(x), theirs(tx)
    close(y, ty)
    dy = draw(y.shape, seed=1)
    ty.backward(torch.from_numpy(dy))
    dx = ours.backward(dy)
    if tx.requires_grad:
        close(dx, tx.grad)
    for (name, array), (their_name, tensor) in zip(
        ours.state_dict().items(), theirs.state_dict().items(), strict=True
    ):
        assert name == their_name
        close(array, tensor)
    assert_same_gradients(ours, theirs, 1e-4, 1e-4)


def assert_same(ours, theirs, x, *more):
    """Pass the same pictures, and what else the networks take, forward, and a gradient back."""
    take_over(ours.astype(np.float64), theirs.double())
    tx = torch.from_numpy(x).requires_grad_()
    y, ty = ours(x, *more), theirs(tx, *more)
    np.testing.assert_allclose(y, ty.detach(), rtol=1e-10, atol=1e-12)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    ty.backward(torch.from_numpy(dy))
    for dx in arrays(ours.backward(dy)):  # networks that play need none of what they see
        np.testing.assert_allclose(dx, tx.grad, rtol=1e-8, atol=1e-12)
    assert_same_gradients(ours, theirs, 1e-8, 1e-12)
