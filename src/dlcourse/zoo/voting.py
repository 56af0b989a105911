"""An ensemble measured: what its members and their mean reach on the test set."""

from __future__ import annotations

from typing import Any

from dlcourse.data import load_mnist
from dlcourse.models import Classifier, Ensemble
from dlcourse.zoo.environment import hardware, versions

#: The members of the ensemble that ships.
ENSEMBLE = [f"deep-convnet-augmented-seed{seed}" for seed in range(5)]


def run_ensemble(members: dict[str, Classifier], *, command: str) -> dict[str, Any]:
    """Let networks vote on the test images of MNIST.

    Parameters
    ----------
    members : dict
        From a name to a trained network.
    command : str
        The command that started the run, for the record.

    Returns
    -------
    dict
        The record: command, versions, hardware, each member's accuracy, the result together.
    """
    _, test = load_mnist()
    votes = Ensemble(list(members.values())).votes(test.images)
    errors = int((votes.mean(axis=0).argmax(axis=1) != test.labels).sum())
    right = (votes.argmax(axis=2) == test.labels).mean(axis=1)
    return {
        "command": command,
        "versions": versions(),
        "hardware": hardware(),
        "members": {name: float(share) for name, share in zip(members, right, strict=True)},
        "test": {
            "images": len(test),
            "errors": errors,
            "accuracy": 1 - errors / len(test),
        },
    }
