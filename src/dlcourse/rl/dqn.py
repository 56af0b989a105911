"""Deep Q-learning: a network in place of the table (Mnih et al. 2015)."""

from __future__ import annotations

import copy

import numpy as np

from dlcourse.models.q_networks import QNetwork
from dlcourse.nn import SmoothL1Loss
from dlcourse.optim import Optimizer
from dlcourse.rl.replay import Transitions


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
        What the target network says of the states that followed.
    discount : float
        What a reward is worth if it comes one step later.
    choice : array of shape (N,), int, optional
        The actions that the online network would take there; without it, the best by
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
    return rewards + discount * best * ~terminated


class DQN:
    """An agent that acts by a Q-network, and improves it from remembered steps.

    Parameters
    ----------
    network : QNetwork
        The online network: it acts and it learns.
    optimizer : Optimizer
        Of the network's parameters.
    discount : float
        What a reward is worth if it comes one step later, from 0 to 1.
    target_every : int
        The network that gives the targets is a copy of the online network, taken anew after so
        many learning steps. With 0 there is no copy: the network chases its own values.
    double : bool
        Whether targets are those of Double DQN.

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
    ) -> None:
        if not 0 <= discount <= 1:
            raise ValueError(f"discount must lie in [0, 1], found {discount!r}")
        self.network = network
        self.target = copy.deepcopy(network) if target_every else network.replica()
        self.optimizer = optimizer
        self.discount = discount
        self.target_every = target_every
        self.double = double
        self.steps = 0
        # Quadratic near zero, and of slope 1 beyond: one surprise cannot tear the network apart.
        self._loss = SmoothL1Loss()

    def act(self, observation: np.ndarray) -> int:
        """Return the action of the highest value."""
        return int(self.network.values(np.asarray(observation)[None])[0].argmax())

    def learn(self, batch: Transitions) -> float:
        """Take one step towards the targets of a batch, and return the mean Huber loss."""
        network = self.network
        following = network.prepare(batch.next_observations)
        choice = network(following).argmax(axis=1) if self.double else None
        targets = q_targets(
            *(batch.rewards, batch.terminated, self.target(following), self.discount), choice
        )
        values = network(network.prepare(batch.observations))
        taken = np.arange(len(values)), batch.actions
        loss = self._loss(values[taken], targets.astype(values.dtype, copy=False))
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
