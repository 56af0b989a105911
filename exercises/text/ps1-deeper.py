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
# # Assignment 1: a deeper network, from its parts
#
# You write what `dlcourse` does for you in chapter 1: a convolution and its gradients, pooling, initial weights, dropout, Adam, a network and its training, and an augmentation. Ten tasks are graded by tests, one question by a person. **100 points, about six hours.**
#
# | task | points | minutes | difficulty |
# |---|---|---|---|
# | 1. Convolution, the plain way | 6 | 25 | easy |
# | 2. Convolution as a matrix product | 10 | 45 | medium |
# | 3. The three gradients of a convolution | 14 | 75 | hard |
# | 4. Max pooling, forward and backward | 10 | 40 | medium |
# | 5. He initialisation | 6 | 15 | easy |
# | 6. Dropout | 8 | 25 | easy |
# | 7. Adam | 10 | 30 | medium |
# | 8. DeepConvNet, assembled | 8 | 20 | easy |
# | 9. DeepConvNet, trained | 12 | 40 | medium |
# | 10. An augmentation that keeps labels | 8 | 25 | medium |
# | 11. A question | 8 | 20 | in words |
#
# **How it works.** Replace `raise NotImplementedError()` in each task, and run the test cell below it. A failed test says what the likely mistake is. Leave the test cells as they are: when your work is graded, they are put back in their original form, and *hidden tests* are added, with other shapes, strides and edge cases. Passing the visible tests is a good sign, but not the last word. Before you hand in, choose *Kernel, Restart and run all*, and run `dlcourse check ps1-deeper.ipynb` in a terminal: it looks whether all is in place. Keep the name of the file.
#
# **Rules.** Write the work yourself, in NumPy. The finished layers of `dlcourse` are there to compare with; tests notice when they are called in place of your own. Do not change the arrays that you are given. float32 stays float32.
#
# Arrays of images have the shape (N, C, H, W): images, channels, height, width.

# %% nbgrader="setup setup"
# On Colab: install the package alone, and leave Colab's own NumPy and CuPy as they are.
import sys

if "google.colab" in sys.modules:
    get_ipython().run_line_magic(
        "pip", "install --quiet --no-deps git+https://github.com/dlcourse/dlcourse"
    )

import math

import numpy as np
from dlcourse import check
from dlcourse.data import load_mnist
from dlcourse.nn import Conv2d, CrossEntropyLoss, Dropout, Flatten, Linear, MaxPool2d
from dlcourse.nn import Module, Parameter, ReLU, Sequential
from dlcourse.optim import Adam
from threadpoolctl import threadpool_limits

limits = threadpool_limits(1)  # for small batches, one thread is faster than several

# %% [markdown]
# ## Task 1: convolution, the plain way
#
# *6 points, 25 minutes, easy*
#
# Taught in: "The way back", section [Convolution](https://dlcourse.github.io/dlcourse/book/1-deeper/the-way-back.html#convolution)
#
# Lay a filter on the image, multiply the numbers that lie on top of each other, add them up, move on:
#
# $$y_{noij} = b_o + \sum_{c,u,v} \tilde x_{n,\,c,\,iS+u,\,jS+v}\; w_{ocuv}$$
#
# where $\tilde x$ is the image with a border of $P$ zeros and $S$ is the stride. The output is $\lfloor (H + 2P - K_H) / S \rfloor + 1$ high; its width follows in the same way. Write it with plain loops over `n`, `o`, `i` and `j`; here it need not be fast. `x` is (N, C, H, W), `w` (O, C, KH, KW), `b` (O,); return (N, O, OH, OW) in the dtype of `x`.
#
# <details><summary>Hint: the border</summary>
#
# `np.pad` takes one pair (before, after) for each axis: `np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))`.
# </details>
# <details><summary>Hint: the window</summary>
#
# `x[n, :, i * stride : i * stride + kh, j * stride : j * stride + kw]` has the shape of `w[o]`.
# </details>

# %% nbgrader="conv-naive solution"
def conv_naive(x, w, b, stride=1, padding=0):
    """Convolve images (N, C, H, W) with filters (O, C, KH, KW)."""
    ### BEGIN SOLUTION
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    oh = (h + 2 * padding - kh) // stride + 1
    ow = (width + 2 * padding - kw) // stride + 1
    y = np.zeros((n, o, oh, ow), x.dtype)
    for i in range(oh):
        for j in range(ow):
            window = x[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            for k in range(o):
                y[:, k, i, j] = (window * w[k]).sum(axis=(1, 2, 3)) + b[k]
    return y
    ### END SOLUTION


# %% nbgrader="conv-naive visible 2"
def test_conv_naive():
    # Small enough to follow with a pencil: a 3 x 3 image, a 2 x 2 filter.
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    w = np.array([[[[1, 2], [3, 4]]]], np.float32)
    b = np.array([100], np.float32)
    with check.own_work(), check.unchanged(x=x, w=w, b=b):
        y = conv_naive(x, w, b)
    right = np.array([[[[127, 137], [157, 167]]]], np.float32)
    check.close(
        y, right, "y",
        mistakes={
            "The bias b seems to be forgotten.": right - 100,
            "The filter seems to be turned by 180 degrees; networks do not turn it.":
                np.array([[[[113, 123], [143, 153]]]]),
        },
    )
    check.dtype(y, np.float32, "y")
    y = conv_naive(x, w, b, padding=1)
    check.shape(y, (1, 1, 4, 4), "y with padding=1")
    check.close(y[0, 0, 0, 0], 100, "the corner of y with padding=1")


test_conv_naive()
check.passed("Task 1")


# %% nbgrader="conv-naive hidden 4"
def test_conv_naive_hidden():
    def draw(rng):
        kernel = rng.integers(1, 5, 2)
        c, o, stride, padding = rng.integers((1, 1, 1, 0), 4).tolist()
        return c, o, tuple(kernel.tolist()), tuple((kernel + rng.integers(6, size=2)).tolist()), stride, padding

    rng = np.random.default_rng(1)
    for c, o, kernel, size, stride, padding in [
        (3, 4, (3, 3), (6, 5), 1, 1), (2, 3, (2, 3), (7, 8), 2, 0),
        (1, 2, (5, 5), (8, 7), 3, 2), (2, 1, (1, 1), (4, 4), 2, 0), *check.drawn(draw),
    ]:
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal((2, c, *size)).astype(dtype)
            w = rng.standard_normal((o, c, *kernel)).astype(dtype)
            b = rng.standard_normal(o).astype(dtype)
            conv = Conv2d(c, o, kernel, stride, padding, rng=rng)
            conv.weight.data, conv.bias.data = w, b
            right = conv(x)
            with check.own_work(), check.unchanged(x=x, w=w, b=b):
                y = conv_naive(x, w, b, stride, padding)
            name = f"y (filter {kernel}, stride {stride}, padding {padding})"
            check.close(y, right, name)
            check.dtype(y, dtype, name)


test_conv_naive_hidden()

# %% nbgrader="conv-naive hidden 4"
def test_conv_naive_by_window():
    def draw(rng):
        kernel = rng.integers(1, 5, 2)
        c, o, stride, padding = rng.integers((1, 1, 1, 0), 4).tolist()
        return c, o, tuple(kernel.tolist()), tuple((kernel + rng.integers(6, size=2)).tolist()), stride, padding

    rng = np.random.default_rng(1)
    for c, o, kernel, size, stride, padding in [
        (2, 3, (3, 3), (5, 7), 1, 1), (3, 2, (3, 2), (8, 7), 2, 0),
        (2, 2, (4, 4), (9, 8), 3, 2), (1, 3, (1, 1), (5, 4), 2, 0), *check.drawn(draw),
    ]:
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal((2, c, *size)).astype(dtype)
            w = rng.standard_normal((o, c, *kernel)).astype(dtype)
            b = rng.standard_normal(o).astype(dtype)
            padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
            tops, lefts = (range(0, padded.shape[2 + k] - kernel[k] + 1, stride) for k in (0, 1))
            right = np.empty((2, o, len(tops), len(lefts)))
            for i, top in enumerate(tops):
                for j, left in enumerate(lefts):
                    window = padded[:, :, top : top + kernel[0], left : left + kernel[1]]
                    right[:, :, i, j] = np.einsum("ncuv,ocuv->no", window, w) + b
            with check.own_work(), check.unchanged(x=x, w=w, b=b):
                y = conv_naive(x, w, b, stride, padding)
            name = f"y (filter {kernel}, stride {stride}, padding {padding})"
            check.close(y, right, name)
            check.dtype(y, dtype, name)


test_conv_naive_by_window()

# %% [markdown]
# ## Task 2: convolution as a matrix product
#
# *10 points, 45 minutes, medium*
#
# Taught in: "The way back", section [The same as two products: im2col](https://dlcourse.github.io/dlcourse/book/1-deeper/the-way-back.html#the-same-as-two-products-im2col)
#
# Loops in Python are slow, matrix products are fast. So lay every patch out as a row of a matrix, and the filters as another matrix; one product then gives all outputs. `conv_forward` must take at most a fifth of the time of plain loops; done well, it takes about a hundredth.
#
# - `im2col(x, kh, kw, stride, padding)` returns (N OH OW, C KH KW). Rows go through the images, in each row by row; along a row come the patch's values, channel by channel, as in `patch.reshape(-1)` of a patch (C, KH, KW).
# - `conv_forward(x, w, b, stride, padding)` gives what `conv_naive` gives, as a matrix product with `im2col(x, ...)`. No loops here.
#
# <details><summary>Hint: im2col with few loops</summary>
#
# Loop over the KH x KW positions *in the filter* instead of the many positions in the image. Position (u, v) meets the pixels `x[:, :, u : u + stride * oh : stride, v : v + stride * ow : stride]`. Collect them in an array (N, C, KH, KW, OH, OW), then transpose and reshape.
# </details>
# <details><summary>Hint: the way back to (N, O, OH, OW)</summary>
#
# The product is (N OH OW, O). Reshape first, to (N, OH, OW, O), and then transpose.
# </details>

# %% nbgrader="conv-forward solution"
def im2col(x, kh, kw, stride=1, padding=0):
    """Return the patches of images (N, C, H, W) as rows: (N OH OW, C KH KW)."""
    ### BEGIN SOLUTION
    n, c, h, w = x.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    oh = (h + 2 * padding - kh) // stride + 1
    ow = (w + 2 * padding - kw) // stride + 1
    patches = np.empty((n, c, kh, kw, oh, ow), x.dtype)
    for u in range(kh):
        for v in range(kw):
            patches[:, :, u, v] = x[
                :, :, u : u + stride * oh : stride, v : v + stride * ow : stride
            ]
    return patches.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, c * kh * kw)
    ### END SOLUTION


def conv_forward(x, w, b, stride=1, padding=0):
    """Convolve by one matrix product; arguments and result as in `conv_naive`."""
    ### BEGIN SOLUTION
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    oh = (h + 2 * padding - kh) // stride + 1
    ow = (width + 2 * padding - kw) // stride + 1
    y = im2col(x, kh, kw, stride, padding) @ w.reshape(o, -1).T + b
    return y.reshape(n, oh, ow, o).transpose(0, 3, 1, 2)
    ### END SOLUTION


# %% nbgrader="conv-forward visible 4"
def test_conv_forward():
    x = np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4)
    with check.own_work(), check.unchanged(x=x):
        columns = im2col(x, 2, 2)
    right = np.array([[0, 1, 4, 5], [1, 2, 5, 6], [2, 3, 6, 7]], np.float32)
    check.close(
        columns, right, "im2col(x, 2, 2)",
        mistakes={"Patches seem to stand in the columns; they belong in the rows.": right.T},
    )
    x = np.stack([x[0], x[0] + 10, x[0] + 20], axis=1)  # one image, three channels
    check.close(
        im2col(x, 2, 2)[0], [0, 1, 4, 5, 10, 11, 14, 15, 20, 21, 24, 25],
        "the first row of im2col with three channels",
        mistakes={
            "Along a row the channels come first, then the position in the filter.":
                [0, 10, 20, 1, 11, 21, 4, 14, 24, 5, 15, 25],
        },
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5, 5)).astype(np.float32)
    conv = Conv2d(3, 4, 3, padding=1, rng=rng)
    conv.bias.data = b = np.arange(4, dtype=np.float32)
    right, w = conv(x), conv.weight.data
    with check.own_work(), check.unchanged(x=x, w=w, b=b):
        y = conv_forward(x, w, b, padding=1)
    check.close(
        y, right, "y",
        mistakes={
            "The bias b seems to be forgotten.": right - b[:, None, None],
            "The product is (N OH OW, O): reshape it to (N, OH, OW, O) and transpose after that.":
                right.transpose(0, 2, 3, 1).reshape(right.shape),
        },
    )
    check.dtype(y, np.float32, "y")


def test_conv_forward_speed():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, 8, 16, 16)).astype(np.float32)
    w = rng.standard_normal((32, 8, 3, 3)).astype(np.float32)
    b = np.zeros(32, np.float32)

    def loops():
        for o in range(32):
            for i in range(14):
                for j in range(14):
                    (x[0, :, i : i + 3, j : j + 3] * w[o]).sum() + b[o]

    check.faster(
        lambda: conv_forward(x, w, b), loops, 0.2, "conv_forward", "plain loops",
        "a Python loop over filters and pixels where one matrix product would do",
    )


test_conv_forward()
test_conv_forward_speed()
check.passed("Task 2")


# %% nbgrader="conv-forward hidden 6"
def test_conv_forward_hidden():
    def draw(rng):
        kernel = rng.integers(1, 5, 2)
        c, o, stride, padding = rng.integers((1, 1, 1, 0), 4).tolist()
        return c, o, tuple(kernel.tolist()), tuple((kernel + rng.integers(6, size=2)).tolist()), stride, padding

    rng = np.random.default_rng(2)
    for c, o, kernel, size, stride, padding in [
        (3, 4, (3, 3), (6, 5), 1, 1), (2, 3, (2, 3), (7, 8), 2, 0),
        (2, 2, (5, 5), (8, 7), 3, 2), (2, 1, (1, 1), (4, 4), 2, 0), *check.drawn(draw),
    ]:
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal((2, c, *size)).astype(dtype)
            w = rng.standard_normal((o, c, *kernel)).astype(dtype)
            b = rng.standard_normal(o).astype(dtype)
            conv = Conv2d(c, o, kernel, stride, padding, rng=rng)
            conv.weight.data, conv.bias.data = w, b
            right = conv(x)
            name = f"(filter {kernel}, stride {stride}, padding {padding})"
            with check.own_work(), check.unchanged(x=x, w=w, b=b):
                columns = im2col(x, *kernel, stride, padding)
                y = conv_forward(x, w, b, stride, padding)
            rows = right.shape[0] * right.shape[2] * right.shape[3]
            check.shape(columns, (rows, c * kernel[0] * kernel[1]), f"im2col {name}")
            product = columns @ w.reshape(o, -1).T + b
            check.close(product, right.transpose(0, 2, 3, 1).reshape(rows, o), f"im2col {name}")
            check.close(y, right, f"y {name}")
            check.dtype(y, dtype, f"y {name}")


test_conv_forward_hidden()

# %% [markdown]
# ## Task 3: the three gradients of a convolution
#
# *14 points, 75 minutes, hard*
#
# Taught in: "The way back", section [Convolution](https://dlcourse.github.io/dlcourse/book/1-deeper/the-way-back.html#convolution)
#
# Given `dy`, the gradient of the loss with respect to the output, return `dx, dw, db`, the gradients with respect to the input, the filters and the bias. Each is a sum over everything that the value took part in:
#
# $$db_o = \sum_{n,i,j} dy_{noij}, \qquad dw_{ocuv} = \sum_{n,i,j} dy_{noij}\,\tilde x_{n,\,c,\,iS+u,\,jS+v}, \qquad d\tilde x_{n,\,c,\,iS+u,\,jS+v} \mathrel{+}= \sum_o dy_{noij}\, w_{ocuv}$$
#
# and `dx` is $d\tilde x$ without its border. Gradients are sums over the batch, not means: the loss has already divided by N.
#
# <details><summary>Hint: two products</summary>
#
# With `rows = dy.transpose(0, 2, 3, 1).reshape(-1, O)` and `columns = im2col(x, ...)`: `dw` is `rows.T @ columns`, and the gradient of the columns is `rows @ w.reshape(O, -1)`.
# </details>
# <details><summary>Hint: from columns back to the image</summary>
#
# The opposite of `im2col`: make a padded array of zeros, and for each position (u, v) in the filter *add* (`+=`) to the same slice that `im2col` read. A pixel lies under several windows. Cut off the border last.
# </details>

# %% nbgrader="conv-backward solution"
def conv_backward(dy, x, w, stride=1, padding=0):
    """Return dx (N, C, H, W), dw (O, C, KH, KW) and db (O,) for dy (N, O, OH, OW)."""
    ### BEGIN SOLUTION
    n, c, h, width = x.shape
    o, _, kh, kw = w.shape
    _, _, oh, ow = dy.shape
    rows = dy.transpose(0, 2, 3, 1).reshape(-1, o)
    db = rows.sum(axis=0)
    dw = (rows.T @ im2col(x, kh, kw, stride, padding)).reshape(w.shape)
    patches = (rows @ w.reshape(o, -1)).reshape(n, oh, ow, c, kh, kw)
    dx = np.zeros((n, c, h + 2 * padding, width + 2 * padding), x.dtype)
    for u in range(kh):
        for v in range(kw):
            dx[:, :, u : u + stride * oh : stride, v : v + stride * ow : stride] += (
                patches[..., u, v].transpose(0, 3, 1, 2)
            )
    return dx[:, :, padding : padding + h, padding : padding + width], dw, db
    ### END SOLUTION


# %% nbgrader="conv-backward visible 5"
def test_conv_backward():
    rng = np.random.default_rng(0)
    conv = Conv2d(2, 3, 3, padding=1, rng=rng).astype(np.float64)
    x, dy = rng.standard_normal((2, 2, 4, 4)), rng.standard_normal((2, 3, 4, 4))
    w, b = conv.weight.data, conv.bias.data
    with check.own_work(), check.unchanged(dy=dy, x=x, w=w):
        dx, dw, db = conv_backward(dy, x, w, padding=1)
    # Move each value a little up and down: the output must change as the gradient says.
    check.gradient(
        lambda: conv(x), b, db, dy, "db",
        mistakes={"db is a mean over the batch; it should be a sum.": dy.sum(axis=(0, 2, 3)) / 2,
                  "db is not summed over the batch.": dy[0].sum(axis=(1, 2))},
    )
    check.gradient(
        lambda: conv(x), w, dw, dy, "dw",
        mistakes={"dw sees only the first image; it should be summed over the batch.":
                  Conv2d_gradients(w, x[:1], dy[:1])[1]},
    )
    check.gradient(lambda: conv(x), x, dx, dy, "dx")


def Conv2d_gradients(w, x, dy, stride=1, padding=1):
    conv = Conv2d(w.shape[1], w.shape[0], w.shape[2:], stride, padding, rng=np.random.default_rng())
    conv.weight.data, conv.bias.data = w, np.zeros(len(w), w.dtype)
    conv(x)
    return conv.backward(dy), conv.weight.grad, conv.bias.grad


test_conv_backward()
check.passed("Task 3")


# %% nbgrader="conv-backward hidden 9"
def test_conv_backward_hidden():
    def draw(rng):
        kernel = rng.integers(1, 5, 2)
        c, o, stride, padding = rng.integers((1, 1, 1, 0), 4).tolist()
        return c, o, tuple(kernel.tolist()), tuple((kernel + rng.integers(6, size=2)).tolist()), stride, padding

    rng = np.random.default_rng(3)
    for c, o, kernel, size, stride, padding in [
        (3, 4, (3, 3), (6, 5), 1, 1), (2, 3, (2, 3), (7, 8), 2, 0),
        (2, 2, (5, 5), (8, 7), 3, 2), (2, 1, (1, 1), (4, 4), 2, 0), (1, 2, (3, 3), (5, 5), 1, 0),
        *check.drawn(draw),
    ]:
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal((3, c, *size)).astype(dtype)
            conv = Conv2d(c, o, kernel, stride, padding, rng=rng).astype(dtype)
            w, dy = conv.weight.data, rng.standard_normal(conv(x).shape).astype(dtype)
            right = conv.backward(dy), conv.weight.grad, conv.bias.grad
            with check.own_work(), check.unchanged(dy=dy, x=x, w=w):
                found = conv_backward(dy, x, w, stride, padding)
            for name, one, wanted in zip(("dx", "dw", "db"), found, right, strict=True):
                name = f"{name} (filter {kernel}, stride {stride}, padding {padding})"
                check.close(one, wanted, name)
                check.dtype(one, dtype, name)


test_conv_backward_hidden()

# %% [markdown]
# ## Task 4: max pooling, forward and backward
#
# *10 points, 40 minutes, medium*
#
# Taught in: "The way back", section [Max pooling](https://dlcourse.github.io/dlcourse/book/1-deeper/the-way-back.html#max-pooling)
#
# `max_pool(x, size, stride)` keeps the largest value of each window of size x size. In `max_pool_backward(dy, x, size, stride)` the gradient of each output goes to the one input that was the largest, and nowhere else. If several are equally large, the first gets it, row by row. If windows overlap, an input may receive several shares.
#
# <details><summary>Hint: which one was it?</summary>
#
# `argmax` of a flattened window gives the first of the largest; `divmod(k, size)` turns it into row and column.
# </details>
# <details><summary>Hint: overlapping windows</summary>
#
# `dx[..., rows, columns] += ...` with index arrays adds only once where an index occurs twice. `np.add.at` adds every time; so does a loop over the windows.
# </details>

# %% nbgrader="max-pool solution"
def max_pool(x, size, stride):
    """Return the largest value of each window: (N, C, OH, OW)."""
    ### BEGIN SOLUTION
    n, c, h, w = x.shape
    oh, ow = (h - size) // stride + 1, (w - size) // stride + 1
    y = np.empty((n, c, oh, ow), x.dtype)
    for i in range(oh):
        for j in range(ow):
            window = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            y[:, :, i, j] = window.max(axis=(2, 3))
    return y
    ### END SOLUTION


def max_pool_backward(dy, x, size, stride):
    """Return the gradient with respect to `x`, given `dy` (N, C, OH, OW)."""
    ### BEGIN SOLUTION
    n, c, oh, ow = dy.shape
    dx = np.zeros_like(x)
    image, channel = np.ogrid[:n, :c]
    for i in range(oh):
        for j in range(ow):
            window = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            row, column = divmod(window.reshape(n, c, -1).argmax(axis=2), size)
            dx[image, channel, i * stride + row, j * stride + column] += dy[:, :, i, j]
    return dx
    ### END SOLUTION


# %% nbgrader="max-pool visible 4"
def test_max_pool():
    x = np.array([[[[1, 2, 5, 0], [4, 3, 1, 1], [0, 0, 7, 8], [0, 9, 6, 5]]]], np.float32)
    dy = np.array([[[[10, 20], [30, 40]]]], np.float32)
    with check.own_work(), check.unchanged(x=x, dy=dy):
        y = max_pool(x, 2, 2)
        dx = max_pool_backward(dy, x, 2, 2)
    check.close(
        y, np.array([[[[4, 5], [9, 8]]]]), "y",
        mistakes={"This is the mean of each window; the largest is asked for.":
                  np.array([[[[2.5, 1.75], [2.25, 6.5]]]])},
    )
    right = np.zeros_like(x)
    right[0, 0, [1, 0, 3, 2], [0, 2, 1, 3]] = [10, 20, 30, 40]
    check.close(
        dx, right, "dx",
        mistakes={"The gradient is spread over the window; it belongs to the largest value alone.":
                  dy.repeat(2, 2).repeat(2, 3) / 4,
                  "Every value of the window gets the gradient; only the largest should.":
                  dy.repeat(2, 2).repeat(2, 3)},
    )
    check.dtype(y, np.float32, "y")
    check.dtype(dx, np.float32, "dx")


test_max_pool()
check.passed("Task 4")


# %% nbgrader="max-pool hidden 6"
def test_max_pool_hidden():
    def draw(rng):
        size, stride, n, c = rng.integers(1, 4, 4).tolist()
        return size, stride, (n, c, *(size + rng.integers(7, size=2)).tolist())

    rng = np.random.default_rng(4)
    for dtype in (np.float32, np.float64):
        for size, stride, shape in [(2, 2, (2, 3, 6, 4)), (3, 2, (2, 2, 7, 9)), (2, 3, (1, 2, 8, 9)),
                                    (3, 1, (2, 1, 5, 6)), (2, 2, (2, 2, 5, 7)), *check.drawn(draw)]:
            pool = MaxPool2d(size, stride)
            continuous = rng.standard_normal(shape)
            # Negative values alone; and many that are equal, as after a ReLU.
            for x in (continuous, -1 - abs(continuous), np.maximum(continuous.round(), 0)):
                x = x.astype(dtype)
                right = pool(x)
                dy = rng.standard_normal(right.shape).astype(dtype)
                with check.own_work(), check.unchanged(x=x, dy=dy):
                    y = max_pool(x, size, stride)
                    dx = max_pool_backward(dy, x, size, stride)
                name = f"(size {size}, stride {stride})"
                check.close(y, right, f"y {name}")
                check.close(dx, pool.backward(dy), f"dx {name}")
                check.dtype(y, dtype, f"y {name}")
                check.dtype(dx, dtype, f"dx {name}")


test_max_pool_hidden()

# %% [markdown]
# ## Task 5: He initialisation
#
# *6 points, 15 minutes, easy*
#
# Taught in: "Training well", section [Initial weights](https://dlcourse.github.io/dlcourse/book/1-deeper/training-well.html#initial-weights)
#
# Draw initial weights from a normal distribution with mean 0 and standard deviation $\sqrt{2 / n}$, where $n$ is the *fan-in*: how many inputs feed one output. The shape is (O, I) for a fully connected layer and (O, I, KH, KW) for a convolution. Return float32. All numbers come from `rng`, a `numpy.random.Generator`.
#
# <details><summary>Hint</summary>
#
# The fan-in is the product of the whole shape but its first number. `rng.standard_normal(shape, dtype=np.float32)`.
# </details>

# %% nbgrader="he-normal solution"
def he_normal(shape, rng):
    """Draw weights (O, I) or (O, I, KH, KW)."""
    ### BEGIN SOLUTION
    fan_in = math.prod(shape[1:])
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(math.sqrt(2 / fan_in))
    ### END SOLUTION


# %% nbgrader="he-normal visible 2"
def check_he_normal(shape, fan_in):
    with check.own_work():
        w = he_normal(shape, np.random.default_rng(5))
        again = he_normal(shape, np.random.default_rng(5))
        other = he_normal(shape, np.random.default_rng(6))
    check.shape(w, shape, "w")
    check.dtype(w, np.float32, "w")
    same = np.array_equal(w, again) and not np.array_equal(w, other)
    check.that(same, "The numbers must come from rng alone, so that the same seed repeats them.")
    std, wanted = float(w.std()), math.sqrt(2 / fan_in)
    fan_out = shape[0] * math.prod(shape[2:])
    for sentence, mistake in [
        ("That is the variance; the standard deviation is its square root.", 2 / fan_in),
        ("That is sqrt(1 / fan_in); for a ReLU it is the square root of 2 / fan_in.",
         math.sqrt(1 / fan_in)),
        ("That is made with the fan-out; the fan-in is asked for.", math.sqrt(2 / fan_out)),
        ("The fan-in of a convolution is I * KH * KW.", math.sqrt(2 / shape[1])),
    ]:
        if abs(mistake / wanted - 1) > 0.1:
            check.that(abs(std / mistake - 1) > 0.05, f"The spread is {std:.3f}. {sentence}")
    check.that(
        abs(std / wanted - 1) < 0.05,
        f"The standard deviation is {std:.3f}, and should be about {wanted:.3f}.",
    )
    check.that(abs(w.mean()) < wanted / 20, "The mean should be about zero.")
    return w / wanted


check_he_normal((200, 50), 50)
check.passed("Task 5")


# %% nbgrader="he-normal hidden 4"
def test_he_normal_hidden():
    def draw(rng):
        channels, kh, kw = rng.integers((20, 1, 1), (40, 4, 4)).tolist()
        fan_in = channels * kh * kw
        return (20_000 // fan_in + 30, channels, kh, kw), fan_in

    for shape, fan_in in [((64, 32, 5, 5), 800), ((40, 300), 300), ((300, 10, 3, 1), 30), *check.drawn(draw)]:
        w = check_he_normal(shape, fan_in)
        beyond = float((abs(w) > 2).mean())  # 4.6% of a normal distribution, none of an even one
        check.that(0.03 < beyond < 0.06, "The distribution should be normal, not another one.")


test_he_normal_hidden()

# %% [markdown]
# ## Task 6: dropout
#
# *8 points, 25 minutes, easy*
#
# Taught in: "The way back", section [Dropout](https://dlcourse.github.io/dlcourse/book/1-deeper/the-way-back.html#dropout)
#
# In training, each value becomes zero with probability `p`, and what stays is divided by `1 - p`, so that the mean keeps its size. At test time the input passes unchanged. `dropout_forward` returns the output and a mask, in whatever form you like; `dropout_backward` gets that mask and returns the gradient with respect to the input.
#
# <details><summary>Hint</summary>
#
# `rng.random(x.shape) >= p` is true with probability 1 - p. If the mask holds the *factor* of each value, forward and backward are the same multiplication.
# </details>

# %% nbgrader="dropout solution"
def dropout_forward(x, p, training, rng):
    """Return the output, and a mask for the backward pass."""
    ### BEGIN SOLUTION
    if not training:
        return x, np.ones_like(x)
    mask = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)
    return x * mask, mask
    ### END SOLUTION


def dropout_backward(dy, mask):
    """Return the gradient with respect to the input of the forward pass."""
    ### BEGIN SOLUTION
    return dy * mask
    ### END SOLUTION


# %% nbgrader="dropout visible 3"
def check_dropout(p, dtype, shape=(100, 200)):
    x = np.random.default_rng(7).uniform(1, 2, shape).astype(dtype)
    dy = np.random.default_rng(8).uniform(1, 2, shape).astype(dtype)
    with check.own_work(), check.unchanged(x=x, dy=dy):
        y, mask = dropout_forward(x, p, True, np.random.default_rng(9))
        dx = dropout_backward(dy, mask)
        test, _ = dropout_forward(x, p, False, np.random.default_rng(9))
    check.close(
        test, x, "the output at test time",
        mistakes={"With the division in training, there is nothing to multiply at test time.":
                  x * (1 - p)},
    )
    check.shape(y, x.shape, "y")
    zero = y == 0
    share = float(zero.mean())
    check.that(abs(share - p) < 0.02, f"{share:.0%} of the values are dropped; p asks for {p:.0%}.")
    check.close(
        y, x * ~zero / (1 - p), "what stays",
        mistakes={"What stays must be divided by 1 - p.": x * ~zero,
                  "What stays must be divided by 1 - p, not by p.": x * ~zero / max(p, 1e-9)},
    )
    check.close(
        dx, dy * ~zero / (1 - p), "dx",
        mistakes={"The backward pass must drop what the forward pass dropped.": dy,
                  "The backward pass needs the factor 1 / (1 - p) as well.": dy * ~zero},
    )
    check.dtype(y, dtype, "y")
    check.dtype(dx, dtype, "dx")
    return zero


check_dropout(0.5, np.float32)
check.passed("Task 6")


# %% nbgrader="dropout hidden 5"
def test_dropout_hidden():
    for dtype in (np.float32, np.float64):
        for p in (0.2, 0.75):
            zero = check_dropout(p, dtype)
            rows = np.abs(zero.mean(axis=0) - p).max(), np.abs(zero.mean(axis=1) - p).max()
            check.that(max(rows) < 0.25, "Every value of every image should have its own draw.")
    check_dropout(0.0, np.float32)
    check_dropout(0.3, np.float32, (50, 4, 10, 10))
    x = np.ones((40, 40), np.float32)
    draws = [dropout_forward(x, 0.5, True, np.random.default_rng(s))[0] for s in (0, 0, 1)]
    same = np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])
    check.that(same, "The draws must come from rng alone, so that the same seed repeats them.")
    rng = np.random.default_rng(0)
    (first, mask), (second, _) = (dropout_forward(x, 0.5, True, rng) for _ in range(2))
    check.that(not np.array_equal(first, second), "Each call should draw anew.")
    check.close(dropout_backward(x, mask), first, "the gradient of an earlier pass")


test_dropout_hidden()

# %% [markdown]
# ## Task 7: Adam
#
# *10 points, 30 minutes, medium*
#
# Taught in: "Training well", section [Adam's step](https://dlcourse.github.io/dlcourse/book/1-deeper/training-well.html#adam-s-step)
#
# Adam keeps two running means for each parameter, of the gradient $g$ and of its square, both starting at zero. In step $t = 1, 2, \ldots$
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad w \leftarrow w - \mathrm{lr}\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$
#
# A `Parameter` has its values in `.data` and its gradient in `.grad`, which is `None` if there is none: then leave it alone. Change `p.data` *in place* (`p.data -= ...`), because the layer holds the same array.
#
# <details><summary>Hint: keeping things in order</summary>
#
# Make the lists of m and v in `__init__`, with `np.zeros_like(p.data)`. Count t once per step, not once per parameter.
# </details>

# %% nbgrader="adam solution"
class MyAdam:
    """Adam for a list of `Parameter`s."""

    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        ### BEGIN SOLUTION
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.m = [np.zeros_like(p.data) for p in self.parameters]
        self.v = [np.zeros_like(p.data) for p in self.parameters]
        self.t = 0
        ### END SOLUTION

    def step(self):
        """Move each parameter that has a gradient."""
        ### BEGIN SOLUTION
        self.t += 1
        beta1, beta2 = self.betas
        for p, m, v in zip(self.parameters, self.m, self.v, strict=True):
            if p.grad is None:
                continue
            m[...] = beta1 * m + (1 - beta1) * p.grad
            v[...] = beta2 * v + (1 - beta2) * p.grad**2
            m_hat = m / (1 - beta1**self.t)
            v_hat = v / (1 - beta2**self.t)
            p.data -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
        ### END SOLUTION


# %% nbgrader="adam visible 4"
def test_adam():
    p = Parameter(np.zeros(3, np.float32))
    p.grad = np.array([0.1, -100.0, 2.0], np.float32)
    with check.own_work(), check.unchanged(gradient=p.grad):
        MyAdam([p], lr=0.01).step()
    step = np.array([-0.01, 0.01, -0.01])
    check.close(
        p.data, step, "w after the first step",
        mistakes={
            "The step goes uphill; subtract it.": -step,
            "m and v are not corrected for their start at zero.": step * 0.1 / math.sqrt(0.001),
            "m is not corrected for its start at zero.": step * 0.1,
            "v is not corrected for its start at zero.": step / math.sqrt(0.001),
        },
    )
    check.dtype(p.data, np.float32, "p.data")


test_adam()
check.passed("Task 7")


# %% nbgrader="adam hidden 6"
def test_adam_hidden():
    def draw(rng):
        lr, first, second, eps = rng.uniform((0.001, 0.3, 0.7, 0.001), (0.1, 0.95, 0.99, 0.1)).tolist()
        return dict(lr=lr, betas=(first, second), eps=eps)

    rng = np.random.default_rng(10)
    for options in ({}, dict(lr=0.1, betas=(0.5, 0.8), eps=0.1), *check.drawn(draw)):
        for dtype in (np.float32, np.float64):
            values = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (5,), (2, 2))]
            own = [Parameter(v.copy()) for v in values]
            arrays = [p.data for p in own]
            right = [Parameter(v.copy()) for v in values]
            with check.own_work():
                mine = MyAdam(own, **options)
            finished = Adam(right, **options)
            for t in range(6):
                for i, (p, q) in enumerate(zip(own, right, strict=True)):
                    if i < 2:  # the third parameter has no gradient
                        p.grad = rng.standard_normal(p.data.shape).astype(dtype)
                        q.grad = p.grad.copy()
                with check.own_work():
                    mine.step()
                finished.step()
                for i, (p, q) in enumerate(zip(own, right, strict=True)):
                    change = f"parameter {i} after step {t + 1}"
                    check.close(p.data - values[i], q.data - values[i], change, tolerance=1e-3)
                    check.dtype(p.data, dtype, "p.data")
                    check.that(p.data is arrays[i], "Change p.data in place, with -= or [...] =.")
                    if q.grad is not None:
                        check.close(p.grad, q.grad, "p.grad, which must stay as it is,")


test_adam_hidden()

# %% [markdown]
# ## Task 8: DeepConvNet, assembled
#
# *8 points, 20 minutes, easy*
#
# Taught in: "Towards a deeper network", section [Six convolutions](https://dlcourse.github.io/dlcourse/book/1-deeper/towards-deeper.html#six-convolutions)
#
# From here on, build on the finished layers of `dlcourse.nn`, so that a mistake above does not cost you twice. Return the network of chapter 1: six 3 x 3 convolutions with 16, 16, 32, 32, 64 and 64 channels and padding 1 (only the fourth has padding 2); a ReLU after each, 2 x 2 max pooling after each pair; then `Flatten`, a linear layer to 50, ReLU, dropout with probability 0.5, and a linear layer to the ten scores. Layers with weights need `rng=rng`, and so does `Dropout`.
#
# <details><summary>Hint</summary>
#
# `Sequential(layer, layer, ...)` takes the layers in order. `Conv2d(1, 16, kernel_size=3, padding=1, rng=rng)`. Three poolings bring the image to 4 x 4, so the first linear layer has 64 * 4 * 4 inputs.
# </details>

# %% nbgrader="assemble solution"
def build_deep_convnet(rng):
    """Return DeepConvNet, for images (N, 1, 28, 28), as a module of finished layers."""
    ### BEGIN SOLUTION
    layers = []
    plan = [(1, 16, 1), (16, 16, 1), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1)]
    for i, (c_in, c_out, padding) in enumerate(plan):
        layers += [Conv2d(c_in, c_out, kernel_size=3, padding=padding, rng=rng), ReLU()]
        if i % 2 == 1:
            layers.append(MaxPool2d(2))
    return Sequential(
        *layers,
        Flatten(),
        Linear(64 * 4 * 4, 50, rng=rng),
        ReLU(),
        Dropout(0.5, rng=rng),
        Linear(50, 10, rng=rng),
    )
    ### END SOLUTION


# %% nbgrader="assemble visible 3"
def test_assemble():
    with check.own_work(allowed=("dlcourse.nn",)):
        net = build_deep_convnet(np.random.default_rng(0))
    check.that(isinstance(net, Module), "Return a module, for example Sequential(...).")
    count = sum(p.data.size for p in net.parameters())
    check.that(
        count == 123_552,
        f"The network should have 123,552 parameters, and has {count:,}; "
        "compare the sizes of the layers with the plan.",
    )
    y = net.eval()(np.zeros((2, 1, 28, 28), np.float32))
    check.shape(y, (2, 10), "the scores of two images")


test_assemble()
check.passed("Task 8")


# %% nbgrader="assemble hidden 5"
def test_assemble_hidden():
    from dlcourse.models import DeepConvNet

    with check.own_work(allowed=("dlcourse.nn",)):
        net = build_deep_convnet(np.random.default_rng(0))
    finished = DeepConvNet(rng=np.random.default_rng(1))
    for mine, p in zip(net.parameters(), finished.parameters(), strict=True):
        check.shape(mine.data, p.data.shape, "a parameter of the network")
        if p.data.ndim > 1:
            wanted = math.sqrt(2 / math.prod(p.data.shape[1:]))
            right = abs(mine.data.std() / wanted - 1) < 0.3
            check.that(right, "The initial weights are not those of the finished layers.")
        mine.data[...] = p.data
    images = np.random.default_rng(2).random((4, 1, 28, 28), dtype=np.float32)
    check.close(
        net.eval()(images), finished.eval()(images),
        "the scores with the weights of the finished network", tolerance=1e-4,
    )
    dropouts = [m.p for _, m in net.named_modules() if isinstance(m, Dropout)]
    check.that(dropouts == [0.5], "There should be one dropout, with probability 0.5.")
    # In training the mean over many draws is the score without dropout, where nothing but a
    # linear layer follows.
    net.train()
    scores = np.concatenate([net(images[:1].repeat(50, axis=0)) for _ in range(8)])
    check.that(scores.std(axis=0).min() > 0, "Dropout should act in training.")
    error = abs(scores.mean(axis=0) - finished(images[:1])[0]) / scores.std(axis=0)
    check.that(error.max() < 0.4, "Dropout stands between the last ReLU and the last linear layer.")
    zero = (scores == 0).mean()
    check.that(zero < 0.01, "Scores are dropped; dropout belongs before the last linear layer.")


test_assemble_hidden()

# %% [markdown]
# ## Task 9: DeepConvNet, trained
#
# *12 points, 40 minutes, medium*
#
# Taught in: "Towards a deeper network", section [A short training](https://dlcourse.github.io/dlcourse/book/1-deeper/towards-deeper.html#a-short-training)
#
# Write one epoch of training, without the `Trainer`: every image once, in random order drawn from `rng`, in batches of `batch_size`; the last batch may be smaller. For each batch: forget the old gradients, forward, backward, step. Dropout must act, so put the network into training mode first. Return the mean loss over all *images*.
#
# Then your network of task 8 must read at least **80%** of 500 digits that it has not seen, after four epochs on 1,000. That takes about ten seconds of computing.
#
# <details><summary>Hint: the four lines</summary>
#
# `loss = CrossEntropyLoss()`; then for each batch `optimizer.zero_grad()`, `value = loss(net(x), t)`, `net.backward(loss.backward())`, `optimizer.step()`.
# </details>
# <details><summary>Hint: the mean</summary>
#
# `value` is the mean of its batch. If the last batch is smaller, it counts less: add up `value * len(x)` and divide by the number of images.
# </details>

# %% nbgrader="train solution"
def train_epoch(net, optimizer, images, labels, batch_size, rng):
    """Train for one epoch, and return the mean loss of the images."""
    ### BEGIN SOLUTION
    loss = CrossEntropyLoss()
    net.train()
    order = rng.permutation(len(images))
    total = 0.0
    for start in range(0, len(images), batch_size):
        chosen = order[start : start + batch_size]
        optimizer.zero_grad()
        total += loss(net(images[chosen]), labels[chosen]) * len(chosen)
        net.backward(loss.backward())
        optimizer.step()
    return total / len(images)
    ### END SOLUTION


# %% nbgrader="train visible 3"
class Watched(Module):
    """A linear layer on flattened images that writes down what it is asked to do."""

    def __init__(self, pixels, classes):
        super().__init__()
        self.layer = Sequential(Flatten(), Linear(pixels, classes, rng=np.random.default_rng(0)))
        self.batches, self.modes, self.fresh, self.values = [], [], [], []

    def forward(self, x):
        self.batches.append(x.copy())
        self.modes.append(self.training)
        y = self.layer(x)
        self.values.append(y.copy())
        return y

    def backward(self, dy):
        self.fresh.append(all(p.grad is None or not p.grad.any() for p in self.parameters()))
        return self.layer.backward(dy)


def watch(count, batch_size, seed=0):
    images = np.random.default_rng(1).random((count, 1, 2, 2), dtype=np.float32)
    images[:, 0, 0, 0] = np.arange(count) / 64  # every image can be told from the others
    labels = np.arange(count) % 3
    net = Watched(4, 3).eval()
    optimizer = Adam(net.parameters(), lr=0.01)
    before = [p.data.copy() for p in net.parameters()]
    with check.own_work(allowed=("dlcourse.nn", "dlcourse.optim")):
        with check.unchanged(images=images, labels=labels):
            rng = np.random.default_rng(seed)
            value = train_epoch(net, optimizer, images, labels, batch_size, rng)
    check.that(net.batches, "The network was never asked for scores.")
    seen = (np.concatenate(net.batches)[:, 0, 0, 0] * 64).astype(int)
    check.that(
        sorted(seen) == list(range(count)),
        f"{len(set(seen))} of {count} images were seen, in {len(seen)} places; each should be seen "
        "once, also those of a smaller last batch.",
    )
    check.that(len(net.fresh) == len(net.batches), "Each forward pass needs a backward pass.")
    check.that(
        all(net.fresh), "Gradients add up: forget the old ones (zero_grad) before each batch."
    )
    check.that(all(net.modes), "Put the network into training mode first, with net.train().")
    moved = [not np.array_equal(p.data, b) for p, b in zip(net.parameters(), before, strict=True)]
    check.that(all(moved), "The parameters did not move; is optimizer.step() missing?")
    # The loss of each batch, from the scores that the network gave.
    losses = [CrossEntropyLoss()(y, labels[(x[:, 0, 0, 0] * 64).astype(int)])
              for x, y in zip(net.batches, net.values, strict=True)]
    sizes = [len(x) for x in net.batches]
    check.that(max(sizes) == min(batch_size, count), f"Batches of {max(sizes)} instead of {batch_size}.")
    check.that(value is not None, "The mean loss is not returned.")
    check.close(
        value, np.average(losses, weights=sizes), "the mean loss", tolerance=1e-4,
        mistakes={
            "That is the mean over batches; a smaller last batch must count less.":
                np.mean(losses) if len(set(sizes)) > 1 else None,
            "That is the loss of the last batch; the mean over all images is asked for.":
                losses[-1] if len(losses) > 1 else None,
            "That is a sum over the batches; the mean over all images is asked for.": sum(losses),
        },
    )
    return net, seen


watch(12, 4)
check.passed("Task 9")


# %% nbgrader="train hidden 4"
def test_train_hidden():
    net, order = watch(50, 8)
    right = [(x[:, 0, 0, 0] * 64).astype(int) % 3 for x in net.batches]
    _, again = watch(50, 8)
    _, other = watch(50, 8, seed=1)
    check.that(list(order) != sorted(order), "The images should come in random order.")
    check.that(
        list(order) == list(again) and list(order) != list(other),
        "The order must come from rng alone, so that the same seed repeats it.",
    )
    check.that([len(t) for t in right] == [8] * 6 + [2], "The last batch holds what is left over.")
    for count, size in [(5, 8), (9, 1), *check.drawn(lambda rng: rng.integers((4, 1), (40, 12)).tolist())]:
        watch(count, size)


test_train_hidden()


# %% nbgrader="train-accuracy visible 5"
def test_accuracy():
    train, _ = load_mnist()
    few, held_out = train.subset(slice(1000)), train.subset(slice(59_500, 60_000))
    net = build_deep_convnet(np.random.default_rng(0))
    optimizer = Adam(net.parameters(), lr=0.001)
    rng = np.random.default_rng(0)
    for epoch in range(4):
        value = train_epoch(net, optimizer, few.images, few.labels, 10, rng)
        print(f"epoch {epoch + 1}: loss {value:.3f}")
    accuracy = float((net.eval()(held_out.images).argmax(axis=1) == held_out.labels).mean())
    print(f"{accuracy:.1%} of 500 unseen digits are read right")
    check.that(accuracy >= 0.8, f"{accuracy:.1%} are read right; at least 80% are asked for.")


test_accuracy()

# %% [markdown]
# ## Task 10: an augmentation that keeps labels
#
# *8 points, 25 minutes, medium*
#
# Taught in: "Raising accuracy", section [Augmentation: more digits from the same digits](https://dlcourse.github.io/dlcourse/book/1-deeper/raising-accuracy.html#augmentation-more-digits-from-the-same-digits)
#
# A digit that is moved by two pixels is still the same digit, and a network that sees it in many places learns more from it. Shift every image (N, C, H, W) by a random number of whole pixels down or up and right or left, each drawn evenly from -max_pixels to max_pixels, both ends included, and afresh for every image. What comes in from outside is zero; what leaves the image is gone, and must *not* come in again on the other side: a seven whose bar hangs below its foot is not a seven. Images keep their places in the array, or the labels would no longer belong to them.
#
# <details><summary>Hint</summary>
#
# Pad every image by max_pixels on all sides, and cut out the window that starts at (max_pixels - down, max_pixels - right). `rng.integers(low, high, endpoint=True)` includes `high`. `np.roll` wraps around.
# </details>

# %% nbgrader="augment solution"
def shift(images, max_pixels, rng):
    """Shift each image by up to `max_pixels` pixels along both axes."""
    ### BEGIN SOLUTION
    n, _, h, w = images.shape
    m = max_pixels
    padded = np.pad(images, ((0, 0), (0, 0), (m, m), (m, m)))
    shifted = np.empty_like(images)
    for i, (top, left) in enumerate(rng.integers(0, 2 * m, (n, 2), endpoint=True)):
        shifted[i] = padded[i, :, top : top + h, left : left + w]
    return shifted
    ### END SOLUTION


# %% nbgrader="augment visible 3"
def find_shifts(images, max_pixels, seed=0):
    """Return by how much each image was shifted, or say why it cannot be told."""
    with check.own_work(), check.unchanged(images=images):
        shifted = shift(images, max_pixels, np.random.default_rng(seed))
    check.shape(shifted, images.shape, "the shifted images")
    check.dtype(shifted, images.dtype, "the shifted images")
    check.that(not np.shares_memory(shifted, images), "Return new images, not the old array.")
    n, _, h, w = images.shape
    far = max_pixels + 1
    frame = np.pad(images, ((0, 0), (0, 0), (far, far), (far, far)))
    moves = [(d, r) for d in range(-far, far + 1) for r in range(-far, far + 1)]

    def moved(i, down, right):
        return frame[i, :, far - down : far - down + h, far - right : far - right + w]

    found = []
    for i in range(n):
        fits = [m for m in moves if np.array_equal(moved(i, *m), shifted[i])]
        if not fits:
            rolled = any(np.array_equal(np.roll(images[i], m, (1, 2)), shifted[i]) for m in moves)
            check.that(not rolled, "Pixels that leave the image come in on the other side.")
            flips = images[i, :, ::-1], images[i, :, :, ::-1]
            flipped = any(np.array_equal(f, shifted[i]) for f in flips)
            check.that(not flipped, "An image is mirrored; that is another character.")
            others = (np.array_equal(moved(j, *m), shifted[i]) for j in range(n) for m in moves)
            check.that(not any(others), "Images have changed places, so labels no longer fit.")
            raise check.CheckFailed(f"image {i} is not a shifted copy with zeros moved in.")
        found.append(fits[0])
    return np.array(found)


def test_shift():
    images = np.random.default_rng(0).uniform(0.1, 1, (8, 1, 6, 6)).astype(np.float32)
    shifts = find_shifts(images, 1)
    check.that(len(np.unique(shifts, axis=0)) > 1, "Every image should have a shift of its own.")
    check.that(not find_shifts(images, 0).any(), "With max_pixels=0 nothing should move.")


test_shift()
check.passed("Task 10")


# %% nbgrader="augment hidden 5"
def test_shift_hidden():
    images = np.random.default_rng(3).uniform(0.1, 1, (400, 2, 5, 7)).astype(np.float32)
    shifts = find_shifts(images[:200], 2)
    for axis, name in ((0, "down"), (1, "right")):
        steps, counts = np.unique(shifts[:, axis], return_counts=True)
        check.that(
            list(steps) == [-2, -1, 0, 1, 2],
            f"Shifts {name} by {steps.tolist()} occur; all of -2 to 2 should, and no others.",
        )
        check.that(counts.min() > 12, "All shifts should be about equally likely.")
    pairs = len(np.unique(shifts, axis=0))
    check.that(pairs > 20, "The shifts down and right should be drawn separately.")
    small = images[:20].astype(np.float64)
    again, other = find_shifts(small, 2), find_shifts(small, 2, seed=1)
    same = np.array_equal(again, find_shifts(small, 2)) and not np.array_equal(again, other)
    check.that(same, "The shifts must come from rng alone, so that the same seed repeats them.")


test_shift_hidden()

# %% [markdown]
# ## Task 11: a question
#
# *8 points, 20 minutes, graded by a person*
#
# Taught in: "Raising accuracy", section [Augmentation: more digits from the same digits](https://dlcourse.github.io/dlcourse/book/1-deeper/raising-accuracy.html#augmentation-more-digits-from-the-same-digits)
#
# A friend trains DeepConvNet on MNIST and adds an augmentation that mirrors each image left to right with probability one half. It had helped on photographs of cats and dogs. On digits the accuracy falls.
#
# 1. Why does it help with cats and hurt with digits? Name digits that suffer most, and one that hardly suffers. (3 points)
# 2. How could your friend have found this out before training, and how afterwards, without touching the test set? (3 points)
# 3. Name a change other than shifting that keeps the label of every digit, the largest amount that you would dare, and how you would choose that amount. (2 points)

# %% [markdown] nbgrader="question manual 8"
# ### BEGIN SOLUTION
# 1. A mirrored cat is a cat that could have been photographed; a mirrored 2, 3, 4, 5, 6, 7 or 9 is not a digit that anybody writes, and a mirrored 2 comes close to an S or a 5. The network spends capacity on images that never occur and confuses pairs such as 2 and 5. 0, 8 and a plain 1 hardly change. (3)
# 2. Before: look at a grid of augmented images with their labels. After: train with and without it, several seeds each, and compare on held-out *training* images, class by class, for example with a confusion matrix. (3)
# 3. For example rotation by up to about 15 degrees: at 180 a 6 becomes a 9. Or scale by up to about 1.2, or elastic distortion. The amount is chosen on held-out training images. (2)
# ### END SOLUTION
