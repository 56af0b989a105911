"""Recurrent layers: the same step at each place of a sequence, with a state handed on.

The backward pass walks the sequence from its end to its start, *backpropagation through time*
(Werbos 1990): the gradient of a state is what comes from its own output, plus what the next step
hands back. The products with all inputs are one matrix product before the walk, and those for the
gradients of the weights are one after it.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.expect import whole_number
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter


class RNN(Module):
    """A plain recurrent layer: ``h[t] = tanh(x[t] W_ih^T + b_ih + h[t - 1] W_hh^T + b_hh)``.

    (Elman 1990.) Each step multiplies the gradient by ``W_hh``: over many steps it vanishes or
    explodes, which is what `LSTM` was made for.

    Parameters
    ----------
    input_size : int
        Length I of the vector at each place.
    hidden_size : int
        Length H of the state.
    rng : numpy.random.Generator
        Draws weights and biases evenly from -1 / sqrt(H) to 1 / sqrt(H), as torch does.

    Attributes
    ----------
    weight_ih_l0 : Parameter of shape (H, I)
    weight_hh_l0 : Parameter of shape (H, H)
    bias_ih_l0, bias_hh_l0 : Parameter of shape (H,)
    initial : array of shape (N, H), or None
        The state that forward passes start from; None is zeros. It counts as given: no gradient
        goes back beyond it.
    state : array of shape (N, H)
        The state after the last forward pass, to go on from.

    Examples
    --------
    >>> rnn = RNN(4, 8, rng=np.random.default_rng(0))
    >>> rnn(np.zeros((5, 2, 4), np.float32)).shape  # 5 places, 2 sequences
    (5, 2, 8)
    """

    hints: ClassVar = Module.hints | {
        "num_layers=": "write Sequential(LSTM(8, 4, rng=rng), LSTM(4, 4, rng=rng))",
        "batch_first=": "leave it out and pass x.swapaxes(0, 1), of shape (T, N, I)",
        "dropout=": "write Dropout(p) between two layers in a Sequential",
        "bidirectional=": "run a second layer over x[::-1] and join the two outputs",
    }

    #: Rows of the weights for each unit of the state.
    gates = 1

    def __init__(self, input_size: int, hidden_size: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.input_size = whole_number("input_size", input_size)
        self.hidden_size = whole_number("hidden_size", hidden_size)
        rows, bound = self.gates * hidden_size, 1 / math.sqrt(hidden_size)

        def draw(*shape: int) -> Parameter:
            return Parameter(((2 * rng.random(shape) - 1) * bound).astype(np.float32))

        self.weight_ih_l0 = draw(rows, input_size)
        self.weight_hh_l0 = draw(rows, hidden_size)
        self.bias_ih_l0 = draw(rows)
        self.bias_hh_l0 = draw(rows)
        self.initial: Array | None = None
        self.state: Array = None

    def forward(self, x: Array) -> Array:
        """Return the state at each place, (T, N, H), for inputs (T, N, I).

        It is one array, not a pair as in torch: the last state is in the attribute `state`.
        """
        xp = array_module(x)
        into = self._inputs(x)
        h = xp.empty((len(x) + 1, x.shape[1], self.hidden_size), x.dtype)
        h[0] = 0 if self.initial is None else self.initial
        recurrent = self.weight_hh_l0.data.T
        for t in range(len(x)):
            h[t + 1] = xp.tanh(into[t] + h[t] @ recurrent)
        self._h = h
        self.state = h[-1].copy()
        return h[1:].copy()

    def backward(self, dy: Array) -> Array:
        """Return the gradient with respect to the inputs, given the gradient of each state."""
        h = self._h
        d_into = array_module(dy).empty_like(dy)
        from_next = 0  # nothing comes after the last place
        for t in reversed(range(len(dy))):
            d_into[t] = (dy[t] + from_next) * (1 - h[t + 1] * h[t + 1])
            from_next = d_into[t] @ self.weight_hh_l0.data
        return self._weight_grads(d_into)

    def _inputs(self, x: Array) -> Array:
        """Return what comes from the inputs at all places, with both biases: (T, N, rows)."""
        if x.ndim != 3 or x.shape[2] != self.input_size or not len(x):
            raise ValueError(
                f"{type(self).__name__} expects (T, N, {self.input_size}) with at least one place "
                f"T, found shape {x.shape}"
            )
        self._x = x
        return x @ self.weight_ih_l0.data.T + (self.bias_ih_l0.data + self.bias_hh_l0.data)

    def _weight_grads(self, d_into: Array) -> Array:
        """Given the gradients before the activations, set the weights' gradients; return dx."""
        rows = d_into.reshape(-1, d_into.shape[2])
        before = self._h[:-1].reshape(-1, self.hidden_size)
        self.weight_ih_l0.accumulate(lambda: rows.T @ self._x.reshape(-1, self.input_size))
        self.weight_hh_l0.accumulate(lambda: rows.T @ before)
        for bias in (self.bias_ih_l0, self.bias_hh_l0):
            bias.accumulate(lambda: rows.sum(axis=0, dtype=sum_dtype(rows.dtype)))
        return d_into @ self.weight_ih_l0.data if self.input_grad else None


class LSTM(RNN):
    """Long short-term memory: a cell that gates write, keep and read.

    The cell is from Hochreiter and Schmidhuber (1997), its forget gate from Gers, Schmidhuber and
    Cummins (2000).

    With ``i, f, g, o`` the four quarters of ``x[t] W_ih^T + b_ih + h[t - 1] W_hh^T + b_hh``, the
    logistic function s and products element by element::

        c[t] = s(f) c[t - 1] + s(i) tanh(g)
        h[t] = s(o) tanh(c[t])

    On the direct path from ``c[t]`` to ``c[t - 1]`` the gradient is only multiplied by ``s(f)``:
    where the forget gate is open it passes unchanged, as it does through a residual block's
    shortcut. A second path leads through ``h[t - 1]`` and all four quarters.

    Parameters
    ----------
    input_size : int
        Length I of the vector at each place.
    hidden_size : int
        Length H of the state and of the cell.
    rng : numpy.random.Generator
        Draws weights and biases evenly from -1 / sqrt(H) to 1 / sqrt(H), as torch does.

    Attributes
    ----------
    weight_ih_l0 : Parameter of shape (4 H, I)
        The rows of the input gate, the forget gate, the cell and the output gate, as in torch.
    weight_hh_l0 : Parameter of shape (4 H, H)
    bias_ih_l0, bias_hh_l0 : Parameter of shape (4 H,)
    initial : (array, array) of shape (N, H) each, or None
        State h and cell c that forward passes start from; None is zeros. They count as given: no
        gradient goes back beyond them.
    state : (array, array) of shape (N, H) each
        State and cell after the last forward pass, to go on from.

    Examples
    --------
    >>> lstm = LSTM(4, 8, rng=np.random.default_rng(0))
    >>> lstm(np.zeros((5, 2, 4), np.float32)).shape
    (5, 2, 8)
    """

    gates = 4

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        gates = self._inputs(x)  # becomes the gates, place by place
        h = xp.empty((len(x) + 1, x.shape[1], self.hidden_size), x.dtype)
        c = xp.empty_like(h)
        h[0], c[0] = (0, 0) if self.initial is None else self.initial
        recurrent = self.weight_hh_l0.data.T
        for t in range(len(x)):
            gates[t] += h[t] @ recurrent
            i, f, g, o = self._quarters(gates[t])
            for gate in (i, f, o):
                gate[...] = 0.5 * xp.tanh(0.5 * gate) + 0.5  # the logistic function, no overflow
            g[...] = xp.tanh(g)
            c[t + 1] = f * c[t] + i * g
            h[t + 1] = o * xp.tanh(c[t + 1])
        self._gates, self._h, self._c = gates, h, c
        self.state = h[-1].copy(), c[-1].copy()
        return h[1:].copy()

    def backward(self, dy: Array) -> Array:
        xp = array_module(dy)
        c = self._c
        d_gates = xp.empty_like(self._gates)
        dh_next = dc_next = 0  # nothing comes after the last place
        for t in reversed(range(len(dy))):
            i, f, g, o = self._quarters(self._gates[t])
            di, df, dg, do = self._quarters(d_gates[t])
            squashed = xp.tanh(c[t + 1])
            dh = dy[t] + dh_next
            dc = dh * o * (1 - squashed * squashed) + dc_next
            di[...] = dc * g * i * (1 - i)
            df[...] = dc * c[t] * f * (1 - f)
            dg[...] = dc * i * (1 - g * g)
            do[...] = dh * squashed * o * (1 - o)
            dc_next = dc * f
            dh_next = d_gates[t] @ self.weight_hh_l0.data
        return self._weight_grads(d_gates)

    def _quarters(self, rows: Array) -> list[Array]:
        """Return views of the four gates of (N, 4 H), each (N, H)."""
        size = self.hidden_size
        return [rows[:, k * size : (k + 1) * size] for k in range(4)]
