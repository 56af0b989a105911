"""Recurrent layers, embedding and transposed convolution against PyTorch, forward and backward."""

import numpy as np
import pytest

from dlcourse import nn

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def close(ours, theirs, tolerance=1e-4):
    np.testing.assert_allclose(ours, theirs.detach(), rtol=tolerance, atol=tolerance)


def compare_parameters(ours, theirs):
    for (name, p), (their_name, q) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == their_name
        close(p.grad, q.grad)


def load(ours, theirs):
    ours.load_state_dict({name: array.numpy() for name, array in theirs.state_dict().items()})


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (12, 5, 7, 16)])
@pytest.mark.parametrize("given", [False, True])
def test_recurrent(kind, sizes, given):
    t, n, i, h = sizes
    ours = getattr(nn, kind)(i, h, rng=np.random.default_rng(0))
    theirs = getattr(torch.nn, kind)(i, h)
    load(ours, theirs)
    x, dy = draw((t, n, i)), draw((t, n, h), seed=1)
    state = (draw((n, h), seed=2), draw((n, h), seed=3))[: 2 if kind == "LSTM" else 1]
    their_state = tuple(torch.from_numpy(s)[None] for s in state)
    if given:
        ours.initial = state if kind == "LSTM" else state[0]
    tx = torch.from_numpy(x).requires_grad_()
    args = ((their_state if kind == "LSTM" else their_state[0]),) if given else ()
    y, last = theirs(tx, *args)
    close(ours(x), y)
    for mine, other in zip(
        ours.state if kind == "LSTM" else [ours.state],
        last if kind == "LSTM" else [last],
        strict=True,
    ):
        close(mine, other[0])
    y.backward(torch.from_numpy(dy))
    close(ours.backward(dy), tx.grad)
    compare_parameters(ours, theirs)


def test_embedding():
    ours = nn.Embedding(9, 4, rng=np.random.default_rng(0))
    theirs = torch.nn.Embedding(9, 4)
    load(ours, theirs)
    words = np.random.default_rng(0).integers(0, 9, (6, 5))
    y = theirs(torch.from_numpy(words))
    close(ours(words), y)
    dy = draw((6, 5, 4), seed=1)
    y.backward(torch.from_numpy(dy))
    ours.backward(dy)
    compare_parameters(ours, theirs)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "more"),
    [
        (4, 2, 1, 0),
        (3, 2, 1, 1),
        (2, 2, 0, 0),
        (3, 1, 1, 0),
        (64, 32, 16, 0),
        ((3, 2), (2, 3), (1, 0), (0, 2)),
    ],
)
def test_transposed_convolution(kernel, stride, padding, more, bias):
    ours = nn.ConvTranspose2d(
        5, 3, kernel, stride, padding, more, bias=bias, rng=np.random.default_rng(0)
    )
    theirs = torch.nn.ConvTranspose2d(5, 3, kernel, stride, padding, more, bias=bias)
    load(ours, theirs)
    x = draw((2, 5, 6, 4))
    tx = torch.from_numpy(x).requires_grad_()
    y, ty = ours(x), theirs(tx)
    close(y, ty)
    dy = draw(y.shape, seed=1)
    ty.backward(torch.from_numpy(dy))
    close(ours.backward(dy), tx.grad)
    compare_parameters(ours, theirs)
