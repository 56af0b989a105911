"""Trainings that any kind of ranks can run, for tests."""

import copy

import numpy as np

from dlcourse.data import Dataset, Shift, load_mnist
from dlcourse.models import DeepConvNet
from dlcourse.nn import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Trainer


def small_dataset(count=90, seed=0, bar=0.5):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.random((count, 1, 8, 8), dtype=np.float32) / 2
    for i, label in enumerate(labels):
        images[i, 0, 2 * label : 2 * label + 2] += bar  # it tells the class
    return Dataset(images, labels, ("top", "middle", "bottom"))


def small_model(seed=0, batch_norm=False):
    rng = np.random.default_rng(seed)
    norm = [BatchNorm2d(4)] if batch_norm else []
    return Sequential(
        Conv2d(1, 4, 3, padding=1, rng=rng), *norm, ReLU(), MaxPool2d(2), Flatten(),
        Linear(64, 16, rng=rng), ReLU(), Dropout(0.3), Linear(16, 3, rng=rng),
    )  # fmt: skip


def small_trainer(communicator=None, **options):
    """Batches of 16 in 4 micro-batches; the last of an epoch of 90 has 10, in 3 micro-batches."""
    model = small_model(seed=communicator.rank if communicator else 0)
    optimizer = Adam(model.parameters(), lr=0.01)
    options = (
        dict(
            batch_size=16,
            micro_batch=4,
            seed=3,
            augment=Shift(1),
            max_norm=1.0,
            schedule=CosineAnnealingLR(optimizer, T_max=4),
            progress=False,
            communicator=communicator,
        )
        | options
    )
    return Trainer(model, optimizer, **options)


def result(trainer):
    """All that ranks must agree on."""
    state = {name: array.copy() for name, array in trainer.model.state_dict().items()}
    history = vars(copy.deepcopy(trainer.history))
    del history["seconds"]
    for epoch in history["watched"]:
        del epoch["seconds"]
    return state, history


def assert_same(a, b):
    assert a[1] == b[1]
    assert a[0].keys() == b[0].keys()
    for name in a[0]:
        np.testing.assert_array_equal(a[0][name], b[0][name], err_msg=name)


def train_deep_convnet(communicator, steps):
    """Train on MNIST for so many steps, and return the weights and the losses as arrays."""
    train, _ = load_mnist()
    model = DeepConvNet(rng=np.random.default_rng(0))
    optimizer = Adam(model.parameters())
    trainer = Trainer(model, optimizer, communicator=communicator, progress=False)
    trainer.fit(train.subset(slice(100 * steps)), epochs=1)
    return {**model.state_dict(), "loss": np.array(trainer.history.step_loss)}
