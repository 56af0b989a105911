import numpy as np
import pytest

from dlcourse.applications.generation.vae import VAELoss, reconstruct, sample_vae, vae_gradients
from dlcourse.models import VAE, VAEOutputs
from dlcourse.optim import Adam
from dlcourse.training import Loop, descent


def outputs(scores, mean, log_variance):
    return VAEOutputs(*(np.array(part, np.float32) for part in (scores, mean, log_variance)))


def test_the_loss_is_its_definition():
    rng = np.random.default_rng(0)
    y = outputs(rng.normal(size=(3, 1, 2, 2)), rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))
    x = rng.random((3, 1, 2, 2), dtype=np.float32)
    loss = VAELoss()
    value = loss(y, x)
    p = 1 / (1 + np.exp(-y.scores))
    redrawing = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() / 3
    telling = (y.mean**2 + np.exp(y.log_variance) - y.log_variance - 1).sum() / 2 / 3
    assert value == pytest.approx(redrawing + telling, rel=1e-5)
    assert (loss.redrawing, loss.telling) == pytest.approx((redrawing, telling), rel=1e-5)


def test_telling_is_the_divergence_of_two_normal_distributions():
    # By its definition, the mean of log q(z) - log p(z) over draws from q.
    mean, deviation = 0.7, 0.4
    z = mean + deviation * np.random.default_rng(0).standard_normal(200_000)
    log_q = -(((z - mean) / deviation) ** 2) / 2 - np.log(deviation)
    loss = VAELoss()
    zeros = np.zeros((1, 1, 1, 1), np.float32)
    loss(outputs(zeros, [[mean]], [[2 * np.log(deviation)]]), zeros)
    assert loss.telling == pytest.approx((log_q + z**2 / 2).mean(), abs=0.01)


def test_large_scores_do_not_overflow():
    y = outputs([[[[1000.0, -1000.0]]]], [[0.0]], [[0.0]])
    loss = VAELoss()
    assert loss(y, np.array([[[[1.0, 0.0]]]], np.float32)) == 0
    assert loss(y, np.array([[[[0.0, 1.0]]]], np.float32)) == 2000
    assert all(np.isfinite(part).all() for part in loss.backward())


def training(steps):
    vae = VAE(2, rng=np.random.default_rng(0))
    images = np.zeros((20, 1, 28, 28), np.float32)
    images[:10, :, 5:20, 5:9] = images[10:, :, 12:16, 8:24] = 1
    optimizer = Adam(vae.parameters(), lr=3e-3)
    step = descent(vae_gradients(vae, images, batch_size=8, seed=0), optimizer, max_norm=10)
    loop = Loop(step, {"model": vae, "optimizer": optimizer}, progress=False)
    return vae, images, loop.run(steps)["loss"]


def test_it_learns_two_pictures_and_draws_them():
    vae, images, losses = training(120)
    assert losses[-1] < losses[5] / 3
    again = reconstruct(vae, images)
    assert ((again > 0.5) == images).mean() > 0.98 and vae.training
    drawn = sample_vae(vae, 50, np.random.default_rng(0))
    assert drawn.dtype == np.float32 and 0 <= drawn.min() <= drawn.max() <= 1
    distances = [abs(drawn - images[i]).mean(axis=(1, 2, 3)) for i in (0, 10)]
    assert (np.minimum(*distances) < 0.05).mean() > 0.6
    np.testing.assert_array_equal(drawn, sample_vae(vae, 50, np.random.default_rng(0)))
