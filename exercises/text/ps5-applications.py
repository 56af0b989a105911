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
# # Assignment 5: boxes, pixels, words
#
# You write the parts that turn a classifier into a detector, a segmenter and a narrator: overlaps, suppression, RoI pooling and average precision; the transposed convolution and the linear layer that became a convolution; an LSTM's step, and the search for a sentence. Nine tasks are graded by tests, one question by a person. **100 points, about six and a half hours.**
#
# | task | points | minutes | difficulty |
# |---|---|---|---|
# | 1. Overlaps of many boxes at once | 8 | 25 | easy |
# | 2. Non-maximum suppression | 8 | 30 | easy |
# | 3. RoI pooling, forward and backward | 14 | 60 | hard |
# | 4. Average precision | 12 | 50 | hard |
# | 5. A transposed convolution, forward and backward | 14 | 60 | hard |
# | 6. From a linear layer to a convolution | 8 | 30 | medium |
# | 7. Mean IoU | 8 | 25 | easy |
# | 8. A step of an LSTM, with its gradients | 12 | 50 | medium |
# | 9. Beam search | 8 | 35 | medium |
# | 10. A question | 8 | 25 | in words |
#
# **How it works.** Replace `raise NotImplementedError()` in each task, and run the test cell below it. A failed test says what the likely mistake is. Leave the test cells as they are: when your work is graded, they are put back in their original form, and *hidden tests* are added, with other shapes, strides and edge cases. Passing the visible tests is a good sign, but not the last word. Before you hand in, choose *Kernel, Restart and run all*, and run `dlcourse check ps5-applications.ipynb` in a terminal: it looks whether all is in place. Keep the name of the file.
#
# **Rules.** Write the work yourself, in NumPy. The finished parts of `dlcourse` are there to compare with; tests notice when they are called in place of your own. One exception: tasks 2 and 4 may call `detection.box_iou`, so that a mistake in task 1 costs nothing there. Do not change the arrays that you are given. float32 stays float32.
#
# Arrays of images have the shape (N, C, H, W): images, channels, height, width. A box is a row (left, top, right, bottom) in pixels; it is right - left wide. A box that is turned inside out (its right edge left of its left one) has no area.

# %% nbgrader="setup setup"
# On Colab: install the package alone, and leave Colab's own NumPy and CuPy as they are.
import sys

if "google.colab" in sys.modules:
    get_ipython().run_line_magic(
        "pip", "install --quiet --no-deps git+https://github.com/dlcourse/dlcourse"
    )

import math
from itertools import pairwise

import numpy as np
from dlcourse import check, nn
from dlcourse.applications import detection, segmentation
from threadpoolctl import threadpool_limits

limits = threadpool_limits(1)  # times are of one thread, so that they can be compared

# What tasks 2 and 4 may call: detection.box_iou, and what that calls.
OVERLAPS = tuple(f"dlcourse.applications.detection.boxes.{name}" for name in ("box_iou", "area", "_checked"))

# %% [markdown]
# ## Task 1: overlaps of many boxes at once
#
# *8 points, 25 minutes, easy*
#
# Taught in: "Object detection: what, and where", section [When is a box right?](https://dlcourse.github.io/dlcourse/book/5-applications/detection.html#when-is-a-box-right)
#
# *Intersection over union*: the area that two boxes share, divided by the area that they cover together. `box_iou(boxes, others)` returns it for each of `boxes` (N, 4) with each of `others` (M, 4), as an array (N, M).
#
# - No loop: the test compares your time with that of two loops.
# - Where two boxes cover nothing together, the IoU is 0. So a box without area agrees with nothing, not even with itself.
# - Boxes may be whole numbers, of any dtype; then the result is float64. float32 stays float32.
# - N or M may be 0.
#
# <details><summary>Hint: all pairs</summary>
#
# `boxes[:, None]` is (N, 1, 4) and `others[None]` is (1, M, 4). What combines the two is (N, M, ...).
# </details>
# <details><summary>Hint: what two boxes share</summary>
#
# Its left edge is the larger of the two left edges, its right edge the smaller of the two right ones. If it is turned inside out, it is empty.
# </details>

# %% nbgrader="iou solution"
def box_iou(boxes, others):
    """Return the IoU of each of `boxes` (N, 4) with each of `others` (M, 4): (N, M)."""
    ### BEGIN SOLUTION
    dtype = np.result_type(boxes, others)
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    boxes, others = boxes.astype(dtype), others.astype(dtype)
    least = np.maximum(boxes[:, None, :2], others[None, :, :2])
    most = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.maximum(most - least, 0)
    shared = sides[..., 0] * sides[..., 1]
    area, other_area = (np.maximum(b[:, 2:] - b[:, :2], 0).prod(axis=1) for b in (boxes, others))
    union = area[:, None] + other_area - shared
    return shared / np.where(union > 0, union, 1)
    ### END SOLUTION


# %% nbgrader="iou visible 4"
def overlap_by_loops(boxes, others, pixel=0, minus=1):
    """IoU in two loops. The options make mistakes: see below."""
    result = np.zeros((len(boxes), len(others)))
    for i, (left, top, right, bottom) in enumerate(boxes.tolist()):
        for j, (left_2, top_2, right_2, bottom_2) in enumerate(others.tolist()):
            width = max(min(right, right_2) - max(left, left_2) + pixel, 0)
            height = max(min(bottom, bottom_2) - max(top, top_2) + pixel, 0)
            mine = max(right - left + pixel, 0) * max(bottom - top + pixel, 0)
            theirs = max(right_2 - left_2 + pixel, 0) * max(bottom_2 - top_2 + pixel, 0)
            union = mine + theirs - minus * width * height
            result[i, j] = width * height / union if union else 0
    return result


def check_iou(boxes, others, name):
    right = overlap_by_loops(boxes, others)
    dtype = np.float32 if boxes.dtype == others.dtype == np.float32 else np.float64
    with check.own_work(), check.unchanged(boxes=boxes, others=others), np.errstate(all="ignore"):
        iou = box_iou(boxes, others)
    check.shape(iou, right.shape, f"box_iou {name}")
    check.that(
        ((iou >= 0) & (iou <= 1.00001) | np.isnan(iou)).all(),
        f"box_iou {name} is not between 0 and 1. Boxes that do not touch share nothing; two "
        "negative sides make a positive area.",
    )
    check.close(
        iou, right, f"box_iou {name}",
        mistakes={
            "A box is right - left wide; there is no pixel to add.":
                overlap_by_loops(boxes, others, pixel=1),
            "What both cover is counted twice in the union: subtract it once.":
                overlap_by_loops(boxes, others, minus=0),
        },
    )
    check.dtype(iou, dtype, f"box_iou {name}")


def check_iou_speed(count, other_count):
    rng = np.random.default_rng(0)
    boxes, others = (rng.random((n, 4), np.float32) for n in (count, other_count))
    check.faster(
        lambda: box_iou(boxes, others), lambda: overlap_by_loops(boxes, others), 1 / 4,
        f"box_iou of {count} boxes with {other_count}", "two loops", "a Python loop over boxes",
        repeats=7,
    )


def test_iou():
    boxes = np.array([[0.0, 0, 4, 4], [10, 10, 14, 12]])
    others = np.array([[0.0, 0, 4, 4], [2, 2, 6, 6], [2, 0, 4, 2], [20, 20, 30, 30], [13, 0, 20, 11]])
    check_iou(boxes, others, "of 2 boxes with 5")
    check_iou(boxes.astype(np.float32), others.astype(np.float32), "in float32")
    check_iou(boxes.astype(int), others.astype(int), "of whole numbers")
    flat = np.array([[3.0, 3, 3, 9], [5, 5, 5, 5]])
    with check.own_work(), np.errstate(all="ignore"):
        iou = box_iou(flat, flat)
    check.that(not np.isnan(iou).any(), "Boxes without area gave NaN, which is 0 / 0; the IoU is 0 there.")
    check.close(iou, np.zeros((2, 2)), "box_iou of boxes without area with themselves", tolerance=1e-12)


test_iou()
check_iou_speed(6_000, 4)
check_iou_speed(4, 6_000)
check.passed("Task 1")


# %% nbgrader="iou hidden 4"
def test_iou_hidden():
    rng = np.random.default_rng(1)
    for count, other_count in [(1, 1), (7, 3), (40, 50), (0, 4), (3, 0), (0, 0)]:
        for scale in (1, 40):
            pair = [np.round(scale * rng.random((n, 4)) * 4) / 4 for n in (count, other_count)]
            # Some are turned inside out; those have no area.
            for dtype in (np.float64, np.float32):
                check_iou(*(b.astype(dtype) for b in pair), f"of {count} boxes with {other_count}")
    boxes = rng.integers(0, 255, (20, 4))
    boxes.sort(axis=1)
    for dtype in (np.uint8, np.int16, np.int32, np.float32):
        check_iou(boxes.astype(dtype), boxes[::-1].astype(dtype), f"of boxes of {np.dtype(dtype)}")
    large = np.array([[0, 0, 60_000, 60_000], [30_000, 0, 60_000, 60_000]])
    check_iou(large.astype(np.int32), large.astype(np.int32), "of large boxes of int32")
    check_iou(-large[:, [2, 3, 0, 1]], -large[:, [2, 3, 0, 1]], "at negative places")
    check_iou(boxes.astype(float)[::2], boxes.astype(float)[::-3], "of boxes with gaps")


test_iou_hidden()

# %% [markdown]
# ## Task 2: non-maximum suppression
#
# *8 points, 30 minutes, easy*
#
# Taught in: "Object detection: what, and where", section [5. Better boxes, and fewer](https://dlcourse.github.io/dlcourse/book/5-applications/detection.html#better-boxes-and-fewer)
#
# A detector gives many boxes for one thing. Keep the surest, and drop all of its class that overlap it by **more than** `threshold`; then do the same with what is left, until nothing is left.
#
# `nms(boxes, scores, labels, threshold)` takes boxes (N, 4), scores (N,) and labels (N,), and returns the *indices* of the boxes to keep, an array of whole numbers, from the surest to the least sure. Boxes of different labels do not suppress each other. Where scores are equal, the smaller index comes first. Scores are any numbers, negative ones too. N may be 0.
#
# You may call `detection.box_iou(boxes, others)`.
#
# <details><summary>Hint: the order</summary>
#
# `np.argsort(-scores, kind="stable")` gives indices from the surest to the least sure, and leaves equal ones in their order.
# </details>
# <details><summary>Hint: who suppresses</summary>
#
# Only a box that is *kept* drops others. A box that was dropped no longer has a say.
# </details>

# %% nbgrader="nms solution"
def nms(boxes, scores, labels, threshold):
    """Return the indices of the boxes to keep, the surest first."""
    ### BEGIN SOLUTION
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        overlaps = detection.box_iou(boxes[best : best + 1], boxes[rest])[0]
        order = rest[(overlaps <= threshold) | (labels[rest] != labels[best])]
    return np.array(kept, int)
    ### END SOLUTION


# %% nbgrader="nms visible 4"
def kept_indices(boxes, scores, labels, threshold):
    with check.own_work(allowed=OVERLAPS), check.unchanged(boxes=boxes, scores=scores, labels=labels):
        kept = nms(boxes, scores, labels, threshold)
    check.that(isinstance(kept, np.ndarray), f"nms should return an array, and returned a {type(kept).__name__}.")
    check.that(kept.ndim == 1, f"nms should return indices, (K,); it returned the shape {kept.shape}.")
    check.that(kept.dtype.kind in "iu", f"nms should return whole numbers, the indices; these are {kept.dtype}.")
    return kept


def test_nms():
    boxes = np.array([
        [2.0, 0, 12, 10],  # overlaps the second by 0.67, and the fourth by 0.82
        [0, 0, 10, 10],
        [20, 20, 30, 30],  # far from all others
        [1, 0, 11, 10],  # overlaps the second by 0.82
        [0, 0, 10, 10],  # as the second, and of another class
    ])
    scores, labels = np.array([0.7, 0.9, -0.5, 0.8, 0.6]), np.array([1, 1, 1, 1, 2])
    kept = kept_indices(boxes, scores, labels, 0.7)
    for wrong, sentence in [
        ([1, 0, 2], "Boxes of different labels do not suppress each other."),
        ([1, 4, 2], "A box that was dropped drops no others: only those that are kept do."),
        ([2, 4, 0, 1], "Begin with the surest box, the one with the highest score."),
        ([0, 2, 3, 4], "These are places in the sorted order; asked for are indices into boxes."),
        ([0, 1, 2, 4], "The right boxes, in another order: the surest comes first."),
        ([1, 0, 4], "A negative score is a score: the box far from all others stays."),
        ([1, 3, 0, 4, 2], "Nothing was dropped, although the second and the fourth box overlap by 0.82."),
        ([1, 4, 0, 2], "The right boxes, in another order: the surest comes first, of whatever class."),
        ([1, 0, 2, 4], "The right boxes, class by class; asked for is one order for all: the surest first."),
    ]:
        check.that(kept.tolist() != wrong, sentence)
    check.that(kept.tolist() == [1, 0, 4, 2], f"The indices to keep are [1, 0, 4, 2]; found are {kept.tolist()}.")
    half = np.array([[0.0, 0, 10, 10], [0, 0, 10, 5]])
    kept = kept_indices(half, np.array([0.1, 0.2]), np.array([0, 0]), 0.5)
    check.that(kept.tolist() == [1, 0], "Boxes that overlap by just the threshold stay; only those above it go.")


test_nms()
check.passed("Task 2")


# %% nbgrader="nms hidden 4"
def nms_by_classes(boxes, scores, labels, threshold):
    kept = [np.empty(0, int)]
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        kept.append(mine[detection.nms(boxes[mine], scores[mine], threshold)])
    kept = np.concatenate(kept)
    return kept[np.lexsort((kept, -scores[kept]))]


def test_nms_hidden():
    rng = np.random.default_rng(2)
    for count in (0, 1, 2, 30, 60):
        for classes in (1, 3):
            for threshold in (0.0, 0.3, 0.7, 1.0):
                corner = 30 * rng.random((count, 2))
                boxes = np.concatenate([corner, corner + 5 + 20 * rng.random((count, 2))], axis=1)
                labels = rng.integers(0, classes, count) + 3
                for dtype in (np.float64, np.float32):
                    scores = rng.standard_normal(count).astype(dtype)
                    name = f"nms of {count} boxes in {classes} classes, threshold {threshold}"
                    kept = kept_indices(boxes.astype(dtype), scores, labels, threshold)
                    right = nms_by_classes(boxes.astype(dtype), scores, labels, threshold)
                    check.that(kept.tolist() == right.tolist(), f"{name} should be {right.tolist()}, and is {kept.tolist()}.")
    # Equal scores: the smaller index first.
    boxes = np.array([[0.0, 0, 10, 10]] * 3 + [[40, 40, 50, 50]] * 2 + [[70, 0, 80, 9]])
    kept = kept_indices(boxes, np.full(6, 0.5), np.zeros(6, int), 0.5)
    check.that(kept.tolist() == [0, 3, 5], f"Where scores are equal, the smaller index comes first: {kept.tolist()}.")
    # Without area there is no overlap.
    flat = np.array([[3.0, 3, 3, 9], [3, 3, 3, 9], [3, 3, 3, 9]])
    kept = kept_indices(flat, np.array([1.0, 3.0, 2.0]), np.zeros(3, int), 0.0)
    check.that(kept.tolist() == [1, 2, 0], "Boxes without area overlap nothing, so all of them stay.")
    # Infinite scores are scores.
    kept = kept_indices(boxes[2:4], np.array([-np.inf, np.inf]), np.zeros(2, int), 0.5)
    check.that(kept.tolist() == [1, 0], "A score of minus infinity is still a score.")


test_nms_hidden()

# %% [markdown]
# ## Task 3: RoI pooling, forward and backward
#
# *14 points, 60 minutes, hard*
#
# Taught in: "Object detection: what, and where", section [Which places belong to a cell](https://dlcourse.github.io/dlcourse/book/5-applications/detection.html#which-places-belong-to-a-cell)
#
# Features of a whole image, and some regions of it: RoI pooling makes a grid of one size from each region, of whatever size it is.
#
# `roi_pool(x, regions, size, scale)` takes features `x` (N, C, H, W), regions (R, 5), the `size` (PH, PW) of the grid, and `scale`, how many places of the features there are per pixel (1 / 8 after three poolings). A region is a row (image, left, top, right, bottom), with edges in pixels. It returns two things: `y` (R, C, PH, PW), and a *memory*: whatever you need in the backward pass.
#
# 1. Edges become places of the features: multiply by `scale` and round to the nearest whole number, halves upwards: `np.floor(edge * scale + 0.5)`.
# 2. The region is from its left to its right place, **both of them included**, so right - left + 1 places wide, and at least 1. It is as high in the same way.
# 3. Of a region of height h that begins at `top`, the cells of row i reach from `top` + ⌊i h / PH⌋ up to, but not including, `top` + ⌈(i + 1) h / PH⌉. So cells may share places. Columns work in the same way.
# 4. What lies outside the features is cut off. `y` is the maximum of what is left of a cell, and 0 where nothing is left.
#
# `roi_pool_backward(dy, memory)` returns the gradient of `x`. Each cell hands its gradient to **one** place, that of its maximum (any of them, if there are several). Places that are the maximum of several cells add up what these send. An empty cell hands on nothing.
#
# Loops over regions and cells are fine.
#
# <details><summary>Hint: rounding up without floats</summary>
#
# `-(-a // b)` is a / b, rounded up.
# </details>
# <details><summary>Hint: where the maximum is</summary>
#
# Reshape the part of a cell to (C, -1) and take `argmax(axis=1)`. `np.unravel_index` turns it into a row and a column. Remember that both count from the beginning of the cell.
# </details>
# <details><summary>Hint: adding where places repeat</summary>
#
# `dx[..., rows, columns] += values` adds only once where a place stands in the list twice. `np.add.at` adds every time; so does a loop.
# </details>

# %% nbgrader="roi solution"
def roi_pool(x, regions, size, scale):
    """Return the maxima of a grid over each region, (R, C, PH, PW), and a memory."""
    ### BEGIN SOLUTION
    _, channels, height, width = x.shape
    y = np.zeros((len(regions), channels, *size), x.dtype)
    sources = []
    for r, region in enumerate(regions):
        image = int(region[0])
        left, top, right, bottom = (int(e) for e in np.floor(region[1:] * scale + 0.5))
        h, w = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(size[0]):
            first, last = top + i * h // size[0], top - (-(i + 1) * h // size[0])
            rows = slice(max(first, 0), max(min(last, height), 0))
            for j in range(size[1]):
                first, last = left + j * w // size[1], left - (-(j + 1) * w // size[1])
                columns = slice(max(first, 0), max(min(last, width), 0))
                part = x[image, :, rows, columns]
                if not part.size:
                    continue
                best = part.reshape(channels, -1).argmax(axis=1)
                row, column = np.unravel_index(best, part.shape[1:])
                row, column = row + rows.start, column + columns.start
                y[r, :, i, j] = x[image, np.arange(channels), row, column]
                sources.append((r, i, j, image, row, column))
    return y, (x.shape, sources)
    ### END SOLUTION


def roi_pool_backward(dy, memory):
    """Return the gradient of the features, given the gradient of the cells."""
    ### BEGIN SOLUTION
    shape, sources = memory
    dx = np.zeros(shape, dy.dtype)
    channels = np.arange(shape[1])
    for r, i, j, image, row, column in sources:
        dx[image, channels, row, column] += dy[r, :, i, j]
    return dx
    ### END SOLUTION


# %% nbgrader="roi visible 6"
def pooled(x, regions, size, scale):
    with check.own_work(), check.unchanged(x=x, regions=regions):
        found = roi_pool(x, regions, size, scale)
    check.that(isinstance(found, tuple) and len(found) == 2, "roi_pool should return y and a memory.")
    return found


def check_roi(x, regions, size, scale, name, mistakes=None):
    layer = nn.RoIPool(size, scale)
    right = layer(x, regions)
    y, memory = pooled(x, regions, size, scale)
    check.shape(y, right.shape, f"y {name}")
    check.that(np.isfinite(y).all(), "Where nothing is left of a cell it is 0, and not infinite or NaN.")
    first = np.concatenate([0 * regions[:, :1], regions[:, 1:]], axis=1)
    general = {
        "Each channel has a maximum of its own; this is that of all channels.":
            np.broadcast_to(right.max(axis=1, keepdims=True), right.shape),
        "A maximum may be negative, and 0 stands only where nothing is left of a cell.": np.maximum(right, 0),
        "The first number of a region says which image it is of.": nn.RoIPool(size, scale)(x, first),
    }
    check.close(y, right, f"y {name}", (mistakes or {}) | general, tolerance=1e-12)
    check.dtype(y, x.dtype, f"y {name}")
    dy = np.random.default_rng(0).standard_normal(right.shape).astype(x.dtype)
    with check.own_work(), check.unchanged(dy=dy):
        dx = roi_pool_backward(dy, memory)
    right, _ = layer.backward(dy)
    check.close(
        dx, right, f"dx {name}",
        mistakes={
            "Where a place is the maximum of several cells, their gradients add up; the last one "
            "replaces the others here.": np.where(right, roi_last(layer, x, regions, dy), 0),
        },
    )
    check.dtype(dx, x.dtype, f"dx {name}")


def roi_last(layer, x, regions, dy):
    """What dx would be if each cell replaced what was there."""
    dx = np.zeros_like(x)
    for r, i, j in np.ndindex(len(regions), *dy.shape[2:]):
        one = np.zeros_like(dy)
        one[r, :, i, j] = dy[r, :, i, j]
        share, _ = layer.backward(one)
        dx[share != 0] = share[share != 0]
    return dx


def test_roi():
    x = np.arange(36.0).reshape(1, 1, 6, 6)  # place (i, j) has the value 6 i + j
    region = np.array([[0, 8, 8, 40, 24]])  # columns 1 to 5, rows 1 to 3
    check_roi(
        x, region, (2, 2), 1 / 8, "of rows 1 to 3 and columns 1 to 5, in a grid of 2 x 2",
        mistakes={
            "The last row and column of a region belong to it.": [[[[8, 10], [14, 16]]]],
            "Where a cell ends is rounded up, so that cells share places.": [[[[8, 11], [20, 23]]]],
            "left and top are mixed up; a region is (image, left, top, right, bottom).":
                [[[[20, 21], [32, 33]]]],
            "Edges are pixels; multiply by scale to have places.": [[[[0, 0], [0, 0]]]],
            "The maximum of each cell is asked for, and this is the mean.":
                [[[[11, 13], [17, 19]]]],
        },
    )
    # 20 pixels are 2.5 places, rounded to 3; 38 are 4.75, rounded to 5.
    check_roi(
        x, np.array([[0, 20, 4, 38, 20]]), (1, 1), 1 / 8, "of a region that ends between places",
        mistakes={
            "2.5 is rounded up to 3; np.round and round() go to the even neighbour, 2.": [[[[17]]]],
            "Edges are rounded to the nearest place, and not down.": [[[[16]]]],
        },
    )
    twice = np.array([[0, 0, 0, 47, 47], [0, 24, 24, 40, 40]])
    check_roi(x, twice, (1, 1), 1 / 8, "of two regions with the same maximum")
    same = np.ones((1, 1, 4, 4))
    _, memory = pooled(same, np.array([[0, 0, 0, 3, 3]]), (1, 1), 1.0)
    with check.own_work():
        dx = roi_pool_backward(np.ones((1, 1, 1, 1)), memory)
    check.close(
        dx.sum(), 1, "the sum of dx where all places are equal",
        mistakes={"A cell hands its gradient to one place, not to all that share the maximum.": 16},
    )
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 3, 7, 9)).astype(np.float32)
    regions = np.array([[1, 0, 0, 60, 40], [0, 10, 5, 30, 50], [1, 33, 20, 70, 22]], np.float32)
    check_roi(x, regions, (3, 2), 1 / 8, "of two images with three channels")
    outside = np.array([[0, -40, -40, 20, 20], [1, 60, 40, 200, 100], [0, 100, 100, 130, 130]], np.float32)
    check_roi(-np.abs(x), outside, (3, 3), 1 / 8, "of regions that are partly outside")


test_roi()
check.passed("Task 3")


# %% nbgrader="roi hidden 8"
def test_roi_hidden():
    rng = np.random.default_rng(4)
    for shape, size, scale, count in [
        ((1, 1, 1, 1), (1, 1), 1.0, 2), ((2, 4, 12, 12), (4, 4), 1 / 8, 6), ((3, 2, 9, 14), (2, 5), 1 / 4, 7),
        ((1, 3, 5, 6), (7, 7), 1 / 16, 5), ((2, 2, 8, 8), (3, 1), 0.5, 0), ((1, 5, 10, 7), (1, 1), 1.0, 4),
    ]:
        pixels = np.array([shape[3], shape[2]]) / scale
        corner = np.floor(rng.random((count, 2)) * pixels * 1.3 - 0.2 * pixels)
        corner_2 = corner + np.floor(rng.random((count, 2)) * pixels) - 1
        images = rng.integers(0, shape[0], (count, 1))
        regions = np.concatenate([images, corner, corner_2], axis=1)
        # Halves below 0 are rounded up here, and down by the finished layer.
        regions[:, 1:] -= (regions[:, 1:] < 0) & (regions[:, 1:] * scale % 1 == 0.5)
        for dtype in (np.float32, np.float64):
            x = rng.permutation(np.arange(np.prod(shape))).reshape(shape).astype(dtype) - 20
            name = f"of {count} regions in features {shape}, grid {size}"
            check_roi(x, regions.astype(dtype), size, scale, name)
            check_roi(x[:, ::-1, :, ::-1], regions, size, scale, name + ", read backwards")
    # A region that is turned inside out is one place.
    x = np.arange(36.0).reshape(1, 1, 6, 6)
    check_roi(x, np.array([[0, 4, 4, 1, 1], [0, 3, 3, 3, 3]]), (2, 2), 1.0, "of regions of one place")
    # All values negative: an empty cell is 0, and a full one is not.
    check_roi(x - 100, np.array([[0, 2, 2, 9, 9], [0, 7, 7, 9, 9]]), (2, 3), 1.0, "where x is negative")
    # Several passes, then several backward passes: a memory belongs to its pass.
    _, memory = pooled(x, np.array([[0, 0, 0, 2, 2]]), (1, 1), 1.0)
    pooled(x, np.array([[0, 3, 3, 5, 5]]), (1, 1), 1.0)
    with check.own_work():
        dx = roi_pool_backward(np.ones((1, 1, 1, 1)), memory)
    check.that(dx[0, 0, 2, 2] == 1, "After a second forward pass the first memory gives another gradient; keep nothing in globals.")
    x = np.zeros((1, 2, 4, 4))
    y, memory = pooled(x, np.array([[0, 0, 0, 3, 3], [0, 0, 0, 1, 1]]), (2, 2), 1.0)
    dy = rng.standard_normal(y.shape)
    with check.own_work():
        dx = roi_pool_backward(dy, memory)
    check.close(dx.sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3)), "the sum of dx of each channel, where all places are equal")


test_roi_hidden()

# %% [markdown]
# ## Task 4: average precision
#
# *12 points, 50 minutes, hard*
#
# Taught in: "Object detection: what, and where", section [How good is it?](https://dlcourse.github.io/dlcourse/book/5-applications/detection.html#how-good-is-it)
#
# How good are the boxes that a detector finds? For one class, you are given two lists with an entry for each image: `found` holds pairs (boxes (K, 4), scores (K,)), and `known` holds the boxes of the things there are, (M, 4). Both may be empty for some image.
#
# `average_precision(found, known, threshold)` follows COCO:
#
# 1. Go through the detections of *all* images, the surest first. (No two scores are equal in the tests.) A detection is right if it overlaps a thing of its image by `threshold` or more that **no surer detection has taken**. If there are several such things, it takes the one that it overlaps most. Otherwise it is wrong.
# 2. After each detection there is a precision (share of the detections so far that are right) and a recall (share of all things that are found so far).
# 3. Raise each precision to the best one at *its recall or more*: what comes later counts too.
# 4. Read that off at 101 recalls, `np.linspace(0, 1, 101)`: each takes the precision at the first detection whose recall is at least as high. If no recall is that high, it takes 0. Their mean is the average precision.
#
# No detection at all gives 0. If there is no thing in any image, there is no recall, and the result is `math.nan`.
#
# You may call `detection.box_iou(boxes, others)`.
#
# <details><summary>Hint: matching</summary>
#
# Images have nothing to do with each other while things are taken. So you may match image by image, each from its surest detection on, and then put everything together, sorted by score.
# </details>
# <details><summary>Hint: the best from here on</summary>
#
# `np.maximum.accumulate` gives the largest value so far. Reverse the precisions, and then the result.
# </details>
# <details><summary>Hint: reading off</summary>
#
# `np.searchsorted(recall, recalls)` gives for each of the recalls the first place where `recall` is at least as large; it is `len(recall)` where there is none.
# </details>

# %% nbgrader="ap solution"
def average_precision(found, known, threshold):
    """Return COCO's average precision for one class."""
    ### BEGIN SOLUTION
    things = sum(len(boxes) for boxes in known)
    if not things:
        return math.nan
    scores, hits = [], []
    for (boxes, sure), there in zip(found, known, strict=True):
        overlaps = detection.box_iou(boxes, there)
        for k in np.argsort(-sure):
            best = overlaps[k].argmax() if len(there) else 0
            right = len(there) > 0 and overlaps[k, best] >= threshold
            if right:
                overlaps[:, best] = -1  # taken
            scores.append(sure[k])
            hits.append(right)
    right = np.cumsum(np.array(hits, float)[np.argsort(-np.array(scores, float))])
    precision = right / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / things, np.linspace(0, 1, 101))
    return float(np.append(best, 0.0)[places].mean())
    ### END SOLUTION


# %% nbgrader="ap visible 5"
def measured(found, known, threshold):
    arrays = {f"boxes of image {k}": boxes for k, (boxes, _) in enumerate(found)}
    arrays |= {f"scores of image {k}": scores for k, (_, scores) in enumerate(found)}
    arrays |= {f"things of image {k}": things for k, things in enumerate(known)}
    with check.own_work(allowed=OVERLAPS), check.unchanged(**arrays):
        return average_precision(found, known, threshold)


def none():
    return np.zeros((0, 4))


def test_average_precision():
    known = [np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]]), none(), np.array([[5.0, 5, 15, 15]])]
    found = [
        # A thing found exactly; the same again, a little off; the other thing.
        (np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 8]]), np.array([0.9, 0.8, 0.5])),
        (np.array([[0.0, 0, 10, 10]]), np.array([0.7])),  # where there is nothing
        (np.array([[5.0, 5, 15, 11]]), np.array([0.6])),
    ]
    # From the surest: right, wrong, wrong, right, right. Precision 1, 1/2, 1/3, 1/2, 3/5.
    check.close(
        measured(found, known, 0.5), (34 + 67 * 0.6) / 101, "the average precision of five detections",
        tolerance=1e-9,
        mistakes={
            "Raise each precision to the best at its recall or more (from the right).":
                (34 + 33 * 0.5 + 34 * 0.6) / 101,
            "A thing can be taken once: a second box on it is wrong.": (67 + 34 * 0.8) / 101,
            "A second box on a thing counts as wrong; here it is left out.": (34 + 67 * 0.75) / 101,
            "Take the mean over 101 recalls; this is the area under the steps.": 1 / 3 + 2 / 3 * 0.6,
            "Take the mean over 101 recalls; this is over 11.": (4 + 7 * 0.6) / 11,
            "Detections go from the surest of all images on, not image by image.":
                (34 + 33 * 2 / 3 + 34 * 0.6) / 101,
            "All images together make one curve; this is the mean of one for each.":
                ((51 + 50 * 2 / 3) / 101 + 1) / 2,
            "Begin with the surest detection.": (67 + 34 * 0.6) / 101,
            "Precisions are raised from the left here; what comes later counts.": 1,
        },
    )
    # Two things that overlap by 0.54.
    known = [np.array([[0.0, 0, 10, 10], [3, 0, 13, 10]])]
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10]])  # the second overlaps both, by 0.82 and 0.67
    check.close(
        measured([(boxes, np.array([0.9, 0.8]))], known, 0.5), 1, "the average precision of two on two",
        mistakes={"The second box overlaps a taken thing most, and still has a free one.": 51 / 101},
    )
    boxes = np.array([[3.0, 0, 13, 10], [0, 0, 9, 10]])  # the first is the second thing exactly
    check.close(
        measured([(boxes, np.array([0.9, 0.8]))], known, 0.5), 1, "the average precision of two on two",
        mistakes={"A detection takes the thing that it overlaps most, not the first that will do.": 51 / 101},
    )
    half_known = [np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]])]
    check.close(
        measured([(half_known[0][:1], np.array([0.2]))], half_known, 0.5), 51 / 101,
        "the average precision where one of two things is found",
        mistakes={"Recalls that are never reached count with a precision of 0.": 1},
    )
    half = [np.array([[0.0, 0, 10, 10]])], [(np.array([[0.0, 0, 10, 5]]), np.array([0.3]))]
    check.close(measured(half[1], half[0], 0.5), 1, "the average precision of a box with an IoU of 0.5",
                mistakes={"An overlap of just the threshold is enough.": 0})
    check.close(measured([(none(), np.zeros(0))], half[0], 0.5), 0, "the average precision of no detections")
    nothing = measured(half[1], [none()], 0.5)
    check.that(isinstance(nothing, float) and math.isnan(nothing),
               f"Where there is no thing at all the result is math.nan; found is {nothing}.")


test_average_precision()
check.passed("Task 4")


# %% nbgrader="ap hidden 7"
def coco(found, known, threshold):
    detections = [detection.Detections(b, np.zeros(len(b), int), s) for b, s in found]
    things = [detection.Detections(b, np.zeros(len(b), int)) for b in known]
    return detection.average_precision(detection.precision_recall(detections, things, 0, threshold))


def test_average_precision_hidden():
    rng = np.random.default_rng(5)
    for trial in range(30):
        found, known = [], []
        images = int(rng.integers(1, 9))
        for image in range(images):
            things = int(rng.integers(0, 7))
            if image == images - 1:  # recalls that are no recalls of the 101, but for 0.25, 0.5 ...
                so_far = sum(map(len, known))
                while math.gcd(so_far + things, 100) not in (1, 2, 4, 5):
                    things += 1
            corner = 60 * rng.random((things, 2))
            boxes = np.concatenate([corner, corner + 8 + 20 * rng.random((things, 2))], axis=1)
            known.append(boxes)
            close = np.repeat(boxes, rng.integers(0, 4, things), axis=0)
            close = close + 2.5 * rng.standard_normal(close.shape)
            corner = 60 * rng.random((int(rng.integers(0, 5)), 2))
            others = np.concatenate([corner, corner + 15], axis=1)
            boxes = np.concatenate([close, others])
            found.append((boxes, rng.standard_normal(len(boxes))))
        for threshold in (0.5, 0.75, 0.95):
            right = coco(found, known, threshold)
            check.close(measured(found, known, threshold), right, f"the average precision at {threshold}, trial {trial}",
                        tolerance=1e-9)
    # A surer detection in a later image; boxes without area; negative scores.
    known = [np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 10, 10], [5, 5, 5, 9]])]
    found = [(np.array([[0.0, 0, 10, 10], [4, 4, 4, 4]]), np.array([-3.0, -1.0])),
             (np.array([[0.0, 0, 9, 10], [5, 5, 5, 9]]), np.array([-2.0, -4.0]))]
    check.close(measured(found, known, 0.5), coco(found, known, 0.5), "the average precision with boxes without area")
    float32 = [(b.astype(np.float32), s.astype(np.float32)) for b, s in found]
    check.close(measured(float32, known, 0.5), coco(found, known, 0.5), "the average precision of float32 boxes")
    empty = [(none(), np.zeros(0))] * 2
    check.close(measured(empty, known, 0.5), 0, "the average precision where nothing was found")
    check.that(math.isnan(measured(empty, [none(), none()], 0.5)), "Nothing there and nothing found: math.nan.")


test_average_precision_hidden()

# %% [markdown]
# ## Task 5: a transposed convolution, forward and backward
#
# *14 points, 60 minutes, hard*
#
# Taught in: "Segmentation: a class for each pixel", section [Enlarging, and learning to](https://dlcourse.github.io/dlcourse/book/5-applications/segmentation.html#enlarging-and-learning-to)
#
# A convolution with stride S makes images smaller. Its *backward pass* makes them larger again, and used as a layer of its own it is a transposed convolution: each value of the input spreads a kernel over the output, kernels of neighbours begin S places apart, and where they overlap they add up. At the end P places are cut off on each side, and a bias is added:
#
# $$\tilde y_{n,\,o,\,iS + u,\,jS + v} \mathrel{+}= x_{n c i j}\; w_{c o u v}$$
#
# - `conv_transpose2d(x, w, b, stride, padding)` takes `x` (N, C, H, W), weights (C, O, KH, KW), which is PyTorch's layout, and a bias (O,). It returns (N, O, (H - 1) S + KH - 2P, (W - 1) S + KW - 2P).
# - `conv_transpose2d_backward(dy, x, w, stride, padding)` returns the three gradients dx, dw, db.
#
# A loop over the KH x KW places of the kernel is fine. Loops over pixels or images work too, and are slow.
#
# <details><summary>Hint: one place of the kernel</summary>
#
# For (u, v) all values of the input go to places u, u + S, u + 2S ... : the slice `y[:, :, u : u + (H - 1) * S + 1 : S, ...]`, of shape (N, O, H, W). What is added there mixes channels with `w[:, :, u, v]`: `np.einsum("ncij,co->noij", ...)`.
# </details>
# <details><summary>Hint: padding</summary>
#
# Make the large output first, and cut it at the end: `y[:, :, P : height - P]`. A slice with `-P` goes wrong at P = 0. In the backward pass begin with the reverse: put zeros around dy.
# </details>
# <details><summary>Hint: backward</summary>
#
# The same slice of the padded dy is what x was multiplied into. With it, dx gets a sum over o, and dw[:, :, u, v] a sum over images and places.
# </details>

# %% nbgrader="transposed solution"
def conv_transpose2d(x, w, b, stride, padding):
    """Return (N, O, OH, OW) for x (N, C, H, W), w (C, O, KH, KW), b (O,)."""
    ### BEGIN SOLUTION
    n, _, h, width = x.shape
    _, o, kh, kw = w.shape
    tall, wide = (h - 1) * stride, (width - 1) * stride
    y = np.zeros((n, o, tall + kh, wide + kw), x.dtype)
    for u in range(kh):
        for v in range(kw):
            place = y[:, :, u : u + tall + 1 : stride, v : v + wide + 1 : stride]
            place += np.einsum("ncij,co->noij", x, w[:, :, u, v])
    y = y[:, :, padding : tall + kh - padding, padding : wide + kw - padding]
    return y + b[:, None, None]
    ### END SOLUTION


def conv_transpose2d_backward(dy, x, w, stride, padding):
    """Return the gradients dx, dw, db."""
    ### BEGIN SOLUTION
    tall, wide = (x.shape[2] - 1) * stride, (x.shape[3] - 1) * stride
    db = dy.sum(axis=(0, 2, 3))
    dy = np.pad(dy, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            place = dy[:, :, u : u + tall + 1 : stride, v : v + wide + 1 : stride]
            dx += np.einsum("noij,co->ncij", place, w[:, :, u, v])
            dw[:, :, u, v] = np.einsum("ncij,noij->co", x, place)
    return dx, dw, db
    ### END SOLUTION


# %% nbgrader="transposed visible 6"
def finished_transposed(x, w, b, stride, padding):
    layer = nn.ConvTranspose2d(*w.shape[:2], w.shape[2:], stride, padding, rng=np.random.default_rng(0))
    layer.weight.data, layer.bias.data = w, b
    return layer(x), layer


def check_transposed(shape, filters, stride, padding, dtype, tolerance, rng, gradients=True):
    x = rng.standard_normal(shape).astype(dtype)
    w = rng.standard_normal((shape[1], *filters)).astype(dtype)
    b = rng.standard_normal(filters[0]).astype(dtype)
    name = f"of x {shape}, w {w.shape}, stride {stride}, padding {padding}"
    right, layer = finished_transposed(x, w, b, stride, padding)
    with check.own_work(), check.unchanged(x=x, w=w, b=b):
        y = conv_transpose2d(x, w, b, stride, padding)
    check.close(
        y, right, f"y {name}", tolerance=tolerance,
        mistakes={
            "The bias b seems to be forgotten.": right - b[:, None, None],
            "The kernel is turned by 180 degrees; here it is laid down as it is.":
                finished_transposed(x, w[:, :, ::-1, ::-1], b, stride, padding)[0],
        },
    )
    check.dtype(y, dtype, f"y {name}")
    dy = rng.standard_normal(right.shape).astype(dtype)
    with check.own_work(), check.unchanged(dy=dy, x=x, w=w):
        found = conv_transpose2d_backward(dy, x, w, stride, padding)
    check.that(isinstance(found, tuple | list) and len(found) == 3, "conv_transpose2d_backward returns dx, dw, db.")
    dx = layer.backward(dy)
    rights = dx, layer.weight.grad, layer.bias.grad
    first = finished_transposed(x[:1], w, b, stride, padding)[1]
    first.backward(dy[:1])
    turned = finished_transposed(x, w[:, :, ::-1, ::-1], b, stride, padding)[1]
    for gradient, value, right, mistakes in zip(
        ("dx", "dw", "db"), found, rights,
        (
            {"The kernel is turned in dx; take it as it was laid down.": turned.backward(dy)},
            {"dw is a sum over all images.": first.weight.grad,
             "dw is a sum over the images, not a mean.": rights[1] / len(x)},
            {"db is a sum over images and places, and not a mean.": dy.mean(axis=(0, 2, 3))},
        ),
        strict=True,
    ):
        check.close(value, right, f"{gradient} {name}", mistakes, tolerance)
        check.dtype(value, dtype, f"{gradient} {name}")


def test_transposed():
    x = np.array([[[[1.0, 2], [3, 4]]]])
    w = np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    right = np.array([[1, 2, 5, 4, 6], [4, 5, 14, 10, 12], [10, 14, 36, 24, 30],
                      [12, 15, 34, 20, 24], [21, 24, 55, 32, 36]])
    last = np.array([[1, 2, 2, 4, 6], [4, 5, 8, 10, 12], [3, 6, 4, 8, 12],
                     [12, 15, 16, 20, 24], [21, 24, 28, 32, 36]])
    with check.own_work(), check.unchanged(x=x, w=w):
        y = conv_transpose2d(x, w, np.zeros(1), 2, 0)
    check.that(
        y is None or np.size(y),
        "With padding 0 nothing is left; a slice that ends at -P is empty for P = 0.",
    )
    turned, _ = finished_transposed(x, w[:, :, ::-1, ::-1], np.zeros(1), 2, 0)
    check.close(
        y, right[None, None], "y of [[1, 2], [3, 4]] and a kernel of 1 to 9, stride 2",
        mistakes={
            "The kernel is turned by 180 degrees; here it is laid down as it is.": turned,
            "Where kernels overlap they add up; the last one replaces the others here.": last[None, None],
        },
    )
    with check.own_work():
        y = conv_transpose2d(x, w, np.zeros(1), 2, 1)
    check.close(
        y, right[None, None, 1:-1, 1:-1], "y of the same with padding 1",
        mistakes={"Padding cuts P places off on each side; nothing is cut here.": right[None, None],
                  "Padding cuts off, and does not add a border.": np.pad(right, 1)[None, None]},
    )
    rng = np.random.default_rng(0)
    check_transposed((1, 2, 3, 3), (3, 2, 2), 1, 0, np.float64, 1e-9, rng)
    check_transposed((2, 2, 3, 4), (3, 4, 4), 2, 1, np.float64, 1e-9, rng)
    check_transposed((2, 3, 4, 3), (2, 3, 2), 3, 0, np.float32, 1e-5, rng)
    check_transposed((1, 1, 4, 4), (2, 3, 3), 1, 1, np.float32, 1e-5, rng)


test_transposed()
check.passed("Task 5")


# %% nbgrader="transposed hidden 8"
def test_transposed_hidden():
    rng = np.random.default_rng(6)
    for shape, filters, stride, padding in [
        ((1, 1, 1, 1), (1, 1, 1), 1, 0), ((2, 3, 1, 4), (2, 5, 1), 2, 0), ((3, 2, 4, 4), (1, 4, 4), 4, 0),
        ((2, 2, 3, 5), (3, 2, 3), 5, 0), ((1, 4, 6, 5), (4, 8, 8), 4, 2), ((2, 3, 5, 4), (2, 3, 5), 2, 2),
        ((2, 1, 4, 5), (3, 5, 4), 1, 1), ((3, 2, 3, 3), (2, 1, 1), 3, 0), ((2, 2, 4, 4), (2, 3, 3), 3, 2),
    ]:
        for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-5)):
            check_transposed(shape, filters, stride, padding, dtype, tolerance, rng)
    # Memory in another order.
    x = rng.standard_normal((2, 4, 5, 3)).transpose(0, 3, 1, 2)[:, :, ::-1]
    w = rng.standard_normal((2, 3, 3, 4)).transpose(1, 0, 3, 2)
    b = rng.standard_normal(2)
    right, layer = finished_transposed(x, w, b, 2, 1)
    with check.own_work():
        y = conv_transpose2d(x, w, b, 2, 1)
    check.close(y, right, "y of an array that is not contiguous", tolerance=1e-9)
    dy = rng.standard_normal(right.shape)[:, :, ::-1, ::-1]
    layer.backward(dy)
    with check.own_work(), check.unchanged(dy=dy):
        _, dw, db = conv_transpose2d_backward(dy, x, w, 2, 1)
    check.close(dw, layer.weight.grad, "dw of arrays that are not contiguous", tolerance=1e-9)
    check.close(db, layer.bias.grad, "db of arrays that are not contiguous", tolerance=1e-9)
    # Moving each value.
    x, w, b = rng.standard_normal((2, 2, 2, 3)), rng.standard_normal((2, 2, 3, 2)), np.zeros(2)
    dy = rng.standard_normal((2, 2, 3, 4))
    with check.own_work():
        dx, dw, db = conv_transpose2d_backward(dy, x, w, 2, 1)
    for values, found, name in ((x, dx, "dx"), (w, dw, "dw"), (b, db, "db")):
        check.gradient(lambda: conv_transpose2d(x, w, b, 2, 1), values, found, dy, name)


test_transposed_hidden()

# %% [markdown]
# ## Task 6: from a linear layer to a convolution
#
# *8 points, 30 minutes, medium*
#
# Taught in: "Segmentation: a class for each pixel", section [A fully connected layer is a convolution](https://dlcourse.github.io/dlcourse/book/5-applications/segmentation.html#a-fully-connected-layer-is-a-convolution)
#
# A classifier ends in linear layers. The first of them looks at features of C x h x w, flattened to one long row in this order. On larger features one can cut out every window of h x w and classify each; but a convolution does the same at once.
#
# - `as_filters(weight, size)` takes the weights (O, C h w) of a linear layer and `size` (h, w), and returns them as the filters of a convolution, (O, C, h, w).
# - `classify_everywhere(x, layers, size)` takes features (N, C, H, W) and a list of pairs (weight, bias). The first layer is for windows of `size`, each following one for what the layer before it gives. There is a ReLU between two layers, and none after the last. It returns the scores of all windows, (N, O, H - h + 1, W - w + 1).
#
# No loop over windows or images: the test compares your time with that of such a loop. A loop over layers, or over the h x w places of the filter, is fine.
#
# <details><summary>Hint: the first layer</summary>
#
# `np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))` is (N, C, H', W', h, w); sum over C, h, w with the filters. Or add up h x w products, as in assignment 3.
# </details>
# <details><summary>Hint: the others</summary>
#
# A linear layer at each place is a convolution of 1 x 1: a matrix product along the channels.
# </details>

# %% nbgrader="everywhere solution"
def as_filters(weight, size):
    """Return the weights (O, C h w) of a linear layer as filters (O, C, h, w)."""
    ### BEGIN SOLUTION
    return weight.reshape(len(weight), -1, *size)
    ### END SOLUTION


def classify_everywhere(x, layers, size):
    """Return scores (N, O, H - h + 1, W - w + 1) of linear layers on each window."""
    ### BEGIN SOLUTION
    n, _, height, width = x.shape
    tall, wide = height - size[0] + 1, width - size[1] + 1
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * tall * wide, -1)
    for k, (weight, bias) in enumerate(layers):
        filters = as_filters(weight, size if k == 0 else (1, 1))
        rows = rows @ filters.reshape(len(weight), -1).T + bias
        if k < len(layers) - 1:
            rows = np.maximum(rows, 0)
    return rows.reshape(n, tall, wide, -1).transpose(0, 3, 1, 2)
    ### END SOLUTION


# %% nbgrader="everywhere visible 4"
def window_by_window(x, layers, size, relu=True, relu_last=False, turned=False, bias=1):
    """What is asked for, one window after the other. The options make mistakes."""
    h, w = size
    scores = np.empty((len(x), len(layers[-1][1]), x.shape[2] - h + 1, x.shape[3] - w + 1), x.dtype)
    for n, i, j in np.ndindex(len(x), *scores.shape[2:]):
        window = x[n, :, i : i + h, j : j + w]
        row = (window[:, ::-1, ::-1] if turned else window).reshape(-1)
        for k, (weight, b) in enumerate(layers):
            row = weight @ row + bias * b
            if relu_last or (relu and k < len(layers) - 1):
                row = np.maximum(row, 0)
        scores[n, :, i, j] = row
    return scores


def make_layers(widths, rng, dtype=np.float64):
    return [
        (rng.standard_normal((o, i)).astype(dtype), rng.standard_normal(o).astype(dtype))
        for i, o in pairwise(widths)
    ]


def check_everywhere(shape, size, widths, dtype, tolerance, rng):
    x = rng.standard_normal(shape).astype(dtype)
    layers = make_layers((shape[1] * size[0] * size[1], *widths), rng, dtype)
    name = f"the scores for features {shape}, windows {size}, {len(widths)} layers"
    weights = {f"weights of layer {k}": w for k, (w, _) in enumerate(layers)}
    with check.own_work(), check.unchanged(x=x, **weights):
        scores = classify_everywhere(x, layers, size)
    right = window_by_window(x, layers, size)
    check.close(
        scores, right, name, tolerance=tolerance,
        mistakes={
            "Between two layers stands a ReLU.": window_by_window(x, layers, size, relu=False),
            "Behind the last layer there is no ReLU.": window_by_window(x, layers, size, relu_last=True),
            "The filters are turned by 180 degrees; a convolution of this course does not turn them.":
                window_by_window(x, layers, size, turned=True),
            "The biases are forgotten.": window_by_window(x, layers, size, bias=0),
            "The product is (N H' W', O): reshape it to (N, H', W', O) and transpose after that.":
                right.transpose(0, 2, 3, 1).reshape(right.shape),
        },
    )
    check.dtype(scores, dtype, name)


def check_everywhere_speed(shape, size, widths):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(np.float32)
    layers = make_layers((shape[1] * size[0] * size[1], *widths), rng, np.float32)
    check.faster(
        lambda: classify_everywhere(x, layers, size), lambda: window_by_window(x, layers, size), 1 / 4,
        "classify_everywhere", "a loop over windows", "a Python loop over windows or images",
        repeats=7,
    )


def test_everywhere():
    weight = np.arange(24.0).reshape(2, 12)
    with check.own_work(), check.unchanged(weight=weight):
        filters = as_filters(weight, (3, 2))
    right = weight.reshape(2, 2, 3, 2)
    check.close(
        filters, right, "as_filters of weights (2, 12), for windows of 3 x 2", tolerance=1e-12,
        mistakes={
            "size is (height, width), and here they are swapped.": weight.reshape(2, 2, 2, 3),
            "The long row goes through channels, then rows, then columns: (O, C, h, w).":
                weight.reshape(2, 3, 2, 2).transpose(0, 3, 1, 2),
        },
    )
    rng = np.random.default_rng(0)
    check_everywhere((1, 1, 4, 5), (2, 2), (3,), np.float64, 1e-9, rng)
    check_everywhere((2, 3, 5, 4), (3, 2), (4, 2), np.float64, 1e-9, rng)
    check_everywhere((2, 3, 5, 4), (2, 3), (4, 5, 2), np.float32, 1e-4, rng)


test_everywhere()
check_everywhere_speed((1, 4, 50, 50), (3, 3), (8, 4))
check.passed("Task 6")


# %% nbgrader="everywhere hidden 4"
def test_everywhere_hidden():
    rng = np.random.default_rng(7)
    for shape, size, widths in [
        ((1, 1, 1, 1), (1, 1), (1,)), ((2, 5, 3, 4), (3, 4), (6, 3)), ((3, 2, 7, 6), (1, 5), (4, 3, 2, 5)),
        ((2, 4, 6, 7), (4, 1), (1, 1)), ((4, 3, 2, 9), (2, 2), (7,)),
    ]:
        for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4)):
            check_everywhere(shape, size, widths, dtype, tolerance, rng)
    # Memory in another order.
    x = rng.standard_normal((2, 5, 6, 3)).transpose(0, 3, 1, 2)[:, :, ::-1]
    layers = make_layers((12, 4, 2), rng)
    with check.own_work():
        scores = classify_everywhere(x, layers, (2, 2))
    check.close(scores, window_by_window(x, layers, (2, 2)), "the scores for features that are not contiguous", tolerance=1e-9)
    weight = rng.standard_normal((10, 5)).T
    with check.own_work(), check.unchanged(weight=weight):
        filters = as_filters(weight, (1, 2))
    check.close(filters[3, 2], weight[3, 4:6][None], "the filter of weights that are not contiguous", tolerance=0)
    # Many images of one window each: no loop over images either.
    check_everywhere_speed((1_500, 2, 3, 3), (3, 3), (4,))


test_everywhere_hidden()

# %% [markdown]
# ## Task 7: mean IoU
#
# *8 points, 25 minutes, easy*
#
# Taught in: "Segmentation: a class for each pixel", section [Four numbers](https://dlcourse.github.io/dlcourse/book/5-applications/segmentation.html#four-numbers)
#
# A segmentation gives each pixel a class. How good is it?
#
# - `confusion(predicted, known, classes, ignore)` takes two arrays of one shape, with the class of each pixel, and returns counts (classes, classes): in row i and column j how many pixels *are* of class i and *were taken* for j. A pixel whose known class is `ignore` is not counted, whatever was predicted there. No loop over pixels: the test compares your time with that of one.
# - `mean_iou(counts)` returns the mean over classes of the IoU: the pixels that were correctly taken for the class, divided by all that are of it or were taken for it. A class that has neither is left out of the mean. If nothing was counted, the result is `math.nan`.
#
# Classes come as whole numbers of any dtype; pictures are often uint8.
#
# <details><summary>Hint: counting pairs</summary>
#
# A pair (i, j) becomes the one number i * classes + j. `np.bincount(numbers, minlength=...)` counts how often each occurs.
# </details>
# <details><summary>Hint: uint8</summary>
#
# In uint8, 20 * 21 is 164. Convert before you multiply.
# </details>

# %% nbgrader="mean-iou solution"
def confusion(predicted, known, classes, ignore=255):
    """Return counts (classes, classes): rows are what pixels are, columns what they were taken for."""
    ### BEGIN SOLUTION
    counted = known != ignore
    pairs = known[counted].astype(np.int64) * classes + predicted[counted].astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    ### END SOLUTION


def mean_iou(counts):
    """Return the mean of the IoU over all classes that are there or were predicted."""
    ### BEGIN SOLUTION
    right = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - right
    there = union > 0
    return float((right[there] / union[there]).mean()) if there.any() else math.nan
    ### END SOLUTION


# %% nbgrader="mean-iou visible 4"
def counted(predicted, known, classes, ignore=255):
    # No finished counts of any other kind either.
    with check.own_work(but_not=("dlcourse.metrics",)), check.unchanged(predicted=predicted, known=known):
        counts = confusion(predicted, known, classes, ignore)
    check.shape(counts, (classes, classes), "the counts")
    return counts


def mean_of(counts):
    with check.own_work(), check.unchanged(counts=counts), np.errstate(all="ignore"):
        value = mean_iou(counts)
    check.that(np.ndim(value) == 0, f"mean_iou should return one number, and returned the shape {np.shape(value)}.")
    return value


def count_by_loop(predicted, known, classes, ignore=255):
    counts = np.zeros((classes, classes), int)
    for p, k in zip(predicted.ravel().tolist(), known.ravel().tolist(), strict=True):
        if k != ignore:
            counts[k, p] += 1
    return counts


def test_mean_iou():
    known = np.array([[[0, 0, 1], [2, 2, 1]], [[0, 255, 1], [0, 2, 255]]])
    predicted = np.array([[[0, 1, 1], [2, 0, 1]], [[0, 1, 2], [0, 2, 3]]])
    right = np.zeros((5, 5), int)
    right[:3, :3] = [[3, 1, 0], [0, 2, 1], [1, 0, 2]]
    check.close(
        counted(predicted, known, 5), right, "the counts of two pictures", tolerance=0,
        mistakes={
            "Rows are what pixels are, columns what they were taken for.": right.T,
            "Each pixel counts; += on a list of places adds only once where one repeats.": (right > 0).astype(int),
        },
    )
    uint8 = np.full((2, 2), 20, np.uint8)
    counts = counted(uint8, uint8, 21)
    check.that(counts[20, 20] == 4, "Four pixels of class 20 of 21, in uint8, are counted elsewhere; "
               "20 * 21 does not fit into uint8: convert before you multiply.")
    counts = np.array([[6, 2, 0, 0], [0, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    check.close(
        mean_of(counts), (6 / 8 + 2 / 5) / 3, "the mean IoU", tolerance=1e-9,
        mistakes={
            "A class that is neither there nor predicted is left out of the mean.": (6 / 8 + 2 / 5) / 4,
            "A class that is there and never found counts with an IoU of 0.": (6 / 8 + 2 / 5) / 2,
            "That is the mean accuracy: pixels that were wrongly taken for a class count too.": (6 / 8 + 1) / 3,
            "That is the share of the pixels that are right, which flatters large classes.": 8 / 11,
            "Right pixels are counted twice in the union: subtract them once.": (6 / 14 + 2 / 7) / 3,
            "That is the mean precision: pixels of the class that were missed count too.": (1 + 2 / 5) / 2,
        },
    )
    nothing = mean_of(np.zeros((3, 3), int))
    check.that(math.isnan(nothing), f"Where no pixel was counted the result is math.nan; found is {nothing}.")


def check_counting_speed():
    rng = np.random.default_rng(0)
    pair = [rng.integers(0, 2, (200, 200)).astype(np.uint8) for _ in range(2)]
    check.faster(
        lambda: confusion(*pair, 2, 255), lambda: count_by_loop(*pair, 2), 1 / 2,
        "confusion", "a loop over pixels", "a Python loop over pixels",
        repeats=7,
    )


test_mean_iou()
check_counting_speed()
check.passed("Task 7")


# %% nbgrader="mean-iou hidden 4"
def test_mean_iou_hidden():
    rng = np.random.default_rng(8)
    for shape, classes, ignore in [
        ((4,), 2, 255), ((3, 8, 5), 11, 255), ((1, 30, 40), 150, 255), ((2, 6, 6), 21, 0), ((2, 3, 4, 5), 3, -1), ((0, 4, 4), 3, 255),
    ]:
        for dtype in (np.uint8, np.int16, np.int64):
            if ignore < 0 and dtype is np.uint8:
                continue
            known = rng.integers(0, classes, shape).astype(dtype)
            predicted = rng.integers(0, classes, shape).astype(dtype)
            known[rng.random(shape) < 0.2] = ignore
            name = f"of pictures {shape} in {classes} classes, {np.dtype(dtype)}, where {ignore} is ignored"
            counts = counted(predicted, known, classes, ignore)
            check.close(counts, count_by_loop(predicted, known, classes, ignore), f"the counts {name}", tolerance=0)
            counts = segmentation.pixel_confusion(predicted[known != ignore], known[known != ignore], classes)
            if counts.sum():
                right = segmentation.segmentation_scores(counts).mean_iou
                check.close(mean_of(counts), right, f"the mean IoU {name}", tolerance=1e-9)
    # Different dtypes, memory with gaps, values out of range where nothing is counted.
    known = rng.integers(0, 4, (6, 8)).astype(np.uint8)[::2, ::-1]
    predicted = rng.integers(0, 4, (3, 8))
    known[1], predicted[1] = 255, 1000
    check.close(counted(predicted, known, 4), count_by_loop(predicted, known, 4), "the counts of arrays with gaps", tolerance=0)
    check.close(counted(predicted[1:2], known[1:2], 4), np.zeros((4, 4)), "the counts where everything is ignored", tolerance=0)
    # Only wrong ones; counts as floats; a class that was predicted and is not there.
    check.close(mean_of(np.array([[0, 5], [3, 0]])), 0, "the mean IoU where nothing is right")
    check.close(mean_of(np.array([[4.0, 1.0], [0.0, 0.0]])), 0.4, "the mean IoU with a class that was only predicted",
                mistakes={"A class that was predicted and is not there counts with an IoU of 0.": 0.8})


test_mean_iou_hidden()

# %% [markdown]
# ## Task 8: a step of an LSTM, with its gradients
#
# *12 points, 50 minutes, medium*
#
# Taught in: "Captioning: a sentence for a picture", section [Why it forgets](https://dlcourse.github.io/dlcourse/book/5-applications/captioning.html#why-it-forgets)
#
# An LSTM has a state h (N, H) and a cell c (N, H). A step reads x (N, I):
#
# $$z = x\,W_{ih}^\top + h\,W_{hh}^\top + b \quad\text{in four quarters } z_i, z_f, z_g, z_o \text{ of H columns each},$$
#
# $$c' = \sigma(z_f)\, c + \sigma(z_i) \tanh(z_g), \qquad h' = \sigma(z_o) \tanh(c').$$
#
# - `lstm_step(x, h, c, w_ih, w_hh, b)` takes weights (4H, I) and (4H, H) and a bias (4H,), and returns h', c' and a memory.
# - `lstm_step_backward(dh, dc, memory)` gets the gradients of h' **and** of c' (the next step hands both back), and returns six: those of x, h, c, w_ih, w_hh, b.
#
# Values of z may be large in either direction: σ(-1000) is 0 and σ(1000) is 1, without NaN.
#
# <details><summary>Hint: a sigmoid that does not overflow</summary>
#
# $\sigma(z) = (1 + \tanh(z / 2)) / 2$.
# </details>
# <details><summary>Hint: two ways into c'</summary>
#
# c' is handed on, and it is used for h'. So its gradient is dc + dh σ(z_o) (1 - tanh² c').
# </details>
# <details><summary>Hint: the rest is a linear layer</summary>
#
# Put the gradients of the four quarters side by side, (N, 4H). What follows is the backward pass of two linear layers.
# </details>

# %% nbgrader="lstm solution"
def lstm_step(x, h, c, w_ih, w_hh, b):
    """Return the next state, the next cell, and a memory for the backward pass."""
    ### BEGIN SOLUTION
    z = x @ w_ih.T + h @ w_hh.T + b
    i, f, g, o = np.split(z, 4, axis=1)
    i, f, o = (0.5 * (1 + np.tanh(0.5 * gate)) for gate in (i, f, o))
    g = np.tanh(g)
    new_c = f * c + i * g
    squashed = np.tanh(new_c)
    return o * squashed, new_c, (x, h, c, w_ih, w_hh, i, f, g, o, squashed)
    ### END SOLUTION


def lstm_step_backward(dh, dc, memory):
    """Return the gradients of x, h, c, w_ih, w_hh, b."""
    ### BEGIN SOLUTION
    x, h, c, w_ih, w_hh, i, f, g, o, squashed = memory
    dc = dc + dh * o * (1 - squashed**2)
    dz = np.concatenate(
        [
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dc * i * (1 - g**2),
            dh * squashed * o * (1 - o),
        ],
        axis=1,
    )
    return dz @ w_ih, dz @ w_hh, dc * f, dz.T @ x, dz.T @ h, dz.sum(axis=0)
    ### END SOLUTION


# %% nbgrader="lstm visible 5"
def draw_lstm(batch, inputs, hidden, rng, dtype=np.float64):
    shapes = [(batch, inputs), (batch, hidden), (batch, hidden), (4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def finished_step(x, h, c, w_ih, w_hh, b):
    layer = nn.LSTM(x.shape[1], h.shape[1], rng=np.random.default_rng(0))
    layer.weight_ih_l0.data, layer.weight_hh_l0.data = w_ih, w_hh
    layer.bias_ih_l0.data, layer.bias_hh_l0.data = b, np.zeros_like(b)
    layer.initial = h, c
    layer(x[None])
    return layer.state


def stepped(arguments):
    names = dict(zip(("x", "h", "c", "w_ih", "w_hh", "b"), arguments, strict=True))
    with check.own_work(), check.unchanged(**names), np.errstate(all="ignore"):
        found = lstm_step(*arguments)
    check.that(isinstance(found, tuple | list) and len(found) == 3, "lstm_step should return h, c and a memory.")
    return found


def check_lstm_forward(arguments, name, tolerance):
    x, h, c, w_ih, w_hh, b = arguments
    new_h, new_c, memory = stepped(arguments)
    right_h, right_c = finished_step(*arguments)

    def reordered(order):
        return [np.concatenate([np.split(a, 4)[k] for k in order]) for a in (w_ih, w_hh, b)]

    swapped = {order: finished_step(x, h, c, *reordered(order)) for order in [(0, 1, 3, 2), (1, 0, 2, 3), (0, 2, 1, 3)]}
    check.close(
        new_c, right_c, f"the cell {name}", tolerance=tolerance,
        mistakes={
            "The quarters are i, f, g, o, in this order; g and o are swapped.": swapped[0, 1, 3, 2][1],
            "The quarters are i, f, g, o, in this order; i and f are swapped.": swapped[1, 0, 2, 3][1],
            "The quarters are i, f, g, o, in this order; f and g are swapped.": swapped[0, 2, 1, 3][1],
            "The bias is forgotten.": finished_step(x, h, c, w_ih, w_hh, 0 * b)[1],
            "The state h has no part in it; a recurrent network reads it as well.":
                finished_step(x, 0 * h, c, w_ih, w_hh, b)[1],
            "The old cell is forgotten.": finished_step(x, h, 0 * c, w_ih, w_hh, b)[1],
        },
    )
    check.close(
        new_h, right_h, f"the state {name}", tolerance=tolerance,
        mistakes={"The cell goes through tanh on its way into the state.":
                  right_h / np.where(right_c, np.tanh(right_c), 1) * right_c},
    )
    for value, what in ((new_h, "state"), (new_c, "cell")):
        check.dtype(value, x.dtype, f"the {what} {name}")
    return memory


def check_lstm_backward(arguments, rng, name):
    _, new_c, memory = stepped(arguments)
    dh, dc = rng.standard_normal((2, *arguments[1].shape))
    zero = np.zeros_like(dh)
    with check.own_work(), check.unchanged(dh=dh, dc=dc):
        found, of_h, of_c = (lstm_step_backward(*pair, memory) for pair in ((dh, dc), (dh, zero), (zero, dc)))
    for gradients in (found, of_h, of_c):
        check.that(isinstance(gradients, tuple | list) and len(gradients) == 6,
                   "lstm_step_backward should return the gradients of x, h, c, w_ih, w_hh, b.")
    both = np.stack([dh, dc])
    names = ("dx", "dh", "dc", "dw_ih", "dw_hh", "db")
    # First with dc alone, which says more if something is wrong.
    for upstream, gradients, case in (
        (np.stack([zero, dc]), of_c, "from dc alone"), (np.stack([dh, zero]), of_h, "from dh alone"),
        (both, found, ""),
    ):
        # The cell first, for all others depend on it.
        for what, values, gradient in sorted(
            zip(names, arguments, gradients, strict=True), key=lambda entry: entry[0] != "dc"
        ):
            right = check.numerical_gradient(lambda: np.stack(lstm_step(*arguments)[:2]), values, upstream)
            mistakes = {}
            if case == "from dc alone" and what == "dc":
                mistakes["The gradient dc of the cell is not used: the next step hands it back too."] = 0 * right
                mistakes["From the new cell to the old one the gradient is multiplied by the gate f."] = dc
            elif case == "from dh alone" and what == "dc":
                mistakes["h depends on the cell: its gradient enters that of the cell."] = 0 * right
                mistakes["The slope of tanh(c') is missing: 1 - tanh(c')^2."] = right / (1 - np.tanh(new_c) ** 2)
            if what in ("dw_ih", "dw_hh", "db"):
                mistakes[f"{what} is a sum over the batch, not a mean."] = right / len(dh)
            check.close(gradient, right, f"{what} {name} {case}".strip(), mistakes, tolerance=1e-6)


def test_lstm():
    rng = np.random.default_rng(0)
    check_lstm_forward(draw_lstm(3, 4, 2, rng), "for a batch of 3", 1e-9)
    check_lstm_forward(draw_lstm(5, 3, 6, rng, np.float32), "in float32", 1e-5)
    arguments = draw_lstm(2, 3, 2, rng)
    arguments[5] = 1000 * np.sign(arguments[5])
    new_h, new_c, _ = stepped(arguments)
    check.that(not np.isnan([new_h, new_c]).any(), "Large values gave NaN: exp overflows. Use tanh, which does not.")
    check_lstm_backward(draw_lstm(3, 4, 2, rng), rng, "for a batch of 3")


test_lstm()
check.passed("Task 8")


# %% nbgrader="lstm hidden 7"
def test_lstm_hidden():
    rng = np.random.default_rng(9)
    for batch, inputs, hidden in [(1, 1, 1), (4, 2, 3), (2, 5, 4), (1, 3, 2)]:
        name = f"for a batch of {batch}, {inputs} inputs, {hidden} hidden"
        for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 2e-4)):  # one number may be next to 0
            check_lstm_forward(draw_lstm(batch, inputs, hidden, rng, dtype), name, tolerance)
        check_lstm_backward(draw_lstm(batch, inputs, hidden, rng), rng, name)
    arguments = draw_lstm(3, 2, 4, rng, np.float32)
    for b in (1000, -1000):
        arguments[5] = np.full(16, b, np.float32)
        memory = check_lstm_forward(arguments, f"with a bias of {b}", 1e-5)
        with check.own_work(), np.errstate(all="ignore"):
            gradients = lstm_step_backward(arguments[1], arguments[2], memory)
        for gradient in gradients:
            check.that(np.isfinite(gradient).all(), "A gradient is NaN or infinite where gates are fully open or shut.")
    # A sequence, and back through time.
    steps, batch, inputs, hidden = 6, 3, 4, 5
    x = rng.standard_normal((steps, batch, inputs)).astype(np.float32)
    _, h, c, w_ih, w_hh, b = draw_lstm(batch, inputs, hidden, rng, np.float32)
    layer = nn.LSTM(inputs, hidden, rng=np.random.default_rng(0))
    layer.weight_ih_l0.data, layer.weight_hh_l0.data = w_ih, w_hh
    layer.bias_ih_l0.data, layer.bias_hh_l0.data = b, np.zeros_like(b)
    layer.initial = h, c
    right = layer(x)
    dy = rng.standard_normal(right.shape).astype(np.float32)
    right_dx = layer.backward(dy)
    memories, dx, total = [], np.empty_like(x), None
    for t in range(steps):
        h, c, memory = stepped([x[t], h, c, w_ih, w_hh, b])
        check.close(h, right[t], f"the state after step {t + 1} of {steps}", tolerance=1e-4)
        memories.append(memory)
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    for t in reversed(range(steps)):
        with check.own_work():
            dx[t], dh, dc, *grads = lstm_step_backward(dh + dy[t], dc, memories[t])
        total = grads if total is None else [a + g for a, g in zip(total, grads, strict=True)]
    check.close(dx, right_dx, "dx of a whole sequence", tolerance=1e-4)
    check.dtype(dh, np.float32, "dh")
    parameters = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0
    for found, parameter, name in zip(total, parameters, ("w_ih", "w_hh", "b"), strict=True):
        check.close(found, parameter.grad, f"the gradient of {name} over a whole sequence", tolerance=1e-4)


test_lstm_hidden()

# %% [markdown]
# ## Task 9: beam search
#
# *8 points, 35 minutes, medium*
#
# Taught in: "Captioning: a sentence for a picture", section [What to say](https://dlcourse.github.io/dlcourse/book/5-applications/captioning.html#what-to-say)
#
# Saying the likeliest word each time can lead into a corner. Beam search keeps the `width` best beginnings, continues each by every word, and keeps the `width` best of all that results.
#
# `beam_search(next_word, end, width, most)` gets a function: `next_word(words)` takes a tuple of the words so far (empty at first) and returns the *logarithms* of the probabilities of the next word, an array (V,). Words are numbers from 0 to V - 1, and the word `end` ends a sentence. It returns a list of pairs (words, log_probability), the likeliest first, at most `width` of them; `words` is a tuple, with the `end`, and its log-probability is the sum over all of its words.
#
# - A whole sentence stays among the candidates as it is, and competes with the continuations. It is not continued: do not call `next_word` for it.
# - The search ends when all kept sentences are whole, or after `most` words; then beginnings are returned as they are.
# - Call `next_word` once for each beginning that is kept, and no more often: it is a network.
#
# (No two log-probabilities are equal in the tests, except for minus infinity: words that are impossible. Leave those continuations out.)
#
# <details><summary>Hint: the loop</summary>
#
# Begin with one empty beginning: `beams = [((), 0.0)]`. Each round makes a new list of candidates: whole ones as they are, and V continuations of each of the others. Sort it and cut it.
# </details>
# <details><summary>Hint: sorting pairs</summary>
#
# `sorted(candidates, key=lambda pair: -pair[1])`.
# </details>

# %% nbgrader="beam solution"
def beam_search(next_word, end, width, most):
    """Return at most `width` pairs (words, log_probability), the likeliest first."""
    ### BEGIN SOLUTION
    beams = [((), 0.0)]
    for _ in range(most):
        if all(words[-1:] == (end,) for words, _ in beams):
            break
        candidates = []
        for words, log_probability in beams:
            if words[-1:] == (end,):
                candidates.append((words, log_probability))
                continue
            for word, log in enumerate(next_word(words)):
                if log > -math.inf:
                    candidates.append(((*words, word), log_probability + float(log)))
        beams = sorted(candidates, key=lambda pair: -pair[1])[:width]
    return beams
    ### END SOLUTION


# %% nbgrader="beam visible 4"
class Asked:
    """A next_word from a table, that counts how often it is asked, and about what."""

    def __init__(self, table, end):
        self._table, self.end, self.about = table, end, []

    def __call__(self, words):
        check.that(isinstance(words, tuple), f"next_word takes a tuple of words; it was given a {type(words).__name__}.")
        words = tuple(int(w) for w in words)
        check.that(self.end not in words, "next_word was asked to continue a whole sentence, which has ended.")
        self.about.append(words)
        with np.errstate(divide="ignore"):
            return np.log(np.array(self._table(words)))


def searched(asked, width, most):
    with check.own_work():
        found = beam_search(asked, asked.end, width, most)
    check.that(isinstance(found, list) and all(len(pair) == 2 for pair in found),
               "beam_search should return a list of pairs (words, log_probability).")
    check.that(len(found) <= width, f"With width {width} at most {width} sentences are returned; found are {len(found)}.")
    check.that(
        len(asked.about) <= 1 + width * (most - 1),
        f"next_word was asked {len(asked.about)} times, for width {width} and {most} words; only "
        "beginnings that are kept are continued.",
    )
    check.that(len(set(asked.about)) == len(asked.about), "next_word was asked twice about the same words.")
    return [(tuple(int(w) for w in words), float(log)) for words, log in found]


def garden_path(words):
    """Word 1 is the likeliest beginning, and no good one; word 0 ends a sentence."""
    return {
        (): [0.1, 0.5, 0.4], (1,): [0.3, 0.36, 0.34], (2,): [0.475, 0.5, 0.025],
        (2, 1): [0.6, 0.3, 0.1],
    }.get(words, [0.8, 0.15, 0.05])


def check_sentences(found, right, name):
    found_words, right_words = [words for words, _ in found], [words for words, _ in right]
    check.that(found_words == right_words, f"{name} should be {right_words}, and found are {found_words}.")
    logs = np.array([log for _, log in right])
    check.close(
        np.array([log for _, log in found]), logs, f"the log-probabilities of {name}", tolerance=1e-9,
        mistakes={
            "The logarithms are asked for, and these are the probabilities.": np.exp(logs),
            "The log-probability of a sentence is the sum over its words, not the mean.":
                logs / [len(words) for words in right_words],
        },
    )


def test_beam():
    # After one word: (1) 0.5, (2) 0.4. After two: (2, 1) 0.2, (2, 0) 0.19. Then (2, 1, 0) 0.12.
    found = searched(Asked(garden_path, 0), 2, 10)
    words = [words for words, _ in found]
    right_logs = found and math.isclose(found[0][1], math.log(0.12))
    check.that(words != [(2, 1, 0), (2, 0)] or not right_logs, "The likeliest sentence comes first, by the sum of its logarithms and not by their mean.")
    for wrong, sentence in [
        ([(2, 1, 0), (2, 0)], "Candidates are compared by the sum over all of their words: neither by the last word nor by the mean."),
        ([(1, 1, 0), (2, 1, 0)], "Of all continuations the best `width` are kept, whatever they begin with; here each beginning keeps one."),
        ([(2, 1), (2, 0)], "The search goes on until all that is kept is whole, or after `most` words."),
        ([(1, 1, 0)], "That is what the likeliest word each time gives; keep `width` beginnings."),
        ([(2, 0)], "All that is kept at the end is returned, not only the likeliest."),
    ]:
        check.that(words != wrong, sentence)
    check.that((2, 0) in words, "A whole sentence stays among the candidates as it is; (2, 0) got lost.")
    check_sentences(found, [((2, 0), math.log(0.19)), ((2, 1, 0), math.log(0.12))], "the sentences with width 2")
    found = searched(Asked(garden_path, 0), 1, 10)
    check_sentences(found, [((1, 1, 0), math.log(0.144))], "the sentences with width 1")
    found = searched(Asked(garden_path, 0), 2, 1)
    check_sentences(found, [((1,), math.log(0.5)), ((2,), math.log(0.4))], "the beginnings after one word")


test_beam()
check.passed("Task 9")


# %% nbgrader="beam hidden 4"
def random_words(seed, count, impossible=0.0):
    def table(words):
        rng = np.random.default_rng([seed, *words])
        p = rng.random(count) ** 3 * (rng.random(count) >= impossible)
        p[rng.integers(count)] += 0.1
        return p / p.sum()

    return table


def step_by_step(asked, width, most):
    going, whole = [((), 0.0)], []
    for _ in range(most):
        if not going:
            break
        longer = []
        for words, log in going:
            more = asked(words)
            longer += [((*words, k), log + more[k]) for k in np.flatnonzero(more > -np.inf).tolist()]
        ranked = sorted([(-log, words) for words, log in longer + whole])[:width]
        going = [(words, -log) for log, words in ranked if words[-1] != asked.end]
        whole = [(words, -log) for log, words in ranked if words[-1] == asked.end]
    return [(words, -log) for log, words in sorted([(-log, words) for words, log in going + whole])]


def test_beam_hidden():
    for seed in range(12):
        for count, width, most, end in [(4, 1, 6, 0), (4, 3, 6, 2), (3, 5, 4, 1), (12, 4, 8, 11), (2, 2, 9, 0), (5, 10, 1, 0)]:
            for impossible in (0.0, 0.5):
                table = random_words(seed, count, impossible)
                found = searched(Asked(table, end), width, most)
                right = step_by_step(Asked(table, end), width, most)
                check_sentences(found, right, f"the sentences of {count} words, width {width}, {most} words at most, end {end}")
    # Wide enough for every sentence: the likeliest of all, by trying them.
    table = random_words(99, 3)
    every = {(): 0.0}
    for _ in range(4):
        step = {}
        for words, log in every.items():
            if words[-1:] == (2,):
                step[words] = log
            else:
                step |= {(*words, k): log + math.log(p) for k, p in enumerate(table(words)) if p}
        every = step
    right = sorted(every.items(), key=lambda pair: -pair[1])
    check_sentences(searched(Asked(table, 2), 1000, 4), right, "every sentence of three words")


test_beam_hidden()

# %% [markdown]
# ## Task 10: a question
#
# *8 points, 25 minutes, graded by a person*
#
# Taught in: "Object detection: what, and where", section [What to keep](https://dlcourse.github.io/dlcourse/book/5-applications/detection.html#what-to-keep); "Segmentation: a class for each pixel", section [Four numbers](https://dlcourse.github.io/dlcourse/book/5-applications/segmentation.html#four-numbers); "Captioning: a sentence for a picture", section [What BLEU measures](https://dlcourse.github.io/dlcourse/book/5-applications/captioning.html#what-bleu-measures)
#
# A report on 1,000 pictures of streets says: "Our network gives **94% of the pixels** the right class. Our detector of pedestrians has an average precision of **0.88** at an IoU of 0.5; we chose its score threshold and the threshold of non-maximum suppression so that this number is as high as possible on these 1,000 pictures. Our captions reach a **BLEU-1 of 0.9**."
#
# 1. There are two classes, pedestrian and ground; 92% of the pixels are ground. What pixel accuracy and what mean IoU does a network reach if it says *ground* everywhere? Which of the two should the report give, and why? (2 points)
# 2. Two pedestrians walk side by side, and their boxes have an IoU of 0.6. Suppression drops what overlaps by more than 0.5. What happens to precision, and what to recall? What gets better and what gets worse if the threshold is raised to 0.8? (2 points)
# 3. What is wrong with the way in which the two thresholds were chosen, and how is it done properly? Why is there no use at all in tuning the *score* threshold for average precision? (2 points)
# 4. A person describes a picture as "a red bus in front of a car". Give a wrong caption made of the same words, and say what its BLEU-1 is and why. What else would you report? (2 points)

# %% [markdown] nbgrader="question manual 8"
# ### BEGIN SOLUTION
# 1. 92% of its pixels are right. Ground has an IoU of 0.92, pedestrian one of 0, so the mean IoU is 0.46. Mean IoU counts both classes alike: against it one sees that 94% may be little more than ground. (1 for the numbers, 1 for the reason)
# 2. The less sure of the two boxes is dropped though it is right: a pedestrian is missed and recall falls. At 0.8 both are kept, so recall rises; but second boxes on one pedestrian with an IoU between 0.5 and 0.8 are kept as well, count as wrong, and precision falls. (1 each)
# 3. They were chosen on the pictures on which the result is reported, so the number is too good for new pictures. Choose on validation pictures, report on test pictures that took no part. Average precision goes over all score thresholds already: a higher one only cuts the end of the curve off and cannot raise the precision at any recall, so no threshold at all is best for it. (1 each)
# 4. "a red car in front of a bus": BLEU-1 is 1, because it only counts single words and all of them are in the reference, as often, and the length is the same. In addition BLEU-4, which looks at runs of words, and better the share of captions in which objects, colours and relations are right, or what people say. (1 each)
# ### END SOLUTION
