# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 3: fast, and honest about it
#
# You write what makes networks fast: patches that need no copy, a convolution that beats the loops by far, a layer that runs on any array library, bytes in place of floats. And you write what tells whether they are: counts of work, a roofline, a bound on rounding errors. Seven tasks are graded by tests, one question by a person. **100 points, about six hours.**
#
# | task | points | minutes | difficulty |
# |---|---|---|---|
# | 1. Patches by strides | 12 | 40 | medium |
# | 2. A convolution far faster than its loops | 16 | 60 | hard |
# | 3. Counting multiply-adds, forward and backward | 10 | 30 | easy |
# | 4. A layer for any array library | 14 | 50 | medium |
# | 5. How wrong a float16 sum can be | 16 | 60 | hard |
# | 6. A byte in place of a float | 14 | 50 | medium |
# | 7. A roofline | 10 | 35 | medium |
# | 8. A question | 8 | 25 | in words |
#
# **How it works.** Replace `raise NotImplementedError()` in each task, and run the test cell below it. A failed test says what the likely mistake is. Leave the test cells as they are: when your work is graded, they are put back in their original form, and *hidden tests* are added, with other shapes, strides and edge cases. Passing the visible tests is a good sign, but not the last word. Before you hand in, choose *Kernel, Restart and run all*, or run `nbgrader validate ps3-speed.ipynb`. Keep the name of the file.
#
# **Rules.** Write the work yourself, in NumPy. The finished layers of `dlcourse` are there to compare with; tests notice when they are called in place of your own. Do not change the arrays that you are given. float32 stays float32.
#
# Arrays of images have the shape (N, C, H, W): images, channels, height, width. A *multiply-add* is one product that is added to a sum: two operations (flop).

# %% nbgrader="setup setup"
# On Colab: install the package alone, and leave Colab's own NumPy and CuPy as they are.
import sys

if "google.colab" in sys.modules:
    get_ipython().run_line_magic(
        "pip", "install --quiet --no-deps git+https://github.com/dlcourse/dlcourse"
    )

import math
from typing import NamedTuple

import numpy as np
from dlcourse import check
from dlcourse.check import strict
from dlcourse.nn import Module, Parameter
from threadpoolctl import threadpool_limits

limits = threadpool_limits(1)  # times are of one thread, so that they can be compared


class Conv(NamedTuple):
    """A convolution with square filters and a bias, in a plan of layers (tasks 3 and 7)."""

    channels: int  # of its output
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1  # a filter looks at a share of the channels: 1 / groups of them


class Pool(NamedTuple):
    """A max pooling with square windows, and no padding."""

    kernel: int
    stride: int


class Relu(NamedTuple):
    """The activation: max(x, 0)."""


class Dense(NamedTuple):
    """A linear layer with a bias; it sees all values of its input as one long row."""

    features: int


class Machine(NamedTuple):
    """What a machine can do at best."""

    peak: float  # operations a second
    bandwidth: float  # bytes a second, from and to memory


# %% [markdown]
# ## Task 1: patches by strides
#
# *12 points, 40 minutes, medium*
#
# An array is a piece of memory, a shape, and *strides*: how many bytes it takes to go one step along each axis. `np.lib.stride_tricks.as_strided(x, shape, strides)` sees the same memory with another shape and other strides. So one can get all patches of a convolution without a loop and without a copy: one step along the patch moves as one step in the image, and one step from patch to patch as S of them.
#
# - `windows(x, kernel, stride, dilation)` returns a **view** of `x` (N, C, H, W) with the shape (N, C, OH, OW, K, K): the patch under the filter for each place of the output. Neighbours in a patch lie `dilation` pixels apart. The height is OH $= \lfloor (H - D(K - 1) - 1) / S \rfloor + 1$. Nothing is copied, and since patches overlap, nobody should write into them: pass `writeable=False`.
# - `im2col(x, kernel, stride, padding, dilation)` returns the patches as rows, (N OH OW, C K K), with a border of zeros of width `padding` around the image. Rows go through the images, in each row by row; along a row come the values of a patch (C, K, K).
#
# Neither has a loop. The memory of `x` may lie in any order, with gaps, or backwards: ask `x.strides`, and do not compute them from the shape.
#
# <details><summary>Hint: the six strides</summary>
#
# With `sn, sc, sh, sw = x.strides`: one image further is `sn` bytes, one channel `sc`. One output row further is `stride * sh`, one row further *inside the patch* `dilation * sh`.
# </details>
# <details><summary>Hint: from the view to rows</summary>
#
# A row has a patch with all its channels: bring the axes into the order (N, OH, OW, C, K, K), then `reshape`. It is this `reshape` that copies.
# </details>
# <details><summary>Warning: as_strided believes you</summary>
#
# With a shape that is too large, or wrong strides, it reads memory that does not belong to the array. Count the windows with care.
# </details>

# %% nbgrader="im2col solution"
def windows(x, kernel, stride=1, dilation=1):
    """Return a read-only view (N, C, OH, OW, K, K) of the patches of images (N, C, H, W)."""
    ### BEGIN SOLUTION
    n, c, h, w = x.shape
    sn, sc, sh, sw = x.strides
    reach = dilation * (kernel - 1)
    oh, ow = (h - reach - 1) // stride + 1, (w - reach - 1) // stride + 1
    return np.lib.stride_tricks.as_strided(
        x,
        (n, c, oh, ow, kernel, kernel),
        (sn, sc, stride * sh, stride * sw, dilation * sh, dilation * sw),
        writeable=False,
    )
    ### END SOLUTION


def im2col(x, kernel, stride=1, padding=0, dilation=1):
    """Return the patches of images (N, C, H, W) as rows: (N OH OW, C K K)."""
    ### BEGIN SOLUTION
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    patches = windows(x, kernel, stride, dilation).transpose(0, 2, 3, 1, 4, 5)
    return patches.reshape(-1, x.shape[1] * kernel * kernel)
    ### END SOLUTION


# %% nbgrader="im2col visible 5"
def patches_by_loops(x, kernel, stride, dilation):
    n, c, h, w = x.shape
    reach = dilation * (kernel - 1) + 1
    rows, columns = range(0, h - reach + 1, stride), range(0, w - reach + 1, stride)
    result = np.empty((n, c, len(rows), len(columns), kernel, kernel), x.dtype)
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            result[:, :, i, j] = x[:, :, top : top + reach : dilation, left : left + reach : dilation]
    return result


def check_windows(x, kernel, stride, dilation, name):
    with check.own_work(), check.unchanged(x=x):
        view = windows(x, kernel, stride, dilation)
    right = patches_by_loops(x, kernel, stride, dilation)
    check.shape(view, right.shape, f"windows {name}")
    check.that(
        np.may_share_memory(view, x),
        f"windows {name} is a copy; a view looks at the memory of x. Indexing with slices and "
        "as_strided give views, np.array, np.pad, ascontiguousarray and most reshapes copy.",
    )
    ones = patches_by_loops(x, kernel, 1, dilation)[:, :, : right.shape[2], : right.shape[3]]
    near = patches_by_loops(x, kernel, stride, 1)[:, :, : right.shape[2], : right.shape[3]]
    swapped = right.swapaxes(4, 5)
    check.close(
        view, right, f"windows {name}", tolerance=0,
        mistakes={
            "From one patch to the next it is `stride` pixels, not one.": ones,
            "Neighbours in a patch lie `dilation` pixels apart.": near,
            "The two axes inside the patch are swapped.": swapped,
        },
    )
    check.that(
        not view.flags.writeable,
        "The patches overlap: who writes into one changes its neighbours, and x. Pass "
        "writeable=False.",
    )


def test_im2col():
    # Pixel (i, j) of channel c has the value 100 c + 10 i + j.
    x = np.add.outer(100 * np.arange(2), np.add.outer(10 * np.arange(4), np.arange(5)))[None]
    x = x.astype(np.float32)
    check_windows(x, 2, 1, 1, "(kernel 2)")
    check_windows(x, 2, 2, 1, "(kernel 2, stride 2)")
    check_windows(x, 2, 1, 2, "(kernel 2, dilation 2)")
    check_windows(x.transpose(0, 1, 3, 2), 2, 1, 1, "(of a transposed image)")
    with check.own_work(), check.unchanged(x=x):
        rows = im2col(x, 2, stride=2)
    right = np.array([
        [0, 1, 10, 11, 100, 101, 110, 111], [2, 3, 12, 13, 102, 103, 112, 113],
        [20, 21, 30, 31, 120, 121, 130, 131], [22, 23, 32, 33, 122, 123, 132, 133],
    ])
    check.close(
        rows, right, "im2col(x, 2, stride=2)",
        mistakes={
            "Patches stand in the columns; they belong in the rows.": right.T,
            "A row has the values of one patch, with all its channels: bring the axes into the "
            "order (N, OH, OW, C, K, K) before the reshape.":
                patches_by_loops(x, 2, 2, 1).reshape(4, 8),
            "Along a row the channels come first, then the place in the filter.":
                right.reshape(4, 2, 4).swapaxes(1, 2).reshape(4, 8),
        },
    )
    check.dtype(rows, np.float32, "im2col")
    with check.own_work(), check.unchanged(x=x):
        rows = im2col(x, 3, padding=1)
    check.shape(rows, (20, 18), "im2col(x, 3, padding=1)")
    check.close(rows[0], [0, 0, 0, 0, 0, 1, 0, 10, 11, 0, 0, 0, 0, 100, 101, 0, 110, 111],
                "the first row of im2col(x, 3, padding=1)")


test_im2col()
check.passed("Task 1")


# %% nbgrader="im2col hidden 7"
def test_im2col_hidden():
    rng = np.random.default_rng(1)
    # Around x lies memory that is not x: who looks there finds NaN.
    whole = np.full((6, 9, 30, 40), np.nan)
    whole[1:4, 2:7, 10:19, 10:21] = rng.standard_normal((3, 5, 9, 11))
    inside = whole[1:4, 2:7, 10:19, 10:21]
    contiguous = np.ascontiguousarray(inside)
    for kernel, stride, padding, dilation in [
        (3, 1, 1, 1), (1, 1, 0, 1), (1, 3, 0, 1), (2, 2, 1, 1), (3, 2, 2, 2), (5, 3, 0, 1),
        (3, 4, 3, 3), (9, 1, 0, 1), (3, 1, 0, 4), (2, 5, 0, 1),
        *check.drawn(lambda rng: rng.integers((1, 1, 0, 1), (5, 5, 4, 3)).tolist()),
    ]:
        for name, x in [
            ("in order", contiguous), ("with gaps", inside), ("every other pixel", inside[:, ::2, :, :]),
            ("backwards", inside[::-1, :, ::-1, ::-1]),
            ("float32", contiguous.astype(np.float32)),
            ("channels last", contiguous.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)),
            ("one image for all", np.broadcast_to(contiguous[:1], contiguous.shape)),
        ]:
            name = f"(kernel {kernel}, stride {stride}, dilation {dilation}, {name})"
            check_windows(x, kernel, stride, dilation, name)
            with check.own_work(), check.unchanged(x=x):
                rows = im2col(x, kernel, stride, padding, dilation)
            padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
            right = patches_by_loops(padded, kernel, stride, dilation).transpose(0, 2, 3, 1, 4, 5)
            name = f"im2col {name[:-1]}, padding {padding})"
            check.close(rows, right.reshape(-1, x.shape[1] * kernel**2), name, tolerance=0)
            check.dtype(rows, x.dtype, name)
            check.that(not np.may_share_memory(rows, x) or rows.flags.writeable is False,
                       f"{name}: whoever writes into the rows changes x.")


test_im2col_hidden()

# %% [markdown]
# ## Task 2: a convolution far faster than its loops
#
# *16 points, 60 minutes, hard*
#
# Here is a convolution as in the formula, seven loops around one multiply-add:
#
# $$y_{noij} = b_o + \sum_{c,u,v} w_{ocuv}\; x_{n,\,c,\,iS + uD - P,\,jS + vD - P}$$
#
# Write `conv2d(x, w, b, stride, padding, dilation, groups)`, which gives the same numbers **at least 50 times faster** (the test measures both, in turn, in one cell). Done well, it is several hundred times faster. What you use is up to you: your patches from task 1 and one matrix product, or a sum of K x K products with shifted images, or `np.einsum` with `optimize=True`.
#
# `w` is (O, C / groups, KH, KW), since filters need not be square. With `groups` G the channels of input and output are cut into G equal parts, and part g of the output sees only part g of the input; with G = C it is a depthwise convolution. A loop over groups is fine. Values outside the image are zero. The result is (N, O, OH, OW), with the dtype of `x`.
#
# <details><summary>Hint: which loops may stay</summary>
#
# A loop costs what its body costs in Python, about a microsecond, times the number of rounds. Over the K x K places in the filter: 9 rounds. Over the pixels of one image: a thousand.
# </details>
# <details><summary>Hint: groups</summary>
#
# Write the convolution for one group first. Then cut `x[:, g * C // G : (g + 1) * C // G]` and `w[g * O // G : (g + 1) * O // G]`, and join the outputs along the channels.
# </details>
# <details><summary>Hint: not square</summary>
#
# If `windows` of task 1 only takes square filters, give the sum of shifted products a try: for place (u, v) the pixels are `x[:, :, u * D : u * D + S * (OH - 1) + 1 : S, v * D : ...]`, and a product mixes their channels with `w[:, :, u, v]`.
# </details>

# %% nbgrader="conv2d solution"
def conv2d(x, w, b, stride=1, padding=0, dilation=1, groups=1):
    """Convolve images (N, C, H, W) with filters (O, C // groups, KH, KW) and add b (O,)."""
    ### BEGIN SOLUTION
    n, _, h, width = x.shape
    o, c, kh, kw = w.shape
    oh = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
    ow = (width + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    sn, sc, sh, sw = x.strides
    patches = np.lib.stride_tricks.as_strided(
        x,
        (n, oh, ow, groups, c, kh, kw),
        (sn, stride * sh, stride * sw, c * sc, sc, dilation * sh, dilation * sw),
        writeable=False,
    )
    y = np.empty((n, oh, ow, o), x.dtype)
    part = o // groups
    for g in range(groups):
        mine = slice(g * part, (g + 1) * part)
        rows = patches[:, :, :, g].reshape(n * oh * ow, -1)
        y[..., mine] = (rows @ w[mine].reshape(part, -1).T).reshape(n, oh, ow, part)
    y += b
    return y.transpose(0, 3, 1, 2)
    ### END SOLUTION


# %% nbgrader="conv2d visible 7"
def seven_loops(x, w, b, stride=1, padding=0, dilation=1, groups=1):
    """The formula, word for word."""
    n, _, h, width = x.shape
    o, c, kh, kw = w.shape
    oh = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
    ow = (width + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
    y = np.empty((n, o, oh, ow), x.dtype)
    for image in range(n):
        for filter in range(o):
            first = filter // (o // groups) * c
            for i in range(oh):
                for j in range(ow):
                    total = 0.0
                    for channel in range(c):
                        for u in range(kh):
                            for v in range(kw):
                                row = i * stride + u * dilation - padding
                                column = j * stride + v * dilation - padding
                                if 0 <= row < h and 0 <= column < width:
                                    total += w[filter, channel, u, v] * x[image, first + channel, row, column]
                    y[image, filter, i, j] = total + b[filter]
    return y


def check_conv2d(shape, filters, dtype, tolerance, rng, **options):
    groups = options.get("groups", 1)
    x = rng.standard_normal(shape).astype(dtype)
    w = rng.standard_normal((filters[0], shape[1] // groups, *filters[1:])).astype(dtype)
    b = rng.standard_normal(filters[0]).astype(dtype)
    right = seven_loops(x, w, b, **options)
    name = f"y for x {shape}, w {w.shape}" + "".join(f", {k} {v}" for k, v in options.items())
    with check.own_work(), check.unchanged(x=x, w=w, b=b):
        y = conv2d(x, w, b, **options)
    other = x.copy()
    if groups > 1:  # who takes the first channels for all groups
        other = np.concatenate([x[:, : shape[1] // groups]] * groups, axis=1)
    check.close(
        y, right, name, tolerance=tolerance,
        mistakes={
            "The bias b seems to be forgotten.": right - b[:, None, None],
            "The filter is turned by 180 degrees; here it is not.":
                seven_loops(x, w[:, :, ::-1, ::-1], b, **options),
            "The product is (N OH OW, O): reshape it to (N, OH, OW, O) and transpose after that.":
                right.transpose(0, 2, 3, 1).reshape(right.shape),
            "Each group sees its own channels of x, not the first ones.":
                seven_loops(other, w, b, **options),
        },
    )
    check.dtype(y, dtype, name)


def test_conv2d():
    rng = np.random.default_rng(0)
    check_conv2d((2, 3, 6, 5), (4, 3, 3), np.float64, 1e-9, rng)
    check_conv2d((2, 3, 6, 5), (4, 3, 3), np.float32, 1e-4, rng, padding=1)
    check_conv2d((1, 2, 7, 7), (3, 3, 3), np.float32, 1e-4, rng, stride=2, padding=1)
    check_conv2d((1, 2, 7, 7), (3, 3, 3), np.float32, 1e-4, rng, dilation=2)
    check_conv2d((1, 2, 6, 6), (3, 2, 4), np.float32, 1e-4, rng)
    check_conv2d((2, 4, 5, 5), (6, 3, 3), np.float32, 1e-4, rng, groups=2)


def check_speed(shape, filters, **options):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(np.float32)
    w = rng.standard_normal(filters).astype(np.float32)
    b = np.zeros(len(w), np.float32)
    check.faster(
        lambda: conv2d(x, w, b, **options), lambda: seven_loops(x, w, b, **options), 1 / 50,
        "conv2d", "the seven loops", "a Python loop over pixels, filters or images", repeats=3,
    )


test_conv2d()
check_speed((1, 3, 64, 64), (3, 3, 3, 3), padding=1)
check.passed("Task 2")


# %% nbgrader="conv2d hidden 9"
def test_conv2d_hidden():
    def draw(rng):
        groups, inputs, outputs, kh, kw, stride, dilation = rng.integers(1, 4, 7).tolist()
        size = (dilation * np.array([kh - 1, kw - 1]) + 1 + rng.integers(6, size=2)).tolist()
        options = dict(stride=stride, padding=int(rng.integers(3)), dilation=dilation, groups=groups)
        return (2, groups * inputs, *size), (groups * outputs, kh, kw), options

    rng = np.random.default_rng(2)
    for shape, filters, options in [
        ((3, 2, 8, 5), (2, 3, 2), dict(stride=3, padding=2)),
        ((1, 1, 1, 1), (1, 1, 1), dict()),
        ((2, 3, 4, 4), (5, 4, 4), dict()),
        ((1, 4, 9, 9), (4, 3, 3), dict(groups=4, padding=2, dilation=2)),
        ((2, 6, 6, 5), (3, 2, 3), dict(groups=3, stride=2)),
        ((2, 6, 5, 6), (9, 1, 1), dict(groups=3, stride=2, padding=1)),
        ((1, 2, 9, 11), (2, 3, 2), dict(stride=2, padding=1, dilation=3)),
        *check.drawn(draw),
    ]:
        for dtype, tolerance in ((np.float32, 1e-4), (np.float64, 1e-9)):
            check_conv2d(shape, filters, dtype, tolerance, rng, **options)
    # Memory in another order.
    x = rng.standard_normal((2, 5, 6, 3)).transpose(0, 3, 1, 2)[:, :, ::-1]
    w, b = rng.standard_normal((4, 3, 3, 3)).transpose(0, 1, 3, 2), rng.standard_normal(4)
    for padding in (0, 1):
        with check.own_work(), check.unchanged(x=x, w=w):
            y = conv2d(x, w, b, padding=padding)
        check.close(y, seven_loops(x, w, b, padding=padding), "y of an array that is not contiguous",
                    tolerance=1e-9)
    check_speed((1, 3, 81, 61), (3, 3, 3, 3), dilation=2)
    check_speed((1, 4, 64, 64), (4, 2, 3, 3), padding=1, groups=2)


test_conv2d_hidden()

# %% [markdown]
# ## Task 3: counting multiply-adds, forward and backward
#
# *10 points, 30 minutes, easy*
#
# Before making something fast, ask how much there is to do. Layers come as a plan, for example `[Conv(16, kernel=3, padding=1), Relu(), Pool(2, stride=2), Dense(10)]`; the first cell defines them. `multiply_adds(layers, shape)` returns a list with a pair `(forward, backward)` for each layer, for **one image** of the shape (C, H, W).
#
# - **Forward**: convolutions and linear layers count one multiply-add for each product; products with the zeros of the border count too. With `groups`, a filter sees C / groups channels. Pooling, ReLU and biases count as nothing.
# - **Backward**: the gradient of the weights takes as many multiply-adds as the forward pass, and the gradient of the input takes as many again. But nobody needs the gradient of the image: the *first layer with weights* does without.
#
# The height after a layer is $\lfloor (H + 2P - K) / S \rfloor + 1$.
#
# <details><summary>Hint: one convolution</summary>
#
# Each of its O x OH x OW outputs is a sum of (C / groups) x K x K products.
# </details>
# <details><summary>Hint: the shape</summary>
#
# Keep `c, h, w` and update them after each layer. After a `Dense` they are `features, 1, 1`.
# </details>

# %% nbgrader="multiply-adds solution"
def multiply_adds(layers, shape):
    """Return a pair (forward, backward) for each layer, for one image of shape (C, H, W)."""
    ### BEGIN SOLUTION
    c, h, w = shape
    counts, learns_before = [], False
    for layer in layers:
        forward = 0
        if isinstance(layer, Conv | Pool):
            padding = getattr(layer, "padding", 0)
            h = (h + 2 * padding - layer.kernel) // layer.stride + 1
            w = (w + 2 * padding - layer.kernel) // layer.stride + 1
        if isinstance(layer, Conv):
            forward = layer.channels * h * w * (c // layer.groups) * layer.kernel**2
            c = layer.channels
        if isinstance(layer, Dense):
            forward = layer.features * c * h * w
            c, h, w = layer.features, 1, 1
        counts.append((forward, 2 * forward if learns_before else forward))
        learns_before = learns_before or forward > 0
    return counts
    ### END SOLUTION


# %% nbgrader="multiply-adds visible 4"
def counted(layers, shape):
    with check.own_work():
        found = multiply_adds(layers, shape)
    check.that(
        isinstance(found, list) and len(found) == len(layers)
        and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in found),
        "multiply_adds should return a list with a pair (forward, backward) for each layer.",
    )
    return np.array(found, float).reshape(-1, 2)


def check_counts(found, right, what, mistakes):
    check.close(found, right, what, mistakes, tolerance=1e-12)


def test_multiply_adds():
    plan = [Conv(16, 3, padding=1), Relu(), Pool(2, 2), Conv(32, 3), Relu(), Dense(10)]
    found = counted(plan, (3, 12, 12))
    check_counts(
        found[:, 0], [62_208, 0, 0, 73_728, 0, 5_120], "the forward counts of the plan",
        {
            "Each filter spans all channels of its input: C x K x K products an output.":
                [20_736, 0, 0, 4_608, 0, 5_120],
            "The padding is forgotten in the height.": [43_200, 0, 0, 41_472, 0, 2_880],
            "Products count at each place of the output, OH x OW of them.":
                [432, 0, 0, 4_608, 0, 5_120],
            "The biases count nothing.": [64_512, 0, 0, 74_240, 0, 5_130],
            "A multiply-add is one, not two; it is two operations.":
                [124_416, 0, 0, 147_456, 0, 10_240],
        },
    )
    check_counts(
        found[:, 1], [62_208, 0, 0, 147_456, 0, 10_240], "the backward counts of the plan",
        {
            "The backward pass makes two gradients, of the weights and of the input.":
                [62_208, 0, 0, 73_728, 0, 5_120],
            "The first layer with weights needs no gradient of its input.":
                [124_416, 0, 0, 147_456, 0, 10_240],
            "The first layer does need the gradient of its weights.":
                [0, 0, 0, 147_456, 0, 10_240],
        },
    )
    found = counted([Conv(8, 5, stride=2, padding=2, groups=4)], (4, 9, 9))
    check_counts(
        found[:, 0], [5_000], "the forward count of a convolution with four groups and stride 2",
        {"With groups, a filter looks at C / groups channels.": [20_000],
         "The stride is forgotten: there are fewer places.": [16_200]},
    )


test_multiply_adds()
check.passed("Task 3")


# %% nbgrader="multiply-adds hidden 6"
def test_multiply_adds_hidden():
    rng = np.random.default_rng(3)

    def places(size, layer):
        # Count where the window fits.
        size += 2 * getattr(layer, "padding", 0)
        return sum(1 for _ in range(0, size - layer.kernel + 1, layer.stride))

    for _ in range(20):
        c, h, w = shape = (int(rng.integers(1, 4)) * 2, *(int(s) for s in rng.integers(20, 40, 2)))
        layers, right, first = [], [], True
        for _ in range(int(rng.integers(1, 7))):
            kind, count = int(rng.integers(4)), 0
            if kind == 0 or kind == 1:
                kernel, stride = int(rng.integers(1, 4)), int(rng.integers(1, 3))
                if min(h, w) < kernel:
                    continue
                layer = Pool(kernel, stride)
                if kind == 0:
                    groups = c if rng.random() < 0.3 else 1
                    out = groups * int(rng.integers(1, 5))
                    layer = Conv(out, kernel, stride, int(rng.integers(0, 3)), groups)
                h, w = places(h, layer), places(w, layer)
                if kind == 0:
                    count = sum(c // groups * kernel**2 for _ in range(layer.channels) for _ in range(h * w))
                    c = layer.channels
            elif kind == 2:
                layer = Relu()
            else:
                layer = Dense(int(rng.integers(1, 20)))
                count = layer.features * c * h * w
                c, h, w = layer.features, 1, 1
            layers.append(layer)
            right.append((count, count if first else 2 * count))
            first = first and count == 0
        found = counted(layers, shape)
        for column, name in enumerate(("forward", "backward")):
            check_counts(found[:, column], np.array(right, float).reshape(-1, 2)[:, column],
                         f"the {name} counts of {layers} for images {shape}", None)
    # A pooling first: the convolution after it is still the first with weights.
    found = counted([Pool(2, 2), Relu(), Conv(4, 3), Conv(4, 3)], (3, 14, 14))
    check_counts(found[:, 1], [0, 0, 2_700, 2_592], "the backward counts after a pooling",
                 {"A pooling before it has no weights: this convolution is still the first.":
                  [0, 0, 5_400, 2_592]})


test_multiply_adds_hidden()

# %% [markdown]
# ## Task 4: a layer for any array library
#
# *14 points, 50 minutes, medium*
#
# CuPy, NumPy and others share most names. A layer that takes every function from a variable `xp` runs on all of them, and so on a GPU. With one `np.exp` left in it, or one `np.zeros`, it does not. Write `SwishLinear`: a linear layer and the activation *swish* in one,
#
# $$z = x\,W^\top + b, \qquad y = z\,\sigma(z), \qquad \sigma(z) = \frac{1}{1 + e^{-z}} .$$
#
# - The constructor gets `xp`, the library in which the layer lives. Draw the weights (out, in) with `rng.standard_normal`, which is NumPy's, in float32, times $\sqrt{2 / \text{in}}$, and *hand them over* with `xp.asarray`. The bias (out,) is zero. Both are `Parameter`s, called `weight` and `bias`.
# - `forward(x)` takes `x` of shape (..., in), with any number of leading axes, and returns (..., out).
# - `backward(dy)` calls `accumulate` with the gradients of weight and bias, summed over all leading axes, and returns the gradient of `x`.
#
# Use only `xp` and Python numbers in `forward` and `backward`; nothing is copied to NumPy and back, and no array becomes a Python number, since that would wait for a GPU. Large values cause no trouble: y(-1000) is 0 and y(1000) is 1000, without NaN.
#
# The tests use NumPy, and `strict.xp` from `dlcourse.check`: a library with NumPy's names whose arrays refuse NumPy. Try it: `x = strict.xp.ones((2, 3)); np.exp(x)`.
#
# <details><summary>Hint: the derivative</summary>
#
# $\sigma' = \sigma (1 - \sigma)$, so $y' = \sigma + z\,\sigma (1 - \sigma)$. Then dz = dy y', and the rest is a linear layer.
# </details>
# <details><summary>Hint: a sigmoid that does not overflow</summary>
#
# $\sigma(z) = (1 + \tanh(z / 2)) / 2$.
# </details>
# <details><summary>Hint: leading axes</summary>
#
# `xp.matmul(x, W.T)` takes any number of them. For the gradient of the weights, reshape `dz` to (-1, out) and `x` to (-1, in).
# </details>

# %% nbgrader="neutral solution"
class SwishLinear(Module):
    """y = z sigmoid(z) with z = x W^T + b, on arrays of the library `xp`."""

    def __init__(self, in_features, out_features, xp, rng):
        super().__init__()
        self.xp = xp
        ### BEGIN SOLUTION
        weight = rng.standard_normal((out_features, in_features), dtype=np.float32)
        self.weight = Parameter(xp.asarray(math.sqrt(2 / in_features) * weight))
        self.bias = Parameter(xp.zeros(out_features, dtype=xp.float32))
        ### END SOLUTION

    def forward(self, x):
        """Return (..., out) for x of shape (..., in)."""
        ### BEGIN SOLUTION
        xp = self.xp
        self.x = x
        self.z = xp.matmul(x, self.weight.data.T) + self.bias.data
        self.gate = 0.5 * (1 + xp.tanh(0.5 * self.z))
        return self.z * self.gate
        ### END SOLUTION

    def backward(self, dy):
        """Accumulate the gradients of weight and bias, and return the gradient of x."""
        ### BEGIN SOLUTION
        xp, (out, inside) = self.xp, self.weight.data.shape
        dz = dy * self.gate * (1 + self.z * (1 - self.gate))
        rows = xp.reshape(dz, (-1, out))
        self.weight.accumulate(xp.matmul(rows.T, xp.reshape(self.x, (-1, inside))))
        self.bias.accumulate(xp.sum(rows, axis=0))
        return xp.matmul(dz, self.weight.data)
        ### END SOLUTION


# %% nbgrader="neutral visible 6"
def made(xp, inside, out, seed=0):
    with check.own_work():
        layer = SwishLinear(inside, out, xp, np.random.default_rng(seed))
    for name, shape in (("weight", (out, inside)), ("bias", (out,))):
        p = getattr(layer, name, None)
        check.that(isinstance(p, Parameter), f"{name} should be a Parameter.")
        check.that(
            isinstance(p.data, type(xp.zeros(1))),
            f"{name} is no array of the library xp, but a {type(p.data).__name__}; hand it over with "
            "xp.asarray.",
        )
        check.that(tuple(p.data.shape) == shape,
                   f"{name} should have the shape {shape}, but has {tuple(p.data.shape)}.")
        check.that(p.data.dtype == np.float32, f"{name} should be float32, but is {p.data.dtype}.")
    return layer


def copied(xp, values):
    return values if xp is np else xp.asnumpy(values)


def both_passes(layer, xp, x, dy):
    """Run the layer on arrays of a library; NumPy's come in, and NumPy's come out."""
    x_there, dy_there = xp.asarray(x.copy()), xp.asarray(dy.copy())
    for p in (layer.weight, layer.bias):
        p.grad = None
    with check.own_work(), strict.no_copies():
        y = layer.forward(x_there)
        dx = layer.backward(dy_there)
    results = dict(y=y, dx=dx, dw=layer.weight.grad, db=layer.bias.grad)
    for name, value in results.items():
        check.that(value is not None, f"{name} is None; is a return, or accumulate, missing?")
        check.that(isinstance(value, type(x_there)),
                   f"{name} is a {type(value).__name__}, and no array of the library of x.")
    check.that(np.array_equal(copied(xp, x_there), x), "x was changed on the way; work on a copy.")
    check.that(np.array_equal(copied(xp, dy_there), dy), "dy was changed on the way; work on a copy.")
    return {name: copied(xp, value) for name, value in results.items()}


def finished_swish(x, w, b, dy):
    z = x @ w.T + b
    s = np.exp(-np.logaddexp(0, -z))
    dz = dy * (s + z * s * (1 - s))
    rows, plain = dz.reshape(-1, len(w)), (dy * s).reshape(-1, len(w))
    return dict(y=z * s, dx=dz @ w, dw=rows.T @ x.reshape(-1, w.shape[1]), db=rows.sum(axis=0)), {
        "y": {"The swish is missing: y = z sigmoid(z).": z, "z itself is missing: y = z sigmoid(z).": s,
              "The bias is forgotten.": (x @ w.T) * np.exp(-np.logaddexp(0, -(x @ w.T)))},
        "dx": {"The derivative of swish has two terms: z depends on x, and so does sigmoid(z).":
               (dy * s) @ w,
               "The derivative of swish is missing.": dy @ w},
        "dw": {"The derivative of swish has two terms.": plain.T @ x.reshape(-1, w.shape[1])},
        "db": {"The gradient of the bias is a mean; it should be a sum.": rows.mean(axis=0)},
    }


def check_neutral(xp, shape, out, dtype, tolerance, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    layer = made(xp, shape[-1], out)
    x = (scale * rng.standard_normal(shape)).astype(dtype)
    dy = rng.standard_normal((*shape[:-1], out)).astype(dtype)
    w = rng.standard_normal((out, shape[-1])).astype(dtype)
    b = rng.standard_normal(out).astype(dtype)
    layer.weight.data, layer.bias.data = xp.asarray(w.copy()), xp.asarray(b.copy())
    with np.errstate(all="ignore"):
        found = both_passes(layer, xp, x, dy)
    right, mistakes = finished_swish(*(a.astype(np.float64) for a in (x, w, b, dy)))
    library = "NumPy" if xp is np else "the strict library"
    for name, value in found.items():
        what = f"{name} of x {shape} in {library}"
        check.close(value, right[name], what, mistakes[name], tolerance=tolerance)
        check.dtype(value, dtype, what)


def test_neutral():
    for xp in (np, strict.xp):
        check_neutral(xp, (5, 3), 4, np.float64, 1e-9)
        check_neutral(xp, (5, 3), 4, np.float32, 1e-5)
    check_neutral(strict.xp, (2, 3, 4), 5, np.float32, 1e-5)


test_neutral()
check.passed("Task 4")


# %% nbgrader="neutral hidden 8"
def test_neutral_hidden():
    for xp in (np, strict.xp):
        for shape, out in [((7,), 3), ((1, 1), 1), ((2, 3, 4, 5), 6), ((3, 2, 2), 1)]:
            check_neutral(xp, shape, out, np.float64, 1e-9, seed=out)
            # Wider in float32: where all values are next to 0, their rounding errors are not.
            check_neutral(xp, shape, out + 9, np.float32, 1e-4, scale=3, seed=out)
        check_neutral(xp, (4, 6), 5, np.float32, 1e-4, scale=300)
        # Weights: He's scale, from the generator, the same in each library.
        layer = made(xp, 400, 100, seed=5)
        weight = copied(xp, layer.weight.data)
        check.that(abs(weight.std() / math.sqrt(2 / 400) - 1) < 0.05,
                   f"The weights have a spread of {weight.std():.3g} and should have sqrt(2 / in), "
                   f"{math.sqrt(2 / 400):.3g}.")
        check.that(not copied(xp, layer.bias.data).any(), "The bias should start at zero.")
        again, other = (copied(xp, made(xp, 400, 100, seed).weight.data) for seed in (5, 6))
        check.that(np.array_equal(weight, again) and not np.array_equal(weight, other),
                   "The weights must come from rng alone.")
        # Gradients add up over two passes, and a second layer keeps its own.
        x, dy = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)
        first, second = made(xp, 3, 4), made(xp, 3, 4, seed=1)
        once = both_passes(first, xp, x, dy)
        with check.own_work():
            second.forward(xp.asarray(x * 2))
            first.forward(xp.asarray(x))
            first.backward(xp.asarray(dy))
        check.close(copied(xp, first.weight.grad), 2 * once["dw"], "the gradient after two passes")
        # Far out nothing overflows into NaN.
        layer = made(xp, 1, 1)
        layer.weight.data = xp.asarray(np.ones((1, 1), np.float32))
        x = np.array([[-1000.0], [-100.0], [0.0], [100.0], [1000.0]], np.float32)
        with np.errstate(all="ignore"):
            found = both_passes(layer, xp, x, np.ones((5, 1), np.float32))
        check.close(found["y"][:, 0], [0, 0, 0, 100, 1000], "y of -1000, -100, 0, 100, 1000")
        check.close(found["dx"][:, 0], [0, 0, 0.5, 1, 1], "dx of -1000, -100, 0, 100, 1000")


test_neutral_hidden()

# %% [markdown]
# ## Task 5: how wrong a float16 sum can be
#
# *16 points, 60 minutes, hard*
#
# A float16 has 11 significant bits. Rounding moves a value by at most a share $u = 2^{-11}$ of it, half of `np.finfo(np.float16).eps`. A dot product rounds again and again; how far off may it end up? You compute a bound before anything is measured, and show that the measurement stays within it.
#
# - `dot(a, b, block, dtype)` returns $\sum_i a_i b_i$ of two float16 arrays, with **every** result rounded to `dtype` (`np.float16` or `np.float32`): first each product, then each sum. Sum from left to right, first inside each block of `block` neighbouring products (the last may be shorter), then the sums of the blocks, from left to right. With `block >= n` that is the plain sum. Blocks shorten the way of a term through the sum: that is what GPUs do, and what training with 8 bits needs.
# - `error_bound(a, b, block, dtype)` returns a number that the error can never exceed. The product of n values in blocks of B rounds each term at most $m = \min(B, n) + \lceil n / B \rceil - 1$ times, and so
#
# $$|\text{error}| \le \gamma_m \sum_i |a_i b_i| + (1 + \gamma_m)\, n\, \tfrac{1}{2} \eta, \qquad \gamma_m = \frac{m u}{1 - m u},$$
#
#   where $\eta$ is the smallest number above zero (`np.finfo(dtype).smallest_subnormal`): a product may be too small for the format and become 0. Compute the bound in float64. Where $m u \ge 1$ the formula promises nothing: return `math.inf`.
# - `measure(a, b, block, dtype)` returns `(error, bound, useful)`: the measured error of `dot` against the exact sum, the bound, and whether the bound is of any use. It is not if it reaches $\sum_i |a_i b_i|$: an answer of 0 would do as well.
#
# The exact sum: a product of two float16 fits a float64, and `math.fsum` adds float64 values with a single rounding.
#
# <details><summary>Hint: rounding at each step</summary>
#
# `np.float16 + np.float16` is a float16, so a loop over the products that adds NumPy scalars will do. Convert `a` and `b` to `dtype` before you multiply. `np.sum` and `@` will not do: they add in another order and, for float16, in float32.
# </details>
# <details><summary>Hint: where m comes from</summary>
#
# A term is rounded once as a product, then in at most $\min(B, n) - 1$ additions inside its block and $\lceil n / B \rceil - 1$ between the blocks. (To begin with the first term, or with 0, rounds nothing.)
# </details>

# %% nbgrader="float16 solution"
def dot(a, b, block, dtype):
    """Return the dot product of a and b (n,), each step rounded to dtype, in blocks."""
    ### BEGIN SOLUTION
    products = a.astype(dtype) * b.astype(dtype)
    total = dtype(0)
    for start in range(0, len(products), block):
        part = dtype(0)
        for product in products[start : start + block]:
            part = part + product
        total = total + part
    return total
    ### END SOLUTION


def error_bound(a, b, block, dtype):
    """Return what the error of dot(a, b, block, dtype) cannot exceed."""
    ### BEGIN SOLUTION
    info, n = np.finfo(dtype), len(a)
    m = min(block, n) + math.ceil(n / block) - 1
    u = float(info.eps) / 2
    if m * u >= 1:
        return math.inf
    gamma = m * u / (1 - m * u)
    size = float(np.abs(a.astype(np.float64) * b.astype(np.float64)).sum())
    return gamma * size + (1 + gamma) * n * float(info.smallest_subnormal) / 2
    ### END SOLUTION


def measure(a, b, block, dtype):
    """Return the measured error, its bound, and whether the bound is useful."""
    ### BEGIN SOLUTION
    products = a.astype(np.float64) * b.astype(np.float64)
    error = abs(float(dot(a, b, block, dtype)) - math.fsum(products))
    bound = error_bound(a, b, block, dtype)
    return error, bound, bound < np.abs(products).sum()
    ### END SOLUTION


# %% nbgrader="float16 visible 7"
def rounded_dot(a, b, block, dtype):
    """The same by np.add.accumulate, which rounds each partial sum."""
    products = a.astype(dtype) * b.astype(dtype)
    starts = range(0, len(a), block)
    parts = [np.add.accumulate(products[i : i + block], dtype=dtype)[-1] for i in starts]
    return np.add.accumulate(np.array(parts, dtype), dtype=dtype)[-1]


def wide(a, b):
    return a.astype(np.float64) * b.astype(np.float64)


def check_dot(a, b, block, dtype, name):
    with check.own_work(), check.unchanged(a=a, b=b):
        value = dot(a, b, block, dtype)
    check.that(value is not None, "dot returns None; is a return missing?")
    check.that(
        np.asarray(value).dtype == dtype,
        f"dot should be a {np.dtype(dtype)} number, and is {np.asarray(value).dtype}; an addition of a "
        "Python float or of another dtype may hide in it.",
    )
    exact = math.fsum(wide(a, b))
    in_float32 = dtype((a.astype(np.float32) * b.astype(np.float32)).sum(dtype=np.float32))
    products = a.astype(dtype) * b.astype(dtype)
    check.close(
        float(value), float(rounded_dot(a, b, block, dtype)), name, tolerance=0,
        mistakes={
            "The blocks are ignored: sum inside each block first, then the sums of the blocks.":
                float(rounded_dot(a, b, len(a), dtype)),
            "Every sum is to be rounded; only the result is, it seems. np.sum and @ add float16 in "
            "float32, and a.astype(float) in float64.": float(in_float32),
            "Every sum is to be rounded, and only the last one is.": float(dtype(exact)),
            "The last block, which may be shorter, is lost.":
                float(rounded_dot(a[: len(a) // block * block], b[: len(a) // block * block], block, dtype))
                if len(a) >= block else None,
            "np.sum adds in pairs and, for float16, in float32.": float(products.sum(dtype=dtype)),
            "The products are rounded to float16 where float32 is asked for: convert before you "
            "multiply.": float(rounded_dot((a * b).astype(dtype), np.ones(len(a), dtype), block, dtype)),
        },
    )


def the_bound(m, n, size, dtype, u=None, eta=None):
    info = np.finfo(dtype)
    u = float(info.eps) / 2 if u is None else u
    eta = float(info.smallest_subnormal) if eta is None else eta
    gamma = m * u / (1 - m * u) if m * u < 1 else math.inf
    return gamma * size + (1 + gamma) * n * eta / 2


def check_bound(a, b, block, dtype, name):
    with check.own_work(), check.unchanged(a=a, b=b):
        bound = error_bound(a, b, block, dtype)
    check.that(bound is not None, "error_bound returns None; is a return missing?")
    n, size = len(a), float(np.abs(wide(a, b)).sum())
    m = min(block, n) + -(-n // block) - 1
    right, eps = the_bound(m, n, size, dtype), float(np.finfo(dtype).eps)
    if math.isinf(right):
        check.that(bound == math.inf,
                   f"{name}: m u is 1 or more; there the formula promises nothing. Return math.inf.")
        return
    check.that(math.isfinite(bound), f"{name} is {bound}; compute it in float64.")
    for sentence, wrong in {
        "u is half of eps: rounding to the nearest moves a value by at most half a step.":
            the_bound(m, n, size, dtype, u=eps),
        "The bound is that of one rounding; there are m in a row.": the_bound(1, n, size, dtype),
        "Take the sum of |a b|, not |the sum of a b|: where terms cancel, their errors stay.":
            the_bound(m, n, abs(math.fsum(wide(a, b))), dtype),
        "m is that of a plain sum; blocks make the way of a term shorter.":
            the_bound(n, n, size, dtype),
        "The second term is missing: a product may be too small for the format, and become 0.":
            the_bound(m, n, size, dtype, eta=0.0),
        "m counts the additions inside a block only.": the_bound(min(block, n), n, size, dtype),
        "u is that of float16, whatever dtype says.":
            the_bound(m, n, size, dtype, u=float(np.finfo(np.float16).eps) / 2),
        "The square root of m would be a typical error, and no bound.":
            the_bound(math.sqrt(m), n, size, dtype),
        "The denominator 1 - m u is missing.": m * eps / 2 * size,
    }.items():
        wrong_here = math.isclose(bound, wrong, rel_tol=1e-9) and not math.isclose(wrong, right, rel_tol=1e-6)
        check.that(not wrong_here, f"{name}: {sentence}")
    check.that(math.isclose(bound, right, rel_tol=1e-6),
               f"{name} should be {right:.6g}, and is {bound:.6g}.")


def check_measure(a, b, block, dtype, name):
    with check.own_work(), check.unchanged(a=a, b=b):
        found = measure(a, b, block, dtype)
    check.that(isinstance(found, tuple | list) and len(found) == 3,
               "measure should return three values: error, bound, useful.")
    error, bound, useful = found
    exact, size = math.fsum(wide(a, b)), float(np.abs(wide(a, b)).sum())
    value = float(rounded_dot(a, b, block, dtype))
    check.close(
        float(error), abs(value - exact), f"the error {name}", tolerance=1e-7,
        mistakes={
            "The error is a distance: take its absolute value.": -abs(value - exact) or None,
            "The exact sum is taken in float32 or less; take it in float64.":
                abs(float(dtype(value) - dtype(exact))),
            "The error is divided by the result; here it is not.":
                abs(value - exact) / abs(exact) if exact else None,
        },
    )
    check.that(error <= bound, f"{name}: the measured error {error:.4g} is above the bound {bound:.4g}.")
    check.that(
        bool(useful) == (the_bound(min(block, len(a)) + -(-len(a) // block) - 1, len(a), size, dtype) < size),
        f"{name}: useful should tell whether the bound is below the sum of |a b|, {size:.4g}.",
    )


def check_float16(a, b, block, dtype, name):
    name = f"{name}, block {block}, {np.dtype(dtype)}"
    check_dot(a, b, block, dtype, f"dot ({name})")
    check_bound(a, b, block, dtype, f"error_bound ({name})")
    check_measure(a, b, block, dtype, f"({name})")


def test_float16():
    # 1, and then eight values that are half a step: each is lost in the sum, unless they meet first.
    a = np.array([1.0] + [2.0**-11] * 8, np.float16)
    ones = np.ones(9, np.float16)
    with check.own_work():
        plain, blocks = (float(dot(a, ones, block, np.float16)) for block in (9, 3))
    check.that(
        plain == 1,
        f"1 + 2^-11 is rounded to 1 again and again; dot gives {plain}. Every sum is to be rounded: "
        "np.sum and @ add float16 in float32, and round only the result.",
    )
    check.that(
        blocks == 1 + 2.0**-8,
        f"In blocks of 3, three times 2^-11 come to 1.5 steps before they meet the 1, and the sum is "
        f"1 + 2^-8; dot gives {blocks}.",
    )
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(200).astype(np.float16) for _ in range(2))
    for block in (200, 16):
        for dtype in (np.float16, np.float32):
            check_float16(a, b, block, dtype, "200 values")
    check_float16(a / 2000, b / 2000, 16, np.float16, "tiny values")


test_float16()
check.passed("Task 5")


# %% nbgrader="float16 hidden 9"
def test_float16_hidden():
    rng = np.random.default_rng(4)
    for n in (1, 2, 7, 64, 300):
        for block in (1, 2, 13, 64, 1000):
            a = rng.standard_normal(n).astype(np.float16)
            for name, b in [
                ("normal", rng.standard_normal(n)), ("all positive", np.abs(rng.standard_normal(n)) * np.sign(a)),
                ("cancelling", np.where(np.arange(n) % 2, 1, -1) / np.where(a == 0, 1, a)),
                ("tiny", rng.standard_normal(n) * 1e-6),
            ]:
                for dtype in (np.float16, np.float32):
                    check_float16(a, b.astype(np.float16), block, dtype, f"{n} {name} values")
    # The worst case: every addition loses almost half a step, and always in the same direction.
    a = np.array([1.0] + [2.0**-11 * 0.999] * 150, np.float16)
    b = np.ones(151, np.float16)
    check_float16(a, b, 151, np.float16, "values that are lost")
    # Bounds that say little, and nothing.
    for n in (1100, 2100):
        a = rng.random(n).astype(np.float16)
        check_float16(a, a / 100, n, np.float16, f"{n} values")
        check_float16(a, a / 100, 50, np.float16, f"{n} values")


test_float16_hidden()

# %% [markdown]
# ## Task 6: a byte in place of a float
#
# *14 points, 50 minutes, medium*
#
# An int8 takes a quarter of the memory of a float32. Values become whole numbers times a *scale*; the whole art is which scale.
#
# - **Weights, symmetric, one scale per channel.** `quantize_weights(w)` returns `(q, scale)`: for `w` of shape (O, ...), int8 of the same shape, and scales (O,) in float32. The largest absolute value in a channel becomes 127, 0 becomes 0, and -128 is not used. A channel of zeros has the scale 1. `dequantize_weights(q, scale)` returns float32.
# - **Values, affine, one scale for all.** `choose_range(low, high)` returns `(scale, zero)` for values from `low` to `high`, which calibration has found: `scale` is a Python float, `zero` a Python int. First the range is widened so that it holds 0, then `scale` is a 255th of it, and `zero` is the whole number that stands for 0, such that -128 stands for the low end: $-128 - \text{low} / \text{scale}$, rounded. Where the range is only 0, the scale is 1. `quantize(x, scale, zero)` returns int8, `dequantize(q, scale, zero)` float32.
# - **A linear layer in whole numbers.** `linear_int8(q_x, scale_x, zero_x, q_w, scale_w, b)` returns float32 (N, O): what `x @ w.T + b` gives for the values that the bytes stand for. It multiplies and adds whole numbers, in int32, and turns them into floats at the end.
#
# Round to the nearest, and halves to the even neighbour, as `np.rint` does: rounding all halves up would shift the mean. What lies outside the range *saturates*: it becomes -128 or 127 and never wraps around. Inside it, the error is at most half a scale.
#
# <details><summary>Hint: order</summary>
#
# Divide, round, add `zero`, clip, and only then convert to int8. The other way round, 130 becomes -126.
# </details>
# <details><summary>Hint: int8 arithmetic wraps</summary>
#
# In NumPy an int8 minus an int8 is an int8, and 100 * 100 is 16. Convert first: `q.astype(np.int32)`.
# </details>
# <details><summary>Hint: the linear layer</summary>
#
# $\sum_c s_x (q_{nc} - z)\, s_o\, p_{oc} = s_x s_o \bigl( \sum_c q_{nc}\, p_{oc} - z \sum_c p_{oc} \bigr)$. The second sum does not depend on x.
# </details>

# %% nbgrader="int8 solution"
def quantize_weights(w):
    """Return int8 values of the shape of w (O, ...), and a scale (O,) for each channel."""
    ### BEGIN SOLUTION
    largest = np.abs(w).reshape(len(w), -1).max(axis=1)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    steps = w / scale.reshape(-1, *[1] * (w.ndim - 1))
    return np.clip(np.rint(steps), -127, 127).astype(np.int8), scale
    ### END SOLUTION


def dequantize_weights(q, scale):
    """Return the float32 values that q (O, ...) stands for."""
    ### BEGIN SOLUTION
    return q.astype(np.float32) * scale.reshape(-1, *[1] * (q.ndim - 1))
    ### END SOLUTION


def choose_range(low, high):
    """Return the scale, a float, and the int that stands for 0."""
    ### BEGIN SOLUTION
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(high - low) / 255 or 1.0
    return scale, int(np.rint(-128 - low / scale))
    ### END SOLUTION


def quantize(x, scale, zero):
    """Return x as int8."""
    ### BEGIN SOLUTION
    return np.clip(np.rint(x / scale) + zero, -128, 127).astype(np.int8)
    ### END SOLUTION


def dequantize(q, scale, zero):
    """Return the float32 values that q stands for."""
    ### BEGIN SOLUTION
    return (q.astype(np.float32) - zero) * np.float32(scale)
    ### END SOLUTION


def linear_int8(q_x, scale_x, zero_x, q_w, scale_w, b):
    """Return x w^T + b in float32 for int8 values q_x (N, C) and weights q_w (O, C)."""
    ### BEGIN SOLUTION
    products = q_x.astype(np.int32) @ q_w.astype(np.int32).T
    sums = products - zero_x * q_w.sum(axis=1, dtype=np.int32)
    return sums.astype(np.float32) * (np.float32(scale_x) * scale_w) + b
    ### END SOLUTION


# %% nbgrader="int8 visible 6"
def check_bytes(q, right, name, mistakes=None):
    check.shape(q, np.shape(right), name)
    check.that(q.dtype == np.int8, f"{name} should be int8, but is {q.dtype}.")
    check.close(q, right, name, mistakes, tolerance=0)


def wrapped(values):
    return ((np.asarray(values, np.int64) + 128) % 256 - 128).astype(np.int8)


def test_weights_int8():
    # The scale of the first channel is 1, of the second 2: halves are seen.
    w = np.array([[127, 0.5, 1.5, -2.5, -0.5, 3.2], [2, -254, 1, 3, 5, -1.2]], np.float32)
    with check.own_work(), check.unchanged(w=w):
        q, scale = quantize_weights(w)
    check.close(
        scale, [1, 2], "the scales of the weights", tolerance=1e-6,
        mistakes={
            "Each channel has a scale of its own; this is the largest of all.": [2, 2],
            "The largest size of a channel becomes 127, not 128.": [127 / 128, 254 / 128],
            "Take the largest size, |w|: the largest weight of a channel may be negative.": [1, 5 / 127],
            "The range has two sides: its half becomes 127.": [129.5 / 255, 259 / 255],
        },
    )
    check.dtype(scale, np.float32, "the scales")
    right = np.array([[127, 0, 2, -2, 0, 3], [1, -127, 0, 2, 2, -1]])
    check_bytes(
        q, right, "the weights as int8",
        {
            "Halves are rounded up; they go to the even neighbour, as np.rint does.":
                np.floor(w / [[1], [2]] + 0.5),
            "The values are cut off, and not rounded.": np.trunc(w / [[1], [2]]),
            "Halves are rounded away from zero; they go to the even neighbour, as np.rint does.":
                np.copysign(np.floor(np.abs(w / [[1], [2]]) + 0.5), w),
        },
    )
    with check.own_work(), check.unchanged(q=q, scale=scale):
        back = dequantize_weights(q, scale)
    check.close(back, right * [[1], [2]], "the weights back from int8")
    check.dtype(back, np.float32, "the weights back from int8")


def test_values_int8():
    with check.own_work():
        scale, zero = choose_range(-1.0, 4.1)
    check.close(
        scale, 0.02, "the scale of the range from -1 to 4.1", tolerance=1e-6,
        mistakes={"From -128 to 127 it is 255 steps, not 256.": 5.1 / 256,
                  "An affine scale uses the whole range, and not the larger side.": 4.1 / 127},
    )
    check.that(isinstance(zero, int), f"zero should be an int, and is a {type(zero).__name__}.")
    check.close(
        zero, -78, "the zero of the range from -1 to 4.1", tolerance=0,
        mistakes={
            "The sign of low is turned: the low end stands at -128, and 0 lies above it.": -178,
            "Without the -128 these are unsigned bytes, from 0 to 255.": 50,
        },
    )
    x = np.array([0, -1, 4.1, 0.015, 0.033, 9, -9, 2.6], np.float32)
    with check.own_work(), check.unchanged(x=x):
        q = quantize(x, scale, zero)
    steps = np.rint(x / scale)
    right = np.clip(steps - 78, -128, 127)
    check_bytes(
        q, right, "x as int8",
        {
            "Values outside of the range wrap around: clip to -128 ... 127 before you convert to int8.":
                wrapped(steps - 78),
            "zero is forgotten.": np.clip(steps, -128, 127),
            "zero is subtracted; on the way to int8 it is added.": np.clip(steps + 78, -128, 127),
            "Clip after zero was added, not before.": wrapped(np.clip(steps, -128, 127) - 78),
            "The values are cut off, and not rounded.": np.clip(np.trunc(x / scale) - 78, -128, 127),
        },
    )
    with check.own_work(), check.unchanged(q=q):
        back = dequantize(q, scale, zero)
    check.close(
        back, (right + 78) * 0.02, "x back from int8",
        mistakes={
            "zero is forgotten on the way back.": right * 0.02,
            "int8 minus int8 wraps around: convert q before you subtract.": wrapped(right + 78) * 0.02,
        },
    )
    check.dtype(back, np.float32, "x back from int8")
    q_x = np.array([[100, -128, 5], [127, 90, -7]], np.int8)
    q_w = np.array([[127, -100, 3], [50, 60, 70]], np.int8)
    scales, b = np.array([0.5, 0.25], np.float32), np.array([1, 2], np.float32)
    with check.own_work(), check.unchanged(q_x=q_x, q_w=q_w, scale_w=scales, b=b):
        y = linear_int8(q_x, 0.125, -78, q_w, scales, b)
    exact = (q_x.astype(float) + 78) @ q_w.astype(float).T * (0.125 * scales) + b
    no_zero = q_x.astype(float) @ q_w.astype(float).T * (0.125 * scales) + b
    with np.errstate(all="ignore"):
        short = (q_x @ q_w.T + 78 * q_w.sum(axis=1, dtype=np.int32)) * (0.125 * scales) + b
    check.close(
        y, exact, "the linear layer in int8",
        mistakes={
            "zero_x is forgotten: q_x stands for q_x - zero_x.": no_zero,
            "The product of int8 arrays is int8, and wraps around: convert to int32 first.": short,
            "The bias is scaled too; it is a float already.": exact - b + b * 0.125 * scales,
            "The bias b is forgotten.": exact - b,
        },
    )
    check.dtype(y, np.float32, "the linear layer in int8")


test_weights_int8()
test_values_int8()
check.passed("Task 6")


# %% nbgrader="int8 hidden 8"
def test_int8_hidden():
    rng = np.random.default_rng(5)
    for shape in [(3, 4), (5, 2, 3, 3), (1, 1), (4, 7, 1, 1), (6,)]:
        w = (rng.standard_normal(shape) * np.exp(rng.normal(size=(shape[0], *[1] * (len(shape) - 1)))))
        w = w.astype(np.float32)
        w[0] = 0
        with check.own_work(), check.unchanged(w=w), np.errstate(all="ignore"):
            q, scale = quantize_weights(w)
            back = dequantize_weights(q, scale)
        name = f"of weights {shape}"
        check.shape(scale, (shape[0],), f"the scales {name}")
        check.that(scale[0] == 1, "A channel of zeros needs the scale 1, for its own would be 0.")
        check.shape(back, shape, f"the values back {name}")
        check.that(q.dtype == np.int8 and q.min() >= -127, f"The bytes {name} reach below -127.")
        rows = np.abs(w.reshape(shape[0], -1)).max(axis=1)
        check.close(scale[1:], rows[1:] / 127, f"the scales {name}")
        error = np.abs(back - w).reshape(shape[0], -1).max(axis=1)
        check.that((error <= 0.5001 * scale).all(),
                   f"The error {name} is up to {(error / scale).max():.3g} scales; at most half of one is "
                   "allowed.")
    for low, high in [(0.0, 6.0), (-3.0, 0.0), (1.0, 5.0), (-5.0, -2.0), (-1e-4, 3e-4), (-7.3, 900.0),
                      (-0.37, 0.21), (-1.0, 1.0)]:
        with check.own_work():
            scale, zero = choose_range(low, high)
        name = f"of the range from {low:g} to {high:g}"
        check.close(
            scale, (max(high, 0) - min(low, 0)) / 255, f"the scale {name}", tolerance=1e-6,
            mistakes={"The range must hold 0, so that zeros (of padding, of ReLU) stay zero: widen it.":
                      (high - low) / 255},
        )
        x = np.linspace(min(low, 0), max(high, 0), 1001).astype(np.float32)
        with check.own_work(), check.unchanged(x=x):
            q = quantize(x, scale, zero)
            back = dequantize(q, scale, zero)
            nothing = dequantize(quantize(np.zeros(1, np.float32), scale, zero), scale, zero)
            ends = quantize(np.array([-1e6, 1e6], np.float32), scale, zero)
        check.that(nothing[0] == 0, f"0 comes back as {nothing[0]:.3g} {name}; it must stay 0.")
        check.that(q.dtype == np.int8 and back.dtype == np.float32, "Bytes are int8, values float32.")
        check.that(np.abs(back - x).max() <= 0.501 * scale,
                   f"The error {name} is up to {np.abs(back - x).max() / scale:.3g} scales; at most half of "
                   "one is allowed.")
        check_bytes(ends, [-128, 127], f"what lies far outside {name}")
    try:
        with check.own_work():
            nothing, _ = choose_range(0.0, 0.0)
    except ZeroDivisionError:
        nothing = 0.0
    check.that(nothing == 1, "A range that is 0 alone needs the scale 1, for its own would be 0.")
    # Halves, to the even neighbour.
    x = np.arange(-6, 7, dtype=np.float32) / 2
    with check.own_work():
        q = quantize(x, 1.0, 3)
    check_bytes(q, np.rint(x) + 3, "halves", {
        "zero is added before rounding; then halves of an odd zero go the other way.": np.rint(x + 3)})
    # Long sums: float32 would lose units, int8 and int16 would wrap.
    q_x = np.tile(np.array([127, -127], np.int8), (2, 5000))
    q_w = np.full((3, 10_000), 127, np.int8)
    q_x[0, 1], q_w[1, 3], q_w[2, ::2] = -126, 126, 120
    one, b = np.ones(3, np.float32), np.zeros(3, np.float32)
    for zero in (0, -128, 5):
        with check.own_work(), check.unchanged(q_x=q_x, q_w=q_w):
            y = linear_int8(q_x, 1.0, zero, q_w, one, b)
        exact = (q_x.astype(np.int64) - zero) @ q_w.astype(np.int64).T
        check.close(y, exact, f"the linear layer in int8 (zero {zero})", tolerance=1e-7)
    q_x = np.tile(np.array([127, 127, -127, -127], np.int8), (1, 5000))  # sums pass 2^24, end near 0
    q_w, q_x[0, 0] = np.full((3, 20_000), 127, np.int8), 126
    q_x = np.sort(q_x)[:, ::-1].copy()
    with check.own_work():
        y = linear_int8(q_x, 1.0, 0, q_w, one, b)
    check.that(
        np.array_equal(y, np.full((1, 3), -127.0)),
        f"A long sum that almost cancels is {np.asarray(y).ravel()[0]:g} and should be -127: whole numbers "
        "add up exactly in int32, and not in float32, which has 24 bits.",
    )
    check.dtype(y, np.float32, "the linear layer in int8")


test_int8_hidden()

# %% [markdown]
# ## Task 7: a roofline
#
# *10 points, 35 minutes, medium*
#
# A machine has a peak speed for arithmetic (flop/s), and a bandwidth for its memory (bytes/s). A layer needs both. Its *arithmetic intensity* is its operations divided by the bytes that it moves; and no layer can be faster than
#
# $$\text{attainable} = \min(\text{peak},\ \text{intensity} \times \text{bandwidth}).$$
#
# (Data sheets count operations, and so does this task. Where the book draws rooflines in multiply-adds, all its numbers are half as large.) Plotted against the intensity, that is a roof: a slope, and then flat. Left of the edge, which lies at peak / bandwidth, a layer is *memory bound*, and more arithmetic units would not help it.
#
# - `cost(layers, shape, batch, size)` returns a list with a pair `(flops, bytes)` for each layer of a plan, forward, for `batch` images of the shape (C, H, W), with `size` bytes per value. A multiply-add is two operations; biases are not counted as operations. A pooling has K x K operations for each output, a ReLU one. Each layer reads its input, weights and biases once from memory, and writes its output once.
# - `attainable(flops, bytes, machine)` returns operations per second.
# - `predict(layers, shape, batch, size, machine)` returns two things: the least time in seconds that all layers take, each at its attainable speed, one after another; and the list of the *indices* of the layers that are memory bound.
# - `smallest_batch(inputs, outputs, size, machine)` returns the smallest batch at which a `Dense` layer is no longer memory bound, or `None` if no batch will do.
#
# <details><summary>Hint: the bytes of a convolution</summary>
#
# `size * (batch * C * H * W + O * (C // groups) * K * K + O + batch * O * OH * OW)`: the weights are read once for the whole batch.
# </details>
# <details><summary>Hint: the smallest batch</summary>
#
# The intensity grows with the batch, from 2 IO / (size (IO + I + 2 O)) at one image towards 2 IO / (size (I + O)). If that limit is not above peak / bandwidth, no batch will do. Otherwise solve for the batch, and check the neighbours of what you get; or double until it is enough, and then halve the interval.
# </details>

# %% nbgrader="roofline solution"
def cost(layers, shape, batch, size):
    """Return a pair (flops, bytes) for each layer, forward, for a batch of images (C, H, W)."""
    ### BEGIN SOLUTION
    c, h, w = shape
    costs = []
    for layer in layers:
        before, weights = c * h * w, 0
        if isinstance(layer, Conv | Pool):
            padding = getattr(layer, "padding", 0)
            h = (h + 2 * padding - layer.kernel) // layer.stride + 1
            w = (w + 2 * padding - layer.kernel) // layer.stride + 1
        if isinstance(layer, Conv):
            products = c // layer.groups * layer.kernel**2
            c, weights = layer.channels, layer.channels * (products + 1)
            flops = 2 * products * c * h * w
        elif isinstance(layer, Dense):
            c, h, w = layer.features, 1, 1
            weights, flops = c * (before + 1), 2 * before * c
        elif isinstance(layer, Pool):
            flops = layer.kernel**2 * c * h * w
        else:
            flops = before
        costs.append((batch * flops, size * (batch * before + weights + batch * c * h * w)))
    return costs
    ### END SOLUTION


def attainable(flops, bytes, machine):
    """Return the most operations per second that a layer can reach."""
    ### BEGIN SOLUTION
    return min(machine.peak, flops / bytes * machine.bandwidth)
    ### END SOLUTION


def predict(layers, shape, batch, size, machine):
    """Return the least time in seconds, and the indices of the layers that are memory bound."""
    ### BEGIN SOLUTION
    costs = cost(layers, shape, batch, size)
    time = sum(flops / attainable(flops, bytes, machine) for flops, bytes in costs)
    edge = machine.peak / machine.bandwidth
    return time, [i for i, (flops, bytes) in enumerate(costs) if flops / bytes < edge]
    ### END SOLUTION


def smallest_batch(inputs, outputs, size, machine):
    """Return the smallest batch at which Dense(outputs) is not memory bound, or None."""
    ### BEGIN SOLUTION
    edge = machine.peak / machine.bandwidth

    def enough(batch):
        ((flops, bytes),) = cost([Dense(outputs)], (inputs, 1, 1), batch, size)
        return flops / bytes >= edge

    if 2 * inputs * outputs <= edge * size * (inputs + outputs):
        return None
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
    ### END SOLUTION


# %% nbgrader="roofline visible 4"
PLAN = [Conv(64, 3, padding=1), Relu(), Conv(64, 3, padding=1), Relu(), Pool(2, 2), Dense(100)]
LAPTOP = Machine(peak=200e9, bandwidth=20e9)


def costs_of(layers, shape, batch, size):
    with check.own_work():
        found = cost(layers, shape, batch, size)
    check.that(
        isinstance(found, list) and len(found) == len(layers) and all(len(pair) == 2 for pair in found),
        "cost should return a list with a pair (flops, bytes) for each layer.",
    )
    return np.array(found, float).reshape(-1, 2)


def test_roofline():
    found = costs_of(PLAN, (3, 32, 32), 10, 4)
    flops = np.array([35_389_440, 655_360, 754_974_720, 655_360, 655_360, 32_768_000])
    check.close(
        found[:, 0], flops, "the operations of the plan", tolerance=1e-9,
        mistakes={
            "A multiply-add is two operations.": [17_694_720, 655_360, 377_487_360, 655_360, 655_360, 16_384_000],
            "The batch is forgotten in the operations.": flops / 10,
            "A pooling has K x K operations for each output.":
                [35_389_440, 655_360, 754_974_720, 655_360, 163_840, 32_768_000],
            "A pooling has K x K operations for each output, not for each input.":
                [35_389_440, 655_360, 754_974_720, 655_360, 2_621_440, 32_768_000],
        },
    )
    moved = np.array([2_751_488, 5_242_880, 5_390_592, 5_242_880, 3_276_800, 7_213_360])
    check.close(
        found[:, 1], moved, "the bytes of the plan", tolerance=1e-9,
        mistakes={
            "The weights are read once for the whole batch, not for each image.":
                [2_816_000, 5_242_880, 6_720_000, 5_242_880, 3_276_800, 66_199_360],
            "A value has `size` bytes.": moved / 4,
            "The weights are forgotten.": [2_744_320, 5_242_880, 5_242_880, 5_242_880, 3_276_800, 659_360],
            "The biases are forgotten.":
                [2_751_232, 5_242_880, 5_390_336, 5_242_880, 3_276_800, 7_212_960],
            "The output is written to memory as well.":
                [130_048, 2_621_440, 2_769_152, 2_621_440, 2_621_440, 7_209_360],
        },
    )
    with check.own_work():
        slope, flat = attainable(100, 50, LAPTOP), attainable(1e6, 50, LAPTOP)
    check.close(slope, 40e9, "attainable(100, 50, LAPTOP)", tolerance=1e-9,
                mistakes={"The intensity is operations divided by bytes.": 10e9,
                          "Take the smaller of peak and intensity x bandwidth.": 200e9})
    check.close(flat, 200e9, "attainable(1e6, 50, LAPTOP)", tolerance=1e-9)
    with check.own_work():
        found = predict(PLAN, (3, 32, 32), 10, 4, LAPTOP)
    check.that(isinstance(found, tuple | list) and len(found) == 2, "predict returns a time and a list.")
    time, bound = found
    each = np.maximum(flops / 200e9, moved / 20e9)
    check.that(
        list(bound) != [i for i in range(6) if i not in (1, 3, 4, 5)],
        "These are the layers bound by arithmetic; asked for are those bound by memory.",
    )
    check.that(list(bound) == [1, 3, 4, 5],
               f"Memory bound are the layers 1, 3, 4 and 5 of the plan; found are {list(bound)}.")
    check.close(
        time, each.sum(), "the time of the plan", tolerance=1e-9,
        mistakes={
            "That is the time at peak; layers that are memory bound are slower, each under a roof of "
            "its own.": flops.sum() / 200e9,
            "The time for the arithmetic and for the memory overlap: the longer one counts, not the sum.":
                flops.sum() / 200e9 + moved.sum() / 20e9,
        },
    )
    with check.own_work():
        batch = smallest_batch(1024, 1024, 4, LAPTOP)
    check.close(batch, 21, "smallest_batch(1024, 1024, 4, LAPTOP)", tolerance=0,
                mistakes={"Inputs and outputs move too, and grow with the batch.": 20})


test_roofline()
check.passed("Task 7")


# %% nbgrader="roofline hidden 6"
def intensity(batch, inputs, outputs, size):
    moved = size * (batch * (inputs + outputs) + inputs * outputs + outputs)
    return 2 * batch * inputs * outputs / moved


def test_roofline_hidden():
    def draw(rng):
        width, kernel, stride, padding, features = rng.integers((1, 1, 1, 0, 2), (9, 4, 3, 2, 40)).tolist()
        layers = [Conv(2 * width, kernel, stride, padding), Relu(), Pool(2, 2), Dense(features)]
        return layers, tuple(rng.integers((1, 9, 9), (5, 30, 30)).tolist())

    machines = [
        LAPTOP, Machine(1e12, 1e12), Machine(60e12, 1.5e12), Machine(5e9, 100e9),
        *check.drawn(lambda rng: Machine(*(10 ** rng.uniform((10, 9), (14, 12))).tolist())),
    ]
    plans = [
        ([Conv(32, 3, stride=2, padding=1), Relu(), Conv(32, 3, padding=1, groups=32), Conv(64, 1)], (3, 33, 21)),
        ([Dense(300), Relu(), Dense(10)], (1, 28, 28)),
        ([Pool(3, 2), Conv(8, 5, groups=2), Pool(2, 2), Dense(7)], (4, 25, 31)),
        ([Relu()], (2, 5, 5)), *check.drawn(draw),
    ]
    for layers, shape in plans:
        for batch, size in [(1, 4), (100, 4), (7, 2), (32, 1)]:
            c, h, w = shape
            right = []
            for layer in layers:
                values_in = c * h * w
                weights = flops = 0
                if isinstance(layer, Dense):
                    c, h, w = layer.features, 1, 1
                    weights, flops = c * values_in + c, 2 * c * values_in
                elif not isinstance(layer, Relu):
                    extra = 2 * layer.padding if isinstance(layer, Conv) else 0
                    h = len(range(0, h + extra - layer.kernel + 1, layer.stride))
                    w = len(range(0, w + extra - layer.kernel + 1, layer.stride))
                    if isinstance(layer, Conv):
                        one = c // layer.groups * layer.kernel**2
                        c = layer.channels
                        weights, flops = c * one + c, 2 * one * c * h * w
                    else:
                        flops = layer.kernel**2 * c * h * w
                else:
                    flops = values_in
                right.append((batch * flops, size * (batch * (values_in + c * h * w) + weights)))
            right = np.array(right, float)
            name = f"of {layers}, batch {batch}, {size} bytes a value"
            found = costs_of(layers, shape, batch, size)
            check.close(found[:, 0], right[:, 0], f"the operations {name}", tolerance=1e-9)
            check.close(found[:, 1], right[:, 1], f"the bytes {name}", tolerance=1e-9)
            for machine in machines:
                with check.own_work():
                    time, bound = predict(layers, shape, batch, size, machine)
                each = np.maximum(right[:, 0] / machine.peak, right[:, 1] / machine.bandwidth)
                check.close(time * 1e9, each.sum() * 1e9, f"the time {name}", tolerance=1e-9)
                edge = machine.peak / machine.bandwidth
                wanted = [i for i, (flops, moved) in enumerate(right) if flops / moved < edge]
                check.that(list(bound) == wanted, f"Memory bound are the layers {wanted} {name}.")
    for inputs, outputs in [(1024, 1024), (784, 50), (4096, 1000), (10, 10), (9216, 4096), (200, 30)]:
        for size in (1, 2, 4):
            for machine in machines:
                edge = machine.peak / machine.bandwidth
                with check.own_work():
                    batch = smallest_batch(inputs, outputs, size, machine)

                name = f"smallest_batch({inputs}, {outputs}, {size}, {machine})"
                if 2 * inputs * outputs / (size * (inputs + outputs)) <= edge:
                    check.that(batch is None, f"{name}: no batch will do; return None.")
                    continue
                check.that(isinstance(batch, int | np.integer) and batch >= 1,
                           f"{name} should be a whole number from 1 on, and is {batch}.")
                check.that(intensity(batch, inputs, outputs, size) >= edge, f"{name} gives {batch}: still memory bound.")
                check.that(batch == 1 or intensity(batch - 1, inputs, outputs, size) < edge,
                           f"{name} gives {batch}; {batch - 1} is enough.")


test_roofline_hidden()

# %% [markdown]
# ## Task 8: a question
#
# *8 points, 25 minutes, graded by a person*
#
# A report says: "Our new convolution is **4.1 times faster** than the old one. We ran the old one, and then the new one 50 times, and compare with the best of the 50. The batch was 16 for the new and 1 for the old, so we divide by 16. Inputs came from `np.zeros`; on the GPU we took the time from the call to its return. In the whole network, training is now 4.1 times faster."
#
# 1. Name four things in this measurement that favour the new convolution or measure something else, and say for each what it does to the number. (4 points)
# 2. Describe a measurement that you would believe: what is timed, in which order, how often, and which numbers go into the report. (2 points)
# 3. The convolution takes 60% of a training step and is truly 4 times faster. How much faster is the step, and how much would it be if the convolution took no time at all? (2 points)

# %% [markdown] nbgrader="question manual 8"
# ### BEGIN SOLUTION
# 1. Any four, a point each: The old one was timed in its first call, which pays for imports, caches, page faults, threads and (on a GPU) compiling; that makes it look slower. The best of 50 is compared with a single time: the minimum falls with the number of tries, so the side with more tries wins even if both are the same. Batches differ: a large one reuses weights and amortises overheads, so the time per image falls without any better code. They ran one after the other, so a change of clock or another process hits one side. Zeros: fresh pages of np.zeros are not even there until touched, all map to one page when read, and multiplying zeros can be cheaper or skipped; real data differs. On the GPU a call returns as soon as the work is queued: the time of a launch was taken, not of the work. (4)
# 2. Same inputs, shapes, dtypes and thread counts, results compared for equality first; both warmed up; many rounds, old and new in turn within one process, synchronised on the GPU before the clock is read; report the median of the ratio of each round, with its spread (quartiles or an interval), the number of rounds, and machine, versions, threads and batch. (2)
# 3. Amdahl: 1 / (0.4 + 0.6 / 4) = 1 / 0.55, 1.8 times. With no time at all: 1 / 0.4 = 2.5 times. (2)
# ### END SOLUTION
