"""DeepConvNet trained for some steps, here and in PyTorch, from the same weights."""

from collections import OrderedDict

import numpy as np
import pytest

from dlcourse.data import load_mnist
from dlcourse.models import DeepConvNet
from dlcourse.nn import CrossEntropyLoss
from dlcourse.optim import Adam
from dlcourse.training import ParallelModel

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")


def twin(model):
    """The same network in PyTorch; its state has the same names."""
    nn = torch.nn
    layers = []
    plan = [(1, 16, 1), (16, 16, 1), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1)]
    for i, (c_in, c_out, padding) in enumerate(plan):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=padding), nn.ReLU()]
        if i % 2:
            layers.append(nn.MaxPool2d(2))
    head = nn.Flatten(), nn.Linear(1024, 50), nn.ReLU(), nn.Dropout(0.0), nn.Linear(50, 10)
    parts = {"features": nn.Sequential(*layers), "classifier": nn.Sequential(*head)}
    net = nn.Sequential(OrderedDict(parts))
    state = {name: torch.from_numpy(array.copy()) for name, array in model.state_dict().items()}
    net.load_state_dict(state)
    return net


def test_state_has_the_names_and_order_of_torch():
    model = DeepConvNet(rng=np.random.default_rng(0))
    assert list(model.state_dict()) == list(twin(model).state_dict())


def test_ten_steps_of_adam_agree():
    train, _ = load_mnist()
    model = DeepConvNet(dropout=0.0, rng=np.random.default_rng(0))
    net = twin(model)
    ours = Adam(model.parameters(), lr=0.001)
    theirs = torch.optim.Adam(net.parameters(), lr=0.001)
    criterion = torch.nn.CrossEntropyLoss()
    with ParallelModel(model, CrossEntropyLoss) as parallel:
        for step in range(10):
            part = slice(60 * step, 60 * (step + 1))
            x, t = train.images[part], train.labels[part]
            score = parallel.gradients(x, t, len(x), seed=0, position=(step,))
            ours.step()
            theirs.zero_grad()
            loss = criterion(net(torch.from_numpy(x)), torch.from_numpy(t))
            loss.backward()
            theirs.step()
            assert score.loss == pytest.approx(loss.item(), rel=2e-3)
    # Adam turns the smallest gradients, where rounding rules, into whole steps: so the outputs
    # are compared, not every weight.
    x = train.images[1000:1100]
    with torch.no_grad():
        expected = net(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.predict(x), expected, atol=0.02)
