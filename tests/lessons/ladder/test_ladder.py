"""Every rung gives the numbers of dlcourse.nn, or says why it cannot."""

import numpy as np
import pytest

from dlcourse.lessons.ladder import (
    RUNGS,
    conv_channels_last,
    conv_fft,
    conv_kernel,
    conv_micro_batches,
    conv_shifted,
    conv_winograd,
    micro_batches,
)
from dlcourse.lessons.ladder.building import compiler
from dlcourse.nn.kernels.convolution import conv2d
from dlcourse.nn.kernels.windows import Geometry

STRIDE_1 = [conv_shifted, conv_fft, conv_winograd, conv_kernel]
ANY_STRIDE = [f for f in RUNGS.values() if f not in STRIDE_1]
#: N, C, H, W, O, KH, KW, padding
SHAPES = [
    (1, 1, 3, 3, 1, 3, 3, 0),
    (2, 3, 6, 7, 4, 3, 3, 1),
    (1, 2, 7, 5, 3, 3, 3, 2),
    (3, 2, 5, 8, 2, 1, 1, 0),
    (2, 1, 6, 6, 2, 2, 4, 1),
    (1, 4, 7, 7, 2, 5, 5, 2),
]


@pytest.fixture(autouse=True)
def compiles(request):
    rung = getattr(request.node, "callspec", None)
    if rung and rung.params.get("rung") is conv_kernel and compiler() is None:
        pytest.skip("there is no C compiler; `pip install ziglang` brings one")


def drawn(shape, dtype, seed=0):
    n, c, h, w, o, kh, kw, _ = shape
    rng = np.random.default_rng(seed)
    sizes = ((n, c, h, w), (o, c, kh, kw), (o,))
    return [rng.standard_normal(size).astype(dtype) for size in sizes]


def assert_same(y, x, weight, bias, stride, padding):
    geometry = Geometry(weight.shape[2:], (stride, stride), (padding, padding))
    exact = (a if a is None else a.astype(np.float64) for a in (x, weight, bias))
    expected = conv2d(*exact, geometry)
    assert y.dtype == x.dtype
    assert y.shape == expected.shape
    # Rounding grows with the sum of what is added up, not with the sum itself.
    magnitudes = conv2d(abs(x), abs(weight), None if bias is None else abs(bias), geometry)
    # Winograd's and Fourier's transforms add up more, and larger, numbers than the sum has.
    assert (abs(y - expected) <= 8 * np.finfo(x.dtype).eps * magnitudes.max()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("rung", "shape"),
    [(f, s) for f in RUNGS.values() for s in SHAPES if f is not conv_winograd or s[5:7] == (3, 3)],
)
def test_numbers_are_those_of_the_package(rung, shape, dtype):
    x, weight, bias = drawn(shape, dtype)
    assert_same(rung(x, weight, bias, padding=shape[-1]), x, weight, bias, 1, shape[-1])


@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("rung", ANY_STRIDE)
def test_strides(rung, stride):
    shape = (2, 3, 9, 8, 2, 3, 2, 1)
    x, weight, _ = drawn(shape, np.float32)
    assert_same(rung(x, weight, stride=stride, padding=1), x, weight, None, stride, 1)


@pytest.mark.parametrize("rung", RUNGS.values())
def test_channels_last_input_is_the_same_input(rung):
    x, weight, bias = drawn((2, 3, 6, 6, 4, 3, 3, 1), np.float32)
    moved = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    before = x.copy()
    assert_same(rung(moved, weight, bias, padding=1), x, weight, bias, 1, 1)
    np.testing.assert_array_equal(moved, before)


@pytest.mark.parametrize("rung", STRIDE_1)
def test_methods_of_stride_1_say_so(rung):
    x, weight, bias = drawn(SHAPES[1], np.float32)
    with pytest.raises(ValueError, match="stride of 1 only, found 2; take conv_im2col"):
        rung(x, weight, bias, stride=2)


def test_winograd_says_which_kernels_it_knows():
    x, weight, bias = drawn(SHAPES[-1], np.float32)
    with pytest.raises(ValueError, match=r"3x3 only, found weight of shape \(2, 4, 5, 5\)"):
        conv_winograd(x, weight, bias)


@pytest.mark.parametrize("rung", RUNGS.values())
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, w, b: (x[0], w, b), r"\(N, C, H, W\).*found \(3, 6, 7\)"),
        (lambda x, w, b: (x[:, :2], w, b), "with the same C"),
        (lambda x, w, b: (x, w, b[:2]), r"bias must have shape \(4,\), found \(2,\)"),
        (lambda x, w, b: (x, w.astype(np.float64), b), "one floating-point dtype.*float32, float6"),
        (lambda x, w, b: (x.astype(int), w.astype(int), b.astype(int)), "floating-point.*int64"),
        (lambda x, w, b: (x[:, :, :2], w, b), "does not fit an image of 2x7"),
    ],
)
def test_bad_input(rung, change, message):
    with pytest.raises(ValueError, match=message):
        rung(*change(*drawn(SHAPES[1], np.float32)))


def test_micro_batches_fit_the_cache_and_cover_the_batch(monkeypatch):
    x, weight, bias = drawn((7, 3, 6, 6, 4, 3, 3, 1), np.float32)
    seen = []

    def spy(part, *arguments):
        seen.append(len(part))
        return conv_channels_last(part, *arguments)

    monkeypatch.setattr(micro_batches, "conv_channels_last", spy)
    monkeypatch.setattr(micro_batches, "CACHE_BYTES", 2 * 36 * 27 * 4)
    y = conv_micro_batches(x, weight, bias, padding=1, threads=2)
    assert sorted(seen) == [1, 2, 2, 2]
    assert_same(y, x, weight, bias, 1, 1)


def test_errors_in_threads_arrive(monkeypatch):
    x, weight, bias = drawn(SHAPES[1], np.float32)

    def fail(*arguments):
        raise RuntimeError("no")

    monkeypatch.setattr(micro_batches, "conv_channels_last", fail)
    with pytest.raises(RuntimeError, match="no"):
        conv_micro_batches(x, weight, bias)
