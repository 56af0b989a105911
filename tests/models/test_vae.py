import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import VAE


@pytest.mark.parametrize("training", [True, False])
def test_backward_is_the_gradient(training):
    rng = np.random.default_rng(0)
    vae = VAE(3, rng=rng).train(training)
    check_gradients(vae, rng.random((2, 1, 28, 28)), rng, entries=4)


def test_noise_comes_from_the_generator_and_only_in_training():
    vae = VAE(4, rng=np.random.default_rng(0))
    x = np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32)

    def scores(seed):
        vae.set_generator(np.random.default_rng(seed))
        return vae(x).scores

    np.testing.assert_array_equal(scores(1), scores(1))
    assert not np.array_equal(scores(1), scores(2))
    vae.eval()
    outputs = vae(x)
    np.testing.assert_array_equal(outputs.scores, vae.decoder(outputs.mean))
    assert {part.dtype for part in outputs} == {np.dtype(np.float32)}


def test_z_has_the_mean_and_variance_that_the_encoder_says():
    vae = VAE(2, rng=np.random.default_rng(0))
    seen = []
    vae.decoder.forward = lambda z: seen.append(z) or z
    vae.set_generator(np.random.default_rng(0))
    x = np.random.default_rng(0).random((1, 1, 28, 28), dtype=np.float32)
    outputs = vae(np.repeat(x, 4000, axis=0))
    z, mean, deviation = seen[0], outputs.mean[0], np.exp(outputs.log_variance[0] / 2)
    np.testing.assert_allclose((z - mean).mean(axis=0) / deviation, 0, atol=0.06)  # 4 / sqrt(4000)
    np.testing.assert_allclose(z.std(axis=0) / deviation, 1, atol=0.05)
