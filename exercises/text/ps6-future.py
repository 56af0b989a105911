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
# # Assignment 6: making and doing
#
# So far, networks have judged. Here they make pictures and act: you write the loss that carries a painter's style, the plan of a generator and the two losses that train it, the pooling that a decoder can undo, and then, piece by piece, an agent: how it chooses, how it learns from one step, how it crosses a frozen lake, and what a deep Q-network needs on top. Ten tasks are graded by tests, one question by a person. **100 points, about six and a half hours.**
#
# | task | points | minutes | difficulty |
# |---|---|---|---|
# | 1. Style: Gram matrices and their gradient | 10 | 45 | medium |
# | 2. The plan of a generator | 10 | 45 | medium |
# | 3. The two losses of a GAN | 10 | 45 | medium |
# | 4. Max pooling that can be undone | 10 | 45 | hard |
# | 5. Choosing: epsilon-greedy | 8 | 25 | easy |
# | 6. Learning from one step | 8 | 25 | easy |
# | 7. Crossing the frozen lake | 10 | 50 | hard |
# | 8. A replay memory | 10 | 40 | medium |
# | 9. Targets and loss of a deep Q-network | 8 | 30 | medium |
# | 10. Double DQN, and a dueling head | 8 | 25 | medium |
# | 11. A question | 8 | 25 | in words |
#
# **How it works.** Replace `raise NotImplementedError()` in each task, and run the test cell below it. A failed test says what the likely mistake is. Leave the test cells as they are: when your work is graded, they are put back in their original form, and *hidden tests* are added, with other shapes, dtypes and edge cases. Passing the visible tests is a good sign, but not the last word. Before you hand in, choose *Kernel, Restart and run all*, or run `nbgrader validate ps6-future.ipynb`. Keep the name of the file.
#
# **Rules.** Write the work yourself, in NumPy. The finished parts of `dlcourse` are there to compare with; tests notice when they are called in place of your own. One exception: the generator of task 2 is put together from the layers in `dlcourse.nn`. All random numbers come from the `Generator` named `rng` that is passed in, and from nowhere else. Do not change the arrays that you are given, unless a task asks for it. float32 stays float32.
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
import random
import warnings
from types import SimpleNamespace

import numpy as np
from dlcourse import check, nn
from threadpoolctl import threadpool_limits

limits = threadpool_limits(1)  # times are of one thread, so that they can be compared


class FrozenLake:
    """Gymnasium's FrozenLake: from S over the ice F to the goal G, and into no hole H.

    A state is the number of a field, row by row. The actions are 0 left, 1 down, 2 right, 3 up.
    On slippery ice you go where you want in one of three cases, and in each of the two others to
    one side of it. The goal gives a reward of 1, and everything else 0.
    """

    def __init__(self, fields=("SFFF", "FHFH", "FFFH", "HFFG"), slippery=True, limit=100):
        self.fields, self.slippery, self.limit = "".join(fields), slippery, limit
        self.height, self.width = len(fields), len(fields[0])
        self.observation_space = SimpleNamespace(n=len(self.fields))
        self.action_space = SimpleNamespace(n=4)
        self.outcomes = [
            [self._outcomes(state, action) for action in range(4)] for state in range(len(self.fields))
        ]
        self.rng = np.random.default_rng()

    def _outcomes(self, state, action):
        """Return what can happen, each as likely: (next state, reward, terminated)."""
        if self.fields[state] in "GH":
            return [(state, 0.0, True)]
        ways = [(action + turn) % 4 for turn in (-1, 0, 1)] if self.slippery else [action]
        return [self._moved(state, way) for way in ways]

    def _moved(self, state, way):
        down, right = [(0, -1), (1, 0), (0, 1), (-1, 0)][way]
        row = min(max(state // self.width + down, 0), self.height - 1)
        column = min(max(state % self.width + right, 0), self.width - 1)
        field = self.fields[row * self.width + column]
        return row * self.width + column, float(field == "G"), field in "GH"

    def reset(self, seed=None):
        """Begin an episode; return the state, and a dict for further information."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.state, self.steps = self.fields.index("S"), 0
        return self.state, {}

    def step(self, action):
        """Act once; return next state, reward, terminated, truncated, and a dict."""
        outcomes = self.outcomes[self.state][action]
        self.state, reward, terminated = outcomes[int(len(outcomes) * self.rng.random())]
        self.steps += 1
        return self.state, reward, terminated, self.steps >= self.limit, {}

    def success_rate(self, policy):
        """Return the share of episodes that reach the goal, if state s is left by policy[s].

        It is computed and not drawn: the chances of each state, step by step.
        """
        chance, reached = np.zeros(len(self.fields)), 0.0
        chance[self.fields.index("S")] = 1
        for _ in range(self.limit):
            after = np.zeros_like(chance)
            for state in np.flatnonzero(chance):
                outcomes = self.outcomes[state][policy[state]]
                for following, reward, terminated in outcomes:
                    reached += reward * chance[state] / len(outcomes)
                    after[following] += (not terminated) * chance[state] / len(outcomes)
            chance = after
        return reached


# %% [markdown]
# ## Task 1: style, Gram matrices and their gradient
#
# *10 points, 45 minutes, medium*
#
# What a picture shows is *where* features are; its style is which features *go together*, wherever they are. For the features F of one layer, (C, H, W), the **Gram matrix** says how strongly channels c and d go together, as a mean over the places:
#
# $$G_{cd} = \frac{1}{H W} \sum_{i, j} F_{cij}\, F_{dij}$$
#
# A painting has a Gram matrix A in each layer. The style loss of a picture compares its own Gram matrices with these, over all layers l with weights $w_l$:
#
# $$L = \sum_l w_l\, \frac{1}{C_l^2} \sum_{c, d} \left(G^{(l)}_{cd} - A^{(l)}_{cd}\right)^2$$
#
# - `gram(features)` takes (C, H, W) and returns (C, C).
# - `style_loss(layers, grams, weights)` takes a list of features, a list of Gram matrices of the painting, and a list of numbers. It returns the loss, a number, and a list of the gradients of the loss with respect to the features, each of their shape (C, H, W).
#
# Layers differ in size. The painting may have had a different size from the picture; you only see its Gram matrices. No loop over channels or places: the test compares your time with that of loops.
#
# <details><summary>Hint: one product</summary>
#
# As a matrix M of C rows and H W columns the features give M Mᵀ, in a single product.
# </details>
# <details><summary>Hint: the gradient</summary>
#
# F stands on both sides of the product, so its gradient has two terms, dG M and dGᵀ M. Here dG is symmetric, so they are equal: 2 dG M. Write down dG first.
# </details>

# %% nbgrader="style solution"
def gram(features):
    """Return the Gram matrix (C, C) of features (C, H, W)."""
    ### BEGIN SOLUTION
    rows = features.reshape(len(features), -1)
    return rows @ rows.T / rows.shape[1]
    ### END SOLUTION


def style_loss(layers, grams, weights):
    """Return the style loss, and a list of its gradients with respect to the features."""
    ### BEGIN SOLUTION
    loss, gradients = 0.0, []
    for features, target, weight in zip(layers, grams, weights, strict=True):
        rows = features.reshape(len(features), -1)
        difference = gram(features) - target
        loss += weight * float((difference**2).mean())
        slope = 2 * weight / difference.size * difference
        gradients.append((2 / rows.shape[1] * slope @ rows).reshape(features.shape))
    return loss, gradients
    ### END SOLUTION


# %% nbgrader="style visible 5"
def gram_by_loops(features):
    channels, height, width = features.shape
    result = np.zeros((channels, channels), features.dtype)
    for c in range(channels):
        for d in range(channels):
            for i in range(height):
                for j in range(width):
                    result[c, d] += features[c, i, j] * features[d, i, j]
    return result / (height * width)


def check_gram(features, name):
    right = gram_by_loops(features.astype(np.float64))
    with check.own_work(), check.unchanged(features=features):
        found = gram(features)
    check.that(
        np.shape(found) == right.shape,
        f"gram {name} should have the shape {right.shape}: a row and a column for each channel; it has {np.shape(found)}.",
    )
    rows = features.reshape(len(features), -1)
    swapped = np.moveaxis(features, 0, 2).reshape(len(features), -1).astype(float)
    centred = (rows - rows.mean(axis=1, keepdims=True)).astype(float)
    places = rows.shape[1]
    check.close(
        found, right, f"gram {name}", tolerance=1e-5,
        mistakes={
            "Divide by the number of places, H W; this is the sum.": right * places,
            "Divide by the number of places, H W, and not by the channels too.": right / len(features),
            "A row of the matrix is one channel; reshape (C, H, W) to (C, -1) without moving axes.": swapped @ swapped.T / places,
            "Features are taken as they are; their mean is not subtracted.": centred @ centred.T / places,
        },
    )
    check.dtype(found, features.dtype, f"gram {name}")


def styled(layers, grams, weights):
    arrays = {f"layers[{k}]": features for k, features in enumerate(layers)}
    arrays |= {f"grams[{k}]": target for k, target in enumerate(grams)}
    with check.own_work(), check.unchanged(**arrays):
        found = style_loss(layers, grams, weights)
    check.that(isinstance(found, tuple) and len(found) == 2, "style_loss should return the loss and the list of gradients.")
    loss, gradients = found
    check.that(np.ndim(loss) == 0, f"The loss should be one number; it has the shape {np.shape(loss)}.")
    check.that(isinstance(gradients, list) and len(gradients) == len(layers),
               "The gradients should be a list with one for each layer.")
    return float(loss), gradients


def style_by_loops(layers, grams, weights):
    return sum(
        weight * ((gram_by_loops(features) - target) ** 2).sum() / len(target) ** 2
        for features, target, weight in zip(layers, grams, weights, strict=True)
    )


def check_style(layers, grams, weights, name):
    loss, gradients = styled(layers, grams, weights)
    right = style_by_loops(layers, grams, weights)
    differences = [gram_by_loops(f) - a for f, a in zip(layers, grams, strict=True)]
    check.close(
        loss, right, f"the loss {name}", tolerance=1e-6,
        mistakes={
            "The weights of the layers are forgotten.": style_by_loops(layers, grams, [1] * len(layers)),
            "Divide by C squared; this is the sum over channels.":
                sum(w * (d**2).sum() for w, d in zip(weights, differences, strict=True)),
            "Differences are squared, and these are absolute.":
                sum(w * np.abs(d).mean() for w, d in zip(weights, differences, strict=True)),
            "The loss is a sum over layers, not a mean.": right / len(layers),
        },
    )
    for k, (features, found) in enumerate(zip(layers, gradients, strict=True)):
        numerical = check.numerical_gradient(lambda: style_by_loops(layers, grams, weights), features, np.ones(()))
        check.that(np.shape(found) == features.shape, f"The gradient of layer {k} has the shape {np.shape(found)}, and its features {features.shape}.")
        check.close(
            found, numerical, f"the gradient of layer {k} {name}", tolerance=1e-5,
            mistakes={
                "F stands on both sides of the product, so its gradient is twice that of one side.": numerical / 2,
                "The square gives a factor of 2, and F on both sides another; one of them is there.": numerical / 4,
                "The 1 / (H W) of the Gram matrix stands in its gradient too.": numerical * features[0].size,
                "The 1 / C^2 of the loss stands in its gradient too.": numerical * len(features) ** 2,
                "The weight of the layer is missing in its gradient.": numerical / (weights[k] or 1),
            },
        )


def test_style():
    features = np.array([[[1.0, 2, 0], [0, 1, 3]], [[2, 0, 1], [1, -1, 0]]])
    check_gram(features, "of two channels")
    rng = np.random.default_rng(0)
    check_gram(rng.standard_normal((5, 4, 3)).astype(np.float32), "of five channels in float32")
    one = rng.standard_normal((3, 2, 4)), rng.standard_normal((4, 3, 2))
    grams = [gram_by_loops(rng.standard_normal((3, 5, 5))), gram_by_loops(rng.standard_normal((4, 2, 3)))]
    check_style([one[0]], grams[:1], [1.0], "of one layer")
    check_style(list(one), grams, [0.5, 3.0], "of two layers")
    _, gradients = styled([f.astype(np.float32) for f in one], [g.astype(np.float32) for g in grams], [0.5, 3.0])
    check.dtype(gradients[0], np.float32, "the gradient of features in float32")


def check_style_speed():
    features = np.random.default_rng(0).standard_normal((16, 12, 12))
    check.faster(lambda: gram(features), lambda: gram_by_loops(features), 1 / 20, "gram", "four loops", "a Python loop over channels or places")


test_style()
check_style_speed()
check.passed("Task 1")


# %% nbgrader="style hidden 5"
def right_style(layers, grams, weights):
    loss, gradients = 0.0, []
    for features, target, weight in zip(layers, grams, weights, strict=True):
        f = features.astype(np.float64)
        g = np.einsum("cij,dij->cd", f, f) / f[0].size
        loss += weight * ((g - target) ** 2).mean()
        gradients.append(4 * weight / (g.size * f[0].size) * np.einsum("cd,dij->cij", g - target, f))
    return loss, gradients


def test_style_hidden():
    rng = np.random.default_rng(1)
    for shape in [(1, 1, 1), (3, 1, 5), (2, 6, 1), (7, 3, 8), (16, 5, 5)]:
        for dtype in (np.float64, np.float32):
            check_gram(rng.standard_normal(shape).astype(dtype), f"of features {shape}")
    for shapes in ([(1, 1, 1)], [(6, 4, 5), (3, 9, 2), (8, 2, 2)], [(5, 3, 3), (5, 6, 6)]):
        for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 2e-5)):
            # As a convolution leaves them: channels last in memory.
            layers = [np.moveaxis(rng.standard_normal((*s[1:], s[0])).astype(dtype), 2, 0) for s in shapes]
            grams = [gram_by_loops(rng.standard_normal((s[0], 4, 3))).astype(dtype) for s in shapes]
            weights = [0.25, 4.0, 1e3][: len(shapes)]
            loss, gradients = styled(layers, grams, weights)
            right, right_gradients = right_style(layers, grams, weights)
            check.close(loss, right, f"the loss of layers {shapes}", tolerance=tolerance)
            for k, (found, expected) in enumerate(zip(gradients, right_gradients, strict=True)):
                check.close(found, expected, f"the gradient of layer {k} of {shapes}", tolerance=tolerance)
                check.dtype(found, dtype, f"the gradient of layer {k}")
    layers = [rng.standard_normal((4, 3, 3)), rng.standard_normal((2, 5, 5))]
    own = [gram_by_loops(features) for features in layers]
    loss, gradients = styled(layers, own, [1.0, 1.0])
    check.that(abs(loss) < 1e-20 and all(np.abs(g).max() < 1e-10 for g in gradients), "A picture in its own style has no loss and no gradient.")
    loss, gradients = styled(layers, [0 * g for g in own], [1.0, 0.0])
    check.that(not np.any(gradients[1]), "A layer of weight 0 has a gradient of 0.")
    # Moved features have the same style.
    moved = [np.roll(features, 2, axis=2)[:, ::-1] for features in layers]
    check.that(styled(moved, own, [1.0, 1.0])[0] < 1e-20, "Style does not ask where a feature is.")


test_style_hidden()

# %% [markdown]
# ## Task 2: the plan of a generator
#
# *10 points, 45 minutes, medium*
#
# A generator makes a picture out of a few random numbers, an array z (N, Z, 1, 1). Transposed convolutions make it larger, layer by layer. (You wrote one in assignment 5: each value lays down a kernel, neighbours do so S places apart, and P places are cut off at each side.)
#
# 1. `output_size(size, kernel, stride, padding)` returns how long a side becomes: for example 14 for (7, 4, 2, 1).
# 2. `choose(size, wanted, stride)` returns a pair (kernel, padding) that turns `size` into `wanted`. Where kernels overlap unevenly, a checkerboard appears in the picture; it does not if the **kernel is a multiple of the stride**. It should be **at least twice the stride**, so that neighbours overlap, and the padding smaller than the kernel. Of all such pairs return the one with the **smallest kernel**. If there is none, raise a `ValueError` that says so.
# 3. `make_generator(latent, channels, sizes, strides, rng)` returns one `nn.Sequential`. Layer k is an `nn.ConvTranspose2d` that makes `channels[k]` channels and squares of side `sizes[k]` with the stride `strides[k]`, with the kernel and padding of `choose`; the first gets z. After all but the last come `nn.BatchNorm2d` and `nn.ReLU`, and these transposed convolutions have no bias, since the normalization would subtract it. The last has one, and `nn.Tanh` follows: pixels are between -1 and 1.
#
# `make_generator(64, [128, 64, 1], [7, 14, 28], [1, 2, 2], rng)` is a DCGAN's generator of digits. Its 8 layers are a transposed convolution, a normalization and a ReLU, the same again, a transposed convolution and a tanh.
#
# <details><summary>Hint: the size</summary>
#
# The first kernel covers K places, and each of the other size - 1 kernels begins S places further on. Then 2 P places are cut.
# </details>
# <details><summary>Hint: choosing</summary>
#
# The kernel settles the padding: solve the formula of the size for it. Try kernels 2 S, 3 S, 4 S ... and take the first for which it is a whole number from 0 to K - 1. How far do you have to look? With a stride of 2 all kernels are even; what does that say about the sizes there are?
# </details>

# %% nbgrader="generator solution"
def output_size(size, kernel, stride, padding):
    """Return how long a side of `size` becomes in a transposed convolution."""
    ### BEGIN SOLUTION
    return (size - 1) * stride + kernel - 2 * padding
    ### END SOLUTION


def choose(size, wanted, stride):
    """Return (kernel, padding) with the smallest kernel that turns `size` into `wanted`."""
    ### BEGIN SOLUTION
    extra = wanted - (size - 1) * stride  # kernel - 2 * padding
    for kernel in range(2 * stride, abs(extra) + 4 * stride, stride):
        padding, odd = divmod(kernel - extra, 2)
        if not odd and 0 <= padding < kernel:
            return kernel, padding
    raise ValueError(f"no kernel that is a multiple of the stride {stride} makes {wanted} of {size}")
    ### END SOLUTION


def make_generator(latent, channels, sizes, strides, rng):
    """Return an nn.Sequential from z (N, latent, 1, 1) to pictures between -1 and 1."""
    ### BEGIN SOLUTION
    layers, before, size = [], latent, 1
    for k, (maps, wanted, stride) in enumerate(zip(channels, sizes, strides, strict=True)):
        kernel, padding = choose(size, wanted, stride)
        last = k == len(channels) - 1
        layers.append(nn.ConvTranspose2d(before, maps, kernel, stride, padding, bias=last, rng=rng))
        layers += [nn.Tanh()] if last else [nn.BatchNorm2d(maps), nn.ReLU()]
        before, size = maps, wanted
    return nn.Sequential(*layers)
    ### END SOLUTION


# %% nbgrader="generator visible 5"
def sized(*arguments):
    with check.own_work():
        found = output_size(*arguments)
    check.that(isinstance(found, int | np.integer), f"output_size should return a whole number, and returned {found!r}.")
    return int(found)


def chosen(size, wanted, stride):
    with check.own_work():
        found = choose(size, wanted, stride)
    check.that(isinstance(found, tuple) and len(found) == 2, f"choose should return a pair (kernel, padding), and returned {found!r}.")
    kernel, padding = found
    name = f"choose{size, wanted, stride} returned the kernel {kernel} and the padding {padding}"
    check.that(all(isinstance(v, int | np.integer) for v in found), f"{name}; both should be whole numbers.")
    check.that(padding >= 0, f"{name}; a padding is not negative.")
    check.that(padding < kernel, f"{name}; the padding should be smaller than the kernel.")
    check.that(kernel % stride == 0, f"{name}, which is no multiple of the stride: kernels overlap unevenly.")
    check.that(kernel >= 2 * stride, f"{name}, less than twice the stride: neighbours do not overlap.")
    side = sized_right(size, kernel, stride, padding)
    check.that(side == wanted, f"{name}; that makes {side} of {size}.")
    return kernel, padding


def made(latent, channels, sizes, strides, seed=0):
    rng = np.random.default_rng(seed)
    with check.own_work(allowed=("dlcourse.nn",)):
        model = make_generator(latent, channels, sizes, strides, rng)
    check.that(isinstance(model, nn.Sequential), f"make_generator should return an nn.Sequential, and returned a {type(model).__name__}.")
    return model


def check_generator(latent, channels, sizes, strides, dtype=np.float32):
    model = made(latent, channels, sizes, strides)
    kinds = [type(layer).__name__ for layer in model]
    wanted = ["ConvTranspose2d", "BatchNorm2d", "ReLU"] * (len(channels) - 1) + ["ConvTranspose2d", "Tanh"]
    check.that(kinds[-1] != "Sigmoid", "A sigmoid gives pixels between 0 and 1; asked for is a tanh, between -1 and 1.")
    check.that(kinds[-3:] != ["ConvTranspose2d", "BatchNorm2d", "Tanh"], "The last transposed convolution is followed by the tanh alone, not by a normalization.")
    check.that(kinds == wanted, f"The layers should be {', '.join(wanted)}; they are {', '.join(kinds)}.")
    spreads = [layer for layer in model if isinstance(layer, nn.ConvTranspose2d)]
    for k, layer in enumerate(spreads):
        before, size = ([latent, *channels][k], [1, *sizes][k])
        name = f"transposed convolution {k + 1} of {len(spreads)}"
        check.that((layer.in_channels, layer.out_channels) == (before, channels[k]),
                   f"The {name} should make {channels[k]} channels of {before}; it makes {layer.out_channels} of {layer.in_channels}.")
        geometry = layer.geometry
        check.that(geometry.stride == (strides[k],) * 2, f"The {name} should have the stride {strides[k]}; it has {geometry.stride}.")
        found, right = (geometry.kernel[0], geometry.padding[0]), smallest(size, sizes[k], strides[k])
        check.that(found == right, f"The {name} makes {sizes[k]} of {size} by the kernel {right[0]} and the padding {right[1]}; it has {found[0]} and {found[1]}.")
        if k < len(spreads) - 1:
            check.that(layer.bias is None, f"The {name} has a bias, which the normalization after it subtracts again.")
        else:
            check.that(layer.bias is not None, "The last transposed convolution has no normalization after it, so it needs its bias.")
    z = np.random.default_rng(1).standard_normal((5, latent, 1, 1)).astype(dtype)
    y = model(3 * z)
    check.shape(y, (5, channels[-1], sizes[-1], sizes[-1]), "the picture")
    check.that(np.abs(y).max() <= 1, "Pixels should be between -1 and 1.")
    return model


def smallest(size, wanted, stride):
    for kernel in range(2 * stride, 3 * (size * stride + wanted), stride):
        whole = sized_right(size, kernel, stride, 0)
        for padding in range(kernel):
            if whole == wanted + 2 * padding:
                return kernel, padding
    return None


def sized_right(size, kernel, stride, padding):
    """Count the places that kernels reach, one kernel after the other."""
    places = {start * stride + k for start in range(size) for k in range(kernel)}
    return max(places) + 1 - 2 * padding


def test_generator():
    check.that(sized(7, 4, 2, 1) == 14, {
        12: "output_size(7, 4, 2, 1) should be 14 and not 12: the padding is cut at each side, and no more.",
        16: "output_size(7, 4, 2, 1) should be 14 and not 16: the padding is cut off, 2 P places.",
        15: "output_size(7, 4, 2, 1) should be 14 and not 15: the padding is cut at both sides.",
        18: "output_size(7, 4, 2, 1) should be 14 and not 18: the padding is cut off and not added.",
        3: "output_size(7, 4, 2, 1) should be 14 and not 3: that is the size that a convolution leaves.",
    }.get(sized(7, 4, 2, 1), f"output_size(7, 4, 2, 1) should be 14, and is {sized(7, 4, 2, 1)}."))
    check.that(sized(1, 7, 1, 0) == 7, "One value lays down one kernel: output_size(1, 7, 1, 0) is 7.")
    for size, kernel, stride, padding in [(4, 4, 2, 1), (3, 5, 3, 2), (6, 2, 2, 0), (5, 3, 1, 1), (2, 3, 4, 0)]:
        right = sized_right(size, kernel, stride, padding)
        found = sized(size, kernel, stride, padding)
        check.that(found == right, f"output_size{size, kernel, stride, padding} should be {right}, and is {found}.")
    for size, wanted, stride, right in [(1, 7, 1, (7, 0)), (7, 14, 2, (4, 1)), (14, 28, 2, (4, 1)), (1, 4, 2, (4, 0)), (7, 28, 4, (8, 2))]:
        found = chosen(size, wanted, stride)
        check.that(found == right, f"choose{size, wanted, stride} works with {found}; asked for is the smallest kernel, {right}.")
    check.raises(ValueError, lambda: choose(4, 7, 2), "No even kernel makes 7 of 4 with a stride of 2; choose(4, 7, 2) should raise a ValueError.")
    model = check_generator(64, [128, 64, 1], [7, 14, 28], [1, 2, 2])
    count = sum(p.data.size for p in model.parameters())
    check.that(count == 64 * 128 * 49 + 2 * 128 + 128 * 64 * 16 + 2 * 64 + 64 * 16 + 1, f"This generator should have 534,017 parameters, and has {count:,}.")
    again, other = made(64, [128, 64, 1], [7, 14, 28], [1, 2, 2]), made(64, [128, 64, 1], [7, 14, 28], [1, 2, 2], seed=1)
    check.close(again[0].weight.data, model[0].weight.data, "the weights of a generator made from the same rng again")
    check.that(not np.array_equal(other[0].weight.data, model[0].weight.data), "Another rng gives the same weights; pass rng to the layers.")


test_generator()
check.passed("Task 2")


# %% nbgrader="generator hidden 5"
def test_generator_hidden():
    for size in (1, 2, 3, 7, 12):
        for kernel in (1, 2, 3, 4, 6):
            for stride in (1, 2, 3, 5):
                for padding in (0, 1, 2):
                    right = sized_right(size, kernel, stride, padding)
                    found = sized(size, kernel, stride, padding)
                    check.that(found == right, f"output_size{size, kernel, stride, padding} should be {right}, and is {found}.")
    for size, kernel, stride, padding in check.drawn(lambda rng: rng.integers((8, 3, 1, 0), (60, 9, 6, 2)).tolist(), 9):
        right, found = sized_right(size, kernel, stride, padding), sized(size, kernel, stride, padding)
        check.that(found == right, f"output_size{size, kernel, stride, padding} should be {right}, and is {found}.")
    cases = [(size, wanted, stride) for stride in (1, 2, 3, 4) for size in (1, 2, 4, 7) for wanted in (1, 2, 5, 8, 14, 21, 32)]
    for size, wanted, stride in cases + check.drawn(lambda rng: rng.integers((3, 9, 1), (20, 40, 5)).tolist(), 9):
        right = smallest(size, wanted, stride)
        if right is None:
            check.raises(ValueError, lambda s=(size, wanted, stride): choose(*s), f"There is no pair for choose{size, wanted, stride}, so it should raise a ValueError.")
        else:
            found = chosen(size, wanted, stride)
            check.that(found == right, f"choose{size, wanted, stride} should be {right}, and is {found}.")
    check_generator(10, [3], [6], [1])
    check_generator(5, [8, 3], [4, 16], [2, 4])
    check_generator(7, [16, 8, 4, 3], [4, 8, 16, 32], [1, 2, 2, 2])
    check_generator(2, [4, 4, 2], [3, 9, 9], [1, 3, 1])
    model = made(6, [5, 5, 5, 1], [3, 3, 3, 3], [1, 1, 1, 1])
    check.that(not np.array_equal(model[3].weight.data, model[6].weight.data), "Two layers have the same weights; let all draw from the one rng.")
    check.that(len({id(layer) for layer in model}) == len(model), "Each normalization is a layer of its own, with its own weights.")
    # It can be trained.
    z = np.random.default_rng(2).standard_normal((4, 6, 1, 1)).astype(np.float32)
    dz = model.backward(np.ones_like(model(z)))
    check.shape(dz, z.shape, "the gradient of z")


test_generator_hidden()

# %% [markdown]
# ## Task 3: the two losses of a GAN
#
# *10 points, 45 minutes, medium*
#
# The discriminator gives a picture one number, a *logit* a; the sigmoid D = σ(a) is the probability that the picture is real. It is trained to say 1 for real pictures and 0 for made ones. The generator is trained to make the discriminator say 1 for made ones:
#
# $$L_D = -\overline{\log \sigma(a_\text{real})} - \overline{\log\left(1 - \sigma(a_\text{fake})\right)}, \qquad L_G = -\overline{\log \sigma(a_\text{fake})}$$
#
# The bars are means over a batch, each over its own: there may be more real pictures than made ones. (This $L_G$ is called *non-saturating*: where the discriminator is sure that a picture is made, its gradient is large and not almost 0.)
#
# - `discriminator_loss(real, fake, smooth=0.0)` takes two arrays of logits and returns three things: the loss, its gradient with respect to `real`, and its gradient with respect to `fake`. With *smoothing* s the discriminator should say 1 - s for real pictures; for them the loss is the mean of $-(1 - s) \log \sigma(a) - s \log(1 - \sigma(a))$. Made ones stay at 0.
# - `generator_loss(fake)` returns the loss and its gradient with respect to `fake`.
#
# Logits have any shape, such as (N,) or (N, 1), and gradients have the shape of their logits. They may be large: at logits of 1000 or -1000 nothing overflows, no loss is infinite or NaN, and no warning appears.
#
# <details><summary>Hint: a stable logarithm</summary>
#
# $-\log \sigma(a) = \log(1 + e^{-a})$, and $\log(1 + e^{x})$ is `np.logaddexp(0, x)`, for any x.
# </details>
# <details><summary>Hint: gradients</summary>
#
# The slope of $\log(1 + e^{x})$ is σ(x), and $\log(1 - \sigma(a)) = \log \sigma(-a)$. A sigmoid that does not overflow: $\sigma(a) = (1 + \tanh(a / 2)) / 2$. Do not forget the mean.
# </details>

# %% nbgrader="gan solution"
def discriminator_loss(real, fake, smooth=0.0):
    """Return the loss of the discriminator, and its gradients with respect to both logits."""
    ### BEGIN SOLUTION
    said_real, said_fake = (0.5 * (1 + np.tanh(0.5 * a)) for a in (real, fake))
    # -(1 - s) log(sigma) - s log(1 - sigma) = log(1 + e^a) - (1 - s) a
    missed = (1 - smooth) * np.logaddexp(0, -real) + smooth * np.logaddexp(0, real)
    loss = missed.mean() + np.logaddexp(0, fake).mean()
    return float(loss), (said_real - (1 - smooth)) / real.size, said_fake / fake.size
    ### END SOLUTION


def generator_loss(fake):
    """Return the non-saturating loss of the generator, and its gradient."""
    ### BEGIN SOLUTION
    said_fake = 0.5 * (1 + np.tanh(0.5 * fake))
    return float(np.logaddexp(0, -fake).mean()), (said_fake - 1) / fake.size
    ### END SOLUTION


# %% nbgrader="gan visible 5"
def opposed(real, fake, *smooth):
    with check.own_work(), check.unchanged(real=real, fake=fake), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found, found_g = discriminator_loss(real, fake, *smooth), generator_loss(fake)
    check.that(isinstance(found, tuple) and len(found) == 3, "discriminator_loss should return three: the loss, and the gradients of real and of fake.")
    check.that(isinstance(found_g, tuple) and len(found_g) == 2, "generator_loss should return two: the loss and the gradient of fake.")
    for loss, name in ((found[0], "discriminator"), (found_g[0], "generator")):
        check.that(np.ndim(loss) == 0, f"The loss of the {name} should be one number; it has the shape {np.shape(loss)}.")
        check.that(np.isfinite(loss), f"The loss of the {name} is {loss} where logits are {extreme(real, fake)}; take the logarithm in a stable way.")
    for gradient, name in ((found[1], "real"), (found[2], "fake"), (found_g[1], "fake")):
        check.that(np.isfinite(gradient).all(), f"A gradient of {name} is not finite where logits are {extreme(real, fake)}.")
    caught = [warning for warning in caught if warning.category is RuntimeWarning]
    check.that(not caught, f"A warning appeared where logits are {extreme(real, fake)}: {caught[0].message if caught else ''}")
    return found, found_g


def extreme(*logits):
    return f"between {min(a.min() for a in logits):g} and {max(a.max() for a in logits):g}"


def plain_losses(real, fake, smooth=0.0):
    """By the formulas, for small logits."""
    real, fake = (1 / (1 + np.exp(-a)) for a in (real, fake))
    mean_real = (-(1 - smooth) * np.log(real) - smooth * np.log(1 - real)).mean()
    return mean_real - np.log(1 - fake).mean(), -np.log(fake).mean()


def check_losses(real, fake, smooth, name):
    (loss, d_real, d_fake), (loss_g, dg_fake) = opposed(real, fake, smooth)
    right, right_g = plain_losses(real, fake, smooth)
    both = np.concatenate([real.ravel(), fake.ravel()])
    together = (np.logaddexp(0, -real).sum() + np.logaddexp(0, fake).sum()) / both.size
    check.close(
        loss, right, f"the loss of the discriminator {name}", tolerance=1e-6,
        mistakes={
            "The two means are added up; this is half of that.": right / 2,
            "Each mean is over its own batch; this is one over both together.": together,
            "real and fake are swapped: real pictures should be called real.": plain_losses(fake, real, smooth)[0],
            "Smoothing is forgotten: real pictures should be given 1 - s.": plain_losses(real, fake)[0],
            "Smoothing is for real pictures alone; made ones stay at 0.":
                plain_losses(real, fake, smooth)[0] - smooth * fake.mean(),
            "A loss is a mean over the batch, and this is the sum.":
                ((1 - smooth) * np.logaddexp(0, -real) + smooth * np.logaddexp(0, real)).sum() + np.logaddexp(0, fake).sum(),
        },
    )
    saturating = -np.logaddexp(0, fake).mean()
    check.close(
        loss_g, right_g, f"the loss of the generator {name}", tolerance=1e-6,
        mistakes={
            "That is the loss that saturates, log(1 - D); asked for is -log D.": saturating,
            "That is the discriminator's loss on made pictures; the generator wants the opposite.": -saturating,
            "A loss is a mean over the batch, and this is the sum.": right_g * fake.size,
        },
    )
    for found, values, function, of in (
        (d_real, real, lambda: plain_losses(real, fake, smooth)[0], "real"),
        (d_fake, fake, lambda: plain_losses(real, fake, smooth)[0], "fake"),
        (dg_fake, fake, lambda: plain_losses(real, fake, smooth)[1], "fake in the generator's loss"),
    ):
        numerical = check.numerical_gradient(function, values, np.ones(()))
        check.shape(found, values.shape, f"the gradient of {of}")
        said = 1 / (1 + np.exp(-values))
        check.close(
            found, numerical, f"the gradient of {of} {name}", tolerance=1e-5,
            mistakes={
                f"The loss is a mean, so the gradient of {of} is divided by the size of its batch.": numerical * values.size,
                f"The gradient of {of} is divided by the size of the other batch.": numerical * values.size / (real.size if values is fake else fake.size),
                f"The gradient of {of} is with respect to the logits; this is with respect to the probabilities.":
                    numerical / (said * (1 - said)),
                f"The gradient of {of} has a factor D (1 - D) too much: the logarithm's 1 / D takes it away.": numerical * said * (1 - said),
            },
        )


def test_gan():
    check_losses(np.array([2.0, -1.0, 0.5]), np.array([-3.0, 1.0, 0.25]), 0.0, "of three logits each")
    rng = np.random.default_rng(0)
    check_losses(rng.standard_normal((6, 1)), 2 * rng.standard_normal((4, 1)), 0.0, "of 6 real and 4 made pictures")
    check_losses(rng.standard_normal(5), rng.standard_normal(3), 0.1, "with a smoothing of 0.1")
    (loss, _, _), (loss_g, _) = opposed(np.zeros(4), np.zeros(4))
    check.close(np.array([loss, loss_g]), [2 * math.log(2), math.log(2)], "the losses of a discriminator that always says one half")
    large = np.array([1000.0, -1000.0, 0.0])
    (loss, d_real, d_fake), (loss_g, dg_fake) = opposed(large, large[::-1].copy())
    check.close(np.array([loss, loss_g]), [2 * (1000 + math.log(2)) / 3, (1000 + math.log(2)) / 3], "the losses at logits of 1000 and -1000")
    check.close(dg_fake, [-1 / 6, -1 / 3, 0], "the generator's gradient at logits of 0, -1000 and 1000",
                mistakes={"Where the discriminator is sure that a picture is made, the gradient is largest; this is that of the loss that saturates.": [-1 / 6, 0, -1 / 3]})
    (_, d_real, d_fake), (_, dg_fake) = opposed(large.astype(np.float32), large.astype(np.float32))
    for gradient in (d_real, d_fake, dg_fake):
        check.dtype(gradient, np.float32, "a gradient of logits in float32")


test_gan()
check.passed("Task 3")


# %% nbgrader="gan hidden 5"
def right_losses(real, fake, smooth):
    r, f = real.astype(np.float64), fake.astype(np.float64)

    def sigmoid(a):
        small = np.exp(-np.abs(a))
        return np.where(a > 0, 1 / (1 + small), small / (1 + small))

    def softplus(a):
        return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))

    loss = (softplus(r) - (1 - smooth) * r).mean() + softplus(f).mean()
    return (loss, (sigmoid(r) - 1 + smooth) / r.size, sigmoid(f) / f.size), (softplus(-f).mean(), (sigmoid(f) - 1) / f.size)


def test_gan_hidden():
    rng = np.random.default_rng(3)
    for shape, other in [((1,), (1,)), ((8,), (3,)), ((2, 1), (16, 1)), ((3, 1, 2, 2), (5, 1, 2, 2))]:
        for scale in (0.1, 5.0, 60.0, 500.0):
            for smooth in (0.0, 0.1, 0.5, 1.0):
                # Between 0 and 1 float32 has steps of 6e-8, and all gradients may be smaller.
                for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 2e-4)):
                    real, fake = ((scale * rng.standard_normal(s)).astype(dtype) for s in (shape, other))
                    (loss, *gradients), (loss_g, gradient_g) = opposed(real, fake, smooth)
                    (right, *rights), (right_g, rights_g) = right_losses(real, fake, smooth)
                    name = f"of {shape} and {other}, scale {scale}, smoothing {smooth}"
                    check.close(np.array([loss, loss_g]), [right, right_g], f"the losses {name}", tolerance=max(tolerance, 1e-7))
                    for found, expected, of in zip([*gradients, gradient_g], [*rights, rights_g], ("real", "fake", "fake (generator)"), strict=True):
                        check.shape(found, expected.shape, f"the gradient of {of} {name}")
                        check.close(found, expected, f"the gradient of {of} {name}", tolerance=tolerance)
                        check.dtype(found, dtype, f"the gradient of {of}")
    (default, *_), _ = opposed(np.array([1.0, 2.0]), np.array([0.5]))
    check.close(default, plain_losses(np.array([1.0, 2.0]), np.array([0.5]))[0], "the loss without smoothing")


test_gan_hidden()

# %% [markdown]
# ## Task 4: max pooling that can be undone
#
# *10 points, 45 minutes, hard*
#
# SegNet's encoder pools and remembers *where* each maximum was. Its decoder puts values back to just these places and fills the rest with zeros, so that edges return to where they were.
#
# 1. `max_pool(x, size)` takes `x` (N, C, H, W) and cuts it into windows of `size` x `size` that do not overlap. Rows at the bottom and columns at the right that do not fill a window are left out. It returns two arrays (N, C, H // size, W // size): the largest value of each window, and where it is, a whole number: **row · W + column** in the H x W picture. Among equal values the first one counts, row by row.
# 2. `max_unpool(y, indices, shape)` takes values and indices of that kind, and `shape` = (H, W). It returns (N, C, H, W): each value at its place, and 0 elsewhere.
# 3. `max_unpool_backward(dx, indices)` takes the gradient of what `max_unpool` returned, (N, C, H, W), and returns the gradient of `y`.
#
# No loop over windows, channels or images: the test compares times. Loops over the size x size places in a window are fine.
#
# (With these, the backward pass of the pooling is free: it is `max_unpool(dy, indices, shape)`. Do you see why?)
#
# <details><summary>Hint: windows as an axis</summary>
#
# Cut x to whole windows, reshape to (N, C, H // size, size, W // size, size), and move the two axes of a window to the end. Then `argmax` over size · size places gives the place *in the window*. Turn it into a row and a column, and add where the window begins.
# </details>
# <details><summary>Hint: putting to places</summary>
#
# As (N, C, H · W), `np.put_along_axis(flat, indices, values, axis=2)` writes, and `np.take_along_axis` reads.
# </details>

# %% nbgrader="unpool solution"
def max_pool(x, size):
    """Return the maxima of windows of size x size, and their places row * W + column."""
    ### BEGIN SOLUTION
    n, c, height, width = x.shape
    tall, wide = height // size, width // size
    windows = x[:, :, : tall * size, : wide * size].reshape(n, c, tall, size, wide, size)
    windows = windows.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, tall, wide, size * size)
    row, column = np.divmod(windows.argmax(axis=-1), size)
    row += size * np.arange(tall)[:, None]
    column += size * np.arange(wide)
    return windows.max(axis=-1), row * width + column
    ### END SOLUTION


def max_unpool(y, indices, shape):
    """Return (N, C, *shape) with each value of y at its place, and 0 elsewhere."""
    ### BEGIN SOLUTION
    n, c = y.shape[:2]
    flat = np.zeros((n, c, shape[0] * shape[1]), y.dtype)
    np.put_along_axis(flat, indices.reshape(n, c, -1), y.reshape(n, c, -1), axis=2)
    return flat.reshape(n, c, *shape)
    ### END SOLUTION


def max_unpool_backward(dx, indices):
    """Return the gradient of y, given the gradient of what max_unpool returned."""
    ### BEGIN SOLUTION
    n, c = dx.shape[:2]
    taken = np.take_along_axis(dx.reshape(n, c, -1), indices.reshape(n, c, -1), axis=2)
    return taken.reshape(indices.shape)
    ### END SOLUTION


# %% nbgrader="unpool visible 5"
def pooled_by_loops(x, size):
    n, c, height, width = x.shape
    y = np.zeros((n, c, height // size, width // size), x.dtype)
    indices = np.zeros(y.shape, int)
    for image, channel, i, j in np.ndindex(*y.shape):
        best = None
        for row in range(i * size, (i + 1) * size):
            for column in range(j * size, (j + 1) * size):
                if best is None or x[image, channel, row, column] > x[image, channel, best // width, best % width]:
                    best = row * width + column
        indices[image, channel, i, j] = best
        y[image, channel, i, j] = x[image, channel, best // width, best % width]
    return y, indices


def unpooled_by_loops(y, indices, shape):
    x = np.zeros((*y.shape[:2], *shape), y.dtype)
    for place in np.ndindex(*y.shape):
        row, column = divmod(int(indices[place]), shape[1])
        x[(*place[:2], row, column)] = y[place]
    return x


def check_pool(x, size, name):
    with check.own_work(), check.unchanged(x=x):
        found = max_pool(x, size)
    check.that(isinstance(found, tuple) and len(found) == 2, "max_pool should return two arrays: the maxima and their places.")
    y, indices = found
    right, right_indices = pooled_by_loops(x, size)
    check.shape(y, right.shape, f"y {name}")
    check.close(
        y, right, f"y {name}", tolerance=1e-12,
        mistakes={
            "A maximum may be negative, and y is never less than 0 here.": np.maximum(right, 0),
            "Move the two axes of a window next to each other before you reshape.": mixed_windows(x, size),
        },
    )
    check.dtype(y, x.dtype, f"y {name}")
    check.shape(indices, right.shape, f"the indices {name}")
    check.that(indices.dtype.kind in "iu", f"The indices should be whole numbers; they are {indices.dtype}.")
    height, width = x.shape[2:]
    row, column = np.divmod(right_indices, max(width, 1))
    check.close(
        indices, right_indices, f"the indices {name}", tolerance=1e-9,
        mistakes={
            "These are places in the window; asked for are places in the picture.": row % size * size + column % size,
            "A place is row * W + column with the width of the picture, not that of the whole windows.":
                row * (width // size * size) + column,
            "A place is row * W + column; this is row * H + column.": row * height + column,
            "A place is row * W + column; this is column * H + row.": column * height + row,
            "Places begin at 0 in each channel of each image.":
                right_indices + height * width * np.arange(right.shape[0] * right.shape[1]).reshape(*right.shape[:2], 1, 1),
            "Among equal values the first counts, row by row.": last_places(x, size),
        },
    )
    return right, right_indices


def mixed_windows(x, size):
    n, c, height, width = x.shape
    tall, wide = height // size, width // size
    return x[:, :, : tall * size, : wide * size].reshape(n, c, tall, wide, size * size).max(axis=-1)


def last_places(x, size):
    height, width = (side // size * size for side in x.shape[2:])
    _, turned = pooled_by_loops(x[:, :, :height, :width][:, :, ::-1, ::-1], size)
    row, column = np.divmod(turned[:, :, ::-1, ::-1], max(width, 1))
    return (height - 1 - row) * x.shape[3] + width - 1 - column


def check_unpool(y, indices, shape, name, size=1):
    right = unpooled_by_loops(y, indices, shape)
    with check.own_work(), check.unchanged(y=y, indices=indices):
        x = max_unpool(y, indices, shape)
    check.shape(x, right.shape, f"x {name}")
    spread = np.zeros_like(right)
    spread[:, :, : y.shape[2] * size, : y.shape[3] * size] = y.repeat(size, axis=2).repeat(size, axis=3)
    check.close(
        x, right, f"x {name}", tolerance=1e-12,
        mistakes={"Each value goes to its one place, not to the whole window; the rest is 0.": spread},
    )
    check.dtype(x, y.dtype, f"x {name}")
    dx = np.random.default_rng(0).standard_normal(right.shape).astype(y.dtype)
    with check.own_work(), check.unchanged(dx=dx, indices=indices):
        dy = max_unpool_backward(dx, indices)
    row, column = np.divmod(indices, shape[1])
    n, c = np.ogrid[: len(y), : y.shape[1]]
    expected = dx[n[:, :, None, None], c[:, :, None, None], row, column]
    check.shape(dy, y.shape, f"dy {name}")
    cells = [dx[:, :, u : y.shape[2] * size : size, v : y.shape[3] * size : size] for u in range(size) for v in range(size)]
    check.close(
        dy, expected, f"dy {name}", tolerance=1e-12,
        mistakes={
            "dy takes the gradient at the place of the value alone, not the sum over the window.": sum(cells),
            "dy takes the gradient at the place of the value, not the largest of the window.": np.max(cells, axis=0),
        },
    )
    check.dtype(dy, y.dtype, f"dy {name}")


def test_unpool():
    x = np.array([[3.0, 1, 4, 1, 9], [5, 9, 2, 6, 9], [5, 3, -5, -8, 9], [9, 7, -9, -3, 9], [9, 9, 9, 9, 9]])[None, None]
    y, indices = check_pool(x[:, :, :4, :4], 2, "of a picture of 4 x 4")
    check_unpool(y, indices, (4, 4), "of 2 x 2 values in 4 x 4", 2)
    y, indices = check_pool(x, 2, "of a picture of 5 x 5, with windows of 2 x 2")
    check_unpool(y, indices, (5, 5), "of 2 x 2 values in 5 x 5", 2)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 6, 9)).astype(np.float32)
    y, indices = check_pool(x, 3, "of two pictures with three channels")
    check_unpool(rng.standard_normal(y.shape).astype(np.float32), indices, (6, 9), "of other values at these places", 3)
    check_pool(np.ones((1, 2, 4, 4)), 2, "of a picture all of whose values are equal")


def check_unpool_speed():
    x = np.random.default_rng(0).standard_normal((8, 64, 4, 4))
    y, indices = pooled_by_loops(x, 2)
    check.faster(lambda: max_pool(x, 2), lambda: pooled_by_loops(x, 2), 1 / 3, "max_pool", "loops", "a Python loop over windows or channels")
    check.faster(lambda: max_unpool(y, indices, (4, 4)), lambda: unpooled_by_loops(y, indices, (4, 4)), 1 / 3, "max_unpool", "a loop over values", "a Python loop over values or channels", repeats=7)


test_unpool()
check_unpool_speed()
check.passed("Task 4")


# %% nbgrader="unpool hidden 5"
def test_unpool_hidden():
    rng = np.random.default_rng(5)
    for shape, size in [((1, 1, 1, 1), 1), ((1, 1, 2, 2), 2), ((3, 2, 7, 5), 2), ((2, 4, 6, 8), 1), ((1, 3, 11, 13), 4), ((2, 1, 4, 12), 3), ((2, 2, 9, 9), 5)]:
        for dtype in (np.float32, np.float64):
            values = rng.standard_normal(shape).astype(dtype)
            for x, kind in (
                (values, ""), (np.round(values), ", with equal values"), (values - 10, ", all negative"),
                (np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 1, 3)), 3, 1), ", channels last in memory"),
            ):
                name = f"of x {shape}, size {size}{kind}"
                y, indices = check_pool(x, size, name)
                check_unpool(y, indices, shape[2:], name, size)
    # The backward pass of the pooling.
    x = rng.standard_normal((2, 3, 8, 6))
    layer = nn.MaxPool2d(2)
    y = layer(x)
    dy = rng.standard_normal(y.shape)
    with check.own_work():
        _, indices = max_pool(x, 2)
        dx = max_unpool(dy, indices, (8, 6))
    check.close(dx, layer.backward(dy), "the backward pass of the pooling by max_unpool", tolerance=1e-12)
    # Places in an order of their own, into a larger picture.
    indices = np.stack([rng.permutation(70)[:6].reshape(2, 3) for _ in range(4)]).reshape(2, 2, 2, 3)
    check_unpool(rng.standard_normal((2, 2, 2, 3)), indices, (7, 10), "of places in no order")
    check_unpool(rng.standard_normal((2, 2, 2, 3)), indices.astype(np.int32), (10, 7), "of indices in int32")
    integers = rng.integers(0, 255, (1, 2, 6, 6)).astype(np.uint8)
    check_pool(integers, 2, "of whole numbers, uint8")
    infinite = np.full((1, 1, 2, 4), -np.inf)
    infinite[0, 0, 1, 3] = 0
    with check.own_work():
        y, indices = max_pool(infinite, 2)
    check.that(indices.tolist() == [[[[0, 7]]]], "Where all of a window is minus infinity, its first place counts.")


test_unpool_hidden()

# %% [markdown]
# ## Task 5: choosing, epsilon-greedy
#
# *8 points, 25 minutes, easy*
#
# An agent that always does what looks best never learns what it has not tried. *Epsilon-greedy*: with probability epsilon it takes any action, each with the same probability (the best one too); otherwise the best.
#
# 1. `epsilon_at(step, first, last, steps)` returns epsilon at a step: `first` at step 0, from there a straight line that reaches `last` at step `steps`, and `last` after that.
# 2. `epsilon_greedy(values, epsilon, rng)` takes the values of the actions, an array (A,), and returns the number of an action. Where several actions have the largest value, each of them is drawn **with the same probability**: at the beginning all values are 0, and an agent that always took the first of them would keep running into one wall.
#
# All randomness comes from the `Generator` `rng`; the same state of it gives the same action.
#
# <details><summary>Hint: what a Generator draws</summary>
#
# `rng.random()` is uniform on [0, 1), `rng.integers(n)` one of 0 to n - 1, and `rng.choice(array)` one entry of an array.
# </details>
# <details><summary>Hint: all of the best</summary>
#
# `np.flatnonzero(values == values.max())`
# </details>

# %% nbgrader="choose solution"
def epsilon_at(step, first, last, steps):
    """Return epsilon at a step: from first to last in a straight line, and then last."""
    ### BEGIN SOLUTION
    return first + (last - first) * min(step / steps, 1.0)
    ### END SOLUTION


def epsilon_greedy(values, epsilon, rng):
    """Return the number of an action: any with probability epsilon, otherwise one of the best."""
    ### BEGIN SOLUTION
    if rng.random() < epsilon:
        return int(rng.integers(len(values)))
    return int(rng.choice(np.flatnonzero(values == values.max())))
    ### END SOLUTION


# %% nbgrader="choose visible 4"
def actions_drawn(values, epsilon, count, seed=0):
    """Draw many actions, and return how often each came, as a share."""
    values, rng = np.asarray(values), np.random.default_rng(seed)
    counts = np.zeros(len(values))
    with check.own_work(), check.unchanged(values=values):
        epsilon_greedy(values, epsilon, rng)
    with check.unchanged(values=values):
        for _ in range(count):
            action = epsilon_greedy(values, epsilon, rng)
            whole = isinstance(action, int | np.integer) or (isinstance(action, np.ndarray) and action.shape == () and action.dtype.kind in "iu")
            check.that(whole, f"epsilon_greedy should return the number of an action, and returned {action!r}.")
            check.that(0 <= action < len(values), f"There are {len(values)} actions, and {action} is none of them.")
            counts[int(action)] += 1
    return counts / count


def check_shares(values, epsilon, name, count=4000, seed=0):
    values = np.asarray(values)
    best = values == values.max()
    right = epsilon / len(values) + (1 - epsilon) * best / best.sum()
    found = actions_drawn(values, epsilon, count, seed)
    others = np.where(best, (1 - epsilon) / best.sum(), epsilon / max((~best).sum(), 1))
    turned = (1 - epsilon) / len(values) + epsilon * best / best.sum()
    first = np.zeros(len(values))
    first[np.argmax(values)] = 1 - epsilon
    last = np.zeros(len(values))
    last[len(values) - 1 - np.argmax(values[::-1])] = 1 - epsilon
    for wrong, sentence in [
        (np.full(len(values), 1 / len(values)), "each action is equally likely, so the values play no part."),
        (turned, "it never explores, or epsilon and 1 - epsilon are swapped."),
        (epsilon / len(values) + first, "where several are the best, always the first of them is taken; draw one of them."),
        (epsilon / len(values) + last, "where several are the best, always the last of them is taken; draw one of them."),
        (others, "when it explores, the best action is one of those it may take."),
        (epsilon / len(values) + (1 - epsilon) * (values == values.min()) / (values == values.min()).sum(), "the smallest value is taken for the best."),
    ]:
        if np.abs(wrong - right).max() > 0.1:
            check.that(np.abs(found - wrong).max() > 0.05, f"{name}: {sentence}")
    check.that(
        np.abs(found - right).max() < 6 * math.sqrt(0.25 / count),
        f"{name}: the actions should be drawn with the probabilities {right.round(3).tolist()}, and come with {found.round(3).tolist()}.",
    )


def epsilon_checked(step, first, last, steps, right):
    with check.own_work():
        found = epsilon_at(step, first, last, steps)
    check.that(np.ndim(found) == 0, f"epsilon_at should return one number, and returned {found!r}.")
    check.close(
        found, right, f"epsilon at step {step} of {steps}, from {first} to {last},", tolerance=1e-9,
        mistakes={
            "After the last step epsilon stays where it is; the line goes on here.": first + (last - first) * step / steps,
            "Epsilon falls in a straight line, not by a factor each step.": first * (last / first) ** (step / steps) if first and last else None,
            "Epsilon goes from first to last, and not the other way.": last + (first - last) * min(step / steps, 1),
            "The line ends at last, and not at 0 cut off at last.": max(first * (1 - step / steps), last),
        },
    )


def test_choose():
    for step, right in [(0, 1.0), (50, 0.6), (25, 0.8), (100, 0.2), (101, 0.2), (5000, 0.2)]:
        epsilon_checked(step, 1.0, 0.2, 100, right)
    check_shares([0.0, 2.0, 1.0, -1.0], 0.0, "With epsilon 0 and one best action")
    check_shares([0.0, 2.0, 1.0, -1.0], 1.0, "With epsilon 1")
    check_shares([0.0, 2.0, 1.0, -1.0], 0.6, "With epsilon 0.6")
    check_shares([0.0, 0.0, 0.0, 0.0], 0.0, "With epsilon 0 and four equal values")
    check_shares([-1.0, -2.0, -1.0], 0.2, "With epsilon 0.2, and two best of three actions")
    draws = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        with check.own_work():
            draws.append([int(epsilon_greedy(np.zeros(1000), 0.5, rng)) for _ in range(20)])
    check.that(draws[0] == draws[1], "The same Generator in the same state gave other actions; draw from rng alone.")
    check.that(len(set(draws[0])) > 10, "The same action came again and again; draw from the rng that is passed in, and make none of your own.")


test_choose()
check.passed("Task 5")


# %% nbgrader="choose hidden 4"
def test_choose_hidden():
    drawn = check.drawn(lambda rng: (*rng.random(2).tolist(), int(rng.integers(2, 2000))))
    for first, last, steps in [(1.0, 0.05, 1000), (0.5, 0.5, 3), (0.0, 1.0, 7), (0.9, 0.1, 1), *drawn]:
        for step in (0, 1, 2, 5, steps - 1, steps, steps + 1, 100 * steps):
            share = min(step / steps, 1)
            epsilon_checked(step, first, last, steps, (1 - share) * first + share * last)
    for seed, (values, epsilon) in enumerate([
        ([5.0], 0.3), ([1, 3, 3, 3, 2], 0.1), ([-1e9, -1e9], 0.0), ([0.1, 0.1, 0.1 + 1e-12], 0.0),
        ([-5, -3, -4], 0.5), ([np.inf, 0.0, np.inf], 0.0), ([0.0, -0.0, -1.0], 0.0), ([-np.inf, 1.0, -np.inf], 0.25),
    ]):
        check_shares(values, epsilon, f"With epsilon {epsilon} and the values {values}", seed=seed)
    check_shares(np.array([1, 2, 2], np.float32), 0.4, "With values in float32", seed=9)
    check_shares(np.arange(12.0)[::-3], 0.4, "With values that have gaps in memory", seed=10)
    # Nothing else is drawn from: neither NumPy's nor Python's global state.
    before = np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()
    actions_drawn([0.0, 0.0, 1.0, 1.0], 0.5, 50)
    after = np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()
    check.that(before == after, "A global random state was used; draw from rng alone.")


test_choose_hidden()

# %% [markdown]
# ## Task 6: learning from one step
#
# *8 points, 25 minutes, easy*
#
# A table `q` (S, A) holds what the agent expects: the return of action a in state s. In state s it did a, got a reward r, and arrived in s'. Its new, better estimate is the *target*; the table moves a share α of the way there:
#
# $$\delta = r + \gamma\, V(s') - q(s, a), \qquad q(s, a) \leftarrow q(s, a) + \alpha\, \delta$$
#
# Q-learning takes for $V(s')$ the value of the best action in s'. SARSA takes that of the action a' which the agent *does* next.
#
# How does an episode end? **Terminated**: the world is over, the goal was reached or the ice broke; nothing comes after that, and V(s') is 0, whatever the table says. **Truncated**: only the watching is over, because a time limit was reached; the world would have gone on, and V(s') is what it always is. When both are true, it is terminated.
#
# - `q_learning_update(q, state, action, reward, next_state, terminated, truncated, alpha, gamma)` changes one entry of `q` **in place**, and returns δ.
# - `sarsa_update(q, state, action, reward, next_state, next_action, terminated, truncated, alpha, gamma)` does the same for SARSA.
#
# <details><summary>Hint: in place</summary>
#
# `q[state, action] += ...` writes into the caller's table. `q = q + ...` makes another table.
# </details>

# %% nbgrader="bellman solution"
def q_learning_update(q, state, action, reward, next_state, terminated, truncated, alpha, gamma):
    """Change q[state, action] by the rule of Q-learning, and return delta."""
    ### BEGIN SOLUTION
    after = 0.0 if terminated else q[next_state].max()
    delta = reward + gamma * after - q[state, action]
    q[state, action] += alpha * delta
    return float(delta)
    ### END SOLUTION


def sarsa_update(
    q, state, action, reward, next_state, next_action, terminated, truncated, alpha, gamma
):
    """Change q[state, action] by the rule of SARSA, and return delta."""
    ### BEGIN SOLUTION
    after = 0.0 if terminated else q[next_state, next_action]
    delta = reward + gamma * after - q[state, action]
    q[state, action] += alpha * delta
    return float(delta)
    ### END SOLUTION


# %% nbgrader="bellman visible 4"
def check_update(rule, q, step, ends, alpha, gamma, name):
    state, action, reward, next_state, next_action = step
    terminated, truncated = ends
    before, after = q.copy(), q.copy()
    inputs = (state, action, reward, next_state, *((next_action,) if rule is sarsa_update else ()), *ends, alpha, gamma)
    with check.own_work():
        delta = rule(after, *inputs)
    name = f"{rule.__name__} {name}"
    follow = {"best": np.max(before[next_state]), "done": before[next_state, next_action], "mean": before[next_state].mean(), "end": 0.0}
    kind = "end" if terminated else "done" if rule is sarsa_update else "best"

    def updated(kind, gamma=gamma, alpha=alpha):
        return before[state, action] + alpha * (reward + gamma * follow[kind] - before[state, action])

    right = updated(kind)
    check.that(np.isfinite(right) and delta is not None, f"{name} should return delta; is a return missing?")
    check.that(np.ndim(delta) == 0, f"{name} should return delta, one number; it has the shape {np.shape(delta)}.")
    check.that(alpha == 0 or right == before[state, action] or not np.array_equal(after, before), f"{name} left the table as it was; change q in place.")
    mistakes = {
        "Q-learning takes the best action in the next state; this is the value of the one that is done.": updated("done"),
        "SARSA takes the action that is done next; this is the value of the best.": updated("best"),
        "The best action's value is asked for, and this is the mean over actions.": updated("mean"),
        "gamma is forgotten.": updated(kind, gamma=1.0),
        "alpha is forgotten: the table moves a share alpha of the way.": updated(kind, alpha=1.0),
        "The table moves by alpha times delta; the old value is not subtracted here.": before[state, action] + alpha * (reward + gamma * follow[kind]),
        "This replaces the old value by alpha times the target; a share 1 - alpha of it stays.": alpha * (reward + gamma * follow[kind]),
        "The table moves away from the target: delta is target minus value.": 2 * before[state, action] - right,
        "The reward is forgotten.": updated(kind) - alpha * reward,
    }
    if truncated and not terminated:
        mistakes = {"Truncated is not terminated: the world would have gone on, so the next state has its value.": updated("end")} | mistakes
    if terminated:
        mistakes = {"After terminated nothing comes; the next state's value does not count.": updated("done" if rule is sarsa_update else "best")} | mistakes
    if terminated and truncated:
        mistakes = {"When both are true, it is terminated.": updated("done" if rule is sarsa_update else "best")} | mistakes
    check.close(after[state, action], right, f"q[{state}, {action}] after {name}", mistakes, tolerance=1e-6)
    check.dtype(after, q.dtype, "q")
    others = after != before
    others[state, action] = False
    check.that(not others.any(), f"{name} changed other entries of the table too; only q[{state}, {action}] is to change.")
    target = right_delta = reward + gamma * follow[kind] - before[state, action]
    check.close(
        delta, right_delta, f"delta of {name}", tolerance=1e-5,
        mistakes={
            "Return delta itself, without alpha.": alpha * right_delta,
            "Return delta, the difference, and not the target.": target + before[state, action],
            "Return delta, and not the new value.": right,
        },
    )


def test_bellman():
    q = np.array([[0.5, -1.0, 2.0], [3.0, 1.5, -0.5], [4.0, 7.0, 0.0], [0.0, 0.0, 0.0]])
    for rule in (q_learning_update, sarsa_update):
        check_update(rule, q, (0, 2, 1.0, 1, 1), (False, False), 0.25, 0.9, "in the middle of an episode")
        check_update(rule, q, (0, 1, -2.0, 2, 0), (False, True), 0.5, 0.8, "where the episode is truncated")
        check_update(rule, q, (1, 0, 5.0, 2, 2), (True, False), 0.1, 0.9, "where the episode is terminated")
        check_update(rule, q, (1, 2, 5.0, 2, 0), (True, True), 0.1, 0.9, "where it is terminated, and truncated at the same time")


test_bellman()
check.passed("Task 6")


# %% nbgrader="bellman hidden 4"
def test_bellman_hidden():
    rng = np.random.default_rng(6)
    for states, actions in [(1, 1), (2, 3), (16, 4), (48, 5)]:
        for dtype in (np.float64, np.float32):
            for ends in [(False, False), (False, True), (True, False), (True, True)]:
                for alpha, gamma in [(0.1, 0.99), (1.0, 0.5), (0.5, 0.0), (0.01, 1.0), (0.0, 0.9)]:
                    q = rng.standard_normal((states, actions)).astype(dtype)
                    numbers = [int(rng.integers(k)) for k in (states, actions, states, actions)]
                    step = (*numbers[:2], float(rng.standard_normal()), *numbers[2:])
                    if dtype is np.float32:  # nothing cancels, so that rounding errors stay small
                        q, step = 1 + abs(q), (*numbers[:2], 9 + abs(step[2]), *numbers[2:])
                    for rule in (q_learning_update, sarsa_update):
                        check_update(rule, q, step, ends, alpha, gamma, f"with {states} states, alpha {alpha}, gamma {gamma}, ends {ends}")
    # The next state may be the same; an end may have any values in the table.
    q = np.array([[1.0, 2.0], [np.inf, np.inf]])
    for rule, more in ((q_learning_update, ()), (sarsa_update, (0,))):
        table = q.copy()
        with check.own_work(), np.errstate(all="ignore"):
            rule(table, 0, 1, 3.0, 1, *more, True, False, 0.5, 0.9)
        check.close(table[0], [1.0, 2.5], "a table where the end has a value of infinity")
        check_update(rule, q[:1], (0, 0, -1.0, 0, 1), (False, False), 0.3, 0.7, "where the state stays")
        # Steps as Gymnasium gives them: NumPy's numbers, and flags that are np.bool_.
        check_update(rule, q[:1], (np.int64(0), np.int64(1), np.float64(0.5), np.int64(0), np.int64(0)), (np.bool_(False), np.bool_(True)), 0.3, 0.7, "of NumPy's numbers")
    # Many steps on a line of five states: from the goal the values come back.
    q = np.zeros((5, 1))
    for _ in range(60):
        for state in range(4):
            with check.own_work():
                q_learning_update(q, state, 0, float(state == 3), state + 1, state == 3, False, 0.5, 0.9)
    check.close(q[:, 0], [0.9**3, 0.9**2, 0.9, 1, 0], "the values on a line with the goal at its end", tolerance=1e-4)


test_bellman_hidden()

# %% [markdown]
# ## Task 7: crossing the frozen lake
#
# *10 points, 50 minutes, hard*
#
# Now all of it together. `FrozenLake` in the first cell is Gymnasium's environment of that name: 16 fields, a start S, holes H, a goal G, and ice so slippery that you go where you want in only one case out of three. Even the best agent reaches the goal in about 74% of the episodes; a random one in 1.4%.
#
# `learn(env, episodes, gamma, rng)` plays this many episodes and returns the table `q` (S, A) that it learned, by Q-learning. What it knows of the world is what Gymnasium tells every agent, and no more:
#
# - `env.observation_space.n` and `env.action_space.n`: how many states and actions there are.
# - `state, info = env.reset()` begins an episode.
# - `state, reward, terminated, truncated, info = env.step(action)` acts once. After terminated or truncated comes a `reset()`.
#
# How epsilon and α go down is up to you. The tests take 3,000 episodes and γ = 0.99, let your table choose the action with the largest value in each state, and work out its rate of success. It should be **0.70 or more** for most generators, on this lake, and in the hidden tests on others too. A good answer takes a fifth of a second for 3,000 episodes; ten seconds are still fine.
#
# <details><summary>Hint: it never finds the goal</summary>
#
# As long as the goal has not been reached, all values are 0. Explore at first: epsilon near 1. Draw among equal values.
# </details>
# <details><summary>Hint: it learns, and then it does not get better</summary>
#
# On slippery ice each target is a matter of luck, and α says how much the last one counts. Begin with a large α, such as 0.5, and let it fall to almost 0.
# </details>
# <details><summary>Hint: it is slow</summary>
#
# NumPy on four numbers takes longer than plain Python. A table of lists, `q = [[0.0] * actions for _ in range(states)]`, is several times faster; turn it into an array at the end.
# </details>

# %% nbgrader="lake solution"
def learn(env, episodes, gamma, rng):
    """Play episodes, and return the table (S, A) of values that Q-learning gives."""
    ### BEGIN SOLUTION
    actions = env.action_space.n
    q = [[0.0] * actions for _ in range(env.observation_space.n)]
    for episode in range(episodes):
        left = 1 - episode / episodes
        epsilon, alpha = max(2 * left - 1, 0.05), 0.5 * left + 0.005
        state, _ = env.reset()
        over = False
        while not over:
            values = q[state]
            best = max(values)
            if rng.random() < epsilon:
                action = int(actions * rng.random())
            else:
                choices = [a for a in range(actions) if values[a] == best]
                action = choices[int(len(choices) * rng.random())]
            state, reward, terminated, truncated, _ = env.step(action)
            target = reward if terminated else reward + gamma * max(q[state])
            values[action] += alpha * (target - values[action])
            over = terminated or truncated
    return np.array(q)
    ### END SOLUTION


# %% nbgrader="lake visible 5"
class Watched:
    """An environment of which an agent sees what Gymnasium shows, and no more."""

    def __init__(self, env, seed):
        env.reset(seed=seed)
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.episodes, counts = 0, {"running": False}

        def reset(seed=None, options=None):
            counts["running"] = True
            return env.reset(seed)

        def step(action):
            check.that(counts["running"], "After terminated or truncated, and at the beginning, call env.reset() before env.step().")
            check.that(0 <= action < env.action_space.n, f"There are {env.action_space.n} actions, and {action} is none of them.")
            state, reward, terminated, truncated, info = env.step(int(action))
            if terminated or truncated:
                counts["running"] = False
                self.episodes += 1
            return state, reward, terminated, truncated, info

        self.reset, self.step = reset, step


class Corridor:
    """One way to go: from state 0 on, a reward of 1 a step; it ends after some steps, one way or the other."""

    def __init__(self, length, loop, how):
        self.length, self.loop, self.how = length, loop, how
        self.observation_space, self.action_space = SimpleNamespace(n=1 if loop else length), SimpleNamespace(n=1)

    def reset(self, seed=None):
        self.steps = 0
        return 0, {}

    def step(self, action):
        self.steps += 1
        over = self.steps == self.length
        state = 0 if self.loop or over else self.steps
        return state, 1.0, over and self.how == "terminated", over and self.how == "truncated", {}


def learned(env, episodes, seed, gamma=0.99, own=False):
    """Let the learner's agent learn; return its table."""
    watched, rng = Watched(env, seed), np.random.default_rng(seed)
    if own:
        with check.own_work():
            q = learn(watched, episodes, gamma, rng)
    else:
        q = learn(watched, episodes, gamma, rng)
    check.shape(q, (env.observation_space.n, env.action_space.n), "the table")
    check.that(np.isfinite(q).all(), "The table holds NaN or infinity.")
    check.that(watched.episodes == episodes, f"learn should play {episodes} episodes to their end, and played {watched.episodes}.")
    return q


def rates(env, seeds, episodes):
    found = []
    for seed in seeds:
        q = learned(env, episodes, seed)
        check.that(q.any(), f"After {episodes:,} episodes the table is 0 everywhere: the goal was never reached. Explore more at first, and draw among equal values.")
        check.that(q.max() < 1.05, f"A value of {q.max():.2f} promises more than the one reward of 1 that there is; after terminated nothing comes.")
        found.append(env.success_rate(q.argmax(axis=1)))
    return np.array(found)


def check_lake(env, seeds, enough, needed, name, episodes=3000):
    found = rates(env, seeds, episodes)
    check.that(
        (found >= enough).sum() >= needed,
        f"{name} the rates of success are {found.round(2).tolist()}; {needed} of {len(found)} should be {enough:.2f} or more. "
        "Does epsilon begin near 1, and alpha large enough to learn and end small enough to settle?",
    )


def test_lake():
    learned(FrozenLake(), 30, 0, own=True)
    check.that(np.array_equal(learned(FrozenLake(), 500, 0), learned(FrozenLake(), 500, 0)), "The same rng and the same luck of the ice gave another table; draw from rng alone, and keep nothing from one call to the next.")
    # With gamma = 0.5 the worth of a reward of 1 a step, for ever, is 2.
    q = learned(Corridor(2, True, "truncated"), 4000, 0, gamma=0.5)
    check.that(q[0, 0] > 1.7, f"Rewards of 1 a step, watched for two steps and then truncated, should be worth 2 with gamma 0.5, and are worth {q[0, 0]:.2f}: truncated is not terminated.")
    check.that(q[0, 0] < 2.3, f"Rewards of 1 a step should be worth 2 with gamma 0.5, and are worth {q[0, 0]:.2f}; is gamma used?")
    q = learned(Corridor(2, False, "terminated"), 4000, 0, gamma=0.5)
    check.that(q[1, 0] < 1.2, f"The last reward of 1 before terminated should be worth 1, and is worth {q[1, 0]:.2f}: nothing comes after that.")
    check.that(np.abs(q[:, 0] - [1.5, 1]).max() < 0.15, f"Two rewards of 1 and then the end should be worth [1.5, 1] with gamma 0.5; the table says {q[:, 0].round(2).tolist()}.")
    check_lake(FrozenLake(slippery=False), [0], 0.99, 1, "Where the ice is not slippery,", 2000)
    check_lake(FrozenLake(), [1, 2, 3], 0.70, 2, "On the slippery lake")


test_lake()
check.passed("Task 7")


# %% nbgrader="lake hidden 5"
def test_lake_hidden():
    learned(FrozenLake(), 7, 5, own=True)
    q = learned(Corridor(4, False, "terminated"), 4000, 3, gamma=0.9)
    check.that(np.abs(q[:, 0] - [3.439, 2.71, 1.9, 1]).max() < 0.3, "Four rewards of 1 and then the end should be worth [3.44, 2.71, 1.9, 1] with gamma 0.9.")
    check_lake(FrozenLake(), [10, 11, 12], 0.70, 2, "For three generators")
    check_lake(FrozenLake(("FFFS", "FHFF", "FFHF", "GFFF")), [20, 21], 0.70, 1, "On a lake with another start and goal")
    check_lake(FrozenLake(("SFFFF", "FFFHF", "GFFFF"), limit=60), [30, 31], 0.75, 1, "On a lake of 3 x 5 fields")


test_lake_hidden()

# %% [markdown]
# ## Task 8: a replay memory
#
# *10 points, 40 minutes, medium*
#
# A network forgets what it learned if it sees only what happens now, and what happens now is always much the same. So a deep Q-network keeps its last steps, and learns from steps drawn among them.
#
# Write `class ReplayMemory`:
#
# - `ReplayMemory(capacity, shape, dtype=np.float32)` keeps at most `capacity` steps whose observations have this shape and dtype. (Pixels are uint8; as float32 they would take four times the memory.)
# - `add(observation, action, reward, next_observation, terminated)` remembers a step. When the memory is full, the **oldest** one is forgotten. The caller may change its arrays afterwards, but the memory keeps what it was given.
# - `len(memory)` is how many steps there are.
# - `sample(count, rng)` draws `count` of them (at most as many as there are), each with the same probability; whether one may come twice is up to you. It returns five arrays: observations (B, *shape), actions (B,) in int64, rewards (B,) in float32, next observations (B, *shape), and terminated (B,), bool. They are copies: what is added later does not change them. Entry k of all five belongs to **one** step.
#
# `add` takes as long in a full memory of 100,000 steps as in a small one: the test compares times.
#
# <details><summary>Hint: a ring</summary>
#
# Make arrays of `capacity` rows once, and write to row 0, 1, 2 ... and after the last to row 0 again, which is the oldest. `%` does that.
# </details>
# <details><summary>Hint: drawing</summary>
#
# Draw indices once, and use the same ones for all five arrays. `array[indices]` is a copy.
# </details>

# %% nbgrader="replay solution"
class ReplayMemory:
    """The last steps of an agent, to draw from."""

    def __init__(self, capacity, shape, dtype=np.float32):
        ### BEGIN SOLUTION
        self.observations = np.zeros((capacity, *shape), dtype)
        self.next_observations = np.zeros((capacity, *shape), dtype)
        self.actions = np.zeros(capacity, np.int64)
        self.rewards = np.zeros(capacity, np.float32)
        self.terminated = np.zeros(capacity, bool)
        self.added = 0
        ### END SOLUTION

    def add(self, observation, action, reward, next_observation, terminated):
        """Remember a step, and forget the oldest one if there is no room."""
        ### BEGIN SOLUTION
        row = self.added % len(self.actions)
        self.observations[row] = observation
        self.actions[row] = action
        self.rewards[row] = reward
        self.next_observations[row] = next_observation
        self.terminated[row] = terminated
        self.added += 1
        ### END SOLUTION

    def __len__(self):
        ### BEGIN SOLUTION
        return min(self.added, len(self.actions))
        ### END SOLUTION

    def sample(self, count, rng):
        """Return observations, actions, rewards, next observations and terminated of some steps."""
        ### BEGIN SOLUTION
        rows = rng.integers(len(self), size=count)
        parts = (self.observations, self.actions, self.rewards, self.next_observations, self.terminated)
        return tuple(part[rows] for part in parts)
        ### END SOLUTION


# %% nbgrader="replay visible 5"
def numbered(k, shape, dtype):
    """Step number k: whatever is in it tells k."""
    observation = np.full(shape, k % 200, dtype)
    return observation, k % 5, k / 2, np.full(shape, (k + 1) % 200, dtype), k % 3 == 0


def filled(capacity, shape, dtype, count):
    """Return a memory to which steps 0 to count - 1 were added, from arrays that change after that."""
    with check.own_work():
        memory = ReplayMemory(capacity, shape, dtype)
        check.that(len(memory) == 0, f"A new memory is empty; its length is {len(memory)}.")
        observation, following = np.zeros(shape, dtype), np.zeros(shape, dtype)
        for k in range(count):
            step = numbered(k, shape, dtype)
            observation[...], following[...] = step[0], step[3]
            memory.add(observation, step[1], step[2], following, step[4])
            observation[...], following[...] = 77, 78
            check.that(len(memory) == min(k + 1, capacity), f"After {k + 1} steps in a memory for {capacity} its length should be {min(k + 1, capacity)}, and is {len(memory)}.")
    return memory


def drawn(memory, count, rng, shape, dtype):
    with check.own_work():
        batch = memory.sample(count, rng)
    check.that(isinstance(batch, tuple | list) and len(batch) == 5, "sample should return five arrays: observations, actions, rewards, next observations, terminated.")
    names = "the observations", "the actions", "the rewards", "the next observations", "terminated"
    kinds = dtype, np.int64, np.float32, dtype, bool
    for part, name, kind, ending in zip(batch, names, kinds, (shape, (), (), shape, ()), strict=True):
        check.shape(part, (count, *ending), name)
        check.that(part.dtype == kind, f"{name[0].upper() + name[1:]} of a batch should be {np.dtype(kind)}, and are {part.dtype}.")
    return batch


def check_batch(batch, first, last, shape, dtype):
    """Every entry is one step of those from first to last - 1; return which."""
    observations, actions, rewards, following, terminated = batch
    steps = np.round(2 * rewards).astype(int)
    for k, observation, action, after, over in zip(steps.tolist(), observations, actions, following, terminated, strict=True):
        right = numbered(k, shape, dtype)
        check.that(not (observation == 77).all() or k % 200 == 77, "An observation has changed since it was added: the caller goes on with its array, so keep a copy.")
        empty = not (np.any(observation) or np.any(after) or action)
        check.that(0 <= k < last and (not empty or not np.any(right[3])), "A step was drawn that was never added.")
        check.that((observation == right[0]).all() and action == right[1] and over == right[4],
                   "The entries of a batch are mixed up: observation, action, reward and terminated at one place belong to one step.")
        check.that((after == right[3]).all(), "The next observations of a batch do not belong to its observations.")
        check.that(k >= first, f"Of {last} steps in a memory for {last - first}, step {k} should be forgotten: the oldest one goes.")
    return steps


def check_memory(capacity, shape, dtype, count, draws=60, seed=0):
    memory, rng = filled(capacity, shape, dtype, count), np.random.default_rng(seed)
    first, size = max(count - capacity, 0), min(count, capacity)
    steps = [check_batch(drawn(memory, min(size, 20), rng, shape, dtype), first, count, shape, dtype) for _ in range(draws)]
    shares = np.bincount(np.concatenate(steps) - first, minlength=size) / np.concatenate(steps).size
    total = draws * min(size, 20)
    check.that((shares > 0).all() or total < 20 * size, f"Of {count} steps in a memory for {capacity}, these were never drawn: {(first + np.flatnonzero(shares == 0)).tolist()[:5]}.")
    check.that(np.abs(shares - 1 / size).max() < 6 * math.sqrt(1 / size / total) + 1e-9, "Some steps are drawn more often than others; each should have the same probability.")
    return memory


def test_replay():
    check_memory(8, (2,), np.float32, 5)
    check_memory(8, (2,), np.float32, 8)
    check_memory(8, (2,), np.float32, 21)
    check_memory(10, (1, 4, 3), np.uint8, 34)
    memory = filled(6, (2,), np.float32, 6)
    with check.own_work():
        batch = memory.sample(6, np.random.default_rng(0))
        kept = [part.copy() for part in batch]
        for k in range(100, 112):
            memory.add(*numbered(k, (2,), np.float32))
    check.that(all(np.array_equal(a, b) for a, b in zip(batch, kept, strict=True)), "What was drawn changed when more was added: a batch should be a copy.")
    twice = [drawn(memory, 6, np.random.default_rng(3), (2,), np.float32) for _ in range(2)]
    check.that(all(np.array_equal(a, b) for a, b in zip(*twice, strict=True)), "The same Generator in the same state drew other steps; draw from rng alone.")
    other, rng = filled(6, (2,), np.float32, 3), np.random.default_rng(5)
    check.that(len(memory) == 6 and len(other) == 3, "Two memories share their steps; make the arrays in __init__.")
    batches = [drawn(memory, 6, rng, (2,), np.float32)[2].tolist() for _ in range(8)]
    check.that(len(set(map(tuple, batches))) > 1, "Each batch is the same: use the rng that is passed in, and make none of your own.")


def check_replay_speed():
    step = np.zeros(4, np.float32), 1, 0.5, np.ones(4, np.float32), False
    small, large = ReplayMemory(100, (4,)), ReplayMemory(100_000, (4,))
    for memory, count in ((small, 200), (large, 100_000)):
        for _ in range(count):
            memory.add(*step)

    def more(memory):
        for _ in range(50):
            memory.add(*step)

    check.faster(lambda: more(large), lambda: more(small), 6, "add in a full memory of 100,000 steps", "in one of 100", "that the steps are moved or copied when one is forgotten; write over the oldest", repeats=5)


test_replay()
check_replay_speed()
check.passed("Task 8")


# %% nbgrader="replay hidden 5"
def test_replay_hidden():
    for capacity, shape, dtype, count in [
        (1, (1,), np.float32, 1), (1, (3,), np.float64, 9), (4, (), np.float32, 11), (5, (2, 2), np.uint8, 4),
        (7, (2,), np.int16, 7), (7, (2,), np.int16, 8), (16, (4, 6, 6), np.uint8, 170), (3, (2,), np.float32, 300),
    ]:
        check_memory(capacity, shape, dtype, count, seed=count)
    memory = filled(50, (2,), np.float32, 3)
    for _ in range(20):
        check_batch(drawn(memory, 2, np.random.default_rng(8), (2,), np.float32), 0, 3, (2,), np.float32)
    with check.own_work():
        memory = ReplayMemory(4, (2,))
        memory.add([1, 2], np.int64(3), np.float64(-1.5), (3, 4), np.bool_(True))
    batch = drawn(memory, 1, np.random.default_rng(0), (2,), np.float32)
    for part, right in zip(batch, ([[1, 2]], [3], [-1.5], [[3, 4]], [True]), strict=True):
        check.close(part.astype(float), np.asarray(right, float), "a step that was given as lists and NumPy's numbers")
    # Half of a batch comes from before, half from after the place where the ring begins again.
    memory = filled(10, (1,), np.float32, 15)
    steps = check_batch(drawn(memory, 10, np.random.default_rng(2), (1,), np.float32), 5, 15, (1,), np.float32)
    check.that(len(set(steps.tolist())) > 3, "A batch of ten draws has few different steps.")
    before = np.random.get_state()[1].tolist(), np.random.get_state()[2]
    drawn(memory, 5, np.random.default_rng(0), (1,), np.float32)
    check.that(before == (np.random.get_state()[1].tolist(), np.random.get_state()[2]), "A global random state was used; draw from rng alone.")


test_replay_hidden()

# %% [markdown]
# ## Task 9: targets and loss of a deep Q-network
#
# *8 points, 30 minutes, medium*
#
# A network takes the place of the table: it gives the values of all actions, (N, A), for a batch of N observations. Its targets come from a second network that is changed only now and then, the *target network*; otherwise the network would chase itself.
#
# 1. `dqn_targets(rewards, next_values, terminated, gamma)` takes rewards (N,), the target network's values of the next observations (N, A), and terminated (N,), bool. It returns the targets (N,): the reward plus γ times the best next value, and the reward alone where the episode is terminated. What the network says about an observation after the end means nothing; it may even be infinite.
# 2. `dqn_loss(values, actions, targets)` takes the network's values (N, A), the actions that were taken (N,), and the targets (N,). With the error e = value of the action taken - target, the *Huber loss* is e² / 2 where |e| is at most 1, and |e| - 1/2 elsewhere; the loss is its mean over the batch. It returns the loss and its gradient with respect to `values`, (N, A): nothing is known about the other actions, so their gradient is 0.
#
# Targets are numbers: no gradient goes through them. float32 stays float32 in both.
#
# <details><summary>Hint: picking one value per row</summary>
#
# `values[np.arange(len(values)), actions]`
# </details>
# <details><summary>Hint: float32 and bool</summary>
#
# `1 - terminated` is int64, and with float32 it gives float64. `np.where(terminated, ...)` does not multiply, and so it does not mind infinity either.
# </details>
# <details><summary>Hint: the gradient of the Huber loss</summary>
#
# It is e, clipped to -1 and 1. And there is a mean.
# </details>

# %% nbgrader="dqn solution"
def dqn_targets(rewards, next_values, terminated, gamma):
    """Return the targets (N,) of a deep Q-network."""
    ### BEGIN SOLUTION
    best = next_values.max(axis=1)
    return rewards + gamma * np.where(terminated, best.dtype.type(0), best)
    ### END SOLUTION


def dqn_loss(values, actions, targets):
    """Return the mean Huber loss of the actions taken, and its gradient (N, A)."""
    ### BEGIN SOLUTION
    rows = np.arange(len(values))
    error = values[rows, actions] - targets
    size = np.abs(error)
    loss = np.where(size <= 1, 0.5 * error**2, size - 0.5).mean()
    gradient = np.zeros_like(values)
    gradient[rows, actions] = np.clip(error, -1, 1) / len(values)
    return float(loss), gradient
    ### END SOLUTION


# %% nbgrader="dqn visible 4"
def check_targets(rewards, next_values, terminated, gamma, name):
    with check.own_work(), check.unchanged(rewards=rewards, next_values=next_values, terminated=terminated), np.errstate(all="ignore"):
        found = dqn_targets(rewards, next_values, terminated, gamma)

    def targets(after, gamma=gamma, ends=terminated):
        return np.array([float(r) if end else float(r) + gamma * float(v) for r, v, end in zip(rewards, after, ends, strict=True)])

    best = next_values.max(axis=1)
    right = targets(best)
    check.shape(found, right.shape, f"the targets {name}")
    check.that(np.isfinite(found).all(), "A target is infinite or NaN: what comes after the end does not count, and 0 times infinity is NaN. Choose with np.where in place of multiplying.")
    check.close(
        found, right, f"the targets {name}", tolerance=1e-6,
        mistakes=None if np.isinf(next_values).any() else {
            "Where an episode is terminated, the target is the reward alone.": targets(best, ends=0 * terminated),
            "It is the other way: the reward alone stands where the episode is terminated.": targets(best, ends=~terminated),
            "The best value of each observation is asked for, along axis 1; this is the best of all.": targets(0 * best + best.max(initial=-np.inf)),
            "This is which action is best, and asked for is its value.": targets(next_values.argmax(axis=1)),
            "The best next value counts, not the mean.": targets(next_values.mean(axis=1)),
            "gamma is forgotten.": targets(best, gamma=1.0),
            "Where an episode is terminated, the reward still counts.": right * ~terminated,
            "The reward is not multiplied by gamma.": right + (gamma - 1) * rewards,
        },
    )
    check.dtype(found, rewards.dtype, f"the targets {name}")


def huber_by_loops(values, actions, targets):
    total = 0.0
    for row, action, target in zip(values, actions, targets, strict=True):
        error = abs(float(row[action]) - float(target))
        total += error**2 / 2 if error <= 1 else error - 0.5
    return total / len(values)


def check_dqn_loss(values, actions, targets, name):
    with check.own_work(), check.unchanged(values=values, actions=actions, targets=targets):
        found = dqn_loss(values, actions, targets)
    check.that(isinstance(found, tuple) and len(found) == 2, "dqn_loss should return the loss and its gradient.")
    loss, gradient = found
    check.that(np.ndim(loss) == 0, f"The loss should be one number; it has the shape {np.shape(loss)}.")
    right = huber_by_loops(values, actions, targets)
    error = values[np.arange(len(values)), actions].astype(float) - targets
    check.close(
        loss, right, f"the loss {name}", tolerance=1e-5,
        mistakes={
            "That is the squared loss; where |e| is over 1 it should grow in a straight line.": (error**2).mean() / 2,
            "That is the mean of e squared; the Huber loss has a half of it, and a straight line over 1.": (error**2).mean(),
            "The loss is a mean over the batch, and this is the sum.": right * len(values),
            "The line is |e| - 1/2, so that it meets the parabola at 1.": np.where(np.abs(error) <= 1, error**2 / 2, np.abs(error)).mean(),
            "The mean is over the N steps, not over all N A values.": right / values.shape[1],
            "The value of the action that was done is asked for, and this is the best one.": huber_by_loops(values, values.argmax(axis=1), targets),
        },
    )
    check.shape(gradient, values.shape, f"the gradient {name}")
    exact = np.zeros(values.shape)
    exact[np.arange(len(values)), actions] = np.clip(error, -1, 1) / len(values)
    uncut = np.zeros(values.shape)
    uncut[np.arange(len(values)), actions] = error / len(values)
    every = np.clip(values - targets[:, None], -1, 1) / len(values)
    check.close(
        gradient, exact, f"the gradient {name}", tolerance=1e-5,
        mistakes={
            "The gradient of the Huber loss is cut off at -1 and 1.": uncut,
            "The loss is a mean, so its gradient is divided by the size of the batch.": exact * len(values),
            "Only the action that was done has a gradient; of the others nothing is known.": every,
        },
    )
    check.dtype(gradient, values.dtype, f"the gradient {name}")


def test_dqn():
    next_values = np.array([[1.0, 4.0, 2.0], [-1.0, -3.0, -2.0], [5.0, 0.0, 6.0], [2.0, 2.0, 2.0]])
    rewards, terminated = np.array([0.5, 1.0, -1.0, 0.0]), np.array([False, False, True, False])
    check_targets(rewards, next_values, terminated, 0.9, "of four steps")
    check_targets(rewards.astype(np.float32), next_values.astype(np.float32), terminated, 0.9, "of four steps in float32")
    after = np.where(terminated[:, None], np.inf, next_values)
    check_targets(rewards, after, terminated, 0.9, "where what comes after the end is infinite")
    values = np.array([[0.25, 3.0, -1.0], [2.0, 0.5, 0.0], [1.0, -2.0, 4.0], [0.0, 0.0, 0.5]])
    actions, targets = np.array([0, 1, 2, 0]), np.array([0.75, -1.5, 3.5, 3.0])
    check_dqn_loss(values, actions, targets, "of four steps")
    check_dqn_loss(values.astype(np.float32), actions, targets.astype(np.float32), "of four steps in float32")


test_dqn()
check.passed("Task 9")


# %% nbgrader="dqn hidden 4"
def test_dqn_hidden():
    rng = np.random.default_rng(9)
    for count, actions in [(1, 1), (1, 6), (32, 2), (7, 5), (64, 18)]:
        for dtype in (np.float64, np.float32):
            for gamma in (0.0, 0.5, 0.99, 1.0):
                for share in (0.0, 0.3, 1.0):
                    rewards = rng.standard_normal(count).astype(dtype)
                    next_values = (3 * rng.standard_normal((count, actions)) - 2).astype(dtype)
                    terminated = rng.random(count) < share
                    next_values[terminated] = rng.choice([np.inf, -np.inf, 1e30], (int(terminated.sum()), 1))
                    check_targets(rewards, next_values, terminated, gamma, f"of {count} steps with {actions} actions, gamma {gamma}")
            values = (2 * rng.standard_normal((count, actions))).astype(dtype)
            done, targets = rng.integers(0, actions, count), (2 * rng.standard_normal(count)).astype(dtype)
            check_dqn_loss(values, done, targets, f"of {count} steps with {actions} actions")
            check_dqn_loss(values, done.astype(np.int32), values[np.arange(count), done], "where each target is met")
    # Just at the joint, and far away.
    values = np.array([[1.0, 0.0], [-1.0, 9.0], [1e6, 0.0], [0.0, 1e-9]])
    check_dqn_loss(values, np.array([0, 0, 0, 1]), np.zeros(4), "at errors of 1, -1, a million and almost none")
    # Gradients with respect to the values, by moving each.
    values, done, targets = rng.standard_normal((5, 3)), rng.integers(0, 3, 5), 2 * rng.standard_normal(5)
    with check.own_work():
        _, gradient = dqn_loss(values, done, targets)
    check.close(gradient, check.numerical_gradient(lambda: huber_by_loops(values, done, targets), values, np.ones(())), "the gradient of five steps")
    check_dqn_loss(values[::-1, ::-1], done, targets, "of values read backwards")


test_dqn_hidden()

# %% [markdown]
# ## Task 10: Double DQN, and a dueling head
#
# *8 points, 25 minutes, medium*
#
# The largest of several noisy values is too large, because the luckiest is taken. So a deep Q-network promises itself too much. *Double DQN* lets one network choose and the other judge: what is luck in one is not in the other.
#
# 1. `double_dqn_targets(rewards, online_next, target_next, terminated, gamma)`: as in task 9, but the best next action is chosen by the values of the network that learns, `online_next` (N, A), and its worth is read from those of the target network, `target_next` (N, A). If several are the best, the first is taken.
#
# In many states it hardly matters what one does. A *dueling head* learns separately how good the state is, V (N, 1), and how much better each action is than others, its advantage a (N, A):
#
# $$q_{ni} = V_n + a_{ni} - \frac1A \sum_j a_{nj}$$
#
# 2. `dueling(value, advantages)` returns q (N, A).
# 3. `dueling_backward(dq)` returns the gradients with respect to V, (N, 1), and a, (N, A).
#
# <details><summary>Hint: dV</summary>
#
# V is added to each of the A values, so its gradient is the sum of theirs. Keep the shape (N, 1).
# </details>
# <details><summary>Hint: da</summary>
#
# Each advantage enters its own value with a factor of 1, and all values of its row with -1/A.
# </details>

# %% nbgrader="double solution"
def double_dqn_targets(rewards, online_next, target_next, terminated, gamma):
    """Return the targets (N,): one network chooses, the other judges."""
    ### BEGIN SOLUTION
    judged = target_next[np.arange(len(rewards)), online_next.argmax(axis=1)]
    return rewards + gamma * np.where(terminated, judged.dtype.type(0), judged)
    ### END SOLUTION


def dueling(value, advantages):
    """Return the values (N, A) of a state's value (N, 1) and advantages (N, A)."""
    ### BEGIN SOLUTION
    return value + advantages - advantages.mean(axis=1, keepdims=True)
    ### END SOLUTION


def dueling_backward(dq):
    """Return the gradients of the state's value (N, 1) and of the advantages (N, A)."""
    ### BEGIN SOLUTION
    return dq.sum(axis=1, keepdims=True), dq - dq.mean(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader="double visible 4"
def check_double(rewards, online_next, target_next, terminated, gamma, name):
    given = dict(rewards=rewards, online_next=online_next, target_next=target_next, terminated=terminated)
    with check.own_work(), check.unchanged(**given), np.errstate(all="ignore"):
        found = double_dqn_targets(rewards, online_next, target_next, terminated, gamma)

    def targets(choosing, judging, ends=terminated):
        after = [float(judge[list(row).index(max(row))]) for row, judge in zip(choosing.tolist(), judging, strict=True)]
        return np.array([float(r) + (0 if end else gamma * v) for r, v, end in zip(rewards, after, ends, strict=True)])

    right = targets(online_next, target_next)
    check.shape(found, right.shape, f"the targets {name}")
    check.that(np.isfinite(found).all(), "A target is infinite or NaN: what comes after the end does not count, and 0 times infinity is NaN. Choose with np.where in place of multiplying.")
    check.close(
        found, right, f"the targets {name}", tolerance=1e-6,
        mistakes=None if np.isinf(target_next).any() else {
            "The target network chooses here, and judges too: that is plain DQN.": targets(target_next, target_next),
            "The network that learns chooses here, and judges too.": targets(online_next, online_next),
            "It is the other way: the network that learns chooses, the target network judges.": targets(target_next, online_next),
            "Where an episode is terminated, the target is the reward alone.": targets(online_next, target_next, 0 * terminated),
            "It is the other way: the reward alone stands where the episode is terminated.": targets(online_next, target_next, ~terminated),
            "The smaller of the two networks' best values is another method; here the one chooses, the other judges.":
                np.minimum(targets(online_next, online_next), targets(target_next, target_next)),
        },
    )
    check.dtype(found, rewards.dtype, f"the targets {name}")


def check_dueling(value, advantages, dq, name):
    with check.own_work(), check.unchanged(value=value, advantages=advantages, dq=dq):
        q, gradients = dueling(value, advantages), dueling_backward(dq)
    right = np.array([[v + a - sum(row) / len(row) for a in row] for v, row in zip(value[:, 0].tolist(), advantages.tolist(), strict=True)])
    check.close(
        q, right, f"the values {name}", tolerance=1e-5,
        mistakes={
            "The mean of the advantages is to be subtracted.": value + advantages,
            "The mean is that of each row, over the actions; this is over the whole batch.": value + advantages - advantages.mean(),
            "Subtract the mean of the advantages, not the largest.": value + advantages - advantages.max(axis=1, keepdims=True),
            "The mean goes over actions, axis 1; this goes over the batch.": value + advantages - advantages.mean(axis=0),
            "Subtract the mean of the advantages, not their sum.": value + advantages - advantages.sum(axis=1, keepdims=True),
        },
    )
    check.dtype(q, value.dtype, f"the values {name}")
    check.that(isinstance(gradients, tuple | list) and len(gradients) == 2, "dueling_backward should return two gradients: of V and of the advantages.")
    dv, da = gradients
    wide = dq.astype(np.float64)
    check.close(
        dv, wide.sum(axis=1, keepdims=True), f"dV {name}", tolerance=1e-5,
        mistakes={"V enters each value, so its gradient is the sum over actions, not the mean.": wide.mean(axis=1, keepdims=True)},
    )
    check.close(
        da, wide - wide.mean(axis=1, keepdims=True), f"da {name}", tolerance=1e-5,
        mistakes={
            "The mean depends on each advantage as well: subtract the mean of dq in each row.": wide,
            "The mean is that of each row; this is over the whole batch.": wide - wide.mean(),
            "The mean is that of each row, over the actions; this is over the batch.": wide - wide.mean(axis=0),
            "Each advantage enters by 1 and by -1/A, so the mean of dq is subtracted, not the sum.": wide - wide.sum(axis=1, keepdims=True),
        },
    )
    check.dtype(dv, dq.dtype, f"dV {name}")
    check.dtype(da, dq.dtype, f"da {name}")


def test_double():
    online = np.array([[1.0, 4.0, 2.0], [3.0, -3.0, -2.0], [5.0, 0.0, 6.0], [2.0, 2.0, 1.0]])
    target = np.array([[3.0, 1.0, 2.5], [-1.0, 0.5, 9.0], [2.0, 7.0, 1.0], [3.0, 8.0, 0.5]])
    rewards, terminated = np.array([0.5, 1.0, -1.0, 0.0]), np.array([False, False, True, False])
    check_double(rewards, online, target, terminated, 0.9, "of four steps")
    check_double(*(a.astype(np.float32) for a in (rewards, online, target)), terminated, 0.9, "of four steps in float32")
    check_double(rewards, online, np.where(terminated[:, None], np.inf, target), terminated, 0.9, "where what comes after the end is infinite")
    rng = np.random.default_rng(0)
    value, advantages, dq = rng.standard_normal((4, 1)), rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    check_dueling(value, advantages, dq, "of four states")
    check_dueling(*(a.astype(np.float32) for a in (value, advantages, dq)), "in float32")


test_double()
check.passed("Task 10")


# %% nbgrader="double hidden 4"
def test_double_hidden():
    rng = np.random.default_rng(10)
    for count, actions in [(1, 1), (1, 6), (32, 2), (7, 5), (3, 3), (64, 18)]:
        for dtype in (np.float64, np.float32):
            for gamma in (0.0, 0.9, 1.0):
                rewards = rng.standard_normal(count).astype(dtype)
                online, target = (rng.standard_normal((count, actions)).astype(dtype) for _ in range(2))
                online[rng.random(count) < 0.3] = 0.5  # equal ones: the first
                terminated = rng.random(count) < 0.4
                target[terminated] = np.inf
                check_double(rewards, online, target, terminated, gamma, f"of {count} steps with {actions} actions, gamma {gamma}")
            check_dueling(*(rng.standard_normal(shape).astype(dtype) for shape in [(count, 1), (count, actions), (count, actions)]), f"of {count} states with {actions} actions")
    # By moving each: the gradients belong to the formula.
    value, advantages, dq = rng.standard_normal((3, 1)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    with check.own_work():
        dv, da = dueling_backward(dq)
    check.gradient(lambda: dueling(value, advantages), value, dv, dq, "dV")
    check.gradient(lambda: dueling(value, advantages), advantages, da, dq, "da")
    # What all advantages share does not matter.
    with check.own_work():
        q, moved = dueling(value, advantages), dueling(value, advantages + 5)
    check.close(moved, q, "the values when 5 is added to all advantages", tolerance=1e-9)


test_double_hidden()

# %% [markdown]
# ## Task 11: a question
#
# *8 points, 25 minutes, graded by a person*
#
# 1. A GAN trains on digits. After an hour the discriminator's loss is 0.02 and the generator's 5.1, and both hardly change. A colleague says: "The discriminator is almost perfect, so training works." What has happened to the generator's gradient if its loss is log(1 - D) instead of -log D, and why? Name a way to tell from the *pictures* whether the generator makes all ten digits, and say why the losses cannot tell. (2 points)
# 2. In an environment an episode is stopped after 200 steps, though nothing has gone wrong by then. Somebody treats that like a fall: the target is the reward alone. The agent gets a reward of 1 in every step. What values does it learn near step 200 if it cannot see the clock, and what is wrong with them? (2 points)
# 3. A report says: "Our agent reaches 500 points in CartPole." That was one training run, at its best moment, in one episode. Name three things that you would ask for, each with its reason. (2 points)
# 4. A network that segments roads has a mean IoU of 0.95 on pictures recorded by a good driver. It steers a car by itself, and leaves the road after ten seconds. Nothing is wrong with the program. What is different, and what would you do about it? (2 points)

# %% [markdown] nbgrader="question manual 8"
# ### BEGIN SOLUTION
# 1. D is almost 0 for all made pictures. There the slope of log(1 - σ(a)) is -σ(a), almost 0: the generator learns nothing just where it is worst; that of -log σ(a) is about -1. To tell: let a classifier that took no part name the digits of many made pictures and count each class (or a Fréchet distance of its features). The losses compare two networks with each other; a generator that makes one perfect digit can fool the discriminator, or not, just as one that makes ten. (1 each)
# 2. Steps that look alike get a target of 1 when the clock stops, and of 1 + γ V at other times; the value is something between them, too small. It mixes what the world is worth with how long it was watched. The agent would take falling over and being stopped for equally bad. Truncated steps should keep the value of the next state (or the clock should be part of the observation). (1 for the values, 1 for what is wrong)
# 3. Several seeds with mean and spread, since training runs differ a lot; evaluation over many episodes, since one is luck; the network at the end, or one chosen on other episodes than those reported, since the best moment is chosen for its luck; a comparison, a random agent or one from the literature; exploration off and the rules of evaluation stated. (any three with reason: 2; two: 1)
# 4. The pictures it sees now depend on how it steers: a small mistake brings it to a place from which no good driver ever recorded, where it makes larger ones. (A mean over pixels also hides rare mistakes that matter: a few pixels at the edge of the road.) Measure driving in the loop; collect pictures from where the car gets to by itself, with what a good driver would do there, and train again; start recordings off the middle of the road. (1 each)
# ### END SOLUTION
