"""The same network on a GPU gives the same numbers. Skipped where there is none."""

import numpy as np
import pytest

from dlcourse.backend import cuda_status, to_device, to_numpy
from dlcourse.data import load_mnist
from dlcourse.models import DeepConvNet
from dlcourse.optim import Adam
from dlcourse.training import Trainer

STATUS = cuda_status()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(" on " not in STATUS, reason=STATUS),
]


def test_gradients_agree_with_numpy():
    train, _ = load_mnist()
    x, t = train.images[:50], train.labels[:50]
    here = DeepConvNet(dropout=0.0, rng=np.random.default_rng(0))
    there = DeepConvNet(dropout=0.0, rng=np.random.default_rng(0)).to("cuda")
    expected = here.gradient(x, t)
    found = there.gradient(to_device(x, "cuda"), to_device(t, "cuda"))
    for name, array in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), array, atol=1e-4)


def test_training_reaches_the_accuracy_it_reaches_on_a_processor():
    train, test = load_mnist()
    model = DeepConvNet(rng=np.random.default_rng(0)).to("cuda")
    trainer = Trainer(model, Adam(model.parameters()), seed=0, progress=False)
    history = trainer.fit(train.subset(slice(10_000)), test, epochs=3)
    assert history.epochs[-1].valid_accuracy > 0.95
