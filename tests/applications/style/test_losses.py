import functools

import numpy as np
import pytest

from dlcourse.applications.style import ContentLoss, StyleLoss, TotalVariation, gram_matrix
from dlcourse.check import numerical_gradient

SHAPES = [(1, 3, 2, 2), (1, 5, 4, 3), (1, 1, 1, 7), (1, 8, 5, 1)]


def features(rng, shape, channels_last=False):
    n, c, h, w = shape
    if channels_last:
        return rng.standard_normal((n, h, w, c)).transpose(0, 3, 1, 2)
    return rng.standard_normal(shape)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(rng, shape, channels_last):
    x = features(rng, shape, channels_last)
    gram = gram_matrix(rng.standard_normal((1, shape[1], 3, 3)))
    for loss, *target in (
        (ContentLoss(), rng.standard_normal(shape)),
        (StyleLoss(), gram),
        (TotalVariation(),),
    ):
        loss(x, *target)
        gradient = loss.backward()
        expected = numerical_gradient(functools.partial(loss, x, *target), x, np.ones(()))
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)


def test_a_gram_matrix_is_the_definition_and_forgets_positions(rng):
    x = features(rng, (1, 4, 3, 5))
    gram = gram_matrix(x)
    for i, j in np.ndindex(4, 4):
        assert gram[i, j] == pytest.approx((x[0, i] * x[0, j]).mean())
    order = rng.permutation(15)
    shuffled = x.reshape(1, 4, 15)[:, :, order].reshape(x.shape)
    np.testing.assert_allclose(gram_matrix(shuffled), gram, rtol=1e-12)
    assert np.abs(x - shuffled).max() > 0.1
    # What each filter does alone, at positions of its own, is not enough.
    apart = x.copy()
    apart[0, 0] = apart[0, 0].ravel()[order].reshape(3, 5)
    assert np.abs(gram_matrix(apart) - gram).max() > 0.01


def test_losses_mean_the_same_at_any_size(rng):
    x = features(rng, (1, 3, 4, 4))
    tiled = np.tile(x, (1, 1, 2, 3))
    target = np.eye(3)
    assert StyleLoss()(tiled, target) == pytest.approx(StyleLoss()(x, target))
    assert ContentLoss()(tiled, 0 * tiled) == pytest.approx(ContentLoss()(x, 0 * x))


def test_variation_counts_steps_both_ways():
    flat = np.full((1, 3, 4, 4), 0.3)
    assert TotalVariation()(flat) == 0
    step = np.zeros((1, 1, 2, 2))
    step[..., 1] = 2.0
    assert TotalVariation()(step) == 2 * 2.0**2 / 4


def test_single_precision_stays(rng):
    x = features(rng, (1, 3, 4, 4), channels_last=True).astype(np.float32)
    content, style, variation = ContentLoss(), StyleLoss(), TotalVariation()
    content(x, 0 * x), style(x, np.eye(3, dtype=np.float32)), variation(x)
    for loss in (content, style, variation):
        assert loss.backward().dtype == np.float32
        assert loss.backward().shape == x.shape
