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
# # Assignment 2: a small history, from its parts
#
# You write what made the networks of 2012 to 2015 work: VGG's stacks of small filters, the 1 x 1 convolution and the Inception block of GoogLeNet, batch normalization, and the residual block of ResNet. Then you put together a network of your own, under a budget. Seven tasks are graded by tests, one question by a person. **100 points, about six hours.**
#
# | task | points | minutes | difficulty |
# |---|---|---|---|
# | 1. Counting: parameters and receptive fields | 8 | 25 | easy |
# | 2. VGG, from a plan | 10 | 30 | easy |
# | 3. The 1 x 1 convolution is a matrix product | 12 | 35 | medium |
# | 4. An Inception block | 16 | 60 | medium |
# | 5. Batch normalization | 18 | 75 | hard |
# | 6. A residual block with a projection | 14 | 50 | medium |
# | 7. A network of your own, under a budget | 14 | 60 | medium |
# | 8. A question | 8 | 20 | in words |
#
# **How it works.** Replace `raise NotImplementedError()` in each task, and run the test cell below it. A failed test says what the likely mistake is. Leave the test cells as they are: when your work is graded, they are put back in their original form, and *hidden tests* are added, with other shapes, strides and edge cases. Passing the visible tests is a good sign, but not the last word. Before you hand in, choose *Kernel, Restart and run all*, and run `dlcourse check ps2-history.ipynb` in a terminal: it looks whether all is in place. Keep the name of the file.
#
# **Rules.** Each task says which finished layers of `dlcourse` you may use, and the tests notice when others are called in place of your own work. Do not change the arrays that you are given. float32 stays float32.
#
# Arrays of images have the shape (N, C, H, W): images, channels, height, width. A `Module` has `forward(x)` and `backward(dy)`. The backward pass adds to the gradient of each of its parameters, with `parameter.accumulate(gradient)`, and returns the gradient with respect to `x`. A module finds its layers and parameters if they are its attributes; layers in a plain list stay hidden, those in a `Sequential` do not.

# %% nbgrader="setup setup"
# On Colab: install the package alone, and leave Colab's own NumPy and CuPy as they are.
import sys

if "google.colab" in sys.modules:
    get_ipython().run_line_magic(
        "pip", "install --quiet --no-deps git+https://github.com/dlcourse/dlcourse"
    )

import math
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
from dlcourse import check
from dlcourse.data import load_mnist
from dlcourse.nn import BatchNorm2d, Concat, Conv2d, CrossEntropyLoss, Dropout, Flatten
from dlcourse.nn import Linear, MaxPool2d, Module, Parameter, ReLU, Residual, Sequential
from dlcourse.optim import Adam
from threadpoolctl import threadpool_limits

limits = threadpool_limits(1)  # for small batches, one thread is faster than several


class Conv(NamedTuple):
    """A convolution with square filters, as task 1 counts it."""

    channels: int  # of its output
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    bias: bool = True


class Pool(NamedTuple):
    """A pooling with square windows, as task 1 counts it."""

    kernel: int
    stride: int
    padding: int = 0


def share_weights(finished, yours):
    """Give your module the weights of a finished one, for tests that compare the two."""
    right = [p.data.shape for p in finished.parameters()]
    found = [p.data.shape for p in yours.parameters()]
    check.that(
        found,
        "The module has no parameters; it finds layers that are its attributes, and those of a "
        "Sequential, but not those in a plain list.",
    )
    check.that(
        found == right,
        f"The parameters should have the shapes {right}, in this order, and have {found}.",
    )
    for p, q in zip(yours.parameters(), finished.parameters(), strict=True):
        p.data[...] = q.data


# %% [markdown]
# ## Task 1: counting: parameters and receptive fields
#
# *8 points, 25 minutes, easy*
#
# Taught in: "VGG: small filters, stacked", section [What a stack sees](https://dlcourse.github.io/dlcourse/book/2-history/vgg.html#what-a-stack-sees); "Towards a deeper network", section [Six convolutions](https://dlcourse.github.io/dlcourse/book/1-deeper/towards-deeper.html#six-convolutions)
#
# Before a network is trained, one counts: how many weights does it have, and how much of the image does it see? Layers come as a list, for example `[Conv(64, kernel=3, padding=1), Pool(2, stride=2)]`; the first cell defines `Conv` and `Pool`.
#
# - `count_parameters(layers, channels)` returns the number of weights and biases; the images have `channels` channels. `Conv(..., bias=False)` has no bias, pooling has no parameters.
# - `field_and_size(layers, size)` returns two numbers, for images that are `size` pixels high and wide. The first is the *receptive field*: the height in pixels of the part of the image that one value of the output depends on, with the border of zeros counted as pixels. The second is the height of the output, $\lfloor (H + 2P - D(K - 1) - 1) / S \rfloor + 1$ after each layer, with kernel K, stride S, padding P, dilation D.
#
# Work from the image to the output. A layer's window reaches over K values that lie D apart, and neighbours among *its inputs* are already some pixels apart in the image: that distance, the *jump*, is 1 at first and is multiplied by the stride of every layer that has been passed.
#
# <details><summary>Hint: the field</summary>
#
# A layer adds (K - 1) D jumps to the field: $r \leftarrow r + (K - 1)\,D\,j$, and only then $j \leftarrow j\,S$. Padding does not enter.
# </details>
# <details><summary>Hint: telling the layers apart</summary>
#
# `isinstance(layer, Conv)`; or `getattr(layer, "dilation", 1)`, which gives 1 where there is none.
# </details>

# %% nbgrader="count solution"
def count_parameters(layers, channels):
    """Return the number of weights and biases."""
    ### BEGIN SOLUTION
    total = 0
    for layer in layers:
        if isinstance(layer, Conv):
            total += layer.channels * channels * layer.kernel**2
            total += layer.channels if layer.bias else 0
            channels = layer.channels
    return total
    ### END SOLUTION


def field_and_size(layers, size):
    """Return the receptive field and the height of the output, in pixels."""
    ### BEGIN SOLUTION
    field, jump = 1, 1
    for layer in layers:
        reach = (layer.kernel - 1) * getattr(layer, "dilation", 1)
        field += reach * jump
        jump *= layer.stride
        size = (size + 2 * layer.padding - reach - 1) // layer.stride + 1
    return field, size
    ### END SOLUTION


# %% nbgrader="count visible 3"
def measured(layers, size):
    with check.own_work():
        found = field_and_size(layers, size)
    check.that(
        isinstance(found, tuple | list) and len(found) == 2,
        "field_and_size should return two numbers: the receptive field, and the size.",
    )
    return found


def test_count():
    stages = [Conv(64, 3, padding=1), Conv(64, 3, padding=1), Pool(2, 2),
              Conv(128, 3, padding=1), Conv(128, 3, padding=1), Pool(2, 2)]  # VGG's first two
    with check.own_work():
        count = count_parameters(stages, 3)
    check.close(
        count, 260_160, "the number of parameters of VGG's first two stages", tolerance=1e-9,
        mistakes={
            "The biases are forgotten.": 259_776,
            "A filter has K x K weights for each channel of its input.": 86_976,
            "The input of a layer has as many channels as the output of the one before.": 10_752,
            "Each filter spans all channels of its input, and not one alone.": 3_840,
        },
    )
    one = [Conv(10, 5, stride=2, padding=1, dilation=3, bias=False)]
    check.close(count_parameters(one, 3), 750, "the number of parameters of one convolution",
                tolerance=1e-9, mistakes={"With bias=False there is no bias.": 760})
    field, size = measured(one, 32)
    check.close(
        field, 13, "the receptive field of one 5 x 5 filter with dilation 3", tolerance=1e-9,
        mistakes={
            "The dilation is forgotten: neighbours in the filter lie D pixels apart.": 5,
            "K values have K - 1 gaps between them.": 16,
            "A filter of K values that lie D apart spans (K - 1) D + 1 pixels, not K D.": 15,
            "A layer's own stride moves its windows apart; it does not widen them.": 25,
        },
    )
    check.close(
        size, 11, "the height of its output", tolerance=1e-9,
        mistakes={"The padding is forgotten in the height.": 10,
                  "The dilation is forgotten in the height: the filter spans D (K - 1) + 1.": 15},
    )
    field, size = measured([Conv(8, 3, stride=2), Conv(8, 3, stride=2)], 31)
    check.close(
        field, 7, "the receptive field of two 3 x 3 filters with stride 2", tolerance=1e-9,
        mistakes={
            "The strides of the layers before are forgotten: they move this layer's inputs apart.": 5,
            "A layer's own stride enters only after it: add to the field first, then multiply the jump.":
                13,
            "The field grows by (K - 1) jumps, not by K.": 10,
        },
    )
    check.close(size, 7, "the height of the output", tolerance=1e-9)
    field, size = measured(stages, 224)
    check.close(field, 16, "the receptive field of VGG's first two stages", tolerance=1e-9)
    check.close(size, 56, "the height of their output", tolerance=1e-9)


test_count()
check.passed("Task 1")


# %% nbgrader="count hidden 5"
def test_count_hidden():
    from dlcourse.models import summary

    rng = np.random.default_rng(1)
    for _ in range(12):
        layers, finished, channels = [], [], int(rng.integers(1, 5))
        now = channels
        for _ in range(int(rng.integers(1, 6))):
            kernel, stride = int(rng.integers(1, 5)), int(rng.integers(1, 3))
            padding = int(rng.integers(0, kernel // 2 + 1))
            if rng.random() < 0.3:
                layers.append(Pool(kernel, stride, padding))
                finished.append(MaxPool2d(kernel, stride, padding))
            else:
                width, dilation = int(rng.integers(1, 7)), int(rng.integers(1, 4))
                bias = bool(rng.random() < 0.6)
                layers.append(Conv(width, kernel, stride, padding, dilation, bias))
                finished.append(Conv2d(now, width, kernel, stride, padding, dilation, bias=bias, rng=rng))
                now = width
        report = summary(Sequential(*finished), (channels, 203, 203))
        name = f"of {layers}"
        with check.own_work():
            count = count_parameters(layers, channels)
        check.close(count, report.parameters, f"the number of parameters {name}", tolerance=1e-9)
        field, size = measured(layers, 203)
        row = report.rows[-1]
        check.close(field, row.field.size[0], f"the receptive field {name}", tolerance=1e-9)
        check.close(size, row.output_shape[-1], f"the height {name}", tolerance=1e-9)
    check.close(np.array(measured([], 17)), [1, 17], "field and size without layers")
    check.close(count_parameters([], 3), 0, "the parameters without layers")


test_count_hidden()

# %% [markdown]
# ## Task 2: VGG, from a plan
#
# *10 points, 30 minutes, easy*
#
# Taught in: "VGG: small filters, stacked", section [A block, in code](https://dlcourse.github.io/dlcourse/book/2-history/vgg.html#a-block-in-code)
#
# VGG is one idea, repeated: a block is a few 3 x 3 convolutions with padding 1, each followed by a ReLU, and a 2 x 2 max pooling at the end. You may use every layer of `dlcourse.nn`.
#
# - `vgg_block(convolutions, in_channels, out_channels, rng)` returns such a block with that many convolutions, all with `out_channels` channels.
# - `build_vgg(plan, in_channels, size, hidden, classes, rng)` returns the network. `plan` is a list of pairs (convolutions, channels), one for each block; `size` is the height and width of the images. After the blocks come `Flatten`, a linear layer to `hidden`, ReLU, dropout with probability 0.5, and a linear layer to the scores of the `classes`.
#
# VGG-11 would be `build_vgg([(1, 64), (1, 128), (2, 256), (2, 512), (2, 512)], 3, 224, ...)`, apart from its second hidden layer.
#
# <details><summary>Hint: the channels</summary>
#
# The first convolution of a block goes from `in_channels` to `out_channels`, every other one from `out_channels` to `out_channels`.
# </details>
# <details><summary>Hint: the first linear layer</summary>
#
# Each block halves height and width, and rounds down: with n blocks, `size // 2**n` is left, in both directions.
# </details>

# %% nbgrader="vgg solution"
def vgg_block(convolutions, in_channels, out_channels, rng):
    """Return a module from (N, in_channels, H, W) to (N, out_channels, H // 2, W // 2)."""
    ### BEGIN SOLUTION
    layers = []
    for _ in range(convolutions):
        layers += [Conv2d(in_channels, out_channels, 3, padding=1, rng=rng), ReLU()]
        in_channels = out_channels
    return Sequential(*layers, MaxPool2d(2))
    ### END SOLUTION


def build_vgg(plan, in_channels, size, hidden, classes, rng):
    """Return a module from images (N, in_channels, size, size) to scores (N, classes)."""
    ### BEGIN SOLUTION
    blocks = []
    for convolutions, channels in plan:
        blocks.append(vgg_block(convolutions, in_channels, channels, rng))
        in_channels = channels
    left = size // 2 ** len(plan)
    return Sequential(
        *blocks,
        Flatten(),
        Linear(channels * left**2, hidden, rng=rng),
        ReLU(),
        Dropout(0.5, rng=rng),
        Linear(hidden, classes, rng=rng),
    )
    ### END SOLUTION


# %% nbgrader="vgg visible 4"
def test_vgg():
    with check.own_work(("dlcourse.nn",)):
        block = vgg_block(2, 3, 8, np.random.default_rng(0))
    check.that(isinstance(block, Module), "vgg_block should return a module, such as Sequential.")
    shapes = [p.data.shape for p in block.parameters()]
    check.that(
        shapes == [(8, 3, 3, 3), (8,), (8, 8, 3, 3), (8,)],
        "vgg_block(2, 3, 8, rng) should have two convolutions, from 3 to 8 and from 8 to 8 "
        f"channels; the parameters have the shapes {shapes}.",
    )
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 12)).astype(np.float32)
    with check.own_work(("dlcourse.nn",)), check.unchanged(x=x):
        y = block(x)
        dx = block.backward(np.ones((2, 8, 4, 6), np.float32)) if y.shape == (2, 8, 4, 6) else None
    for sentence, wrong in [
        ("The block is pooled after each convolution; once at its end is asked for.", (2, 3)),
        ("There is no pooling at the end of the block.", (8, 12)),
        ("Without padding=1 each convolution takes two pixels away.", (2, 4)),
        ("A stride of 1 seems to be used for the pooling.", (7, 11)),
    ]:
        check.that(y.shape[2:] != wrong, f"The output has the shape {y.shape}. {sentence}")
    check.shape(y, (2, 8, 4, 6), "the output of a block")
    check.that(y.min() >= 0, "There are values below zero: a ReLU follows each convolution.")
    check.shape(dx, x.shape, "the result of the block's backward pass")
    with check.own_work(("dlcourse.nn",)):
        net = build_vgg([(1, 4), (2, 6)], 3, 20, 10, 5, np.random.default_rng(0))
    check.that(isinstance(net, Module), "build_vgg should return a module, such as Sequential.")
    count = sum(p.data.size for p in net.parameters())
    check.that(
        count == 2_229,
        f"build_vgg([(1, 4), (2, 6)], 3, 20, 10, 5, rng) should have 2,229 parameters, and has "
        f"{count:,}; the first linear layer has 6 * 5 * 5 inputs.",
    )
    with check.own_work(("dlcourse.nn",)):
        scores = net.eval()(np.zeros((2, 3, 20, 20), np.float32))
    check.shape(scores, (2, 5), "the scores of two images")


test_vgg()
check.passed("Task 2")


# %% nbgrader="vgg hidden 6"
def finished_vgg(plan, in_channels, size, hidden, classes, rng, relu=ReLU, last=ReLU):
    layers = []
    for convolutions, channels in plan:
        for _ in range(convolutions):
            layers += [Conv2d(in_channels, channels, 3, padding=1, rng=rng), relu()]
            in_channels = channels
        layers.append(MaxPool2d(2))
    layers += [Flatten(), Linear(channels * (size // 2 ** len(plan)) ** 2, hidden, rng=rng), last()]
    return Sequential(*layers, Linear(hidden, classes, rng=rng))


def test_vgg_hidden():
    rng = np.random.default_rng(2)
    nothing = Sequential
    for plan, channels, size, hidden, classes in [
        ([(1, 4), (2, 6)], 3, 20, 40, 5), ([(3, 5)], 1, 9, 32, 10),
        ([(1, 2), (1, 4), (2, 8)], 2, 25, 48, 3),
    ]:
        right = finished_vgg(plan, channels, size, hidden, classes, rng)
        with check.own_work(("dlcourse.nn",)):
            net = build_vgg(plan, channels, size, hidden, classes, np.random.default_rng(3))
            again = build_vgg(plan, channels, size, hidden, classes, np.random.default_rng(3))
        same = all((p.data == q.data).all()
                   for p, q in zip(net.parameters(), again.parameters(), strict=True))
        check.that(same, "The initial weights must come from rng alone.")
        share_weights(right, net)
        x = rng.standard_normal((3, channels, size, size)).astype(np.float32)
        others = {}
        for sentence, options in [
            ("The ReLU after the convolutions is missing.", dict(relu=nothing)),
            ("The ReLU after the hidden layer is missing.", dict(last=nothing)),
        ]:
            other = finished_vgg(plan, channels, size, hidden, classes, rng, **options)
            share_weights(right, other)
            others[sentence] = other(x)
        with check.own_work(("dlcourse.nn",)):
            y = net.eval()(x)
        check.close(y, right(x), f"the scores of {plan}", others, tolerance=1e-4)
        dy = rng.standard_normal(y.shape).astype(np.float32)
        with check.own_work(("dlcourse.nn",)):
            dx = net.backward(dy)
        check.close(dx, right.backward(dy), f"dx of {plan}", tolerance=1e-4)
        for p, q in zip(net.parameters(), right.parameters(), strict=True):
            check.close(p.grad, q.grad, f"the gradient of a parameter of {plan}", tolerance=1e-4)
        dropouts = [m.p for _, m in net.named_modules() if isinstance(m, Dropout)]
        check.that(dropouts == [0.5], "There should be one dropout, with probability 0.5.")
        net.train()
        scores = np.concatenate([net(x[:1].repeat(50, axis=0)) for _ in range(8)])
        check.that(scores.std(axis=0).min() > 0, "Dropout should act in training.")
        check.that((scores == 0).mean() < 0.01, "Scores are dropped; dropout stands before the last layer.")
        error = abs(scores.mean(axis=0) - right(x[:1])[0]) / scores.std(axis=0)
        check.that(error.max() < 0.4, "Dropout stands between the last ReLU and the last layer.")


test_vgg_hidden()

# %% [markdown]
# ## Task 3: the 1 x 1 convolution is a matrix product
#
# *12 points, 35 minutes, medium*
#
# Taught in: "GoogLeNet: wide as well as deep", section [A convolution of 1 x 1](https://dlcourse.github.io/dlcourse/book/2-history/googlenet.html#a-convolution-of-1-x-1)
#
# A filter of one pixel mixes channels and leaves places alone:
#
# $$y_{noij} = b_o + \sum_c w_{oc}\, x_{n,\,c,\,iS,\,jS}$$
#
# So it is a linear layer applied at every pixel: one matrix product for all of them. GoogLeNet uses it to get rid of channels before the expensive 3 x 3 and 5 x 5 filters, ResNet to carry the shortcut across a change of shape, with stride 2.
#
# - `conv1x1(x, w, b, stride)` returns (N, O, OH, OW). `w` is (O, C), `b` is (O,), and every `stride`-th row and column is used, beginning with the first.
# - `conv1x1_backward(dy, x, w, stride)` returns `dx, dw, db`, summed over the batch.
#
# No loops over pixels: each function must take at most a quarter of the time that a loop over pixels takes. Done well, it takes about a hundredth. Write it in NumPy, without layers of `dlcourse.nn`.
#
# <details><summary>Hint: a row for each pixel</summary>
#
# `x.transpose(0, 2, 3, 1).reshape(-1, C)` has a row of C channels for each pixel. The product with `w.T` has the shape (N OH OW, O): reshape it to (N, OH, OW, O), and transpose after that.
# </details>
# <details><summary>Hint: the gradients</summary>
#
# With the rows of `dy` and of `x`: `dw` is `dy_rows.T @ x_rows`, and the gradient of the rows of `x` is `dy_rows @ w`.
# </details>
# <details><summary>Hint: stride in the backward pass</summary>
#
# Pixels that were skipped had no influence; their gradient is zero. Make `np.zeros_like(x)` and write into `dx[:, :, ::stride, ::stride]`.
# </details>

# %% nbgrader="conv1x1 solution"
def conv1x1(x, w, b, stride=1):
    """Mix the channels of images (N, C, H, W) with weights (O, C)."""
    ### BEGIN SOLUTION
    x = x[:, :, ::stride, ::stride]
    n, c, h, width = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, c)
    y = rows @ w.T + b
    return y.reshape(n, h, width, len(w)).transpose(0, 3, 1, 2)
    ### END SOLUTION


def conv1x1_backward(dy, x, w, stride=1):
    """Return dx (N, C, H, W), dw (O, C) and db (O,) for dy (N, O, OH, OW)."""
    ### BEGIN SOLUTION
    n, o, h, width = dy.shape
    x_rows = x[:, :, ::stride, ::stride].transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    dy_rows = dy.transpose(0, 2, 3, 1).reshape(-1, o)
    dx = np.zeros_like(x)
    dx_rows = dy_rows @ w
    dx[:, :, ::stride, ::stride] = dx_rows.reshape(n, h, width, -1).transpose(0, 3, 1, 2)
    return dx, dy_rows.T @ x_rows, dy_rows.sum(axis=0)
    ### END SOLUTION


# %% nbgrader="conv1x1 visible 5"
def test_conv1x1():
    # One image of 1 x 2 pixels with two channels: (1, 10) and (2, 20).
    x = np.array([[[[1, 2]], [[10, 20]]]], np.float32)
    w = np.array([[1, 1], [2, 0], [0, 3]], np.float32)
    b = np.array([100, 200, 300], np.float32)
    with check.own_work(), check.unchanged(x=x, w=w, b=b):
        y = conv1x1(x, w, b)
    right = np.array([[[[111, 122]], [[202, 204]], [[330, 360]]]], np.float32)
    check.close(
        y, right, "y",
        mistakes={
            "The bias b seems to be forgotten.": right - b[:, None, None],
            "The product is (N OH OW, O): reshape it to (N, OH, OW, O) and transpose after that.":
                right.transpose(0, 2, 3, 1).reshape(right.shape),
            "Move the channels to the end before the reshape, so that a row holds one pixel.":
                np.array([[[[103, 130]], [[202, 220]], [[306, 360]]]]),
        },
    )
    check.dtype(y, np.float32, "y")
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 3, 4)), rng.standard_normal((2, 2, 3, 4))
    w, b = rng.standard_normal((2, 3)), rng.standard_normal(2)

    def forward():
        return np.einsum("nchw,oc->nohw", x, w) + b[:, None, None]

    with check.own_work(), check.unchanged(dy=dy, x=x, w=w):
        found = conv1x1_backward(dy, x, w)
    check.that(isinstance(found, tuple) and len(found) == 3, "Return three arrays: dx, dw, db.")
    dx, dw, db = found
    check.gradient(
        forward, b, db, dy, "db",
        mistakes={"db is a mean over the batch; it should be a sum.": dy.sum(axis=(0, 2, 3)) / 2,
                  "db is not summed over the batch.": dy[0].sum(axis=(1, 2))},
    )
    check.gradient(
        forward, w, dw, dy, "dw",
        mistakes={"dw sees only the first image; it should be summed over the batch.":
                  np.einsum("ohw,chw->oc", dy[0], x[0])},
    )
    check.gradient(forward, x, dx, dy, "dx")


def test_conv1x1_speed():
    rng = np.random.default_rng(1)
    x, w, b = rng.random((1, 4, 48, 48)), rng.random((4, 4)), rng.random(4)

    def loop():
        y = np.empty_like(x)
        for i in range(48):
            for j in range(48):
                y[0, :, i, j] = w @ x[0, :, i, j] + b

    def loop_backward():
        dx, dw = np.empty_like(x), np.zeros_like(w)
        for i in range(48):
            for j in range(48):
                dx[0, :, i, j] = w.T @ x[0, :, i, j]
                dw += np.outer(x[0, :, i, j], x[0, :, i, j])

    cause = "a Python loop over pixels where one matrix product would do"
    check.faster(lambda: conv1x1(x, w, b), loop, 0.25, "conv1x1", "a loop over pixels", cause)
    check.faster(
        lambda: conv1x1_backward(x, x, w), loop_backward, 0.25, "conv1x1_backward",
        "a loop over pixels", cause,
    )


test_conv1x1()
test_conv1x1_speed()
check.passed("Task 3")


# %% nbgrader="conv1x1 hidden 7"
def test_conv1x1_hidden():
    rng = np.random.default_rng(2)
    for n, c, o, size, stride in [
        (2, 3, 4, (6, 5), 1), (3, 4, 2, (6, 4), 2), (2, 2, 2, (7, 5), 2), (1, 5, 1, (8, 7), 3),
    ]:
        for dtype in (np.float32, np.float64):
            conv = Conv2d(c, o, 1, stride, rng=rng).astype(dtype)
            x = rng.standard_normal((n, c, *size)).astype(dtype)
            w = conv.weight.data.reshape(o, c).copy()
            conv.bias.data = b = rng.standard_normal(o).astype(dtype)
            right = conv(x)
            dy = rng.standard_normal(right.shape).astype(dtype)
            with check.own_work(), check.unchanged(x=x, w=w, b=b, dy=dy):
                y = conv1x1(x, w, b, stride)
                found = conv1x1_backward(dy, x, w, stride)
            wanted = conv.backward(dy), conv.weight.grad.reshape(o, c), conv.bias.grad
            repeated = None
            if stride > 1:
                repeated = wanted[0][:, :, ::stride, ::stride].repeat(stride, 2).repeat(stride, 3)
                repeated = repeated[:, :, : size[0], : size[1]]
            name = f"(stride {stride})"
            check.close(y, right, f"y {name}")
            check.dtype(y, dtype, f"y {name}")
            check.close(
                found[0], wanted[0], f"dx {name}",
                mistakes={"Pixels that the stride skips had no influence; their gradient is zero.":
                          repeated},
            )
            check.close(found[1], wanted[1], f"dw {name}")
            check.close(found[2], wanted[2], f"db {name}")
            for one, what in zip(found, ("dx", "dw", "db"), strict=True):
                check.dtype(one, dtype, f"{what} {name}")


test_conv1x1_hidden()

# %% [markdown]
# ## Task 4: an Inception block
#
# *16 points, 60 minutes, medium*
#
# Taught in: "GoogLeNet: wide as well as deep", section [Backward through a block](https://dlcourse.github.io/dlcourse/book/2-history/googlenet.html#backward-through-a-block)
#
# Which filter size is right? GoogLeNet takes them all, side by side on the same input, and joins the outputs along the channels:
#
# | branch | layers | channels out |
# |---|---|---|
# | 1 | 1 x 1 convolution | `one` |
# | 2 | 1 x 1 convolution to `three_reduce`, 3 x 3 convolution with padding 1 | `three` |
# | 3 | 1 x 1 convolution to `five_reduce`, 5 x 5 convolution with padding 2 | `five` |
# | 4 | 3 x 3 max pooling with stride 1 and padding 1, 1 x 1 convolution | `pool` |
#
# A ReLU follows *each* convolution. Write it as a module with `forward` and `backward`. In the backward pass each branch gets its own channels of `dy`; all branches read the same `x`, so its gradient is the sum of theirs. Make the layers in the order of the table, as attributes of the block. For the branches you may use every layer of `dlcourse.nn`; you may not use `Concat`, which does the joining: that is what you write yourself.
#
# <details><summary>Hint: a branch</summary>
#
# `Sequential(Conv2d(in_channels, three_reduce, 1, rng=rng), ReLU(), Conv2d(three_reduce, three, 3, padding=1, rng=rng), ReLU())`. Each ReLU needs an object of its own, because it remembers what was above zero.
# </details>
# <details><summary>Hint: joining and splitting</summary>
#
# `np.concatenate(outputs, axis=1)`. Keep the widths of the branches, and cut `dy[:, start : start + width]` for each; or `np.split(dy, ends, axis=1)` with the places where one branch ends and the next begins, from `np.cumsum`.
# </details>

# %% nbgrader="inception solution"
class InceptionBlock(Module):
    """Four branches on the same input (N, in_channels, H, W), joined along the channels."""

    def __init__(
        self, in_channels, one, three_reduce, three, five_reduce, five, pool, *, rng
    ):
        super().__init__()
        ### BEGIN SOLUTION
        self.branch1 = Sequential(Conv2d(in_channels, one, 1, rng=rng), ReLU())
        self.branch2 = Sequential(
            Conv2d(in_channels, three_reduce, 1, rng=rng), ReLU(),
            Conv2d(three_reduce, three, 3, padding=1, rng=rng), ReLU(),
        )
        self.branch3 = Sequential(
            Conv2d(in_channels, five_reduce, 1, rng=rng), ReLU(),
            Conv2d(five_reduce, five, 5, padding=2, rng=rng), ReLU(),
        )
        self.branch4 = Sequential(
            MaxPool2d(3, stride=1, padding=1), Conv2d(in_channels, pool, 1, rng=rng), ReLU(),
        )
        self.ends = np.cumsum([one, three, five])
        ### END SOLUTION

    def forward(self, x):
        """Return (N, one + three + five + pool, H, W)."""
        ### BEGIN SOLUTION
        branches = self.branch1, self.branch2, self.branch3, self.branch4
        return np.concatenate([branch(x) for branch in branches], axis=1)
        ### END SOLUTION

    def backward(self, dy):
        """Return the gradient with respect to x."""
        ### BEGIN SOLUTION
        branches = self.branch1, self.branch2, self.branch3, self.branch4
        shares = np.split(dy, self.ends, axis=1)
        return sum(branch.backward(share) for branch, share in zip(branches, shares, strict=True))
        ### END SOLUTION


# %% nbgrader="inception visible 6"
def finished_inception(c, one, r3, three, r5, five, pool):
    rng = np.random.default_rng(1)
    return Concat(
        Sequential(Conv2d(c, one, 1, rng=rng), ReLU()),
        Sequential(Conv2d(c, r3, 1, rng=rng), ReLU(), Conv2d(r3, three, 3, padding=1, rng=rng), ReLU()),
        Sequential(Conv2d(c, r5, 1, rng=rng), ReLU(), Conv2d(r5, five, 5, padding=2, rng=rng), ReLU()),
        Sequential(MaxPool2d(3, stride=1, padding=1), Conv2d(c, pool, 1, rng=rng), ReLU()),
    )


def own_inception():
    return check.own_work(("dlcourse.nn",), but_not=("dlcourse.nn.containers.Concat",))


def check_inception(sizes, x, tolerance):
    """Compare the block with the finished parts, forward and backward."""
    rng = np.random.default_rng(2)
    right = finished_inception(*sizes).astype(x.dtype)
    for p in right.parameters():
        if p.data.ndim == 1:  # biases, so that no branch is zero by chance
            p.data[...] = rng.uniform(0.2, 0.5, p.data.shape)
    with own_inception():
        block = InceptionBlock(*sizes, rng=np.random.default_rng(3))
    check.that(isinstance(block, Module), "InceptionBlock should stay a module.")
    share_weights(right, block.astype(x.dtype))
    wanted = right(x)
    with own_inception(), check.unchanged(x=x):
        try:
            y = block(x)
        except ValueError as error:
            raise check.CheckFailed(
                f"the branches cannot be joined ({error}). All must keep height and width: a K x K "
                "filter or pooling needs padding K // 2 and stride 1; and join along axis 1."
            ) from None
    names = ["1", "2 (3 x 3)", "3 (5 x 5)", "4 (pooling)"]
    ends = np.cumsum([0, sizes[1], sizes[3], sizes[5], sizes[6]])
    check.shape(y, wanted.shape, "the output, joined along the channels,")
    check.that(y.min() >= 0, "There are values below zero: a ReLU follows each convolution.")
    for name, start, end in zip(names, ends[:-1], ends[1:], strict=True):
        check.close(y[:, start:end], wanted[:, start:end], f"the output of branch {name}",
                    tolerance=tolerance)
    dy = rng.standard_normal(y.shape).astype(x.dtype)
    with own_inception(), check.unchanged(dy=dy, x=x):
        try:
            dx = block.backward(dy)
        except ValueError as error:
            raise check.CheckFailed(
                f"the backward pass failed ({error}). Each branch gets its own channels of dy; "
                f"here branches end at {ends[1:].tolist()}."
            ) from None
    total = right.backward(dy)
    parts = [branch.backward(dy[:, a:b])
             for branch, a, b in zip(right, ends[:-1], ends[1:], strict=True)]
    for p in right.parameters():
        p.grad = p.grad / 2  # it went through the branches twice
    check.close(
        dx, total, "dx", tolerance=tolerance,
        mistakes={f"dx is that of branch {name} alone; all branches read x, so add them up.": part
                  for name, part in zip(names, parts, strict=True)}
        | {"dx is the mean of the branches; add them up.": total / 4},
    )
    check.dtype(dx, x.dtype, "dx")
    check.dtype(y, x.dtype, "y")
    for i, (p, q) in enumerate(zip(block.parameters(), right.parameters(), strict=True)):
        check.that(p.grad is not None, "A parameter has no gradient: every branch must go backward.")
        check.close(p.grad, q.grad, f"the gradient of parameter {i}", tolerance=tolerance)
    return block


def test_inception():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 6))
    check_inception((3, 2, 4, 5, 2, 3, 4), x, 1e-6)


test_inception()
check.passed("Task 4")


# %% nbgrader="inception hidden 10"
def test_inception_hidden():
    rng = np.random.default_rng(4)
    for sizes, shape in [
        ((4, 3, 2, 3, 2, 3, 3), (1, 4, 4, 7)), ((1, 1, 2, 6, 1, 2, 1), (3, 1, 7, 3)),
        ((8, 4, 3, 6, 2, 3, 5), (2, 8, 6, 6)),
    ]:
        check_inception(sizes, rng.standard_normal(shape), 1e-6)
        check_inception(sizes, rng.standard_normal(shape).astype(np.float32), 1e-4)
    # Negative everywhere: the border of the pooling must not count as a pixel of value 0.
    check_inception((3, 2, 4, 5, 2, 3, 4), -1 - rng.random((2, 3, 5, 5)), 1e-6)
    # Two blocks, one after the other: what a pass keeps belongs to its block.
    with own_inception():
        first = InceptionBlock(2, 1, 2, 3, 1, 1, 2, rng=rng)
        second = InceptionBlock(7, 2, 2, 2, 1, 2, 1, rng=rng)
        x = rng.standard_normal((2, 2, 5, 5)).astype(np.float32)
        y = second(first(x))
        dx = first.backward(second.backward(np.ones_like(y)))
    rights = [finished_inception(2, 1, 2, 3, 1, 1, 2), finished_inception(7, 2, 2, 2, 1, 2, 1)]
    for mine, right in zip((first, second), rights, strict=True):
        share_weights(mine, right)
    both = Sequential(*rights)
    check.close(y, both(x), "the output of two blocks", tolerance=1e-4)
    check.close(dx, both.backward(np.ones_like(y)), "dx of two blocks", tolerance=1e-4)


test_inception_hidden()

# %% [markdown]
# ## Task 5: batch normalization
#
# *18 points, 75 minutes, hard*
#
# Taught in: "ResNet: the degradation problem and the identity", section [Back through batch normalization](https://dlcourse.github.io/dlcourse/book/2-history/resnet.html#back-through-batch-normalization)
#
# In training, each channel is shifted and scaled to mean 0 and variance 1 over the batch and all pixels, and then scaled and shifted by two learnt numbers, `weight` ($\gamma$) and `bias` ($\beta$):
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma \hat x + \beta$$
#
# with the mean $\mu$ and the variance $\sigma^2$ of each channel over its M = N H W values, divided by M. Each training pass also updates two running averages, for later:
#
# $$\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{new}$$
#
# where the new variance is the *unbiased* one, divided by M - 1; that is PyTorch's rule. Outside training (`self.training` is False) the running averages take the place of $\mu$ and $\sigma^2$, and do not change.
#
# The backward pass in training must remember that $\mu$ and $\sigma$ depend on every value of the channel. With means over the M values of a channel,
#
# $$dx = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}} \left( dy - \operatorname{mean}(dy) - \hat x \operatorname{mean}(dy\, \hat x) \right), \qquad d\gamma = \sum dy\, \hat x, \qquad d\beta = \sum dy$$
#
# Derive the first on paper before you type it. Outside training $\mu$ and $\sigma$ are constants, so $dx$ is simpler.
#
# The module needs the parameters `weight` (ones) and `bias` (zeros), and the buffers `running_mean` (zeros) and `running_var` (ones), all float32 of shape (channels,). `self.register_buffer("running_mean", array)` makes `self.running_mean`, an array that is saved with the network and not learnt; change it in place (`self.running_mean[...] = ...`). Write it in NumPy, without layers of `dlcourse.nn` other than `Module` and `Parameter`.
#
# <details><summary>Hint: shapes</summary>
#
# `x.mean(axis=(0, 2, 3), keepdims=True)` is (1, C, 1, 1) and fits x. A number for each channel, (C,), becomes that with `[:, None, None]`.
# </details>
# <details><summary>Hint: what to keep</summary>
#
# The backward pass needs $\hat x$, $1/\sqrt{\sigma^2 + \epsilon}$, and whether the *forward* pass ran in training mode.
# </details>
# <details><summary>Hint: the variance</summary>
#
# Subtract the mean first, then take the mean of the squares. The mean of $x^2$ minus $\mu^2$ is the same on paper, but in float32 it loses all digits when the mean is large.
# </details>

# %% nbgrader="batch-norm solution"
class MyBatchNorm(Module):
    """Normalize each channel of (N, channels, H, W)."""

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        ### BEGIN SOLUTION
        self.eps, self.momentum = eps, momentum
        self.weight = Parameter(np.ones(channels, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))
        self.register_buffer("running_mean", np.zeros(channels, np.float32))
        self.register_buffer("running_var", np.ones(channels, np.float32))
        ### END SOLUTION

    def forward(self, x):
        """Return the normalized images."""
        ### BEGIN SOLUTION
        self.trained = self.training
        if self.training:
            mean = x.mean(axis=(0, 2, 3))
            var = ((x - mean[:, None, None]) ** 2).mean(axis=(0, 2, 3))
            count = x.size // x.shape[1]
            new_var = var * (count / (count - 1))
            m = self.momentum
            self.running_mean[...] = (1 - m) * self.running_mean + m * mean
            self.running_var[...] = (1 - m) * self.running_var + m * new_var
        else:
            mean, var = self.running_mean, self.running_var
        self.inverse_std = 1 / np.sqrt(var + self.eps)
        self.x_hat = (x - mean[:, None, None]) * self.inverse_std[:, None, None]
        return self.weight.data[:, None, None] * self.x_hat + self.bias.data[:, None, None]
        ### END SOLUTION

    def backward(self, dy):
        """Add to the gradients of weight and bias, and return the gradient with respect to x."""
        ### BEGIN SOLUTION
        dw, db = (dy * self.x_hat).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
        self.weight.accumulate(dw)
        self.bias.accumulate(db)
        dx = dy
        if self.trained:
            count = dy.size // dy.shape[1]
            dx = dy - db[:, None, None] / count - self.x_hat * dw[:, None, None] / count
        return (self.weight.data * self.inverse_std)[:, None, None] * dx
        ### END SOLUTION


# %% nbgrader="batch-norm visible 6"
def batch_norm_pair(channels, dtype, rng, **options):
    """Return your layer and the finished one, with the same weights."""
    with check.own_work():
        mine = MyBatchNorm(channels, **options)
    state = mine.state_dict()
    for name in ("weight", "bias", "running_mean", "running_var"):
        check.that(
            name in state,
            f"{name} is not in the state: weight and bias are Parameters, running_mean and "
            "running_var are made with self.register_buffer.",
        )
        start = np.full(channels, float(name in ("weight", "running_var")))
        check.close(state[name], start, f"{name} at the start")
        check.dtype(state[name], np.float32, f"{name} at the start")
    check.that(len(mine.parameters()) == 2, "There are two Parameters, weight and bias.")
    finished = BatchNorm2d(channels, **options).astype(dtype)
    mine.astype(dtype)
    for p, low in ((finished.weight, 0.5), (finished.bias, -1.0)):
        p.data[...] = rng.uniform(low, low + 1.5, channels)
    mine.weight.data[...], mine.bias.data[...] = finished.weight.data, finished.bias.data
    return mine, finished


def test_batch_norm():
    rng = np.random.default_rng(0)
    mine, finished = batch_norm_pair(3, np.float64, rng)
    x, dy = rng.normal(2, 3, (4, 3, 2, 2)), rng.standard_normal((4, 3, 2, 2))
    gamma, beta = (p.data[:, None, None] for p in (finished.weight, finished.bias))
    with check.own_work(), check.unchanged(x=x):
        y = mine(x)

    def normalized(axis=(0, 2, 3), ddof=0, gamma=gamma, beta=beta):
        mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, ddof=ddof, keepdims=True)
        return gamma * (x - mean) / np.sqrt(var + 1e-5) + beta

    x_hat, mean, var = normalized(gamma=1, beta=0), x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    check.close(
        y, finished(x), "y in training", tolerance=1e-8,
        mistakes={
            "Mean and variance are those of each image; take them over the batch as well.":
                normalized((2, 3)),
            "Mean and variance are those of each pixel; take them over height and width as well.":
                normalized(0),
            "Mean and variance are those of all channels together; each has its own.":
                normalized((0, 1, 2, 3)),
            "The variance inside y is divided by M, and only the running one by M - 1.":
                normalized(ddof=1),
            "It is divided by the variance; the square root is missing.":
                gamma * (x - mean[:, None, None]) / (var + 1e-5)[:, None, None] + beta,
            "weight and bias are forgotten: y = weight * x_hat + bias.": x_hat,
            "The running averages are used; in training the batch has its own.":
                gamma * x / math.sqrt(1 + 1e-5) + beta,
        },
    )
    check.close(
        mine.running_mean, 0.1 * mean, "running_mean after one batch", tolerance=1e-8,
        mistakes={
            "running_mean is that of the batch; it should move by `momentum` towards it.": mean,
            "momentum is the share of the new mean, not of the old one.": 0.9 * mean,
            "running_mean did not move; each pass in training updates it.": 0 * mean,
        },
    )
    unbiased = var * 16 / 15
    check.close(
        mine.running_var, 0.9 + 0.1 * unbiased, "running_var after one batch", tolerance=1e-8,
        mistakes={
            "The running variance is the unbiased one: divided by M - 1, not by M.": 0.9 + 0.1 * var,
            "M is the number of values of a channel, N H W, not the number of images.":
                0.9 + 0.1 * var * 4 / 3,
            "momentum is the share of the new variance, not of the old one.": 0.1 + 0.9 * unbiased,
            "running_var is that of the batch; it should move by `momentum` towards it.": unbiased,
            "running_var did not move; each pass in training updates it.": np.ones(3),
        },
    )
    with check.own_work(), check.unchanged(dy=dy, x=x):
        dx = mine.backward(dy)
    check.that(
        mine.weight.grad is not None and mine.bias.grad is not None,
        "Add to the gradients with self.weight.accumulate(...) and self.bias.accumulate(...).",
    )
    check.gradient(
        lambda: finished(x), finished.bias.data, mine.bias.grad, dy, "the gradient of bias",
        mistakes={"The gradient of bias is a mean; it should be a sum.": dy.mean(axis=(0, 2, 3))},
    )
    check.gradient(
        lambda: finished(x), finished.weight.data, mine.weight.grad, dy, "the gradient of weight",
        mistakes={"The gradient of weight is a sum of dy * x_hat, not of dy * x.":
                  (dy * x).sum(axis=(0, 2, 3))},
    )
    scale, mean_dy = gamma / np.sqrt(var + 1e-5)[:, None, None], dy.mean(axis=(0, 2, 3), keepdims=True)
    mean_dy_x_hat = (dy * x_hat).mean(axis=(0, 2, 3), keepdims=True)
    check.gradient(
        lambda: finished(x), x, dx, dy, "dx in training",
        mistakes={
            "Mean and variance depend on x as well; this dx takes them for constants.": scale * dy,
            "dx forgets that the variance depends on x.": scale * (dy - mean_dy),
            "dx forgets that the mean depends on x.": scale * (dy - x_hat * mean_dy_x_hat),
            "dx lacks the factor weight.": scale / gamma * (dy - mean_dy - x_hat * mean_dy_x_hat),
            "dx subtracts sums where means belong.":
                scale * (dy - 16 * mean_dy - 16 * x_hat * mean_dy_x_hat),
        },
    )


test_batch_norm()
check.passed("Task 5")


# %% nbgrader="batch-norm hidden 12"
def compare_batch_norm(mine, finished, x, dy, name, tolerance):
    averages = mine.running_mean, mine.running_var
    before = [a.copy() for a in averages]
    right = finished(x), finished.backward(dy)
    with check.own_work(), check.unchanged(x=x, dy=dy):
        y = mine(x)
        after = [a.copy() for a in averages]
        dx = mine.backward(dy)
    if not mine.training:
        same = all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        check.that(same, "The running averages must not change outside of training.")
    check.close(y, right[0], f"y {name}", tolerance=tolerance)
    check.dtype(y, x.dtype, f"y {name}")
    for key, old, kept in zip(("running_mean", "running_var"), averages, after, strict=True):
        check.that(getattr(mine, key) is old, f"Change {key} in place, with [...] =.")
        check.close(kept, getattr(finished, key), f"{key} {name}", tolerance=tolerance)
        check.close(old, kept, f"{key} after the backward pass, which must leave it alone,")
    check.close(
        dx, right[1], f"dx {name}", tolerance=tolerance,
        mistakes={} if mine.training else {
            "Outside of training mean and variance are constants; dx is simpler there.":
                constant_dx(finished, x, dy),
        },
    )
    check.dtype(dx, x.dtype, f"dx {name}")
    for key in ("weight", "bias"):
        p, q = getattr(mine, key), getattr(finished, key)
        check.close(p.grad, q.grad, f"the gradient of {key}, added up over the passes,",
                    tolerance=tolerance)
        check.dtype(p.grad, x.dtype, f"the gradient of {key}")


def constant_dx(finished, x, dy):
    """What the formula of training would give with the running averages."""
    inverse = 1 / np.sqrt(finished.running_var + finished.eps)
    x_hat = (x - finished.running_mean[:, None, None]) * inverse[:, None, None]
    mean, dot = (a.mean(axis=(0, 2, 3), keepdims=True) for a in (dy, dy * x_hat))
    return (finished.weight.data * inverse)[:, None, None] * (dy - mean - x_hat * dot)


def test_batch_norm_hidden():
    rng = np.random.default_rng(1)
    for shape, options in [
        ((4, 3, 5, 2), {}), ((1, 2, 3, 3), dict(momentum=0.3)), ((6, 4, 1, 1), dict(eps=0.5)),
        ((2, 1, 3, 7), dict(momentum=1.0, eps=1e-3)),
    ]:
        for dtype, tolerance in ((np.float32, 1e-4), (np.float64, 1e-8)):
            mine, finished = batch_norm_pair(shape[1], dtype, rng, **options)
            for training in (True, True, True, False, False, True):
                mine.train(training), finished.train(training)
                x = rng.normal(1, 2, shape).astype(dtype)
                dy = (x + rng.standard_normal(shape)).astype(dtype)  # so that no sum is next to 0
                mode = "in training" if training else "outside of training"
                compare_batch_norm(mine, finished, x, dy, f"{mode}, shape {shape}", tolerance)
    # The mode may change between the passes; the backward pass belongs to the forward pass.
    mine, finished = batch_norm_pair(2, np.float64, rng)
    x, dy = rng.normal(1, 2, (3, 2, 2, 2)), rng.standard_normal((3, 2, 2, 2))
    right = finished(x), finished.backward(dy)
    with check.own_work():
        mine(x)
        dx = mine.eval().backward(dy)
    check.close(dx, right[1], "dx, when the mode changes after the forward pass,")
    # A large mean: where the digits go that x * x cannot hold.
    mine, finished = batch_norm_pair(2, np.float32, rng)
    x = rng.normal(1000, 1, (8, 2, 6, 6)).astype(np.float32)
    with check.own_work():
        y = mine(x)
    exact = x - x.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    exact /= exact.std(axis=(0, 2, 3), keepdims=True)
    exact = mine.weight.data[:, None, None] * exact + mine.bias.data[:, None, None]
    check.that(
        abs(y - exact).max() < 0.02,
        f"Where the mean is 1,000, y is off by {abs(y - exact).max():.2g}: subtract the mean first, "
        "and take the mean of the squares after that.",
    )
    # A channel that is constant must not divide by zero.
    with check.own_work():
        y = MyBatchNorm(1)(np.full((2, 1, 3, 3), 5, np.float32))
    check.close(y, np.zeros((2, 1, 3, 3)), "y of a constant channel")


test_batch_norm_hidden()

# %% [markdown]
# ## Task 6: a residual block with a projection
#
# *14 points, 50 minutes, medium*
#
# Taught in: "ResNet: the degradation problem and the identity", section [Two blocks, and a projection](https://dlcourse.github.io/dlcourse/book/2-history/resnet.html#two-blocks-and-a-projection)
#
# A residual block learns what to *add* to its input:
#
# $$y = \operatorname{relu}(F(x) + S(x))$$
#
# - The body F: 3 x 3 convolution with padding 1 and the given `stride`, batch norm, ReLU, 3 x 3 convolution with padding 1 and stride 1, batch norm. No convolution has a bias, since batch norm would remove it.
# - The shortcut S is the identity where the shape stays the same. Where the stride is not 1 or the channels change, it is a *projection*: 1 x 1 convolution with the given `stride` and without a bias, and batch norm.
# - The last ReLU comes after the addition.
#
# Going backward, the gradient passes the last ReLU, then takes both ways, and at `x` the two shares add up. Make the layers in this order, body first, as attributes of the block. You may use every layer of `dlcourse.nn` except `Residual`, which does what you are to write.
#
# <details><summary>Hint: where there is no projection</summary>
#
# Assign `self.shortcut = None`, and ask `if self.shortcut is None` in both passes. The gradient of the identity is what came in.
# </details>
# <details><summary>Hint: the last ReLU</summary>
#
# It is a layer like the others: `self.relu = ReLU()`, and `dy = self.relu.backward(dy)` comes first in the backward pass. It must not be the same object as the ReLU in the body.
# </details>

# %% nbgrader="residual solution"
class ResidualBlock(Module):
    """relu(F(x) + S(x)), from (N, in_channels, H, W) to `out_channels`."""

    def __init__(self, in_channels, out_channels, stride=1, *, rng):
        super().__init__()
        ### BEGIN SOLUTION
        self.body = Sequential(
            Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False, rng=rng),
            BatchNorm2d(out_channels),
            ReLU(),
            Conv2d(out_channels, out_channels, 3, padding=1, bias=False, rng=rng),
            BatchNorm2d(out_channels),
        )
        self.shortcut = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = Sequential(
                Conv2d(in_channels, out_channels, 1, stride=stride, bias=False, rng=rng),
                BatchNorm2d(out_channels),
            )
        self.relu = ReLU()
        ### END SOLUTION

    def forward(self, x):
        """Return the output of the block."""
        ### BEGIN SOLUTION
        around = x if self.shortcut is None else self.shortcut(x)
        return self.relu(self.body(x) + around)
        ### END SOLUTION

    def backward(self, dy):
        """Return the gradient with respect to x."""
        ### BEGIN SOLUTION
        dy = self.relu.backward(dy)
        around = dy if self.shortcut is None else self.shortcut.backward(dy)
        return self.body.backward(dy) + around
        ### END SOLUTION


# %% nbgrader="residual visible 5"
def finished_residual(c, o, stride, late=False):
    rng = np.random.default_rng(1)
    strides = (1, stride) if late else (stride, 1)
    body = Sequential(
        Conv2d(c, o, 3, strides[0], 1, bias=False, rng=rng), BatchNorm2d(o), ReLU(),
        Conv2d(o, o, 3, strides[1], 1, bias=False, rng=rng), BatchNorm2d(o),
    )
    projection = Sequential(Conv2d(c, o, 1, stride, bias=False, rng=rng), BatchNorm2d(o))
    return Sequential(Residual(body, projection if stride != 1 or c != o else None), ReLU())


def own_residual():
    return check.own_work(("dlcourse.nn",), but_not=("dlcourse.nn.containers.Residual",))


def check_residual(c, o, stride, x, tolerance, training=True):
    """Compare the block with the finished parts, forward and backward."""
    rng = np.random.default_rng(2)
    right, late = finished_residual(c, o, stride), finished_residual(c, o, stride, late=True)
    with own_residual():
        block = ResidualBlock(c, o, stride, rng=np.random.default_rng(3))
    check.that(isinstance(block, Module), "ResidualBlock should stay a module.")
    count, wanted = (sum(p.data.size for p in m.parameters()) for m in (block, right))
    projected = stride != 1 or c != o
    for sentence, wrong in [
        ("The convolutions should have no bias.", wanted + (3 if projected else 2) * o),
        ("The convolutions of the body should have no bias.", wanted + 2 * o),
        ("The shape stays the same, so the shortcut is the identity.", wanted + c * o + 2 * o),
        ("Where the shape changes, the shortcut needs a projection.", wanted - c * o - 2 * o),
        ("Batch norm belongs after the convolution of the projection.", wanted - 2 * o),
    ]:
        check.that(count != wrong, f"There are {count} parameters instead of {wanted}. {sentence}")
    for p in right.parameters():
        if p.data.ndim == 1:
            p.data[...] = rng.uniform(0.2, 1, p.data.shape)
    for module in (block, late):
        share_weights(right.astype(x.dtype), module.astype(x.dtype))
    residual = right[0]
    for module in (right, block, late):
        norms = [m for _, m in module.named_modules() if isinstance(m, BatchNorm2d)]
        for i, norm in enumerate(norms):  # running averages, which count outside of training
            norm.running_mean[...], norm.running_var[...] = 0.1 * i, 1 + 0.2 * i
        module.train(training)
    y_right = right(x)
    body, around = residual.body(x), x if residual.shortcut is None else residual.shortcut(x)
    with own_residual(), check.unchanged(x=x):
        try:
            y = block(x)
        except ValueError as error:
            raise check.CheckFailed(
                f"the paths cannot be added ({error}). Where stride or channels change the shape, "
                "both paths must change it alike; the first convolution and the projection have "
                "the stride."
            ) from None
    name = f"({c} to {o} channels, stride {stride})"
    check.shape(y, y_right.shape, f"y {name}")
    if not projected and block.training:
        check.that(not np.shares_memory(y, x), "Return a new array, not x.")
    check.close(
        y, y_right, f"y {name}", tolerance=tolerance,
        mistakes={
            "The last ReLU comes after the addition, not before it.": np.maximum(body, 0) + around,
            "The ReLU after the addition is missing.": body + around,
            "The shortcut is missing.": np.maximum(body, 0),
            "The body is missing.": np.maximum(around, 0),
            "The first convolution of the body has the stride, not the second.":
                None if stride == 1 else late(x),
        },
    )
    dy = rng.standard_normal(y.shape).astype(x.dtype)
    with own_residual(), check.unchanged(dy=dy, x=x):
        dx = block.backward(dy)
    # Each path alone, and then, as the last, both: that is what the gradients are compared with.
    masked = right[1].backward(dy)
    unmasked = residual.backward(dy)
    through_body = residual.body.backward(masked)
    right.zero_grad()
    dx_right = right.backward(dy)
    check.close(
        dx, dx_right, f"dx {name}", tolerance=tolerance,
        mistakes={
            "dx is that of the body alone; the shortcut has a share as well.": through_body,
            "dx is that of the shortcut alone; the body has a share as well.":
                dx_right - through_body,
            "The gradient must pass the ReLU after the addition before it goes both ways.": unmasked,
            "The gradient passes the last ReLU on its way through the body, but not through the "
            "shortcut.": None if projected else through_body + dy,
            "The gradient of the shortcut is subtracted; the two add up.": 2 * through_body - dx_right,
        },
    )
    check.dtype(y, x.dtype, "y")
    check.dtype(dx, x.dtype, "dx")
    for i, (p, q) in enumerate(zip(block.parameters(), right.parameters(), strict=True)):
        check.that(p.grad is not None, "A parameter has no gradient: both paths go backward.")
        check.close(p.grad, q.grad, f"the gradient of parameter {i} {name}", tolerance=tolerance)


def test_residual():
    rng = np.random.default_rng(0)
    check_residual(3, 3, 1, rng.standard_normal((3, 3, 5, 4)), 1e-6)
    check_residual(2, 4, 2, rng.standard_normal((3, 2, 6, 4)), 1e-6)


test_residual()
check.passed("Task 6")


# %% nbgrader="residual hidden 9"
def test_residual_hidden():
    rng = np.random.default_rng(4)
    for c, o, stride, shape in [
        (3, 3, 1, (2, 3, 4, 6)), (3, 5, 1, (2, 3, 5, 5)), (4, 4, 2, (3, 4, 7, 5)),
        (4, 2, 3, (2, 4, 7, 8)), (1, 1, 1, (4, 1, 3, 3)),
    ]:
        for training in (True, False):
            x = rng.standard_normal(shape)
            check_residual(c, o, stride, x, 1e-6, training)
            check_residual(c, o, stride, x.astype(np.float32), 1e-4, training)
    # Two blocks, one after the other: what a pass keeps belongs to its block.
    x = rng.standard_normal((3, 2, 6, 6)).astype(np.float32)
    with own_residual():
        first, second = ResidualBlock(2, 3, 2, rng=rng), ResidualBlock(3, 3, rng=rng)
    rights = [finished_residual(2, 3, 2), finished_residual(3, 3, 1)]
    for mine, right in zip((first, second), rights, strict=True):
        share_weights(right, mine)
    both = Sequential(*rights)
    with own_residual():
        y = second(first(x))
        dx = first.backward(second.backward(y))
    check.close(y, both(x), "the output of two blocks", tolerance=1e-4)
    check.close(dx, both.backward(y), "dx of two blocks", tolerance=1e-4)


test_residual_hidden()

# %% [markdown]
# ## Task 7: a network of your own, under a budget
#
# *14 points, 60 minutes, medium*
#
# Taught in: "Raising accuracy", section [The other direction: a very small network](https://dlcourse.github.io/dlcourse/book/1-deeper/raising-accuracy.html#the-other-direction-a-very-small-network)
#
# AlexNet had 61 million parameters. You get **10,000**, and must read at least **95%** of 1,000 digits that your network has not seen, after it has learnt from 10,000. You may use every layer of `dlcourse.nn` and `dlcourse.optim`, the `Trainer`, the augmentations, and your blocks from above.
#
# - `build_small_net(rng)` returns your network, a module from images (N, 1, 28, 28) to scores (N, 10), with at most 10,000 parameters.
# - `train_small_net(net, images, labels, rng)` trains it on these images and labels, and on no others; what it returns is ignored. It should take less than a minute, and need not take more than ten seconds. All random numbers come from `rng`.
#
# Then the arrays in `net.state_dict()` are copied into a new network from `build_small_net`, which is tested. The hidden test trains once more, on other images with other labels.
#
# <details><summary>Hint: where parameters go</summary>
#
# A linear layer from 28 x 28 pixels to 13 values would use up the budget, and reads about 92%. A 3 x 3 convolution from 8 to 16 channels has 1,168 parameters, wherever it looks. Halve the image early (stride or pooling), and most of the cost of the first linear layer is gone; `GlobalAvgPool`, of `dlcourse.nn`, makes it smaller still. Count with your function of task 1.
# </details>
# <details><summary>Hint: training</summary>
#
# Adam with a learning rate of 0.01 that falls to zero over five epochs, with batches of 50. Batch norm after each convolution makes it less particular about the learning rate. Choose on images that you hold back from the 10,000, and try several seeds, because the tests use their own.
# </details>

# %% nbgrader="small-net solution"
def build_small_net(rng):
    """Return a network with at most 10,000 parameters, from (N, 1, 28, 28) to (N, 10)."""
    ### BEGIN SOLUTION
    return Sequential(
        Conv2d(1, 8, 5, stride=2, padding=2, bias=False, rng=rng), BatchNorm2d(8), ReLU(), MaxPool2d(2),
        Conv2d(8, 32, 3, padding=1, bias=False, rng=rng), BatchNorm2d(32), ReLU(), MaxPool2d(2),
        Flatten(), Linear(32 * 3 * 3, 10, rng=rng),
    )
    ### END SOLUTION


def train_small_net(net, images, labels, rng):
    """Train the network on images (N, 1, 28, 28) and their labels (N,)."""
    ### BEGIN SOLUTION
    optimizer = Adam(net.parameters(), lr=0.01)
    loss = CrossEntropyLoss()
    epochs, batch = 4, 50
    net.train()
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(images), batch):
            optimizer.lr = 0.01 * (1 - (epoch + start / len(images)) / epochs)
            chosen = order[start : start + batch]
            optimizer.zero_grad()
            loss(net(images[chosen]), labels[chosen])
            net.backward(loss.backward())
            optimizer.step()
    ### END SOLUTION


# %% nbgrader="small-net visible 7"
def own_network():
    return check.own_work(
        ("dlcourse.nn", "dlcourse.optim", "dlcourse.training", "dlcourse.distributed", "dlcourse.data.augment"),
        but_not=("dlcourse.data.mnist",),
    )


def built(seed):
    with own_network():
        net = build_small_net(np.random.default_rng(seed))
    check.that(isinstance(net, Module), "build_small_net should return a module.")
    count = sum(p.data.size for p in net.parameters())
    check.that(
        count,
        "The network has no parameters; it finds layers that are its attributes, and those of a "
        "Sequential, but not those in a plain list.",
    )
    check.that(count <= 10_000, f"The network has {count:,} parameters; at most 10,000 are allowed.")
    check.shape(net.eval()(np.zeros((2, 1, 28, 28), np.float32)), (2, 10), "the scores of two images")
    return net.train()


def trained(images, labels, seed=0, watched=True):
    net = built(seed)
    with check.unchanged(images=images, labels=labels):
        # Watching every call takes as long as the training; for that, short ones are enough.
        with own_network() if watched else nullcontext():
            train_small_net(net, images, labels, np.random.default_rng(seed))
    return net


def share_right(net, images, labels):
    """Return the share of images that a new network with the same state reads right."""
    new = built(99)
    new.load_state_dict(net.state_dict())
    new.eval()
    scores = np.concatenate([new(images[i : i + 100]) for i in range(0, len(images), 100)])
    return float((scores.argmax(axis=1) == labels).mean())


def check_share(share):
    print(f"{share:.1%} of 1,000 unseen digits are read right")
    likely = ""
    if share < 0.3:
        likely = " That is near chance: do labels still belong to their images when you shuffle, " \
                 "and is the learning rate not too large?"
    elif share < 0.935:
        likely = " A single linear layer reaches some 92%. Convolutions make more of each " \
                 "parameter; give them enough images and epochs, and try other learning rates."
    check.that(share >= 0.95, f"{share:.1%} are read right; at least 95% are asked for.{likely}")


def test_small_net():
    built(0)
    train, _ = load_mnist()
    few, held_out = train.subset(slice(10_000)), train.subset(slice(50_000, 60_000, 10))
    net, start = trained(few.images[:100], few.labels[:100]), built(0)
    moved = [not np.array_equal(p.data, q.data)
             for p, q in zip(net.parameters(), start.parameters(), strict=True)]
    check.that(any(moved), "No parameter moved in training; is optimizer.step() missing?")
    check.that(all(moved), "Some parameters did not move in training; hand all to the optimizer.")
    net = trained(few.images, few.labels, watched=False)
    check_share(share_right(net, held_out.images, held_out.labels))


test_small_net()
check.passed("Task 7")


# %% nbgrader="small-net hidden 7"
def test_small_net_hidden():
    built(1)
    train, test = load_mnist()
    few = train.subset(slice(200))
    first, again = (trained(few.images, few.labels, seed=1) for _ in range(2))
    other = trained(few.images, few.labels, seed=2)
    weights, same, different = (
        np.concatenate([p.data.ravel() for p in net.parameters()]) for net in (first, again, other)
    )
    check.that(
        np.array_equal(weights, same) and not np.array_equal(weights, different),
        "The same seed should repeat the network and its training: use rng, and it alone.",
    )
    # Other images, and every digit under another name: what was learnt elsewhere does not help.
    some, held_out = train.subset(slice(30_000, 40_000)), test.subset(slice(0, 10_000, 10))
    net = trained(some.images, (some.labels + 3) % 10, seed=3, watched=False)
    old_names = share_right(net, held_out.images, held_out.labels)
    check.that(old_names < 0.5, "The network knows digits that it was not given to learn from.")
    check_share(share_right(net, held_out.images, (held_out.labels + 3) % 10))


test_small_net_hidden()

# %% [markdown]
# ## Task 8: a question
#
# *8 points, 20 minutes, graded by a person*
#
# Taught in: "ResNet: the degradation problem and the identity", section [Deeper, and worse](https://dlcourse.github.io/dlcourse/book/2-history/resnet.html#deeper-and-worse) and [What depth does to the gradient](https://dlcourse.github.io/dlcourse/book/2-history/resnet.html#what-depth-does-to-the-gradient)
#
# A plain network of 20 convolutions is trained on photographs, and then one of 56 built in the same way, both with batch norm after each convolution. The deeper one could do whatever the shallower one does: copy its 20 layers, and let the other 36 pass on what they get. Yet it ends worse.
#
# 1. How would you tell from the two training histories that this is not overfitting? Why does "it could copy" not help? (3 points)
# 2. What changes when every two layers get a shortcut around them that adds the input to the output? Discuss what the block does with weights near zero, and the gradient. (3 points)
# 3. A friend says: "The plain network fails because its gradients vanish." Describe a measurement that would support or contradict this, and say what you expect when batch norm is there. (2 points)

# %% [markdown] nbgrader="question manual 8"
# ### BEGIN SOLUTION
# 1. The *training* error of the deeper network is higher too; with overfitting it would be lower, and only the error on held-out images higher. That a good solution exists does not mean that gradient descent finds it: a stack of convolutions, batch norms and ReLUs that starts from random weights is far from the identity, and the 36 layers would have to learn it exactly, without anything that leads there. So it is a difficulty of optimization, not of what the network can express. (3)
# 2. The block computes x + F(x). With weights near zero F is near zero and the block passes on what it gets, so that more layers start out harmless and have to learn only a difference. The gradient at x is dy plus what comes through F: dy arrives at every earlier block unweakened by the weights in between, up to the ReLUs after the additions. (3)
# 3. Measure the norm of the gradient of each layer's weights (relative to the norm of the weights) by depth, at the start and during training, for both depths, with and without shortcuts, several seeds. If they vanished, they would fall by orders of magnitude towards the input. With batch norm the sizes of signals and gradients stay within bounds (He et al. 2016 report healthy norms), so vanishing alone does not explain it; the plain deep network has gradients, but they are less useful. (2)
# ### END SOLUTION
