"""Each rung in C computes the convolution that NumPy does, and fits the machine or says why not."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.lessons.ladder import building, conv_kernel
from dlcourse.lessons.ladder.building import build, compiler, inner_loop, lanes, registers
from dlcourse.lessons.ladder.kernel import convolve

pytestmark = pytest.mark.skipif(
    compiler() is None, reason="there is no C compiler; `pip install ziglang` brings one"
)
#: N, OH, OW, C, KH, KW, and registers of outputs
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1),
    (2, 5, 7, 3, 3, 3, 2),
    (1, 4, 9, 5, 2, 4, 1),
    (3, 2, 7, 16, 3, 3, 4),
]
TILES = [(1, 1), (1, 2), (3, 1), (4, 2), (4, 4), (7, 1), (7, 4), (9, 1)]


def drawn(shape, dtype, outputs=None):
    n, oh, ow, c, kh, kw, q = shape
    o = outputs or q * lanes(np.dtype(dtype))
    rng = np.random.default_rng(0)
    sizes = ((n, oh + kh - 1, ow + kw - 1, c), (kh, kw, c, o), (o,))
    return [rng.standard_normal(size).astype(dtype) for size in sizes]


def assert_same(y, x, weight, bias):
    windows = sliding_window_view(x.astype(np.float64), weight.shape[:2], axis=(1, 2))
    axes = ((3, 4, 5), (2, 0, 1))
    expected = np.tensordot(windows, weight.astype(np.float64), axes) + bias
    sizes = np.tensordot(abs(windows), abs(weight), axes) + abs(bias)
    assert y.dtype == x.dtype
    assert (abs(y - expected) <= 8 * np.finfo(x.dtype).eps * sizes.max()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["loops", "reordered", "register"])
def test_rungs_compute_the_convolution(name, shape, dtype):
    arrays = drawn(shape, dtype)
    assert_same(convolve(name, *arrays), *arrays)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("p", "q"), TILES)
def test_tiles_compute_the_convolution(p, q, dtype):
    fitting = [s for s in SHAPES if p <= s[2] and s[-1] % q == 0]
    assert fitting
    for shape in fitting:
        arrays = drawn(shape, dtype)
        assert_same(convolve("tile", *arrays, P=p, Q=q), *arrays)


def test_a_tile_may_know_the_channels():
    arrays = drawn(SHAPES[1], np.float32)
    assert_same(convolve("tile", *arrays, P=4, Q=2, CHANNELS=3), *arrays)


@pytest.mark.parametrize("name", ["loops", "reordered"])
def test_the_first_rungs_take_any_outputs(name):
    arrays = drawn(SHAPES[2], np.float32, outputs=5)
    assert_same(convolve(name, *arrays), *arrays)


def test_the_layer_of_the_page():
    shape = (25, 28, 28, 16, 3, 3, 1)
    arrays = drawn(shape, np.float32, outputs=16)
    for name in ("loops", "reordered"):
        assert_same(convolve(name, *arrays), *arrays)
    if 16 % lanes() == 0:
        assert_same(convolve("register", *arrays), *arrays)
        assert_same(convolve("tile", *arrays, P=14, Q=1), *arrays)


def test_values_that_are_no_numbers_go_where_they_go_in_numpy():
    x, weight, bias = drawn((1, 4, 4, 2, 3, 3, 1), np.float32)
    x[0, 0, 0, 0] = np.nan
    for name in ("loops", "reordered", "register"):
        y = convolve(name, x, weight, bias)
        assert np.isnan(y[0, 0, 0]).all() and np.isfinite(y[0, 1:]).all()
    y = convolve("tile", x, weight, bias, P=3, Q=1)
    assert np.isnan(y[0, 0, 0]).all() and np.isfinite(y[0, 1:]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, w, b: (x[..., :2], w, b), r"found \(2, 7, 9, 2\)"),
        (lambda x, w, b: (x, w, b[1:]), "expected x"),
        (lambda x, w, b: (x, w.astype(np.float64), b), "of float32, float64, float32"),
        (lambda x, w, b: (x, w[..., 1:], b[1:]), "does not fit rows of 7 pixels"),
        (lambda x, w, b: (x[:, :, :5], w, b), "a tile of 4 pixels"),
    ],
)
def test_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        convolve("tile", *change(*drawn(SHAPES[1], np.float32)), P=4, Q=2)


def test_the_machine():
    assert lanes() == 2 * lanes(np.dtype(np.float64))
    assert lanes() in (4, 8, 16) and registers() in (16, 32)


def test_the_inner_loop_multiplies():
    for name, sizes in (("register", {}), ("tile", {"P": 2, "Q": 2})):
        text = "\n".join(inner_loop(name, **sizes))
        assert "mul" in text or "fmadd" in text or "fmla" in text


def test_without_a_compiler_it_is_said(monkeypatch):
    monkeypatch.setattr(building, "compiler", lambda: None)
    build.cache_clear()
    x, weight = np.ones((1, 1, 3, 3), np.float32), np.ones((1, 1, 3, 3), np.float32)
    with pytest.raises(RuntimeError, match="expected a C compiler, found none; install gcc"):
        conv_kernel(x, weight)


def test_a_source_that_is_refused(tmp_path, monkeypatch):
    (tmp_path / "wrong.c").write_text("int f(")
    monkeypatch.setattr(building, "_FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match="does not compile them"):
        build("wrong")
