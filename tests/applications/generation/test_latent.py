import numpy as np
import pytest

from dlcourse.applications.generation import generate, latent_vectors, slerp
from dlcourse.models import DCGANGenerator


def test_an_image_does_not_depend_on_the_others():
    makes = DCGANGenerator(6, 2, rng=np.random.default_rng(0)).train()
    vectors = latent_vectors(7, 6, np.random.default_rng(1))
    images = generate(makes, vectors, batch_size=3)
    assert images.shape == (7, 1, 28, 28) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1 and makes.training
    np.testing.assert_allclose(generate(makes, vectors[4:5]), images[4:5], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_spherical_way_keeps_length_and_turns_evenly(share):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 64, 1, 1))
    a /= np.linalg.norm(a)
    b /= np.linalg.norm(b)
    between = slerp(a, b, share)
    assert np.linalg.norm(between) == pytest.approx(1)
    angle = np.arccos((a * b).sum())
    assert np.arccos(min((a * between).sum(), 1)) == pytest.approx(share * angle, abs=1e-6)


def test_ends_and_degenerate_ways():
    a, b = np.array([1.0, 0.0], np.float32), np.array([0.0, 3.0], np.float32)
    np.testing.assert_array_equal(slerp(a, b, 0), a)
    np.testing.assert_allclose(slerp(a, b, 1), b)
    assert slerp(a, b, 0.5).dtype == np.float32
    np.testing.assert_allclose(slerp(a, a, 0.3), a)
    np.testing.assert_allclose(slerp(a, 2 * a, 0.5), 1.5 * a)
    with pytest.raises(ValueError, match="one shape"):
        slerp(a, np.ones(3), 0.5)
    with pytest.raises(ValueError, match="not zero"):
        slerp(a, 0 * a, 0.5)
