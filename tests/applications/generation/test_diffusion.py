import numpy as np
import pytest

from dlcourse.applications.generation.denoising import ddim_path, ddpm_path, sample_diffusion
from dlcourse.applications.generation.diffusion import (
    add_noise,
    cosine_schedule,
    diffusion_gradients,
)
from dlcourse.models import UNet
from dlcourse.nn import Module
from dlcourse.optim import Adam, WeightAverage
from dlcourse.training import Loop, descent

SCHEDULE = cosine_schedule(200)


class Oracle(Module):
    """Knows the only picture that there is, and so what is noise."""

    def __init__(self, picture, schedule):
        super().__init__()
        self.picture = picture
        self.schedule = schedule

    def forward(self, x, t):
        left = self.schedule.alpha_bar[t][:, None, None, None]
        return ((x - np.sqrt(left) * self.picture) / np.sqrt(1 - left)).astype(x.dtype)


@pytest.mark.parametrize("steps", [1, 10, 200, 1000])
def test_the_schedule_falls_from_one_to_nearly_nothing(steps):
    shares = cosine_schedule(steps).alpha_bar
    assert len(shares) == steps + 1 and shares[0] == 1
    assert (np.diff(shares) < 0).all() and 0 < shares[-1] < 2e-3
    assert (shares[1:] / shares[:-1]).min() >= 0.000999  # no step takes more than 99.9%


def test_the_schedule_is_the_published_one():
    angle = (0.5 + 0.008) / 1.008 * np.pi / 2
    start = np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    assert SCHEDULE.alpha_bar[100] == pytest.approx(np.cos(angle) ** 2 / start)


def test_noise_in_closed_form_is_noise_step_by_step():
    rng = np.random.default_rng(0)
    x = np.array([-1.0, -0.3, 0.4, 1.0]).reshape(1, 1, 2, 2)
    many = np.repeat(x, 20_000, axis=0)
    stepwise = many
    for t in range(1, 61):
        alpha = SCHEDULE.alpha_bar[t] / SCHEDULE.alpha_bar[t - 1]
        stepwise = np.sqrt(alpha) * stepwise + np.sqrt(1 - alpha) * rng.normal(size=many.shape)
    at_once = add_noise(many, np.full(len(many), 60), rng.normal(size=many.shape), SCHEDULE)
    left = SCHEDULE.alpha_bar[60]
    for noisy in (stepwise, at_once):
        np.testing.assert_allclose(noisy.mean(axis=0), np.sqrt(left) * x[0], atol=0.02)
        np.testing.assert_allclose(noisy.var(axis=0), 1 - left, atol=0.02)


def test_nothing_is_added_at_first_and_nothing_left_in_the_end():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 2, 1, 8, 8)).astype(np.float32)
    noisy = add_noise(x, np.array([0, 200]), noise, SCHEDULE)
    assert noisy.dtype == np.float32
    np.testing.assert_array_equal(noisy[0], x[0])
    np.testing.assert_allclose(noisy[1], noise[1], atol=0.01)


@pytest.mark.parametrize("path", ["ddpm", "ddim 1", "ddim 7", "ddim 200"])
def test_who_knows_the_noise_comes_back_to_the_picture(path):
    rng = np.random.default_rng(0)
    picture = rng.uniform(-1, 1, (1, 4, 4)).astype(np.float32)
    oracle = Oracle(picture, SCHEDULE)
    noise = rng.standard_normal((3, 1, 4, 4), dtype=np.float32)
    if path == "ddpm":
        steps = list(ddpm_path(oracle, noise, SCHEDULE, rng))
        assert [step.t for step in steps] == list(range(199, -1, -1))
    else:
        count = int(path.split()[1])
        steps = list(ddim_path(oracle, noise, SCHEDULE, count))
        assert len(steps) == count and steps[-1].t == 0
    assert steps[-1].x.dtype == np.float32
    np.testing.assert_allclose(steps[-1].x, np.broadcast_to(picture, (3, 1, 4, 4)), atol=2e-3)


def test_on_the_way_back_noise_has_the_variance_of_the_way_there():
    # With one known picture, x after the step to t must be distributed as add_noise makes it.
    rng = np.random.default_rng(0)
    picture = np.full((1, 1, 1), 0.5, np.float32)
    noise = rng.standard_normal((20_000, 1, 1, 1), dtype=np.float32)
    for step in ddpm_path(Oracle(picture, SCHEDULE), noise, SCHEDULE, rng):
        if step.t in (150, 100, 50, 1):
            left = SCHEDULE.alpha_bar[step.t]
            assert step.x.mean() == pytest.approx(0.5 * np.sqrt(left), abs=0.03)
            assert step.x.var() == pytest.approx(1 - left, rel=0.05)


def untrained():
    net = UNet((8, 8), rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for parameter in net.parameters():
        parameter.data += 0.1 * rng.standard_normal(parameter.data.shape, dtype=np.float32)
    return net


def test_ddim_is_decided_by_the_first_noise():
    net = untrained()
    noise = np.random.default_rng(0).standard_normal((2, 1, 8, 8), dtype=np.float32)
    kept = noise.copy()
    *_, first = ddim_path(net, noise, SCHEDULE, 5)
    *_, second = ddim_path(net, noise, SCHEDULE, 5)
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(noise, kept)
    *_, one = ddpm_path(net, noise, cosine_schedule(5), np.random.default_rng(0))
    *_, other = ddpm_path(net, noise, cosine_schedule(5), np.random.default_rng(1))
    assert not np.array_equal(one.x, other.x)
    assert all(abs(step.guess).max() <= 1 for step in ddim_path(net, noise, SCHEDULE, 5))


def test_samples_are_pictures_and_the_same_for_the_same_seed():
    net = untrained()
    for steps in (3, None):
        schedule = SCHEDULE if steps else cosine_schedule(4)
        first, second = (
            sample_diffusion(net, schedule, 5, np.random.default_rng(0), steps, (1, 8, 8), 2)
            for _ in range(2)
        )
        assert first.shape == (5, 1, 8, 8) and first.dtype == np.float32
        assert 0 <= first.min() <= first.max() <= 1
        np.testing.assert_array_equal(first, second)
    assert sample_diffusion(net, SCHEDULE, 0, np.random.default_rng(0), 2).shape == (0, 1, 28, 28)


def training(steps):
    net = UNet((8, 16), time_features=16, rng=np.random.default_rng(0))
    images = np.zeros((10, 1, 8, 8), np.float32)
    images[:, :, 2:6, 2:6] = 1
    optimizer = WeightAverage(Adam(net.parameters(), lr=3e-3), decay=0.9)
    gradients = diffusion_gradients(net, images, SCHEDULE, batch_size=16, seed=0)
    step = descent(gradients, optimizer, max_norm=1)
    loop = Loop(step, {"model": net, "optimizer": optimizer}, progress=False)
    return net, optimizer, images, loop.run(steps)["loss"]


def test_it_learns_one_picture_and_draws_it():
    net, optimizer, images, losses = training(400)
    assert losses[0] == pytest.approx(1, abs=0.2)  # it answers 0 at first
    assert np.mean(losses[-20:]) < 0.25
    optimizer.copy_to(net)
    drawn = sample_diffusion(net, SCHEDULE, 6, np.random.default_rng(0), 10, (1, 8, 8))
    assert ((drawn > 0.5) == images[:6]).mean() > 0.95
