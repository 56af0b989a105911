"""An ensemble measured: what its members and their mean reach on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlcourse.data import load_mnist
from dlcourse.models import Ensemble
from dlcourse.zoo.training import Entry, Trained

#: The members of the ensemble that ships.
ENSEMBLE = [f"deep-convnet-augmented-seed{seed}" for seed in range(5)]


def evaluate_ensemble(ensemble: Ensemble, *, whole: bool = True) -> dict[str, Any]:
    """Let networks vote on the test images of MNIST, whatever `whole` says.

    Examples
    --------
    >>> from dlcourse import zoo
    >>> evaluate_ensemble(zoo.load("ensembles/deep-convnet"))["errors"]  # doctest: +SKIP
    30
    """
    _, test = load_mnist()
    votes = ensemble.votes(test.images)
    errors = int((votes.mean(axis=0).argmax(axis=1) != test.labels).sum())
    return {
        "images": len(test),
        "errors": errors,
        "accuracy": 1 - errors / len(test),
        "members": (votes.argmax(axis=2) == test.labels).mean(axis=1).tolist(),
    }


def gathered(members: Sequence[str]) -> Trained:
    """Return an ensemble for its record: its members are trained already.

    Parameters
    ----------
    members : sequence of str
        Their names.
    """
    return Trained({}, {}, network={"kind": "Ensemble", "members": members})


def _train(folder: Path, *, progress: bool) -> Trained:
    return gathered(ENSEMBLE)


ENTRIES = [Entry("ensembles/deep-convnet", _train, evaluate_ensemble, seed=None)]
