import numpy as np
import pytest
from rank_training import small_dataset, small_model
from states import unchanged

from dlcourse.models import ResNetCifar
from dlcourse.nn import CrossEntropyLoss, GlobalAvgPool, Linear, Sequential
from dlcourse.optim import Adam
from dlcourse.precision import LossScaler, MixedPrecision
from dlcourse.training import Trainer


def dataset(count, seed=0):
    return small_dataset(count, seed, bar=0.3)


def off():
    """Return a scaler that never scales."""
    return LossScaler(init_scale=1, growth_factor=1, backoff_factor=1)


class SmallLoss(CrossEntropyLoss):
    """One of many tasks, say, with a small weight: a power of two, which rounds nothing."""

    weight = 2.0**-22

    def backward(self):
        return super().backward() * np.float32(self.weight)


@pytest.fixture
def gradients():
    """Return a function that runs one pass, and returns scores and gradients."""

    def run(model, wrapped):
        data = dataset(12)
        loss = SmallLoss()
        model.eval()  # no dropout
        model.zero_grad()
        y = wrapped.eval()(data.images)
        loss(y, data.labels)
        wrapped.backward(loss.backward())
        return y, [p.grad for p in model.parameters()]

    return run


@pytest.mark.parametrize("batch_norm", [False, True])
def test_gradients_are_those_of_float32_up_to_rounding(gradients, batch_norm):
    model = small_model(batch_norm=batch_norm)
    y, expected = gradients(model, model)
    half = MixedPrecision(model, LossScaler(init_scale=2.0**22))
    y_half, found = gradients(model, half)
    assert y_half.dtype == np.float32
    np.testing.assert_allclose(y_half, y, atol=0.01)
    assert (y_half != y).any()  # it was really rounded
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=0.02 * abs(theirs).max())


def test_without_scaling_small_gradients_become_zero(gradients):
    model = small_model()
    _, expected = gradients(model, model)
    _, found = gradients(model, MixedPrecision(model, off()))
    assert all((abs(grad) > 0).mean() > 0.5 for grad in expected)
    assert all((ours == 0).all() for ours in found)


def test_training_without_scaling_stands_still_and_with_it_learns_as_float32_does():
    train, valid = dataset(300), dataset(150, seed=1)

    def accuracy(scaler):
        model = small_model(seed=1)
        optimizer = Adam(model.parameters(), lr=0.01, eps=1e-15)  # below the small gradients
        trainer = Trainer(model, optimizer, SmallLoss, scaler=scaler, batch_size=20, progress=False)
        return trainer.fit(train, valid, epochs=4).epochs[-1].valid_accuracy

    scaler = LossScaler(init_scale=2.0**44, growth_interval=20)  # far too large at first
    in_float32, scaled, unscaled = accuracy(None), accuracy(scaler), accuracy(off())
    assert in_float32 > 0.98
    assert scaled >= in_float32 - 0.02
    assert unscaled < 0.5
    assert 5 < scaler.skipped < 20


def test_an_overflowing_step_changes_no_weights():
    model = small_model()
    scaler = LossScaler(init_scale=2.0**60)
    trainer = Trainer(
        model, Adam(model.parameters()), scaler=scaler, batch_size=20, progress=False, max_norm=1.0
    )
    with unchanged(model):
        history = trainer.fit(dataset(40), epochs=1)
    assert scaler.skipped == len(history.step_loss) == 2
    assert scaler.scale == 2.0**58


def test_a_checkpoint_of_float32_is_not_continued_in_float16(tmp_path):
    def trainer(scaler):
        model = small_model()
        return Trainer(
            model, Adam(model.parameters()), scaler=scaler, checkpoint=tmp_path / "c.npz",
            progress=False,
        )  # fmt: skip

    trainer(None).fit(dataset(20), epochs=1)
    with pytest.raises(ValueError, match="training run with scaler None, expected 'LossScaler'"):
        trainer(LossScaler()).fit(dataset(20), epochs=2)


def test_batch_statistics_are_kept_in_float32_and_reach_the_model():
    def train(scaler):
        model = ResNetCifar(8, in_channels=1, width=4, rng=np.random.default_rng(0))
        trainer = Trainer(
            model, Adam(model.parameters(), lr=0.01), scaler=scaler, batch_size=20, progress=False
        )
        trainer.fit(dataset(60), epochs=1)
        return model.state_dict()

    expected, found = train(None), train(LossScaler(init_scale=2.0**10))
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        if "running_mean" in name:
            assert abs(found[name]).max() > 0
    first = next(name for name in expected if name.endswith("running_var"))
    np.testing.assert_allclose(found[first], expected[first], rtol=0.05)


def test_a_pass_that_fails_leaves_the_master_weights():
    model = small_model()
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match="expects"):
        MixedPrecision(model, off())(dataset(2).images[:, :, :4])
    assert all(p.data is data for p, data in zip(model.parameters(), before, strict=True))


def test_master_weights_must_be_float32():
    model = Sequential(GlobalAvgPool(), Linear(1, 3, rng=np.random.default_rng(0)))
    with pytest.raises(ValueError, match=r"found 1\.weight in float64; call model\.astype"):
        MixedPrecision(model.astype(np.float64), LossScaler())
