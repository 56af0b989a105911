"""What solutions of chapter 3 say should come out, where no cell of the page computes it."""

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.data import Dataset, load_mnist
from dlcourse.nn import CrossEntropyLoss, Flatten, Linear, ReLU, Sequential
from dlcourse.optim import Adam
from dlcourse.precision import LossScaler, quantize
from dlcourse.training import Trainer


@pytest.fixture(scope="module")
def digits():
    return load_mnist()


@pytest.mark.parametrize(
    ("count", "percentile", "known"), [(500, 100, 19), (5, 100, 19), (500, 99, 15), (500, 95, 1686)]
)
def test_calibrating_with_less(digits, count, percentile, known):
    """ex-fewer-bits-calibration."""
    train, test = digits
    net = quantize(zoo.load("deep-convnet-seed0"), train.images[:count], percentile=percentile)
    parts = [net(test.images[i : i + 250]) for i in range(0, 2000, 250)]
    errors = (np.concatenate(parts).argmax(axis=1) != test.labels[:2000]).sum()
    # The ranges come from float32, and an image that hangs in the balance may turn.
    assert errors == pytest.approx(known, abs=2, rel=0.02)


def test_float32_for_comparison(digits):
    """ex-fewer-bits-calibration."""
    scores = zoo.load("deep-convnet-seed0").predict(digits[1].images[:2000])
    assert abs((scores.argmax(axis=1) != digits[1].labels[:2000]).sum() - 19) <= 1


class WeightedLoss(CrossEntropyLoss):
    """The loss of the page: one of several, with a small weight."""

    def backward(self):
        return super().backward() * np.float32(2.0**-22)


def shrunk(data, start, end):
    pixels = data.images[start:end].reshape(end - start, 1, 14, 2, 14, 2).mean(axis=(3, 5))
    return Dataset(pixels, data.labels[start:end], data.classes)


@pytest.mark.parametrize(
    ("power", "known"), [(2, 0.05), (4, 0.16), (6, 0.69), (8, 0.81), (16, 0.81)]
)
def test_a_scale_too_small(digits, power, known):
    """ex-fewer-bits-scale."""
    train, _ = digits
    rng = np.random.default_rng(0)
    model = Sequential(Flatten(), Linear(196, 32, rng=rng), ReLU(), Linear(32, 10, rng=rng))
    scaler = LossScaler(init_scale=2.0**power, growth_interval=2000)
    optimizer = Adam(model.parameters(), lr=0.005, eps=1e-15)
    trainer = Trainer(model, optimizer, WeightedLoss, scaler=scaler, progress=False)
    history = trainer.fit(shrunk(train, 0, 1000), shrunk(train, 50_000, 51_000), epochs=6)
    assert len(history.step_loss) == 60
    assert history.epochs[-1].valid_accuracy == pytest.approx(known, abs=0.02)
    assert scaler.skipped == 0 and scaler.scale == 2.0**power  # nothing shows
