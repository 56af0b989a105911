import numpy as np
from gradients import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.nn import GroupNorm


def draw(shape, channels_last, dtype=np.float32):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype) * 2 + 1
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return x


def group_norm(groups, channels, dtype=np.float32):
    rng = np.random.default_rng(1)
    layer = GroupNorm(groups, channels)
    for parameter in layer.parameters():
        parameter.data[...] = rng.standard_normal(channels)
    return layer.astype(dtype)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    images=st.integers(1, 3),
    groups=st.integers(1, 3),
    each=st.integers(1, 3),
    size=st.tuples(st.integers(2, 5), st.integers(2, 5)),
    channels_last=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_it_is_the_definition_and_backward_its_gradient(
    images, groups, each, size, channels_last, dtype
):
    channels = groups * each
    x = draw((images, channels, *size), channels_last, dtype)
    layer = group_norm(groups, channels, dtype)
    y = layer(x)
    assert y.dtype == dtype
    split = x.reshape(images, groups, -1)
    normal = (split - split.mean(axis=2, keepdims=True)) / np.sqrt(
        split.var(axis=2, keepdims=True) + 1e-5
    )
    weight, bias = (p.data[:, None, None] for p in layer.parameters())
    np.testing.assert_allclose(y, normal.reshape(x.shape) * weight + bias, rtol=1e-4, atol=1e-4)
    dx = layer.backward(y)
    assert dx.dtype == layer.weight.grad.dtype == layer.bias.grad.dtype == dtype
    check_gradients(layer, x, np.random.default_rng(0))


def test_an_image_gives_the_same_in_any_company_and_in_any_mode():
    x = draw((4, 6, 5, 5), channels_last=True)
    layer = group_norm(2, 6)
    together = layer(x)
    np.testing.assert_array_equal(layer.eval()(x), together)
    for i in range(4):
        np.testing.assert_allclose(layer(x[i : i + 1])[0], together[i], rtol=1e-6, atol=1e-6)


def test_output_lies_in_memory_as_a_convolution_expects():
    layer = group_norm(2, 6)
    y = layer(draw((2, 6, 5, 4), channels_last=True))
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert layer.backward(y).transpose(0, 2, 3, 1).flags.c_contiguous
