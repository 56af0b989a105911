"""A network and its copy in PyTorch: the same weights, scores and gradients, in float64."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")


def take_over(ours, theirs):
    """Copy PyTorch's weights, which must have our names in our order."""
    state = {name: array.numpy() for name, array in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.astype(np.float64).load_state_dict(state)


def assert_same_gradients(ours, theirs):
    gradients = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(
            parameter.grad, gradients[name].grad, rtol=1e-7, atol=1e-7, err_msg=name
        )


def assert_same(ours, theirs, x, *more):
    """Pass the same pictures, and what else the networks take, forward, and a gradient back."""
    take_over(ours, theirs)
    tx = torch.from_numpy(x).requires_grad_()
    y, ty = ours(x, *more), theirs(tx, *more)
    np.testing.assert_allclose(y, ty.detach(), rtol=1e-9, atol=1e-9)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    ty.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(ours.backward(dy), tx.grad, rtol=1e-7, atol=1e-7)
    assert_same_gradients(ours, theirs)
