"""Several networks that vote with their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from dlcourse.backend import Array, array_module
from dlcourse.models.classifier import Classifier
from dlcourse.nn import softmax


class Ensemble:
    """The mean of the probabilities that several networks give.

    Networks trained from different initial weights err on different images; a mean of probabilities
    lets a sure network outvote an unsure one (Hansen and Salamon 1990).

    Parameters
    ----------
    members : sequence of Classifier
        At least one; all with the same classes.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.models import DeepConvNet
    >>> members = [DeepConvNet(rng=np.random.default_rng(seed)) for seed in range(3)]
    >>> p = Ensemble(members).predict_proba(np.zeros((2, 1, 28, 28), np.float32))
    >>> p.shape, p.sum(axis=1).round(5).tolist()
    ((2, 10), [1.0, 1.0])
    """

    def __init__(self, members: Sequence[Classifier]) -> None:
        if not members:
            raise ValueError("expected at least one network, found none")
        self.members = list(members)

    def predict_proba(self, x: Array, batch_size: int = 100) -> Array:
        """Return the mean probabilities (N, classes) for the images `x` (N, C, H, W)."""
        return self.votes(x, batch_size).mean(axis=0)

    def votes(self, x: Array, batch_size: int = 100) -> Array:
        """Return each member's probabilities (members, N, classes) for `x` (N, C, H, W)."""
        votes = [softmax(member.predict(x, batch_size)) for member in self.members]
        return array_module(x).stack(votes)

    def accuracy(self, x: Array, t: Array, batch_size: int = 100) -> float:
        """Return the share of the images `x` whose most probable class is the label `t`."""
        return float((self.predict_proba(x, batch_size).argmax(axis=1) == t).mean())
