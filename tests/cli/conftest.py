"""Data sets for commands."""

import pytest

from dlcourse.data import load_mnist
from dlcourse.zoo.recipe import DATASETS


@pytest.fixture
def tiny(monkeypatch):
    """Data sets small enough to train on in a moment."""
    train, test = load_mnist()
    few = train.subset(slice(300)), test.subset(slice(100))
    monkeypatch.setitem(DATASETS, "mnist", lambda: few)
    monkeypatch.setitem(DATASETS, "fashion-mnist", lambda: few)
    monkeypatch.setattr("dlcourse.zoo.ensemble.load_mnist", lambda: few)
