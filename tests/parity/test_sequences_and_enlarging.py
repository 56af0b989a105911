"""Recurrent layers, embedding and transposed convolution against PyTorch, forward and backward."""

import numpy as np
import pytest

from dlcourse import nn

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")

from torch_agreement import assert_same_gradients, assert_same_layer, close, draw, take_over


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (12, 5, 7, 16)])
@pytest.mark.parametrize("given", [False, True])
def test_recurrent(kind, sizes, given):
    t, n, i, h = sizes
    ours = getattr(nn, kind)(i, h, rng=np.random.default_rng(0))
    theirs = getattr(torch.nn, kind)(i, h)
    take_over(ours, theirs)
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
    assert_same_gradients(ours, theirs, 1e-4, 1e-4)


def test_embedding():
    ours = nn.Embedding(9, 4, rng=np.random.default_rng(0))
    theirs = torch.nn.Embedding(9, 4)
    take_over(ours, theirs)
    assert_same_layer(ours, theirs, np.random.default_rng(0).integers(0, 9, (6, 5)))


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
    take_over(ours, theirs)
    assert_same_layer(ours, theirs, draw((2, 5, 6, 4)))
