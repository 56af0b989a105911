import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.nn import Conv2d, ConvTranspose2d, init


def naive(x, weight, bias, stride, padding, output_padding):
    n, c, h, w = x.shape
    _, o, kh, kw = weight.shape
    (sh, sw), (ph, pw) = stride, padding
    y = np.zeros(
        (n, o, (h - 1) * sh + kh + output_padding[0], (w - 1) * sw + kw + output_padding[1])
    )
    for b, k, i, j in np.ndindex(n, c, h, w):
        y[b, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += x[b, k, i, j] * weight[k]
    y = y[:, :, ph : y.shape[2] - ph, pw : y.shape[3] - pw]
    return y + bias[:, None, None]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    more=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_forward_is_the_definition_and_backward_its_gradient(kernel, stride, padding, more, dtype):
    rng = np.random.default_rng(0)
    output_padding = tuple(s - 1 for s in stride) if more else (0, 0)
    up = ConvTranspose2d(3, 2, kernel, stride, padding, output_padding, rng=rng).astype(dtype)
    up.bias.data[...] = rng.standard_normal(2)
    x = rng.standard_normal((2, 3, 4, 5)).astype(dtype)
    y = up(x)
    assert y.dtype == dtype
    expected = naive(x, up.weight.data, up.bias.data, stride, padding, output_padding)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    check_gradients(up, x, rng)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_few_places_become_a_picture(size, bias):
    rng = np.random.default_rng(0)
    up = ConvTranspose2d(3, 2, 7, bias=bias, rng=rng)
    x = rng.standard_normal((2, 3, *size), dtype=np.float32)
    added = up.bias.data if bias else np.zeros(2)
    expected = naive(x, up.weight.data, added, (1, 1), (0, 0), (0, 0))
    np.testing.assert_allclose(up(x), expected, rtol=1e-5, atol=1e-5)
    check_gradients(up, x, rng)
    # And the other way round: one window over the whole picture.
    check_gradients(Conv2d(2, 3, 7, bias=bias, rng=rng), up(x), rng)


def test_it_turns_a_convolution_of_the_same_numbers_round():
    rng = np.random.default_rng(0)
    conv = Conv2d(3, 4, 3, stride=2, padding=1, bias=False, rng=rng)
    up = ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1, bias=False, rng=rng)
    up.weight.data[...] = conv.weight.data
    x = rng.standard_normal((2, 3, 8, 8), dtype=np.float32)
    y = conv(x)
    np.testing.assert_allclose(up(y), conv.backward(y), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_bilinear_weights_enlarge_a_plane_exactly(factor):
    weights = init.bilinear(2, factor)
    padding = (factor - factor % 2) // 2
    up = ConvTranspose2d(
        2, 2, weights.shape[2], factor, padding, bias=False, rng=np.random.default_rng(0)
    )
    up.weight.data[...] = weights
    rows, columns = np.mgrid[:6, :6].astype(np.float32)
    y = up(np.stack([rows, 2 * columns + 1])[None])
    inside = slice(factor, -factor)  # at the border there is nothing to interpolate with
    steps = np.diff(y[0, 0, inside, inside], axis=0)
    np.testing.assert_allclose(steps, 1 / factor, rtol=1e-4)
    np.testing.assert_allclose(np.diff(y[0, 1, inside, inside], axis=1), 2 / factor, rtol=1e-4)
