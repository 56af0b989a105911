import json
import os

import numpy as np
import pytest
from states import unchanged

from dlcourse.files import FileError
from dlcourse.models import DeepConvNet, ResNetCifar, StackedConvNet
from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
)
from dlcourse.nn.weights import load_arrays, save_arrays, save_weights
from dlcourse.precision import (
    Grid,
    QuantizedConv2d,
    QuantizedGlobalAvgPool,
    QuantizedLinear,
    fold_batch_norm,
    load_quantized,
    quantize,
    quantize_weights,
)
from dlcourse.training import ParallelModel


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# -- grids ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 3), (-5, -1), (2, 9), (-1e-6, 1e-6)])
def test_a_grid_spans_its_range_and_holds_zero(low, high):
    grid = Grid.over(low, high)
    assert -128 <= grid.zero_point <= 127
    assert grid.dequantize(grid.quantize(np.zeros(1)))[0] == 0
    x = np.linspace(min(low, 0), max(high, 0), 1001)
    assert abs(grid.dequantize(grid.quantize(x)) - x).max() <= grid.scale * 1.01 / 2 + 1e-12


def test_what_is_off_the_grid_is_clipped():
    grid = Grid.over(0, 1)
    assert grid.quantize(np.array([-1e9, 1e9])).tolist() == [-128, 127]


def test_nothing_but_zeros_is_a_range_too():
    grid = Grid.calibrated(np.zeros(3, np.float32))
    assert grid.quantize(np.zeros(3, np.float32)).tolist() == [grid.zero_point] * 3


def test_a_percentile_leaves_outliers_out(rng):
    x = rng.random(10_000, dtype=np.float32)
    x[0] = 100
    assert Grid.calibrated(x).scale == pytest.approx(100 / 255)
    assert Grid.calibrated(x, 99.9).scale == pytest.approx(1 / 255, rel=0.01)


@pytest.mark.parametrize("percentile", [50, 101, -1])
def test_percentiles_are_checked(percentile):
    with pytest.raises(ValueError, match=f"at most 100, found {percentile}"):
        Grid.calibrated(np.zeros(3), percentile)


def test_a_range_must_be_finite():
    with pytest.raises(ValueError, match="finite range"):
        Grid.calibrated(np.array([0.0, np.inf]))


@pytest.mark.parametrize("shape", [(3, 7), (4, 2, 3, 3)])
def test_weights_are_within_half_a_step_in_each_channel(rng, shape):
    sizes = 10.0 ** np.arange(-3, len(np.zeros(shape)) - 3)  # channels of very different sizes
    weight = (rng.standard_normal(shape).T * sizes).T.astype(np.float32)
    q, scale = quantize_weights(weight)
    assert (q.dtype, scale.dtype) == (np.int8, np.float32)
    assert (abs(q.astype(int)).reshape(len(q), -1).max(axis=1) == 127).all()
    error = abs((q.T * scale).T - weight).reshape(len(q), -1).max(axis=1)
    assert (error <= scale * 0.501).all()


def test_a_channel_of_zeros_stays_zero():
    q, scale = quantize_weights(np.zeros((2, 3), np.float32))
    assert not q.any() and (scale == 1).all()


# -- layers: against arithmetic in whole numbers ---------------------------------------------


def whole_number_convolution(q, layer):
    """Convolve int8 values in Python's whole numbers, and return the sums with the bias."""
    g = layer.geometry
    (ph, pw), (sh, sw), (dh, dw) = g.padding, g.stride, g.dilation
    x = np.pad(q.astype(object) - layer.input.zero_point, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    o, c, kh, kw = layer.weight.shape
    oh, ow = g.output_size(q.shape[2:])
    sums = np.zeros((len(q), o, oh, ow), object)
    for u in range(kh):
        for v in range(kw):
            view = x[:, :, u * dh : u * dh + sh * (oh - 1) + 1 : sh,
                     v * dw : v * dw + sw * (ow - 1) + 1 : sw]  # fmt: skip
            for j in range(o):
                group = j // (o // layer.groups)
                for i in range(c):
                    sums[:, j] += view[:, group * c + i] * int(layer.weight[j, i, u, v])
    return sums + layer.bias.astype(object)[:, None, None]


def rescaled(sums, layer):
    """Return what the layer makes of its sums, computed in float64."""
    axes = (-1, 1, 1)[: sums.ndim - 1]
    factor = layer.scale.astype(float).reshape(axes) * layer.input.scale
    real = sums.astype(float) * factor
    if layer.output is None:
        return real
    return np.clip(np.rint(real / layer.output.scale) + layer.output.zero_point, -128, 127)


@pytest.mark.parametrize("output", [None, Grid.over(0, 3), Grid.over(-2, 4)])
@pytest.mark.parametrize(
    "options",
    [dict(), dict(padding=1), dict(stride=2, padding=2), dict(dilation=2), dict(groups=2)],
)
def test_convolution_is_exact(rng, options, output):
    conv = Conv2d(4, 6, 3, **options, rng=rng)
    conv.bias.data[...] = rng.standard_normal(6)
    grid = Grid.over(-1.0, 2.0)
    q = rng.integers(-128, 128, (2, 4, 9, 8)).astype(np.int8)
    layer = QuantizedConv2d.of(conv, grid, output)
    found, expected = layer(q), rescaled(whole_number_convolution(q, layer), layer)
    assert found.dtype == (np.float32 if output is None else np.int8)
    if output is None:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    else:
        difference = abs(found - expected)  # a tie may go either way in float32
        assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_padding_stands_for_zero(rng):
    conv = Conv2d(1, 1, 3, padding=1, rng=rng)
    grid = Grid.over(-1.0, 2.0)  # whose zero point is not 0
    nothing = np.full((1, 1, 4, 4), grid.zero_point, np.int8)
    assert not QuantizedConv2d.of(conv, grid)(nothing).any()


@pytest.mark.parametrize("features", [8, 3000])
def test_linear_is_exact_even_where_float32_is_not(rng, features):
    linear = Linear(features, 3, rng=rng)
    linear.weight.data[...] = 1  # the largest sums there are
    linear.bias.data[...] = [0, 1, -1]
    layer = QuantizedLinear.of(linear, Grid.over(0, 1))
    q = np.full((2, features), 127, np.int8)
    q[1, 0] = 126  # one step less: float32 has lost it at 3000 * 255 * 127
    sums = (q.astype(object) + 128) @ layer.weight.T.astype(object) + layer.bias.astype(object)
    np.testing.assert_array_equal(layer._carrier, np.float32 if features == 8 else np.float64)
    np.testing.assert_allclose(layer(q), rescaled(sums, layer), rtol=1e-6)
    step = layer.scale * np.float32(layer.input.scale)
    exact = [int(total) for total in sums[0]]
    assert layer.largest_sum == features * 255 * 127
    assert (layer(q)[0] - layer(q)[1] > 50 * step).all() and max(exact) > 2**17


def test_relu_is_in_the_clipping(rng):
    linear = Linear(6, 4, rng=rng)
    x = rng.random((50, 6), dtype=np.float32)
    y = np.maximum(linear(x), 0)
    layer = QuantizedLinear.of(linear, Grid.calibrated(x), Grid.calibrated(y))
    found = layer.output.dequantize(layer(layer.input.quantize(x)))
    assert (found >= 0).all() and (found[y == 0] <= layer.output.scale).all()
    np.testing.assert_allclose(found, y, atol=0.03)


def test_a_bias_that_fills_int32_is_kept(rng):
    # What folding makes of a channel that is dead: weights of nearly nothing, and a bias.
    linear = Linear(3, 2, rng=rng)
    linear.weight.data[0] = 1e-20
    linear.bias.data[...] = [5.0, -5.0]
    x = rng.random((4, 3), dtype=np.float32)
    layer = QuantizedLinear.of(linear, Grid.calibrated(x))
    np.testing.assert_allclose(layer(layer.input.quantize(x)), linear(x), atol=0.05)


def test_means_are_put_on_a_grid_of_their_own(rng):
    x = rng.random((3, 5, 4, 6), dtype=np.float32)
    grid, means = Grid.calibrated(x), x.mean(axis=(2, 3))
    pool = QuantizedGlobalAvgPool(grid, Grid.calibrated(means))
    found = pool.output.dequantize(pool(grid.quantize(x)))
    np.testing.assert_allclose(found, means, atol=pool.output.scale)


# -- networks --------------------------------------------------------------------------------


def stacked(rng, batch_norm=True):
    net = StackedConvNet([(4, 6), (8,)], batch_norm=batch_norm, rng=rng)
    for _, module in net.named_modules():
        if isinstance(module, BatchNorm2d):
            module.running_mean[...] = rng.standard_normal(module.num_features)
            module.running_var[...] = rng.random(module.num_features) + 0.5
            module.weight.data[...] = rng.random(module.num_features) + 0.5
            module.bias.data[...] = rng.standard_normal(module.num_features)
    return net.eval()


@pytest.mark.parametrize("bias", [True, False])
def test_folding_gives_the_same_scores(rng, bias):
    conv, norm = Conv2d(2, 3, 3, bias=bias, rng=rng), BatchNorm2d(3)
    norm.running_mean[...] = [1, -1, 2]
    norm.running_var[...] = [4, 0.25, 1]
    norm.weight.data[...] = [1, -2, 0.5]
    norm.bias.data[...] = [0, 1, 2]
    before = conv.weight.data.copy()
    net = Sequential(conv, norm, ReLU()).eval()
    x = rng.standard_normal((2, 2, 6, 6)).astype(np.float32)
    folded = Sequential(*fold_batch_norm(net))
    assert len(folded) == 2
    np.testing.assert_allclose(folded(x), net(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(conv.weight.data, before)
    assert folded(x).dtype == np.float32


@pytest.mark.parametrize("percentile", [100.0, 99.99])
@pytest.mark.parametrize("build", [lambda rng: DeepConvNet(rng=rng), stacked])
def test_scores_are_near_those_of_float32(rng, build, percentile):
    net = build(rng)
    images = rng.random((40, 1, 28, 28), dtype=np.float32)
    with unchanged(net):
        network = quantize(net, images[:20], percentile)
        expected, found = net.predict(images), network.predict(images)
    assert found.dtype == np.float32
    assert 0 < abs(found - expected).max() < 0.06 * abs(expected).max()


def test_what_goes_from_layer_to_layer_is_int8(rng):
    images = rng.random((4, 1, 28, 28), dtype=np.float32)
    network = quantize(DeepConvNet(rng=rng), images)
    x = images
    for layer in network[:-1]:
        x = layer(x)
        assert x.dtype == np.int8
    dtypes = {array.dtype.name for array in network.state_dict().values()}
    assert dtypes == {"int8", "int32", "float32"}


def test_it_runs_on_threads_like_any_network(rng):
    images = rng.random((60, 1, 28, 28), dtype=np.float32)
    network = quantize(stacked(rng), images)
    labels = network.predict(images).argmax(axis=1)
    with ParallelModel(network, CrossEntropyLoss, workers=2) as parallel:
        np.testing.assert_array_equal(parallel.predict(images), network.predict(images))
        assert parallel.evaluate(images, labels).accuracy == 1.0


@pytest.mark.parametrize("build", [lambda rng: DeepConvNet(rng=rng), stacked])
def test_a_file_gives_the_same_network(rng, tmp_path, build):
    images = rng.random((4, 1, 28, 28), dtype=np.float32)
    network = quantize(build(rng), images)
    network.save(tmp_path / "a.npz")
    again = load_quantized(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.predict(images), network.predict(images))
    assert again.nbytes == network.nbytes


def test_the_file_of_deep_convnet_has_a_quarter_of_the_bytes(rng, tmp_path):
    net = DeepConvNet(rng=rng)
    save_weights(net, tmp_path / "float32.npz")
    quantize(net, rng.random((4, 1, 28, 28), dtype=np.float32)).save(tmp_path / "int8.npz")
    sizes = [os.path.getsize(tmp_path / f"{name}.npz") for name in ("int8", "float32")]
    assert sizes[0] / sizes[1] <= 0.26


@pytest.mark.parametrize(
    ("layer", "change", "found"),
    [
        (0, {"output": None}, "TypeError"),
        (0, {"output": [-1.0, 0]}, "a QuantizeInput with scale -1.0 and zero point 0"),
        (0, {"output": [float("nan"), 0]}, "a QuantizeInput with scale nan"),
        (0, {"output": [1.0, 300]}, "zero point 300"),
        (1, {"output": [1.0, 0.5]}, "zero point 0.5"),
        (1, {"shape": [2, 1, 3]}, "a QuantizedConv2d of shape"),
        (1, {"shape": [-2, 1, -3, 3]}, "a QuantizedConv2d of shape"),
        (1, {"shape": [2.0, 1, 3, 3]}, "a QuantizedConv2d of shape"),
        (1, {"shape": [2, 1, 3, 10**9]}, "too few values of 'weight'"),
        (1, {"groups": 0}, "a convolution of 0 groups"),
        (1, {"groups": 3}, "a convolution of 3 groups"),
        (1, {"geometry": [[2, 2], [1, 1], [0, 0], [1, 1]]}, "groups and kernel .2, 2., shape"),
        (1, {"geometry": [[3, 3], [1, 1], [10**9, 0], [1, 1]]}, "windows of .1000000000, 0."),
        (1, {"geometry": [[3, 3], [0, 1], [0, 0], [1, 1]]}, "windows of .0, 1."),
        (1, {"geometry": 3}, "TypeError"),
        (2, {"stride": [0, 1]}, "windows of .0, 1."),
        (2, {"kind": "Trainer"}, "a layer of the unknown kind 'Trainer'"),
        (2, {"kind": ["a"]}, "a layer of the unknown kind ..a"),
    ],
)
def test_layers_that_cannot_be(layer, change, found, rng, tmp_path):
    parts = Conv2d(1, 2, 3, rng=rng), ReLU(), MaxPool2d(2), Flatten(), Linear(8, 3, rng=rng)
    quantize(Sequential(*parts), rng.random((4, 1, 6, 6), dtype=np.float32)).save(tmp_path / "a")
    arrays = load_arrays(tmp_path / "a")
    text = json.loads(bytes(arrays["json"]))
    text["layers"][layer] |= change
    arrays["json"] = np.frombuffer(json.dumps(text).encode(), np.uint8)
    save_arrays(tmp_path / "a.npz", arrays)
    with pytest.raises(FileError, match=f"a.npz: expected a dlcourse int8.*, found .*{found}"):
        load_quantized(tmp_path / "a.npz")


def test_other_files_are_refused(rng, tmp_path):
    network = quantize(Linear(8, 2, rng=rng), rng.random((4, 8), dtype=np.float32))
    network.save(tmp_path / "a.npz")
    arrays = load_arrays(tmp_path / "a.npz")

    def refused(match, **changes):
        save_arrays(tmp_path / "b.npz", arrays | changes)
        with pytest.raises(ValueError, match=rf"b\.npz: expected a dlcourse int8.*{match}"):
            load_quantized(tmp_path / "b.npz")

    refused("too few values of 'weight'", weight=arrays["weight"][:-1])
    refused("more weights", scale=np.append(arrays["scale"], np.float32(1)))
    refused("values of 'weight' in another form", weight=arrays["weight"].astype(np.int32))
    refused("", json=np.frombuffer(b"{}", np.uint8))
    refused("unknown kind", json=np.frombuffer(
        bytes(arrays["json"]).replace(b"QuantizedLinear", b"os.system"), np.uint8))  # fmt: skip
    save_weights(Linear(2, 2, rng=rng), tmp_path / "b.npz")
    with pytest.raises(ValueError, match="expected a dlcourse int8 network 1, found an .npz"):
        load_quantized(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda rng: [Flatten(), Linear(64, 2, rng=rng), Sigmoid(), Linear(2, 2, rng=rng)],
         "Sigmoid as layer 3 cannot"),
        (lambda rng: [MaxPool2d(3, padding=1), Flatten(), Linear(9, 2, rng=rng)],
         "MaxPool2d as layer 1 cannot"),
        (lambda rng: [ReLU(), Flatten(), Linear(64, 2, rng=rng)], "ReLU as layer 1 cannot"),
        (lambda rng: [Conv2d(1, 2, 3, rng=rng), GlobalAvgPool()], "last layer is a Linear"),
        (lambda rng: [], "last layer is a Linear"),
    ],
)  # fmt: skip
def test_other_networks_are_refused(rng, layers, message):
    with pytest.raises(ValueError, match=message):
        quantize(Sequential(*layers(rng)), rng.random((2, 1, 8, 8), dtype=np.float32))


def test_branches_and_no_images_are_refused(rng):
    with pytest.raises(ValueError, match="joins its parts in another way"):
        quantize(ResNetCifar(8, in_channels=1, width=4, rng=rng), np.zeros((1, 1, 8, 8)))
    with pytest.raises(ValueError, match="images to calibrate with, found none"):
        quantize(Module(), np.zeros((0, 1, 8, 8)))
