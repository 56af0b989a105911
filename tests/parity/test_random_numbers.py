"""Random cases of every layer against PyTorch: shapes, dtypes, layouts, NaN, infinity, nothing.

PyTorch computes in float64, on contiguous arrays: what is compared is which numbers come out, not
how they are rounded.
"""

import numpy as np
import pytest

from dlcourse import nn

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
F = torch.nn.functional

TOLERANCE = {"float16": 2e-2, "float32": 2e-4, "float64": 1e-9}


def window(rng):
    """Kernel, stride, padding and dilation for images of at least 5 x 5."""
    kernel = tuple(map(int, rng.integers(1, 4, 2)))
    padding = tuple(int(rng.integers(k // 2 + 1)) for k in kernel)
    return (
        kernel,
        tuple(map(int, rng.integers(1, 4, 2))),
        padding,
        tuple(map(int, rng.integers(1, 3, 2))),
    )


def conv(rng, kind="Conv2d"):
    kernel, stride, padding, dilation = window(rng)
    groups = int(rng.choice([1, 1, 2, 4]))
    inputs, outputs = 4, int(rng.choice([4, 8]))
    if rng.random() < 0.1:
        groups, outputs = 1, 200  # fewer windows than kernels
    options = {"stride": stride, "padding": padding, "bias": bool(rng.integers(2))}
    if kind == "Conv2d":
        options |= {"groups": groups, "dilation": dilation}
    ours = getattr(nn, kind)(inputs, outputs, kernel, **options, rng=rng)
    return ours, getattr(torch.nn, kind)(inputs, outputs, kernel, **options), inputs


def pool(rng, kind):
    kernel, stride, padding, _ = window(rng)
    options = {"stride": stride, "padding": padding}
    if kind == "MaxPool2d":
        options["ceil_mode"] = bool(rng.integers(2))
    return getattr(nn, kind)(kernel, **options), getattr(torch.nn, kind)(kernel, **options), 3


def adaptive(rng):
    size = tuple(map(int, rng.integers(1, 6, 2)))
    return nn.AdaptiveAvgPool2d(size), torch.nn.AdaptiveAvgPool2d(size), 3


def simple(ours, theirs, channels=3):
    return lambda rng: (ours(), theirs(), channels)


class GlobalAvgPool(torch.nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3))


class First(torch.nn.Module):
    """A recurrent layer without its last state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


#: Ours, PyTorch's, and the channels; or the shape without the number of images.
KINDS = {
    "AdaptiveAvgPool2d": adaptive,
    "AvgPool2d": lambda rng: pool(rng, "AvgPool2d"),
    "BatchNorm2d": lambda rng: (nn.BatchNorm2d(4), torch.nn.BatchNorm2d(4), 4),
    "BatchNorm2d in evaluation": lambda rng: (
        nn.BatchNorm2d(4).eval(),
        torch.nn.BatchNorm2d(4).eval(),
        4,
    ),
    "Conv2d": conv,
    "ConvTranspose2d": lambda rng: conv(rng, "ConvTranspose2d"),
    "Dropout": simple(lambda: nn.Dropout(0.0), lambda: torch.nn.Dropout(0.0)),
    "Flatten": simple(nn.Flatten, torch.nn.Flatten),
    "GlobalAvgPool": simple(nn.GlobalAvgPool, GlobalAvgPool),
    "GroupNorm": simple(lambda: nn.GroupNorm(2, 4), lambda: torch.nn.GroupNorm(2, 4), 4),
    "LSTM": lambda rng: (nn.LSTM(5, 6, rng=rng), First(torch.nn.LSTM(5, 6)), (5,)),
    "LeakyReLU": simple(lambda: nn.LeakyReLU(0.1), lambda: torch.nn.LeakyReLU(0.1)),
    "Linear": lambda rng: (nn.Linear(7, 5, rng=rng), torch.nn.Linear(7, 5), (7,)),
    "LocalResponseNorm": simple(
        lambda: nn.LocalResponseNorm(3, alpha=0.1), lambda: torch.nn.LocalResponseNorm(3, 0.1)
    ),
    "MaxPool2d": lambda rng: pool(rng, "MaxPool2d"),
    "RNN": lambda rng: (nn.RNN(5, 6, rng=rng), First(torch.nn.RNN(5, 6)), (5,)),
    "ReLU": simple(nn.ReLU, torch.nn.ReLU),
    "ReLU6": simple(nn.ReLU6, torch.nn.ReLU6),
    "Sigmoid": simple(nn.Sigmoid, torch.nn.Sigmoid),
    "Tanh": simple(nn.Tanh, torch.nn.Tanh),
}

SPECIAL = {
    "nothing": [],
    "NaN": [np.nan],
    "infinity": [np.inf, -np.inf],
    "minus infinity": [-np.inf],
    "zeros": [0.0, -0.0],
    "tiny": [6e-8, -6e-8],
    "six": [6.0],
}


def layout(x, rng):
    """The same numbers, otherwise in memory."""
    if x.ndim < 3 or rng.random() < 0.2:
        return x
    kind = rng.integers(5)
    if kind == 0:  # channels last
        return np.ascontiguousarray(np.moveaxis(x, 1, -1)).transpose(
            0, x.ndim - 1, *range(1, x.ndim - 1)
        )
    if kind == 1:  # backwards
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    if kind == 2:  # with gaps
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if kind == 3:  # transposed
        return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
    x.flags.writeable = False
    return x


def numbers(shape, dtype, special, rng):
    x = (2 * rng.standard_normal(shape)).astype(dtype)
    if SPECIAL[special] and x.size:
        share = rng.choice([0.02, 0.3, 1.0])
        where = rng.random(shape) < share
        x[where] = rng.choice(SPECIAL[special], int(where.sum()))
    return layout(x, rng)


def agree(found, expected, dtype, scale, what):
    assert found.dtype == dtype, what
    expected = expected.detach().numpy()
    limit = np.float64(np.finfo(dtype).max) if dtype == "float16" else np.inf
    tolerance = TOLERANCE[dtype]
    if dtype == "float16":  # what float64 holds may be infinity there
        usual = ~(np.abs(expected) > limit / 4)
        found, expected = found[usual], expected[usual]
    np.testing.assert_allclose(
        found.astype(np.float64), expected, rtol=tolerance, atol=tolerance * scale, err_msg=what
    )


def run(name, seed):
    rng = np.random.default_rng([seed, *name.encode()])
    ours, theirs, channels = KINDS[name](rng)
    dtype = str(rng.choice(["float16", "float32", "float64"]))
    special = str(rng.choice(list(SPECIAL)))
    n = int(rng.choice([0, 1, 2, 3]))
    if isinstance(channels, tuple):
        shape = (n, *channels)
        if name in ("LSTM", "RNN"):
            shape = (int(rng.integers(1, 4)), *shape)
    else:
        shape = n, channels, int(rng.integers(5, 9)), int(rng.integers(5, 9))
    x = numbers(shape, dtype, special, rng)
    ours.astype(dtype)
    theirs = theirs.double()
    with torch.no_grad():
        for (_, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            q.copy_(torch.from_numpy(p.data.astype(np.float64)))
    what = f"{name} of {dtype} {shape} with {special}, strides {x.strides}"
    tx = torch.from_numpy(np.array(x, np.float64, order="C")).requires_grad_()
    ty = theirs(tx)
    before = x.copy()
    with np.errstate(all="ignore"):
        y = ours(x)
        dy = numbers(y.shape, dtype, str(rng.choice(["nothing", "nothing", special])), rng)
        if name == "ReLU6":  # PyTorch's gradient at NaN depends on the place in memory
            dy = np.where(np.isnan(x), dy.dtype.type(0), dy)
        dx = ours.backward(dy)
    ty.backward(torch.from_numpy(np.array(dy, np.float64, order="C")))
    np.testing.assert_array_equal(x, before, what)
    agree(y, ty, dtype, 4, f"output of {what}")
    agree(dx, tx.grad, dtype, 10, f"dx of {what}")
    for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        agree(p.grad, q.grad, dtype, 50, f"gradient of {key} of {what}")


@pytest.mark.parametrize("name", KINDS)
def test_random_cases(name):
    for seed in range(15):
        run(name, seed)


#: How targets are drawn; labels otherwise.
TARGETS = {
    "BCEWithLogitsLoss": lambda shape, rng: rng.random(shape),
    "CrossEntropyLoss": None,
    "MSELoss": lambda shape, rng: rng.standard_normal(shape),
    "SmoothL1Loss": lambda shape, rng: 2 * rng.standard_normal(shape),
}


@pytest.mark.parametrize("name", TARGETS)
def test_random_losses(name):
    for seed in range(25):
        rng = np.random.default_rng([seed, *name.encode()])
        dtype = str(rng.choice(["float16", "float32", "float64"]))
        shape = tuple(map(int, rng.integers(1, 5, rng.integers(2, 5))))
        special = str(rng.choice(list(SPECIAL)))
        y = numbers(shape, dtype, special, rng)
        if name == "CrossEntropyLoss":
            options = {"label_smoothing": float(rng.choice([0.0, 0.1, 1.0]))}
            t = rng.integers(0, shape[1], (shape[0], *shape[2:])).astype(rng.choice(["u1", "i8"]))
            if rng.random() < 0.3 and t.min() < t.max():
                options["ignore_index"] = int(t.flat[0])
            their_t = torch.from_numpy(t.astype(np.int64))
        else:
            options, t = {}, TARGETS[name](shape, rng).astype(rng.choice(["f4", "f8"]))
            their_t = torch.from_numpy(t.astype(dtype).astype(np.float64))
        ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
        ty = torch.from_numpy(np.array(y, np.float64, order="C")).requires_grad_()
        with np.errstate(all="ignore"):
            value, grad = ours(y, t), ours.backward()
        expected = theirs(ty, their_t)
        expected.backward()
        if "ignore_index" in options:  # which PyTorch makes NaN where the scores are
            ty.grad.movedim(1, -1)[their_t == options["ignore_index"]] = 0
        what = f"{name} of {dtype} {shape} with {special} {options}"
        if not (name == "BCEWithLogitsLoss" and np.isinf(y).any()):  # PyTorch: infinity - infinity
            np.testing.assert_allclose(value, expected.item(), rtol=5e-3, err_msg=what)
        agree(grad, ty.grad, dtype, 1, what)


def test_random_softmax():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        dtype = str(rng.choice(["float16", "float32", "float64"]))
        shape = int(rng.integers(0, 4)), int(rng.integers(1, 5)), int(rng.integers(1, 5))
        axis = int(rng.integers(1, 3))
        x = numbers(shape, dtype, str(rng.choice(list(SPECIAL))), rng)
        with np.errstate(all="ignore"):
            y = nn.softmax(x, axis)
        agree(y, torch.from_numpy(x.astype(np.float64)).softmax(axis), dtype, 1, f"{shape} {axis}")


def test_random_places_of_the_largest_and_back():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        kernel, stride, padding, _ = window(rng)
        ceil = bool(rng.integers(2))
        shape = int(rng.integers(0, 3)), 2, int(rng.integers(4, 8)), int(rng.integers(4, 8))
        special = str(rng.choice(list(SPECIAL)))
        x = numbers(shape, "float64", special, rng)
        y, places = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil, return_indices=True)(x)
        ty, their_places = F.max_pool2d(
            torch.from_numpy(x.copy()), kernel, stride, padding, ceil_mode=ceil, return_indices=True
        )
        what = f"{shape} {kernel} {stride} {padding} {ceil} {special}"
        np.testing.assert_array_equal(y, ty, what)
        np.testing.assert_array_equal(places, their_places, what)
        if kernel == stride and padding == (0, 0):  # windows that do not overlap
            back = nn.MaxUnpool2d(kernel)(y, places, shape[2:])
            theirs = F.max_unpool2d(ty, their_places, kernel, output_size=shape[2:])
            np.testing.assert_array_equal(back, theirs, what)
