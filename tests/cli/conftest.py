"""Running `dlcourse` in this process."""

import sys

import pytest

from dlcourse import cli
from dlcourse.data import load_mnist
from dlcourse.zoo.recipe import DATASETS


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `dlcourse ARGS`; gives exit status, standard output and error."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["dlcourse", *map(str, args)])
        monkeypatch.setattr(sys, "stderr", sys.stderr)  # `main` wraps it
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


@pytest.fixture
def tiny(monkeypatch):
    """Data sets small enough to train on in a moment."""
    train, test = load_mnist()
    few = train.subset(slice(300)), test.subset(slice(100))
    monkeypatch.setitem(DATASETS, "mnist", lambda: few)
    monkeypatch.setitem(DATASETS, "fashion-mnist", lambda: few)
    monkeypatch.setattr("dlcourse.zoo.ensemble.load_mnist", lambda: few)
