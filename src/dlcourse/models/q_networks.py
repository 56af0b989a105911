"""Networks that give one value per action: Q-networks, with a plain or a dueling head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.backend import Array
from dlcourse.nn import Chain, Conv2d, Flatten, Linear, Module, ReLU, Sequential


class DuelingHead(Module):
    """The value of a state plus the advantage of each action (Wang et al. 2016, equation 9).

    ``q[n, a] = v[n] + adv[n, a] - mean over b of adv[n, b]``

    One number v says how good the state is whatever is done; it learns from every action's
    target. Targets only tell ``v + adv``, so a constant could wander from one to the other: the
    mean is subtracted to pin it down. The gradient is

    ``dv[n] = sum over a of dq[n, a]`` and ``dadv[n, a] = dq[n, a] - mean over b of dq[n, b]``.

    Parameters
    ----------
    in_features : int
        Features of a state.
    actions : int
        Number of actions.
    rng : numpy.random.Generator
        Draws the initial weights.

    Attributes
    ----------
    value, advantage : Linear
        To one value, and to one per action.

    Examples
    --------
    >>> head = DuelingHead(2, 2, rng=np.random.default_rng(0))
    >>> head.value.weight.data[:] = [[1, 1]]
    >>> head.advantage.weight.data[:] = [[4, 0], [2, 0]]
    >>> head(np.array([[1.0, 2.0]], np.float32))  # 3 + 4 - 3, 3 + 2 - 3
    array([[4., 2.]], dtype=float32)
    """

    def __init__(self, in_features: int, actions: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.value = Linear(in_features, 1, rng=rng)
        self.advantage = Linear(in_features, actions, rng=rng)

    def forward(self, x: Array) -> Array:
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(axis=1, keepdims=True)

    def backward(self, dy: Array) -> Array:
        dx = self.value.backward(dy.sum(axis=1, keepdims=True))
        dx += self.advantage.backward(dy - dy.mean(axis=1, keepdims=True))
        return dx


class QNetwork(Chain):
    """Base of networks from an observation to one value per action.

    Attributes
    ----------
    features : Sequential
        From observations to a row of features for each.
    head : Linear or DuelingHead
        From features to values (N, actions).
    """

    features: Sequential
    head: Module

    def prepare(self, observations: np.ndarray) -> Array:
        """Return observations (N, ...), as the environment gives them, as the network's input."""
        raise NotImplementedError(f"{type(self).__name__} does not define prepare(observations)")

    def values(self, observations: np.ndarray) -> Array:
        """Return the values (N, actions) of observations as the environment gives them."""
        return self(self.prepare(observations))


class MLPQNetwork(QNetwork):
    """Fully connected layers with ReLU, for observations that are a few numbers.

    Parameters
    ----------
    in_features : int
        Numbers in an observation: 4 in CartPole.
    actions : int
        Number of actions.
    hidden : sequence of int
        Units of the hidden layers.
    dueling : bool
        Whether the head is a `DuelingHead`.
    scale : sequence of float, optional
        What the numbers of an observation are divided by, to be of one size.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> net = MLPQNetwork(4, 2, rng=np.random.default_rng(0))
    >>> net.values(np.zeros((3, 4))).shape, sum(p.data.size for p in net.parameters())
    ((3, 2), 17410)
    """

    def __init__(
        self,
        in_features: int,
        actions: int,
        hidden: Sequence[int] = (128, 128),
        dueling: bool = False,
        scale: Sequence[float] | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.scale = np.asarray(1.0 if scale is None else scale, np.float32)
        layers: list[Module] = []
        for units in hidden:
            layers += [Linear(in_features, units, rng=rng), ReLU()]
            in_features = units
        self.features = Sequential(*layers)
        self.head = _head(in_features, actions, dueling, rng)
        self.skip_input_grad()

    def prepare(self, observations: np.ndarray) -> Array:
        """Return observations (N, numbers), divided by the scale, in float32."""
        return observations.astype(np.float32, copy=False) / self.scale


class MinAtarQNetwork(QNetwork):
    """The network of Young and Tian (2019) for MinAtar: one convolution, one hidden layer.

    16 kernels of 3x3 and 128 units do for pictures of 10x10 what the three convolutions and 512
    units of Mnih et al. (2015) do for 84x84.

    Parameters
    ----------
    in_channels : int
        Planes of an observation (10, 10, planes): 4 in Breakout.
    actions : int
        Number of actions.
    dueling : bool
        Whether the head is a `DuelingHead`.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> net = MinAtarQNetwork(4, 3, rng=np.random.default_rng(0))
    >>> net.values(np.zeros((2, 10, 10, 4), bool)).shape, sum(p.data.size for p in net.parameters())
    ((2, 3), 132179)
    """

    def __init__(
        self,
        in_channels: int,
        actions: int,
        dueling: bool = False,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.features = Sequential(
            *(Conv2d(in_channels, 16, 3, rng=rng), ReLU(), Flatten()),
            *(Linear(16 * 8 * 8, 128, rng=rng), ReLU()),
        )
        self.head = _head(128, actions, dueling, rng)
        self.skip_input_grad()

    def prepare(self, observations: np.ndarray) -> Array:
        """Return planes (N, 10, 10, C) as images (N, C, 10, 10), in the same memory order."""
        return observations.astype(np.float32).transpose(0, 3, 1, 2)


def _head(in_features: int, actions: int, dueling: bool, rng: np.random.Generator) -> Module:
    if dueling:
        return DuelingHead(in_features, actions, rng=rng)
    return Linear(in_features, actions, rng=rng)
