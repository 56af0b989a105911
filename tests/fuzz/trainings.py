"""Trainings that go on from a file, and networks that take weights from one."""

import contextlib

import numpy as np

from dlcourse import nn, optim
from dlcourse.applications.rl.replay import ReplayMemory
from dlcourse.data import Dataset
from dlcourse.precision import LossScaler
from dlcourse.training import History, Loop, Trainer
from dlcourse.training.checkpoint import copied

rng = np.random.default_rng


def same(a, b):
    """Return whether two values that readers returned are equal, NaN included."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b


def network(seed):
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=rng(seed)), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(),
        nn.Linear(8, 3, rng=rng(seed)),
    )  # fmt: skip


class HalfLoadedError(AssertionError):
    """A reader failed, and has changed something before."""


@contextlib.contextmanager
def whole(*owners):
    """Check that what fails has changed nothing."""
    before = [copied(owner.state_dict()) for owner in owners]
    try:
        yield
    except Exception as error:
        for owner, state in zip(owners, before, strict=True):
            if not same(owner.state_dict(), state):
                raise HalfLoadedError(f"{type(owner).__name__} changed: {error}") from error
        raise


def into(load):
    def read(path):
        model = network(0)
        with whole(model):
            load(model, path)
        return copied(model.state_dict())

    return read


DATA = Dataset(
    rng(0).random((20, 1, 4, 4), dtype=np.float32), rng(1).integers(0, 3, 20), tuple("abc")
)


def trainer(path, seed):
    model = network(seed)
    adam = optim.Adam(model.parameters())
    schedule = optim.LinearWarmup(adam, 1, after=optim.CosineAnnealingLR(adam, 3))
    return Trainer(model, adam, schedule=schedule, checkpoint=path, batch_size=10,
                   checkpoint_every=1, progress=False, workers=1)  # fmt: skip


def write_checkpoint(path):
    trainer(path, 0).fit(DATA, epochs=1)


def read_checkpoint(path):
    saved = path.read_bytes()
    one = trainer(path, 1)
    with whole(one.model, one.optimizer):
        before = one.schedule.state_dict()
        try:
            one.fit(DATA, epochs=1)
        except Exception:
            if one.schedule.state_dict() != before or one.history != History():
                raise HalfLoadedError("the numbers of the trainer changed") from None
            raise
        finally:
            path.write_bytes(saved)
    return copied(one.model.state_dict())


def loop(path, seed):
    """A training whose state is of all kinds: arrays, numbers, and both."""
    line = nn.Linear(2, 1, rng=rng(seed))
    momentum = optim.Momentum(line.parameters(), lr=0.1)
    memory = ReplayMemory(4, (3,))
    for i in range(3 - seed):
        memory.add([i, i, i], 0, 1.0, [i, i, i], False)
    state = {"model": line, "optimizer": momentum, "memory": memory,
             "schedule": optim.StepLR(momentum, 3), "scaler": LossScaler()}  # fmt: skip
    return Loop(lambda number: 0.5, state, checkpoint=path, progress=False)


def write_loop(path):
    loop(path, 0).run(2)


def read_loop(path):
    saved = path.read_bytes()
    one = loop(path, 1)
    with whole(*one.state.values()):
        try:
            losses = one.run(2)["loss"]
        finally:
            path.write_bytes(saved)
    return {"losses": losses, **copied(one.state["model"].state_dict())}
