"""Right answers to assignment 5, each written in another way than the solution."""

import heapq
import math
from collections import Counter
from fractions import Fraction

import numpy as np

from dlcourse.applications import detection


class Steps:
    """Step by step, with indices and plain Python."""

    def box_iou(boxes, others):
        kind = np.float32 if boxes.dtype == others.dtype == np.float32 else np.float64
        left, top, right, bottom = (boxes[:, k].astype(kind)[:, None] for k in range(4))
        left_2, top_2, right_2, bottom_2 = (others[:, k].astype(kind)[None] for k in range(4))

        def area(width, height):
            return np.where((width > 0) & (height > 0), width * height, kind(0))

        shared = area(
            np.minimum(right, right_2) - np.maximum(left, left_2),
            np.minimum(bottom, bottom_2) - np.maximum(top, top_2),
        )
        union = area(right - left, bottom - top) + area(right_2 - left_2, bottom_2 - top_2) - shared
        iou = np.zeros(union.shape, kind)
        np.divide(shared, union, out=iou, where=union > 0)
        return iou

    def nms(boxes, scores, labels, threshold):
        kept = []
        for k in sorted(range(len(boxes)), key=lambda k: (-scores[k], k)):
            rivals = [i for i in kept if labels[i] == labels[k]]
            if all(detection.box_iou(boxes[[i]], boxes[[k]])[0, 0] <= threshold for i in rivals):
                kept.append(k)
        return np.array(kept, dtype=np.int64)

    def roi_pool(x, regions, size, scale):
        _, c, height, width = x.shape
        y = np.zeros((len(regions), c, *size), x.dtype)
        taken = []
        for r, (image, *edges) in enumerate(regions.tolist()):
            left, top, right, bottom = (math.floor(edge * scale + 0.5) for edge in edges)

            def reach(first, last, count, k, most):
                length = max(last - first + 1, 1)
                begin = first + math.floor(Fraction(k * length, count))
                end = first + math.ceil(Fraction((k + 1) * length, count))
                return [place for place in range(begin, end) if 0 <= place < most]

            for i, j in np.ndindex(*size):
                rows = reach(top, bottom, size[0], i, height)
                columns = reach(left, right, size[1], j, width)
                places = [(row, column) for row in rows for column in columns]
                for channel in range(c) if places else ():
                    values = x[int(image), channel]
                    best = max(places, key=lambda place: values[place])
                    y[r, channel, i, j] = values[best]
                    taken.append(((r, channel, i, j), (int(image), channel, *best)))
        return y, {"taken": taken, "like": x}

    def roi_pool_backward(dy, memory):
        dx = np.zeros(memory["like"].shape, dy.dtype)
        for cell, place in memory["taken"]:
            dx[place] += dy[cell]
        return dx

    def average_precision(found, known, threshold):
        things = sum(map(len, known))
        if things == 0:
            return math.nan
        every = [
            (float(score), image, k)
            for image, (_, scores) in enumerate(found)
            for k, score in enumerate(scores)
        ]
        every.sort(reverse=True)
        taken, right, points = set(), 0, []
        for count, (_, image, k) in enumerate(every, 1):
            overlaps = detection.box_iou(found[image][0][k : k + 1], known[image])[0]
            free = [
                (value, j)
                for j, value in enumerate(overlaps)
                if value >= threshold and (image, j) not in taken
            ]
            if free:
                taken.add((image, max(free)[1]))
                right += 1
            points.append((right / things, right / count))
        return (
            sum(
                max([p for r, p in points if r >= wanted], default=0.0)
                for wanted in np.linspace(0, 1, 101)
            )
            / 101
        )

    def conv_transpose2d(x, w, b, stride, padding):
        # One value after the other lays its kernel down.
        n, _, h, width = x.shape
        _, o, kh, kw = w.shape
        y = np.zeros((n, o, (h - 1) * stride + kh, (width - 1) * stride + kw), x.dtype)
        for i in range(h):
            for j in range(width):
                top, left = i * stride, j * stride
                y[:, :, top : top + kh, left : left + kw] += np.tensordot(x[:, :, i, j], w, axes=1)
        y = y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]
        return y + b.reshape(1, -1, 1, 1)

    def conv_transpose2d_backward(dy, x, w, stride, padding):
        n, o, h, width = dy.shape
        framed = np.zeros((n, o, h + 2 * padding, width + 2 * padding), dy.dtype)
        framed[:, :, padding : padding + h, padding : padding + width] = dy
        kh, kw = w.shape[2:]
        dx, dw = np.zeros(x.shape, x.dtype), np.zeros(w.shape, w.dtype)
        for i, j in np.ndindex(*x.shape[2:]):
            top, left = i * stride, j * stride
            patch = framed[:, :, top : top + kh, left : left + kw]
            dx[:, :, i, j] = np.tensordot(patch, w, axes=([1, 2, 3], [1, 2, 3]))
            dw += np.tensordot(x[:, :, i, j], patch, axes=([0], [0]))
        return [dx, dw, np.einsum("noij->o", dy)]

    def as_filters(weight, size):
        h, w = size
        filters = np.empty((len(weight), weight.shape[1] // (h * w), h, w), weight.dtype)
        for u in range(h):
            for v in range(w):
                filters[:, :, u, v] = weight[:, u * w + v :: h * w]
        return filters

    def classify_everywhere(x, layers, size):
        # A sum of shifted products for the first, products along the channels for the others.
        (h, w), (weight, bias) = size, layers[0]
        tall, wide = x.shape[2] - h + 1, x.shape[3] - w + 1
        filters = Steps.as_filters(weight, size)
        y = np.zeros((len(x), tall, wide, len(bias)), x.dtype)
        channels_last = np.moveaxis(x, 1, 3)
        for u in range(h):
            for v in range(w):
                y += channels_last[:, u : u + tall, v : v + wide] @ filters[:, :, u, v].T
        y += bias
        for weight, bias in layers[1:]:
            y = np.where(y > 0, y, 0).astype(x.dtype) @ weight.T + bias
        return np.moveaxis(y, 3, 1)

    def confusion(predicted, known, classes, ignore=255):
        counted = known != ignore
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (known[counted].astype(int), predicted[counted].astype(int)), 1)
        return counts

    def mean_iou(counts):
        values = []
        for k in range(len(counts)):
            union = counts[k].sum() + counts[:, k].sum() - counts[k, k]
            if union:
                values.append(counts[k, k] / union)
        return sum(values) / len(values) if values else float("nan")

    def lstm_step(x, h, c, w_ih, w_hh, b):
        size = h.shape[1]

        def quarter(k):
            rows = slice(k * size, (k + 1) * size)
            return x @ w_ih[rows].T + h @ w_hh[rows].T + b[rows]

        def sigmoid(z):
            small = np.exp(-np.abs(z))
            return np.where(z > 0, 1 / (1 + small), small / (1 + small))

        z_i, z_f, z_g, z_o = (quarter(k) for k in range(4))
        new_c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
        gates = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
        memory = dict(x=x, h=h, c=c, w_ih=w_ih, w_hh=w_hh, gates=gates, new_c=new_c)
        return [gates[3] * np.tanh(new_c), new_c, memory]

    def lstm_step_backward(dh, dc, memory):
        i, f, g, o = memory["gates"]
        x, h, c = memory["x"], memory["h"], memory["c"]
        size, squashed = h.shape[1], np.tanh(memory["new_c"])
        d_new = dc + dh * o - dh * o * squashed * squashed
        quarters = [d_new * g, d_new * c, d_new * i, dh * squashed]
        slopes = [i - i * i, f - f * f, 1 - g * g, o - o * o]
        dx, d_before = np.zeros_like(x), np.zeros_like(h)
        dw_ih, dw_hh = np.zeros_like(memory["w_ih"]), np.zeros_like(memory["w_hh"])
        db = np.zeros(4 * size, x.dtype)
        for k in range(4):
            rows = slice(k * size, (k + 1) * size)
            dz = quarters[k] * slopes[k]
            dx += dz @ memory["w_ih"][rows]
            d_before += dz @ memory["w_hh"][rows]
            dw_ih[rows], dw_hh[rows], db[rows] = dz.T @ x, dz.T @ h, dz.sum(axis=0)
        return [dx, d_before, d_new * f, dw_ih, dw_hh, db]

    def beam_search(next_word, end, width, most):
        going, whole = [(0.0, ())], []
        for _ in range(most):
            candidates = list(whole)
            for total, words in going:
                logs = next_word(words)
                candidates += [
                    (total + logs[k], (*words, k)) for k in range(len(logs)) if logs[k] != -np.inf
                ]
            best = heapq.nlargest(width, candidates)
            whole = [pair for pair in best if pair[1][-1] == end]
            going = [pair for pair in best if pair[1][-1] != end]
            if not going:
                break
        return [(words, total) for total, words in sorted(whole + going, reverse=True)]


class Arrays:
    """Everything at once, with the tools of NumPy."""

    def box_iou(boxes, others):
        if np.result_type(boxes, others) != np.float32:
            boxes, others = boxes.astype(float), others.astype(float)
        corners = np.broadcast_arrays(boxes[:, np.newaxis, :], others[np.newaxis, :, :])
        least, most = np.maximum(*corners), np.minimum(*corners)
        shared = np.prod(np.clip(most[..., 2:] - least[..., :2], 0, None), axis=-1)
        mine, theirs = (
            np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), axis=1) for b in (boxes, others)
        )
        union = np.add.outer(mine, theirs) - shared
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(shared / union, nan=0.0)

    def nms(boxes, scores, labels, threshold):
        # A matrix of who may suppress whom, once.
        order = np.lexsort((np.arange(len(scores)), -scores))
        boxes, labels = boxes[order], labels[order]
        rival = np.equal.outer(labels, labels) & (detection.box_iou(boxes, boxes) > threshold)
        alive = np.ones(len(boxes), bool)
        for k in range(len(boxes)):
            if alive[k]:
                alive[k + 1 :] &= ~rival[k, k + 1 :]
        return order[alive]

    def roi_pool(x, regions, size, scale):
        # Cells as masks over rows and columns; outside of a cell is minus infinity.
        h, w = x.shape[2:]
        places = np.floor(regions[:, 1:] * scale + 0.5).astype(int)

        def masks(first, last, count, most):
            length = np.maximum(last - first + 1, 1)[:, None]
            k = np.arange(count)
            begin = first[:, None] + k * length // count
            end = first[:, None] + ((k + 1) * length + count - 1) // count
            every = np.arange(most)
            return (every >= begin[..., None]) & (every < end[..., None])

        rows = masks(places[:, 1], places[:, 3], size[0], h)
        columns = masks(places[:, 0], places[:, 2], size[1], w)
        inside = rows[:, None, :, None, :, None] & columns[:, None, None, :, None, :]
        image = regions[:, 0].astype(int)
        values = np.where(inside, x[image][:, :, None, None], np.array(-np.inf, x.dtype))
        flat = values.reshape(*values.shape[:4], h * w)
        best, full = flat.argmax(axis=-1), inside.any(axis=(4, 5))
        y = np.where(full, flat.max(axis=-1), np.array(0, x.dtype))
        return y, (x.shape, image, best, full)

    def roi_pool_backward(dy, memory):
        (n, c, h, w), image, best, full = memory
        dx = np.zeros(n * c * h * w, dy.dtype)
        channel = np.arange(c)[None, :, None, None]
        index = (image[:, None, None, None] * c + channel) * h * w + best
        np.add.at(dx, index, dy * full)
        return dx.reshape(n, c, h, w)

    def average_precision(found, known, threshold):
        total = sum(len(k) for k in known)
        if not total:
            return float("nan")
        image = np.concatenate([np.full(len(s), k) for k, (_, s) in enumerate(found)]).astype(int)
        scores = np.concatenate([s for _, s in found])
        boxes = np.concatenate([b for b, _ in found])
        free = [np.ones(len(k), bool) for k in known]
        hits = []
        for k in np.argsort(scores)[::-1]:
            here = free[image[k]]
            overlaps = detection.box_iou(boxes[k, None], known[image[k]])[0] * here
            hit = overlaps.max(initial=0) >= threshold
            if hit:
                here[overlaps.argmax()] = False
            hits.append(hit)
        hits = np.array(hits, bool)
        right = np.cumsum(hits)
        recall, precision = right / total, right / np.arange(1, len(hits) + 1)
        reached = recall[None] >= np.linspace(0, 1, 101)[:, None]
        return np.where(reached, precision, 0).max(axis=1, initial=0).mean()

    def conv_transpose2d(x, w, b, stride, padding):
        # Zeros between the values, and then a convolution with the kernel turned.
        n, c, h, width = x.shape
        kh, kw = w.shape[2:]
        spread = np.zeros((n, c, (h - 1) * stride + 1, (width - 1) * stride + 1), x.dtype)
        spread[:, :, ::stride, ::stride] = x
        spread = np.pad(spread, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
        seen = np.lib.stride_tricks.sliding_window_view(spread, (kh, kw), axis=(2, 3))
        y = np.einsum("ncijuv,couv->noij", seen, w[:, :, ::-1, ::-1], optimize=True)
        height, breadth = y.shape[2:]
        y = y[:, :, padding : height - padding, padding : breadth - padding]
        return y + b[None, :, None, None]

    def conv_transpose2d_backward(dy, x, w, stride, padding):
        dy_framed = np.pad(dy, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
        seen = np.lib.stride_tricks.sliding_window_view(dy_framed, w.shape[2:], axis=(2, 3))
        seen = seen[:, :, ::stride, ::stride]
        dx = np.einsum("noijuv,couv->ncij", seen, w, optimize=True)
        dw = np.einsum("noijuv,ncij->couv", seen, x, optimize=True)
        return dx, dw, np.sum(dy, axis=(0, 2, 3))

    def as_filters(weight, size):
        return np.stack([row.reshape(-1, size[0], size[1]) for row in weight])

    def classify_everywhere(x, layers, size):
        windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
        y = np.einsum(
            "ncijuv,ocuv->noij", windows, Arrays.as_filters(layers[0][0], size), optimize=True
        )
        y = y + layers[0][1][:, None, None]
        for weight, bias in layers[1:]:
            y = np.tensordot(weight, np.maximum(y, 0), axes=(1, 1)).swapaxes(0, 1)
            y = y + bias[:, None, None]
        return y

    def confusion(predicted, known, classes, ignore=255):
        kept = np.not_equal(known, ignore)
        pairs = np.ravel_multi_index((known[kept], predicted[kept]), (classes, classes))
        numbers, times = np.unique(pairs, return_counts=True)
        counts = np.zeros((classes, classes), int)
        counts.flat[numbers] = times
        return counts

    def mean_iou(counts):
        right = counts.diagonal().astype(float)
        union = counts.sum(axis=0) + counts.sum(axis=1) - right
        if not union.any():
            return np.nan
        iou = np.divide(right, union, out=np.full(len(right), np.nan), where=union > 0)
        return np.nanmean(iou)

    def lstm_step(x, h, c, w_ih, w_hh, b):
        inputs = np.concatenate([x, h], axis=1)
        weights = np.concatenate([w_ih, w_hh], axis=1)
        z = (inputs @ weights.T + b).reshape(len(x), 4, -1)
        half = np.array([0.5, 0.5, 1, 0.5], z.dtype)[:, None]  # tanh(z), or 0.5 + 0.5 tanh(z / 2)
        gates = half * np.tanh(half * z) + (1 - half)
        new_c = gates[:, 1] * c + gates[:, 0] * gates[:, 2]
        squashed = np.tanh(new_c)
        return gates[:, 3] * squashed, new_c, (inputs, c, weights, gates, squashed, half)

    def lstm_step_backward(dh, dc, memory):
        inputs, c, weights, gates, squashed, half = memory
        i, f, g, o = gates.swapaxes(0, 1)
        total = dc + dh * o * (1 - squashed) * (1 + squashed)
        d_gates = np.stack([total * g, total * c, total * i, dh * squashed], axis=1)
        # The slope of half tanh(half z) is half^2 (1 - tanh^2).
        d_z = d_gates * (half**2 - (gates - (1 - half)) ** 2)
        d_z = d_z.reshape(len(dh), -1)
        d_inputs, d_weights = d_z @ weights, d_z.T @ inputs
        cut = inputs.shape[1] - c.shape[1]
        return (
            d_inputs[:, :cut],
            d_inputs[:, cut:],
            total * f,
            d_weights[:, :cut],
            d_weights[:, cut:],
            d_z.sum(axis=0),
        )

    def beam_search(next_word, end, width, most):
        beams = Counter({(): 0.0})
        while most and not all(words and words[-1] == end for words in beams):
            candidates = Counter()
            for words, total in beams.items():
                if words and words[-1] == end:
                    candidates[words] = total
                else:
                    logs = np.asarray(next_word(words))
                    for k in np.argsort(-logs)[:width]:
                        if np.isfinite(logs[k]):
                            candidates[(*words, k)] = total + logs[k]
            beams, most = Counter(dict(candidates.most_common(width))), most - 1
        return beams.most_common()


#: Which names a task asks for.
NAMES = {
    "iou": ["box_iou"],
    "nms": ["nms"],
    "roi": ["roi_pool", "roi_pool_backward"],
    "ap": ["average_precision"],
    "transposed": ["conv_transpose2d", "conv_transpose2d_backward"],
    "everywhere": ["as_filters", "classify_everywhere"],
    "mean-iou": ["confusion", "mean_iou"],
    "lstm": ["lstm_step", "lstm_step_backward"],
    "beam": ["beam_search"],
}


def right_answers():
    """Yield task, name of the answer, and what it defines."""
    for task, names in NAMES.items():
        for style in (Steps, Arrays):
            yield task, style.__name__.lower(), {n: vars(style)[n] for n in names}
