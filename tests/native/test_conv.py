"""Convolution in C against the one in NumPy, and PyTorch's."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcourse import native
from dlcourse.nn.kernels.convolution import (
    channel_sum,
    conv2d,
    conv2d_gradients,
    conv2d_input_grad,
)
from dlcourse.nn.kernels.windows import Geometry

if not native.has_kernels(np.zeros(1, np.float32)):
    pytest.skip("there are no kernels in C here", allow_module_level=True)

TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


def numbers(rng, shape, dtype="float32"):
    return rng.standard_normal(shape).astype(dtype)


def every_pass(x, weight, bias, dy, geometry, groups=1, threads=1):
    """Output, and the gradients of input, weights and bias."""
    dw, db, dx = conv2d_gradients(x, dy, weight, geometry, groups, threads=threads)
    y = conv2d(x, weight, bias, geometry, groups, threads)
    np.testing.assert_array_equal(channel_sum(dy, threads), db)
    return {"y": y, "dx": dx, "dw": dw, "db": db}


def compare(x, weight, bias, geometry, groups=1, layout=lambda a: a):
    rng = np.random.default_rng(1)
    shape = (len(x), len(weight), *geometry.output_size(x.shape[2:]))
    dy = numbers(rng, shape, x.dtype)
    with native.plain():
        expected = every_pass(x, weight, bias, dy, geometry, groups)
    found = every_pass(layout(x), layout(weight), layout(bias), layout(dy), geometry, groups)
    for name, values in expected.items():
        assert found[name].dtype == x.dtype and found[name].shape == values.shape, name
        most = max(1, np.abs(values).max(initial=0)) * TOLERANCE[x.dtype.name]
        np.testing.assert_allclose(found[name], values, rtol=0, atol=most, err_msg=name)
    compare_behind(layout(x), layout(weight), layout(bias), geometry, groups, found["y"], rng)


def compare_behind(x, weight, bias, geometry, groups, y, rng):
    """What may follow a convolution changes no bit of what it would be by itself."""
    scale, shift = numbers(rng, (2, len(weight)), x.dtype)
    rows = np.ascontiguousarray(np.moveaxis(y, 1, -1)).reshape(-1, len(weight))
    scaled = native.scale_shift(rows, scale, shift).reshape(len(y), *y.shape[2:], len(weight))
    scaled = np.moveaxis(scaled, -1, 1)
    plus = numbers(rng, y.shape, x.dtype)
    relu6 = native.relu6(scaled), (scaled > 0) & (scaled < 6)
    norm = {"scale": scale, "shift": shift}
    for options, expected in (
        ({}, (y, None)),
        ({"plus": plus}, (y + plus, None)),
        ({"relu": True}, native.relu(y)),
        (norm, (scaled, None)),
        (norm | {"relu": True}, native.relu(scaled)),
        (norm | {"relu6": True}, relu6),
        (norm | {"relu": True, "plus": plus}, native.add_relu(scaled, plus)),
    ):
        for threads in (1, 2):
            found, kept = native.conv_norm_relu(
                x, weight, bias, geometry, groups, **options, threads=threads
            )
            np.testing.assert_array_equal(found, expected[0])
            np.testing.assert_array_equal(kept, expected[1])


kernels = st.integers(1, 5)
channels = st.sampled_from([1, 2, 3, 5, 15, 16, 17, 20, 32, 33, 64])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    n=st.sampled_from([0, 1, 2, 7]),
    kernel=st.tuples(kernels, kernels),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    groups=st.sampled_from([1, 1, 1, 2, 3]),
    inputs=channels,
    outputs=channels,
    size=st.tuples(st.integers(1, 13), st.integers(1, 13)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_any_geometry(n, kernel, stride, padding, dilation, groups, inputs, outputs, size, dtype):
    for i in (0, 1):
        assume(size[i] + 2 * padding[i] > dilation[i] * (kernel[i] - 1))
    rng = np.random.default_rng(0)
    x = numbers(rng, (n, inputs * groups, *size), dtype)
    weight = numbers(rng, (outputs * groups, inputs, *kernel), dtype)
    bias = numbers(rng, outputs * groups, dtype)
    compare(x, weight, bias, Geometry(kernel, stride, padding, dilation), groups)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    n=st.sampled_from([0, 1, 3]),
    kernel=st.tuples(kernels, kernels),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    count=st.sampled_from([2, 3, 8, 15, 16, 17, 31, 40, 70]),
    size=st.tuples(st.integers(1, 13), st.integers(1, 13)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_depthwise(n, kernel, stride, padding, dilation, count, size, dtype):
    for i in (0, 1):
        assume(size[i] + 2 * padding[i] > dilation[i] * (kernel[i] - 1))
    rng = np.random.default_rng(0)
    x, weight = numbers(rng, (n, count, *size), dtype), numbers(rng, (count, 1, *kernel), dtype)
    geometry = Geometry(kernel, stride, padding, dilation)
    compare(x, weight, numbers(rng, count, dtype), geometry, count)


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim == 4 else a


def backwards(a):
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def with_gaps(a):
    wide = np.full((*a.shape[:-1], 2 * a.shape[-1]), np.nan, a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def some_channels(a):
    if a.ndim < 4:
        return a
    wide = np.full((a.shape[0], a.shape[1] + 3, *a.shape[2:]), np.nan, a.dtype)
    wide[:, 2:-1] = a
    return channels_last(wide)[:, 2:-1]


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


LAYOUTS = [channels_last, backwards, with_gaps, some_channels, read_only, np.asfortranarray]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_any_layout_in_memory(layout, groups):
    rng = np.random.default_rng(0)
    x, weight = numbers(rng, (3, 6, 8, 7)), numbers(rng, (6, 6 // groups, 3, 2))
    compare(x, weight, numbers(rng, 6), Geometry((3, 2), (2, 1), (1, 1)), groups, layout)


#: Images, channels, outputs, kernel, stride, groups: each is cut into units in another way.
LARGE = [
    (5, 16, 16, 28, 3, 1, 1),
    (1, 3, 64, 56, 7, 2, 1),
    (1, 64, 96, 9, 3, 1, 1),
    (1, 70, 130, 7, 3, 2, 1),
    (12, 64, 64, 7, 1, 1, 1),
    (4, 48, 48, 30, 3, 2, 3),
    (4, 40, 40, 40, 3, 1, 40),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "inputs", "outputs", "size", "kernel", "stride", "groups"), LARGE)
def test_threads_change_no_bit(n, inputs, outputs, size, kernel, stride, groups, dtype):
    rng = np.random.default_rng(0)
    x, bias = numbers(rng, (n, inputs, size, size), dtype), numbers(rng, outputs, dtype)
    weight = numbers(rng, (outputs, inputs // groups, kernel, kernel), dtype)
    geometry = Geometry((kernel, kernel), (stride, stride), (kernel // 2, kernel // 2))
    compare(x, weight, bias, geometry, groups)
    dy = numbers(rng, (n, outputs, *geometry.output_size((size, size))), dtype)
    expected = every_pass(x, weight, bias, dy, geometry, groups)
    for threads in (2, 3, 7):
        found = every_pass(x, weight, bias, dy, geometry, groups, threads)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_an_image_alone_has_the_bits_that_it_has_among_others():
    rng = np.random.default_rng(0)
    x, weight = numbers(rng, (9, 5, 11, 10)), numbers(rng, (70, 5, 3, 3))
    geometry = Geometry((3, 3), padding=(1, 1))
    y = conv2d(x, weight, None, geometry)
    for i in range(9):
        np.testing.assert_array_equal(conv2d(x[i : i + 1], weight, None, geometry)[0], y[i])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("where", ["x", "dy"])
def test_no_number_and_infinity_go_where_they_go_in_numpy(value, groups, padding, where):
    rng = np.random.default_rng(0)
    geometry = Geometry((3, 3), padding=(padding, padding))
    for place in [(0, 0), (2, 2), (-1, -1)]:
        x, weight = numbers(rng, (2, 4, 6, 5)), numbers(rng, (4, 4 // groups, 3, 3))
        dy = numbers(rng, (2, 4, *geometry.output_size((6, 5))))
        (x if where == "x" else dy)[1, 2, *place] = value
        bias = numbers(rng, 4)
        found = every_pass(x, weight, bias, dy, geometry, groups)
        with native.plain(), np.errstate(invalid="ignore"):
            expected = every_pass(x, weight, bias, dy, geometry, groups)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=1e-4, err_msg=name)


def test_relu_keeps_what_is_no_number():
    x = np.array([np.nan, -np.inf, -0.0, np.inf], np.float32).reshape(1, 1, 1, 4)
    one = np.ones((1, 1, 1, 1), np.float32)
    y, kept = native.conv_norm_relu(x, one, None, Geometry((1, 1)), relu=True)
    np.testing.assert_array_equal(y.ravel(), [np.nan, 0, 0, np.inf])
    assert kept.ravel().tolist() == [True, False, False, True]
    assert not np.signbit(y[0, 0, 0, 2])
    y, kept = native.conv_norm_relu(x, one, None, Geometry((1, 1)), relu6=True)
    np.testing.assert_array_equal(y.ravel(), [np.nan, 0, 0, 6])
    assert not kept.any()  # as from `relu6_grad`


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bias_may_follow_the_input_gradient(threads):
    rng = np.random.default_rng(0)
    weight, dy, bias = numbers(rng, (5, 3, 4, 4)), numbers(rng, (2, 5, 6, 7)), numbers(rng, 3)
    geometry = Geometry((4, 4), (2, 2), (1, 1))
    found = conv2d_input_grad(dy, weight, (2, 3, 12, 14), geometry, 1, threads, bias)
    with native.plain():
        expected = conv2d_input_grad(dy, weight, (2, 3, 12, 14), geometry, 1, threads, bias)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_bias_of_another_dtype_is_converted():
    x, weight = np.zeros((1, 1, 2, 2), np.float32), np.zeros((2, 1, 1, 1), np.float32)
    y = native.conv(x, weight, np.array([1.0, 2.0]), Geometry((1, 1)))
    np.testing.assert_array_equal(y[0, :, 0, 0], [1, 2])


def test_shapes_that_do_not_fit_are_refused():
    x, geometry = np.zeros((1, 4, 5, 5), np.float32), Geometry((3, 3))
    with pytest.raises(ValueError, match="do not fit images"):
        native.conv(x, np.zeros((2, 3, 3, 3), np.float32), None, geometry)
    weight = np.zeros((2, 4, 3, 3), np.float32)
    with pytest.raises(ValueError, match="expected a bias of shape"):
        native.conv(x, weight, np.zeros(3, np.float32), geometry)
    with pytest.raises(ValueError, match="expected a shift of shape"):
        native.conv_norm_relu(x, weight, None, geometry, scale=np.ones(2), shift=np.ones(3))
    with pytest.raises(ValueError, match="expected plus of shape"):
        native.conv_norm_relu(x, weight, None, geometry, plus=np.ones((1, 2, 1, 3), np.float32))
    dy = np.zeros((1, 2, 3, 4), np.float32)
    with pytest.raises(ValueError, match="expected a gradient"):
        native.conv_weight_grad(x, dy, weight.shape, geometry)
    with pytest.raises(ValueError, match="expected a gradient"):
        native.conv_input_grad(dy, weight, x.shape, geometry)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("inputs", "outputs", "size", "kernel", "stride", "padding", "dilation", "groups"),
    [
        (3, 64, 23, 7, 2, 3, 1, 1),
        (64, 70, 9, 3, 1, 1, 1, 1),
        (16, 33, 14, 3, 2, 1, 1, 1),
        (32, 16, 12, 3, 1, 2, 2, 1),
        (64, 130, 8, 1, 2, 0, 1, 1),
        (24, 24, 11, 3, 1, 1, 1, 3),
        (40, 40, 15, 5, 2, 2, 1, 40),
    ],
)
def test_parity(inputs, outputs, size, kernel, stride, padding, dilation, groups, dtype):
    torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
    rng = np.random.default_rng(0)
    x = numbers(rng, (3, inputs, size, size), dtype)
    weight = numbers(rng, (outputs, inputs // groups, kernel, kernel), dtype)
    bias = numbers(rng, outputs, dtype)
    theirs = [torch.from_numpy(a).double().requires_grad_() for a in (x, weight, bias)]
    ty = torch.nn.functional.conv2d(*theirs, stride, padding, dilation, groups)
    dy = numbers(rng, tuple(ty.shape), dtype)
    ty.backward(torch.from_numpy(dy).double())
    pairs = [(value, value) for value in (kernel, stride, padding, dilation)]
    found = every_pass(x, weight, bias, dy, Geometry(*pairs), groups)
    expected = dict(zip(("y", "dx", "dw", "db"), (ty, *(t.grad for t in theirs)), strict=True))
    for name, values in expected.items():
        values = values.detach().numpy()
        most = TOLERANCE[dtype] * np.abs(values).max()
        np.testing.assert_allclose(found[name], values, rtol=0, atol=most, err_msg=name)


# -- 3x3 by fewer products -------------------------------------------------------------------


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    n=st.sampled_from([1, 2, 5]),
    padding=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    inputs=st.sampled_from([16, 32, 48, 80]),
    outputs=st.sampled_from([16, 32, 48, 64, 112]),
    size=st.tuples(st.integers(3, 24), st.integers(3, 24)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_tiles_of_any_size(n, padding, inputs, outputs, size, dtype):
    rng = np.random.default_rng(0)
    x, weight = (
        numbers(rng, (n, inputs, *size), dtype),
        numbers(rng, (outputs, inputs, 3, 3), dtype),
    )
    compare(x, weight, numbers(rng, outputs, dtype), Geometry((3, 3), (1, 1), padding))


def tiles(dtype="float32", images=2):
    """Images, weights and gradients of a layer that is cut into tiles."""
    rng = np.random.default_rng(0)
    x, dy = numbers(rng, (2, images, 32, 14, 13), dtype)
    return x, numbers(rng, (32, 32, 3, 3), dtype), dy, Geometry((3, 3), padding=(1, 1))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38])
def test_tiles_keep_what_is_no_finite_number_where_it_is(value):
    x, weight, dy, geometry = tiles()
    for array in (x, dy):
        array[1, 3, 5, 6] = value
        with native.plain(), np.errstate(all="ignore"):
            expected = every_pass(x, weight, None, dy, geometry)
        found = every_pass(x, weight, None, dy, geometry)
        for name in expected:
            for kind in (np.isnan, np.isposinf, np.isneginf):
                np.testing.assert_array_equal(kind(found[name]), kind(expected[name]), name)
        array[1, 3, 5, 6] = 1


def test_an_output_of_a_tile_is_that_of_its_window_to_the_last_bit():
    x, weight, dy, geometry = tiles()
    y, dx = native.conv(x, weight, None, geometry), None
    dx = native.conv_input_grad(dy, weight, x.shape, geometry)
    for i, j in ((0, 0), (6, 6), (7, 5), (13, 12)):
        changed, window = x.copy(), np.zeros((14, 13), bool)
        changed[:, :, i, j] += 100
        window[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2] = True
        np.testing.assert_array_equal(
            (native.conv(changed, weight, None, geometry) != y).any((0, 1)), window
        )
        changed = dy.copy()
        changed[:, :, i, j] += 100
        np.testing.assert_array_equal(
            (native.conv_input_grad(changed, weight, x.shape, geometry) != dx).any((0, 1)), window
        )


def test_threads_change_no_bit_of_tiles():
    x, weight, dy, geometry = tiles(images=40)
    alone, together = (every_pass(x, weight, None, dy, geometry, threads=n) for n in (1, 3))
    for name in alone:
        np.testing.assert_array_equal(alone[name], together[name], name)


def test_the_mask_is_left_out_where_nobody_wants_it():
    x, weight, _, geometry = tiles()
    for options in ({"relu": True}, {"relu6": True}):
        y, kept = native.conv_norm_relu(x, weight, None, geometry, **options, keep=False)
        assert kept is None
        expected = native.conv_norm_relu(x, weight, None, geometry, **options)[0]
        np.testing.assert_array_equal(y, expected)
