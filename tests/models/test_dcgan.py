import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import DCGANDiscriminator, DCGANGenerator


def test_initial_weights_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    for network in DCGANGenerator(rng=rng), DCGANDiscriminator(rng=rng):
        for name, parameter in network.named_parameters():
            values = parameter.data
            assert values.dtype == np.float32
            if values.ndim == 4:
                assert abs(values.mean()) < 0.002
                assert values.std() == pytest.approx(0.02, rel=0.06)
            elif name.endswith("bias"):
                assert not values.any()
            else:
                assert values.mean() == pytest.approx(1, abs=0.02)
                assert 0 < values.std() < 0.04


def test_gradients():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 1, 1))
    check_gradients(DCGANGenerator(5, 2, rng=rng), x, rng, entries=12)
    check_gradients(DCGANDiscriminator(2, rng=rng), rng.uniform(-1, 1, (3, 1, 28, 28)), rng, 12)


def test_images_have_the_range_of_tanh_and_float32():
    rng = np.random.default_rng(0)
    makes = DCGANGenerator(8, 4, rng=rng)
    images = makes(100 * rng.standard_normal((4, 8, 1, 1), dtype=np.float32))
    assert images.shape == (4, 1, 28, 28) and images.dtype == np.float32
    assert abs(images).max() <= 1
    scores = DCGANDiscriminator(4, rng=rng)(images)
    assert scores.shape == (4,) and scores.dtype == np.float32
