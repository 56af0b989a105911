"""Deep Q-learning: a network in place of the table (Mnih et al. 2015)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcourse.applications.rl.replay import Transitions
from dlcourse.expect import whole_number
from dlcourse.models.q_networks import QNetwork
from dlcourse.nn import SmoothL1Loss
from dlcourse.nn.weights import part
from dlcourse.optim import Optimizer
from dlcourse.training.arguments import check_optimizer


def q_targets(
    rewards: np.ndarray,
    terminated: np.ndarray,
    next_values: np.ndarray,
    discount: float,
    choice: np.ndarray | None = None,
) -> np.ndarray:
    """Return what the value of each action taken should have been.

    ``y = r`` where the episode has ended, and ``y = r + discount * max over a of q(s', a)``
    elsewhere (Mnih et al. 2015, algorithm 1). A maximum over noisy estimates is too high on
    average. So Double DQN lets one network choose the action and another say what it is worth:
    ``y = r + discount * q(s', choice)`` (van Hasselt et al. 2016, equation 4).

    Parameters
    ----------
    rewards : array of shape (N,)
        What each step gave.
    terminated : array of shape (N,), bool
        Whether the episode ended with it. Not where it was merely cut off.
    next_values : array of shape (N, actions)
        What the target network says about the states that followed.
    discount : float
        What a reward is worth if it comes one step later.
    choice : array of shape (N,), int, optional
        The actions that the online network would take there; if left out, the best according to
        `next_values` itself.

    Examples
    --------
    >>> r, end = np.array([1.0, 1.0]), np.array([False, True])
    >>> later = np.array([[2.0, 4.0], [2.0, 4.0]])
    >>> q_targets(r, end, later, 0.5)
    array([3., 1.])
    >>> q_targets(r, end, later, 0.5, choice=np.array([0, 0]))
    array([2., 1.])
    """
    if choice is None:
        best = next_values.max(axis=1)
    else:
        best = next_values[np.arange(len(choice)), choice]
    targets: np.ndarray = rewards + discount * best * ~terminated
    return targets


class QAgent:
    """Acts on the values of a network; an `Agent` of `dlcourse.applications.rl`.

    Parameters
    ----------
    network : QNetwork
        From observations to one value per action.

    Examples
    --------
    >>> from dlcourse.models.q_networks import MLPQNetwork
    >>> agent = QAgent(MLPQNetwork(4, 2, rng=np.random.default_rng(0)))
    >>> agent.q_values(np.ones(4)).shape, agent.act(np.ones(4)) in (0, 1)
    ((2,), True)
    """

    def __init__(self, network: QNetwork) -> None:
        self.network = network

    def q_values(self, observation: Any) -> np.ndarray:
        """Return what the network expects of each action, shape (actions,)."""
        values: np.ndarray = self.network.values(np.asarray(observation)[None])[0]
        return values

    def act(self, observation: Any) -> int:
        """Return the action with the highest value."""
        return int(self.q_values(observation).argmax())


class DQN(QAgent):
    """An agent that acts on a Q-network, and improves it from remembered steps.

    Parameters
    ----------
    network : QNetwork
        The online network: it acts and it learns.
    optimizer : Optimizer
        For the network's parameters.
    discount : float
        What a reward is worth if it comes one step later, from 0 to 1.
    target_every : int
        The network that gives the targets is a copy of the online network, taken again after this
        many learning steps. With 0 there is no copy: the network chases its own values.
    double : bool
        Whether targets are those of Double DQN.
    delta : float
        The Huber loss is quadratic for errors up to `delta`, and of constant slope beyond, so that
        one surprise cannot tear the network apart. 1 suits values of about 1, which clipped and
        rare rewards give; with values of 100 nearly every error would be cut off, and the one
        state whose target is certain, the last, would pull no harder than those with a guess.

    Attributes
    ----------
    target : QNetwork
        The copy.
    steps : int
        Learning steps so far.

    Examples
    --------
    >>> from dlcourse.models.q_networks import MLPQNetwork
    >>> from dlcourse.optim import Adam
    >>> network = MLPQNetwork(1, 2, hidden=(8,), rng=np.random.default_rng(0))
    >>> agent = DQN(network, Adam(network.parameters(), lr=0.01), discount=0.9)
    >>> batch = Transitions(
    ...     np.zeros((4, 1)), np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 0.0, 0.0]),
    ...     np.zeros((4, 1)), np.ones(4, bool))
    >>> for _ in range(400):
    ...     loss = agent.learn(batch)
    >>> agent.act(np.zeros(1)), network.values(np.zeros((1, 1))).round(1)
    (0, array([[1., 0.]], dtype=float32))
    """

    def __init__(
        self,
        network: QNetwork,
        optimizer: Optimizer,
        *,
        discount: float = 0.99,
        target_every: int = 1000,
        double: bool = False,
        delta: float = 1.0,
    ) -> None:
        if not 0 <= discount <= 1:
            raise ValueError(f"discount must lie in [0, 1], found {discount!r}")
        check_optimizer(network, optimizer)
        super().__init__(network)
        self.target = copy.deepcopy(network) if target_every else network.replica()
        self.optimizer = optimizer
        self.discount = discount
        self.target_every = target_every
        self.double = double
        self.steps = 0
        self.delta = delta
        self._loss = SmoothL1Loss()

    def learn(self, batch: Transitions) -> float:
        """Take one step towards the targets of a batch; return its mean Huber loss over delta^2."""
        network = self.network
        following = network.prepare(batch.next_observations)
        choice = network(following).argmax(axis=1) if self.double else None
        targets = q_targets(
            *(batch.rewards, batch.terminated, self.target(following), self.discount), choice
        )
        values = network(network.prepare(batch.observations))
        taken = np.arange(len(values)), batch.actions
        # In units of delta; Adam does not notice the constant delta^2 that is left out.
        targets = targets.astype(values.dtype, copy=False)
        loss = self._loss(values[taken] / self.delta, targets / self.delta)
        # Only the action that was taken has a target; the others learn nothing.
        gradient = np.zeros_like(values)
        gradient[taken] = self._loss.backward()
        self.optimizer.zero_grad()
        network.backward(gradient)
        self.optimizer.step()
        self.steps += 1
        if self.target_every and self.steps % self.target_every == 0:
            self.target.load_state_dict(network.state_dict())
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return what learning changes beyond the network and the optimizer: target and steps."""
        target = self.target.state_dict()
        return {**{f"target.{name}": array for name, array in target.items()}, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; nothing is changed if it does not fit.

        Raises
        ------
        ValueError
            If it does not fit.
        """
        steps = whole_number("steps", state["steps"], least=0)
        self.target.load_state_dict(part(state, "target."))
        self.steps = steps
