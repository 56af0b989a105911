import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcourse import workers as threading_of_layers
from dlcourse.nn import Conv2d
from dlcourse.nn.kernels import convolution, depthwise
from dlcourse.nn.kernels.convolution import conv2d, conv2d_gradients
from dlcourse.nn.kernels.patches import col2im, im2col, windows
from dlcourse.nn.kernels.windows import Geometry

small = st.integers(1, 3)


def naive(x, weight, bias, stride, padding, dilation, groups):
    """Seven loops: the definition."""
    n, _, h, w = x.shape
    o, c, kh, kw = weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, o, oh, ow))
    for b, f, i, j in np.ndindex(y.shape):
        first = f // (o // groups) * c
        for u, v in np.ndindex(kh, kw):
            pixel = x[
                b,
                first : first + c,
                i * stride[0] + u * dilation[0],
                j * stride[1] + v * dilation[1],
            ]
            y[b, f, i, j] += pixel @ weight[f, :, u, v]
    return y + bias[:, None, None]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    kernel=st.tuples(small, small),
    stride=st.tuples(small, small),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    groups=st.integers(1, 3),
    channels=st.integers(1, 4),
    filters=st.integers(1, 2),
    size=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_forward_is_the_definition_and_backward_its_gradient(
    kernel, stride, padding, dilation, groups, channels, filters, size, dtype
):
    for i in (0, 1):
        assume(size[i] + 2 * padding[i] > dilation[i] * (kernel[i] - 1))
    rng = np.random.default_rng(0)
    c, o = channels * groups, filters * groups
    conv = Conv2d(c, o, kernel, stride, padding, dilation, groups, rng=rng)
    conv.bias.data[...] = rng.standard_normal(o)
    conv.astype(dtype)
    x = rng.standard_normal((2, c, *size)).astype(dtype)
    y = conv(x)
    assert y.dtype == dtype
    expected = naive(x, conv.weight.data, conv.bias.data, stride, padding, dilation, groups)
    np.testing.assert_allclose(y, expected, atol=1e-12 if dtype == np.float64 else 1e-4)
    check_gradients(conv, x, rng)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    kernel=st.tuples(small, small),
    stride=st.tuples(small, small),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    channels=st.integers(2, 5),
    size=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    channels_last=st.booleans(),
)
def test_depthwise(kernel, stride, padding, dilation, channels, size, channels_last):
    for i in (0, 1):
        assume(size[i] + 2 * padding[i] > dilation[i] * (kernel[i] - 1))
    rng = np.random.default_rng(0)
    conv = Conv2d(channels, channels, kernel, stride, padding, dilation, channels, rng=rng)
    conv.astype(np.float64)
    conv.bias.data[...] = rng.standard_normal(channels)
    x = rng.standard_normal((2, channels, *size))
    if channels_last:
        x = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    expected = naive(x, conv.weight.data, conv.bias.data, stride, padding, dilation, channels)
    y = conv(x)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    check_gradients(conv, x, rng)


@pytest.mark.parametrize("block_bytes", [1, 300, 2000, 10**6])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_blocks_of_patches_change_nothing(monkeypatch, block_bytes, groups):
    # From a row of one image at a time to all images at once.
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4, 7, 6), dtype=np.float32)
    conv = Conv2d(4, 4, 3, padding=1, groups=groups, rng=rng)
    y = conv(x)
    dy = rng.standard_normal(y.shape, dtype=np.float32)
    expected = [y, conv.backward(dy), conv.weight.grad]
    assert conv.weight.grad.flags.c_contiguous
    for module in (convolution, depthwise):
        monkeypatch.setitem(module._BLOCK_BYTES, "numpy", block_bytes)
    conv.zero_grad()
    for a, b in zip(expected, [conv(x), conv.backward(dy), conv.weight.grad], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("images", [1, 2, 5])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("block_bytes", [1, 3000, 10**6])
@pytest.mark.parametrize("stride", [1, 2])
def test_threads_change_nothing(monkeypatch, images, groups, block_bytes, stride):
    monkeypatch.setattr(threading_of_layers, "MUCH_WORK", 1)
    monkeypatch.setitem(convolution._BLOCK_BYTES, "numpy", block_bytes)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((images, 4, 9, 8), dtype=np.float32)
    weight = rng.standard_normal((6, 4 // groups, 3, 3), dtype=np.float32)
    bias = rng.standard_normal(6, dtype=np.float32)
    geometry = Geometry((3, 3), stride=(stride, stride), padding=(1, 1))
    expected = conv2d(x, weight, bias, geometry, groups)
    dy = rng.standard_normal(expected.shape, dtype=np.float32)
    gradients = conv2d_gradients(x, dy, weight, geometry, groups)
    for threads in (2, 3, 50):
        y = conv2d(x, weight, bias, geometry, groups, threads)
        np.testing.assert_array_equal(y, expected)
        again = conv2d_gradients(x, dy, weight, geometry, groups, threads=threads)
        for a, b in zip(again, gradients, strict=True):
            np.testing.assert_array_equal(a, b)


def test_output_lies_in_memory_channels_last():
    conv = Conv2d(3, 4, 3, padding=1, rng=np.random.default_rng(0))
    assert conv(np.zeros((2, 3, 5, 5), np.float32)).transpose(0, 2, 3, 1).flags.c_contiguous


@given(
    kernel=st.tuples(small, small),
    stride=st.tuples(small, small),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    channels=st.integers(1, 5),
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_col2im_is_the_transpose_of_im2col(kernel, stride, padding, channels):
    # <im2col(x), c> = <x, col2im(c)> for all x and c.
    rng = np.random.default_rng(0)
    geometry = Geometry(kernel, stride, padding)
    x = rng.standard_normal((2, channels, 6, 5))
    columns = im2col(windows(x, geometry)).copy()
    c = rng.standard_normal(columns.shape)
    assert np.vdot(columns, c) == pytest.approx(np.vdot(x, col2im(c, x.shape, geometry)))
