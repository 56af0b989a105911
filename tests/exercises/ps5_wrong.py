"""Typical mistakes of assignment 5: each changes the solution in one or more places.

(task, mistake, {text of the solution: what a learner wrote}, part of the message)
"""

#: Parts of the solutions that several mistakes replace.
READ_OFF = "    places = np.searchsorted(right / things, np.linspace(0, 1, 101))\n    return float(np.append(best, 0.0)[places].mean())\n"
SHARED = "    sides = np.maximum(most - least, 0)\n"
ROWS = "    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * tall * wide, -1)\n"

MISTAKES = [
    # -- 1. IoU
    ("iou", "sides not clipped", {SHARED: "    sides = most - least\n"}, "two negative sides"),
    ("iou", "a pixel added", {"np.maximum(most - least, 0)": "np.maximum(most - least + 1, 0)", "b[:, 2:] - b[:, :2], 0)": "b[:, 2:] - b[:, :2] + 1, 0)"},
     "no pixel to add"),
    ("iou", "union too large", {" + other_area - shared": " + other_area"}, "counted twice in the union"),
    ("iou", "transposed", {"    return shared / np.where(union > 0, union, 1)\n": "    return (shared / np.where(union > 0, union, 1)).T\n"}, "two axes seem to be swapped"),
    ("iou", "zero by zero", {"shared / np.where(union > 0, union, 1)": "shared / union"}, "0 / 0"),
    ("iou", "one by one", {"    least = np.maximum(boxes[:, None, :2], others[None, :, :2])\n": "    return np.array([[box_iou(b[None], o[None])[0, 0] if len(boxes) * len(others) > 1 else _iou(b, o) for o in others] for b in boxes], dtype).reshape(len(boxes), len(others))\n",
     "    ### END SOLUTION": "    ### END SOLUTION\n\ndef _iou(b, o):\n    w, h = min(b[2], o[2]) - max(b[0], o[0]), min(b[3], o[3]) - max(b[1], o[1])\n    s = max(w, 0) * max(h, 0)\n    u = max(b[2] - b[0], 0) * max(b[3] - b[1], 0) + max(o[2] - o[0], 0) * max(o[3] - o[1], 0) - s\n    return s / u if u else 0.0\n"},
     "times as long as two loops.*a Python loop over boxes"),
    ("iou", "a loop over boxes", {"    dtype = np.result_type(boxes, others)\n": "    if len(boxes) > 1:\n        return np.concatenate([box_iou(b[None], others) for b in boxes])\n    dtype = np.result_type(boxes, others)\n"},
     "should take at most 0.25 times as long"),
    ("iou", "a loop over others", {"    dtype = np.result_type(boxes, others)\n": "    if len(others) > 1:\n        return np.concatenate([box_iou(boxes, o[None]) for o in others], axis=1)\n    dtype = np.result_type(boxes, others)\n"},
     "box_iou of 4 boxes with 6000"),
    ("iou", "unsigned", {"    boxes, others = boxes.astype(dtype), others.astype(dtype)\n": ""}, "."),
    ("iou", "float64", {"if dtype.kind != \"f\":": "if True:"}, "became float64"),
    ("iou", "into the caller's boxes", {"    boxes, others = boxes.astype(dtype), others.astype(dtype)\n": "    boxes[:, 2:] += 0.5\n    boxes, others = boxes.astype(dtype), others.astype(dtype)\n"}, "boxes was changed"),
    # -- 2. NMS
    ("nms", "classes mixed", {" | (labels[rest] != labels[best])": ""}, "different labels do not suppress"),
    ("nms", "least sure first", {"np.argsort(-scores, kind=\"stable\")": "np.argsort(scores, kind=\"stable\")"}, "Begin with the surest"),
    ("nms", "just the threshold", {"overlaps <= threshold": "overlaps < threshold"}, "just the threshold stay"),
    ("nms", "dropped ones drop",
     {"    while len(order):\n        best, rest = order[0], order[1:]\n        kept.append(best)\n        overlaps = detection.box_iou(boxes[best : best + 1], boxes[rest])[0]\n        order = rest[(overlaps <= threshold) | (labels[rest] != labels[best])]\n":
      "    for i, k in enumerate(order):\n        before = order[:i]\n        overlaps = detection.box_iou(boxes[k : k + 1], boxes[before])[0]\n        if not ((overlaps > threshold) & (labels[before] == labels[k])).any():\n            kept.append(k)\n"},
     "A box that was dropped drops no others"),
    ("nms", "in the order of the boxes", {"np.array(kept, int)": "np.array(sorted(kept), int)"}, "in another order"),
    ("nms", "boxes", {"return np.array(kept, int)": "return boxes[np.array(kept, int)]"}, "should return indices"),
    ("nms", "a mask", {"return np.array(kept, int)": "return np.isin(np.arange(len(boxes)), kept)"}, "whole numbers, the indices"),
    ("nms", "a list", {"return np.array(kept, int)": "return [int(k) for k in kept]"}, "should return an array"),
    ("nms", "places in the order", {"return np.array(kept, int)": "return np.flatnonzero(np.isin(np.argsort(-scores), kept))"}, "places in the sorted order"),
    ("nms", "negative scores dropped", {"np.array(kept, int)": "np.array([k for k in kept if scores[k] > 0], int)"}, "A negative score is a score"),
    ("nms", "class by class", {"np.array(kept, int)": "np.array(sorted(kept, key=lambda k: (labels[k], -scores[k])), int)"}, "class by class"),
    ("nms", "nothing dropped", {"order = rest[(overlaps <= threshold) | (labels[rest] != labels[best])]": "order = rest"}, "Nothing was dropped"),
    ("nms", "ties from the end", {"np.argsort(-scores, kind=\"stable\")": "np.argsort(scores, kind=\"stable\")[::-1]"}, "smaller index comes first"),
    ("nms", "floats where there is nothing", {"np.array(kept, int)": "np.array(kept)"}, "whole numbers"),
    # -- 3. RoI pooling
    ("roi", "last place outside", {"max(bottom - top + 1, 1), max(right - left + 1, 1)": "max(bottom - top, 1), max(right - left, 1)"}, "last row and column of a region belong"),
    ("roi", "ends rounded down", {"top - (-(i + 1) * h // size[0])": "top + (i + 1) * h // size[0]", "left - (-(j + 1) * w // size[1])": "left + (j + 1) * w // size[1]"},
     "Where a cell ends is rounded up"),
    ("roi", "left and top mixed up", {"left, top, right, bottom = (": "top, left, bottom, right = ("}, "left and top are mixed up"),
    ("roi", "pixels for places", {"region[1:] * scale + 0.5": "region[1:] + 0.5"}, "multiply by scale"),
    ("roi", "a mean", {"y[r, :, i, j] = x[image, np.arange(channels), row, column]": "y[r, :, i, j] = part.mean(axis=(1, 2))"}, "this is the mean"),
    ("roi", "halves to even", {"np.floor(region[1:] * scale + 0.5)": "np.round(region[1:] * scale)"}, "2.5 is rounded up"),
    ("roi", "rounded down", {"np.floor(region[1:] * scale + 0.5)": "np.floor(region[1:] * scale)"}, "and not down"),
    ("roi", "replaced", {"dx[image, channels, row, column] += dy": "dx[image, channels, row, column] = dy"}, "their gradients add up"),
    ("roi", "to all maxima",
     {"                sources.append((r, i, j, image, row, column))": "                top_rows, top_columns = part == part.max(axis=(1, 2), keepdims=True), (rows, columns)\n                sources.append((r, i, j, image, top_rows, top_columns))",
      "        dx[image, channels, row, column] += dy[r, :, i, j]\n": "        dx[(image, slice(None), *column)] += row * dy[r, :, i, j][:, None, None]\n"},
     "to one place, not to all"),
    ("roi", "minus infinity where nothing is left", {"y = np.zeros((len(regions), channels, *size), x.dtype)": "y = np.full((len(regions), channels, *size), -np.inf, x.dtype)"}, "Where nothing is left of a cell it is 0"),
    ("roi", "never below zero", {"y[r, :, i, j] = x[image, np.arange(channels), row, column]": "y[r, :, i, j] = np.maximum(x[image, np.arange(channels), row, column], 0)"}, "may be negative"),
    ("roi", "the maximum of all channels", {"x[image, np.arange(channels), row, column]\n": "part.max()\n"}, "a maximum of its own"),
    ("roi", "always the first image", {"image = int(region[0])": "image = 0"}, "which image it is of"),
    ("roi", "outside read from the end", {"slice(max(first, 0), max(min(last, height), 0))": "slice(first, last)"}, "."),
    ("roi", "places counted from the cell", {"row, column = row + rows.start, column + columns.start\n": "start = rows.start, columns.start\n",
     "y[r, :, i, j] = x[image, np.arange(channels), row, column]": "y[r, :, i, j] = part.reshape(channels, -1).max(axis=1)"}, "dx of"),
    ("roi", "float64", {"*size), x.dtype)": "*size))"}, "became float64"),
    ("roi", "y alone", {"    return y, (x.shape, sources)\n": "    return y\n"}, "y and a memory"),
    ("roi", "a global memory", {"    return y, (x.shape, sources)\n": "    global latest\n    latest = x.shape, sources\n    return y, None\n", "    shape, sources = memory\n": "    shape, sources = latest\n"},
     "keep nothing in globals"),
    # -- 4. average precision
    ("ap", "precisions not raised", {"np.maximum.accumulate(precision[::-1])[::-1]": "precision"}, "Raise each precision"),
    ("ap", "raised from the left", {"np.maximum.accumulate(precision[::-1])[::-1]": "np.maximum.accumulate(precision)"}, "what comes later counts"),
    ("ap", "things taken twice", {"                overlaps[:, best] = -1  # taken\n": "                pass\n"}, "A thing can be taken once"),
    ("ap", "second boxes left out", {"            scores.append(sure[k])\n            hits.append(right)\n": "            if right or detection.box_iou(boxes, there)[k].max(initial=0) < threshold:\n                scores.append(sure[k])\n                hits.append(right)\n"},
     "here it is left out"),
    ("ap", "area under the steps", {READ_OFF: "    return float((np.diff(right / things, prepend=0) * best).sum())\n"}, "area under the steps"),
    ("ap", "eleven recalls", {"np.linspace(0, 1, 101)": "np.linspace(0, 1, 11)"}, "this is over 11"),
    ("ap", "image by image", {"[np.argsort(-np.array(scores, float))]": ""}, "not image by image"),
    ("ap", "a mean over images",
     {"    scores, hits = [], []\n": "    if len(found) > 1:\n        return np.nanmean([average_precision([f], [k], threshold) for f, k in zip(found, known)])\n    scores, hits = [], []\n"},
     "this is the mean of one for each"),
    ("ap", "the best thing or none", {"            best = overlaps[k].argmax() if len(there) else 0\n": "            best = detection.box_iou(boxes, there)[k].argmax() if len(there) else 0\n"}, "still has a free one"),
    ("ap", "the first that will do", {"overlaps[k].argmax() if": "(overlaps[k] >= threshold).argmax() if"}, "not the first that will do"),
    ("ap", "more than the threshold", {"overlaps[k, best] >= threshold": "overlaps[k, best] > threshold"}, "just the threshold is enough"),
    ("ap", "no things give zero", {"        return math.nan\n": "        return 0.0\n"}, "math.nan"),
    ("ap", "fails without detections", {"np.append(best, 0.0)[places].mean()": "best[np.minimum(places, len(best) - 1)].mean()"}, r"never reached count with a precision of 0"),
    ("ap", "the last precision goes on", {"np.append(best, 0.0)[places].mean()": "np.append(best, best[-1:])[np.minimum(places, max(len(best) - 1, 0))].mean() if len(best) else 0.0"}, "never reached"),
    ("ap", "least sure first", {"np.argsort(-np.array(scores, float))": "np.argsort(np.array(scores, float))"}, "Begin with the surest"),
    ("ap", "matched in the order of the list", {"for k in np.argsort(-sure):": "for k in range(len(sure)):"}, "."),
    # -- 5. transposed convolution
    ("transposed", "replaced where kernels overlap", {"            place += np.einsum(\"ncij,co->noij\", x, w[:, :, u, v])\n": "            pass\n    for i in range(h):\n        for j in range(width):\n            y[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = np.einsum(\"nc,couv->nouv\", x[:, :, i, j], w)\n"},
     "the last one replaces the others"),
    ("transposed", "bias forgotten", {"return y + b[:, None, None]": "return y"}, "bias b seems to be forgotten"),
    ("transposed", "kernel turned", {"np.einsum(\"ncij,co->noij\", x, w[:, :, u, v])": "np.einsum(\"ncij,co->noij\", x, w[:, :, kh - 1 - u, kw - 1 - v])"}, "turned by 180 degrees"),
    ("transposed", "padding adds", {"y = y[:, :, padding : tall + kh - padding, padding : wide + kw - padding]": "y = np.pad(y, ((0, 0), (0, 0), (padding, padding), (padding, padding)))"}, "does not add a border"),
    ("transposed", "nothing cut", {"    y = y[:, :, padding : tall + kh - padding, padding : wide + kw - padding]\n": ""}, "nothing is cut here"),
    ("transposed", "cut by -P", {"padding : tall + kh - padding, padding : wide + kw - padding": "padding:-padding, padding:-padding"}, "empty for P = 0"),
    ("transposed", "square kernels", {"_, o, kh, kw = w.shape": "_, o, kh, _ = w.shape\n    kw = kh"}, "."),
    ("transposed", "layout of a convolution", {"_, o, kh, kw = w.shape": "w = w.swapaxes(0, 1)\n    _, o, kh, kw = w.shape"}, "."),
    ("transposed", "size with full strides", {"tall, wide = (h - 1) * stride, (width - 1) * stride": "tall, wide = h * stride - 1, width * stride - 1"}, r"height and width: kernel, stride, padding"),
    ("transposed", "kernel turned in dx", {"place, w[:, :, u, v])": "place, w[:, :, -1 - u, -1 - v])"}, "turned in dx"),
    ("transposed", "dw of the first image", {"np.einsum(\"ncij,noij->co\", x, place)": "np.einsum(\"cij,oij->co\", x[0], place[0])"}, "sum over all images"),
    ("transposed", "dw a mean", {"np.einsum(\"ncij,noij->co\", x, place)": "np.einsum(\"ncij,noij->co\", x, place) / len(x)"}, "not a mean"),
    ("transposed", "db a mean", {"dy.sum(axis=(0, 2, 3))": "dy.mean(axis=(0, 2, 3))"}, "db is a sum"),
    ("transposed", "no zeros around dy", {"    dy = np.pad(dy, ((0, 0), (0, 0), (padding, padding), (padding, padding)))\n": "    dy = np.pad(dy, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding)))\n"}, "dx of x .* padding 1"),
    ("transposed", "float64", {"tall + kh, wide + kw), x.dtype)": "tall + kh, wide + kw))"}, "became float64"),
    ("transposed", "dx alone", {"return dx, dw, db": "return dx"}, "returns dx, dw, db"),
    ("transposed", "the bias into b", {"    return y + b[:, None, None]\n": "    b += 1\n    return y + b[:, None, None] - 1\n"}, "b was changed"),
    # -- 6. everywhere
    ("everywhere", "size swapped", {"weight.reshape(len(weight), -1, *size)": "weight.reshape(len(weight), -1, size[1], size[0])"}, "size is .height, width."),
    ("everywhere", "channels last", {"weight.reshape(len(weight), -1, *size)": "weight.reshape(len(weight), *size, -1).transpose(0, 3, 1, 2)"}, "channels, then rows"),
    ("everywhere", "ReLU behind the last", {"if k < len(layers) - 1:": "if True:"}, "Behind the last layer"),
    ("everywhere", "no ReLU", {"            rows = np.maximum(rows, 0)\n": "            pass\n"}, "Between two layers"),
    ("everywhere", "ReLU before everything", {"    for k, (weight, bias) in enumerate(layers):\n": "    rows = np.maximum(rows, 0)\n    for k, (weight, bias) in enumerate(layers):\n"}, "the scores for"),
    ("everywhere", "filters turned", {"    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))\n": "    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))[..., ::-1, ::-1]\n"}, "turned by 180 degrees"),
    ("everywhere", "no biases", {".T + bias": ".T"}, "biases are forgotten"),
    ("everywhere", "reshaped without transposing", {"rows.reshape(n, tall, wide, -1).transpose(0, 3, 1, 2)": "rows.reshape(n, -1, tall, wide)"}, "transpose after that"),
    ("everywhere", "channels behind the window", {"windows.transpose(0, 2, 3, 1, 4, 5)": "windows.transpose(0, 2, 3, 4, 5, 1)"}, "the scores for"),
    ("everywhere", "a loop over windows",
     {"    n, _, height, width = x.shape\n": "    if x.shape[2:] != tuple(size):\n        return np.concatenate([np.concatenate([classify_everywhere(x[:, :, i : i + size[0], j : j + size[1]], layers, size) for j in range(x.shape[3] - size[1] + 1)], axis=3) for i in range(x.shape[2] - size[0] + 1)], axis=2)\n    n, _, height, width = x.shape\n"},
     "classify_everywhere takes .* a Python loop over windows"),
    ("everywhere", "a loop over images", {"    n, _, height, width = x.shape\n": "    if len(x) > 1:\n        return np.concatenate([classify_everywhere(image[None], layers, size) for image in x])\n    n, _, height, width = x.shape\n"}, "windows or images"),
    ("everywhere", "one window too few", {"height - size[0] + 1, width - size[1] + 1": "height - size[0], width - size[1]"}, "."),
    ("everywhere", "float64", {"rows = windows.transpose": "rows = windows.astype(float).transpose"}, "became float64"),
    # -- 7. mean IoU
    ("mean-iou", "transposed", {"known[counted].astype(np.int64) * classes + predicted[counted].astype(np.int64)": "predicted[counted].astype(np.int64) * classes + known[counted].astype(np.int64)"}, "Rows are what pixels are"),
    ("mean-iou", "once only", {"    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)\n": "    counts = np.zeros(classes * classes, int)\n    counts[pairs] += 1\n    return counts.reshape(classes, classes)\n"},
     "adds only once"),
    ("mean-iou", "uint8", {"known[counted].astype(np.int64) * classes": "(known[counted] * known.dtype.type(classes)).astype(np.int64)"}, "does not fit into uint8"),
    ("mean-iou", "nothing ignored", {"counted = known != ignore": "counted = known < 10**9"}, "."),
    ("mean-iou", "255 ignored, whatever ignore says", {"counted = known != ignore": "counted = known != 255"}, "."),
    ("mean-iou", "as many as occur", {", minlength=classes * classes).reshape(classes, classes)": ").reshape(-1, 1)"}, "should have the shape"),
    ("mean-iou", "a loop over pixels", {"    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)\n": "    counts = np.zeros((classes, classes), int)\n    for pair in pairs:\n        counts[pair // classes, pair % classes] += 1\n    return counts\n"},
     "confusion takes .* a Python loop over pixels"),
    ("mean-iou", "absent classes count", {"    there = union > 0\n": "    there, union = union >= 0, np.maximum(union, 1)\n"}, "neither there nor predicted"),
    ("mean-iou", "classes never found left out", {"there = union > 0": "there = right > 0"}, "there and never found"),
    ("mean-iou", "mean accuracy", {"union = counts.sum(axis=0) + counts.sum(axis=1) - right": "union = counts.sum(axis=1)"}, "mean accuracy"),
    ("mean-iou", "mean precision", {"union = counts.sum(axis=0) + counts.sum(axis=1) - right": "union = counts.sum(axis=0)"}, "mean precision"),
    ("mean-iou", "pixel accuracy", {"(right[there] / union[there]).mean()": "right.sum() / counts.sum()"}, "share of the pixels"),
    ("mean-iou", "union twice", {"counts.sum(axis=1) - right": "counts.sum(axis=1)"}, "counted twice in the union"),
    ("mean-iou", "zero for nothing", {"else math.nan": "else 0.0"}, "math.nan"),
    ("mean-iou", "one a class", {"float((right[there] / union[there]).mean())": "right[there] / union[there]"}, "one number"),
    # -- 8. LSTM
    ("lstm", "g and o swapped", {"i, f, g, o = np.split": "i, f, o, g = np.split"}, "g and o are swapped"),
    ("lstm", "i and f swapped", {"i, f, g, o = np.split": "f, i, g, o = np.split"}, "i and f are swapped"),
    ("lstm", "bias forgotten", {"h @ w_hh.T + b": "h @ w_hh.T"}, "bias is forgotten"),
    ("lstm", "no state", {" + h @ w_hh.T": ""}, "The state h has no part"),
    ("lstm", "old cell forgotten", {"new_c = f * c + i * g": "new_c = i * g"}, "old cell is forgotten"),
    ("lstm", "cell as it is", {"return o * squashed, new_c": "return o * new_c, new_c"}, "goes through tanh"),
    ("lstm", "overflow", {"0.5 * (1 + np.tanh(0.5 * gate))": "np.exp(gate) / (1 + np.exp(gate))"}, "NaN: exp overflows"),
    ("lstm", "dc not used", {"dc = dc + dh * o * (1 - squashed**2)": "dc = dh * o * (1 - squashed**2)"}, "dc of the cell is not used"),
    ("lstm", "dh not into the cell", {"dc = dc + dh * o * (1 - squashed**2)": "dc = dc + 0 * dh"}, "its gradient enters"),
    ("lstm", "tanh without its slope", {"dh * o * (1 - squashed**2)": "dh * o"}, "slope of tanh"),
    ("lstm", "slopes of gates missing", {"dc * g * i * (1 - i)": "dc * g"}, "from dc alone"),
    ("lstm", "f left out of dc", {"dz @ w_hh, dc * f": "dz @ w_hh, dc"}, "multiplied by the gate f"),
    ("lstm", "a mean over the batch", {"dz.sum(axis=0)": "dz.mean(axis=0)"}, "db is a sum over the batch"),
    ("lstm", "weights mixed up", {"dz.T @ x, dz.T @ h": "dz.T @ h, dz.T @ x"}, "dw_ih"),
    ("lstm", "new cell for the old", {"dc * c * f * (1 - f)": "dc * (f * c + i * g) * f * (1 - f)"}, "from dc alone"),
    ("lstm", "cell changed in place", {"new_c = f * c + i * g": "c *= f\n    c += i * g\n    new_c = c"}, "c was changed"),
    ("lstm", "dc changed in place", {"dc = dc + dh": "dc += dh"}, "dc was changed"),
    ("lstm", "five gradients", {"dz.T @ h, dz.sum(axis=0)": "dz.T @ h"}, "gradients of x, h, c, w_ih, w_hh, b"),
    ("lstm", "float64", {"0.5 * (1 + np.tanh(0.5 * gate))": "np.float64(0.5) * (1 + np.tanh(0.5 * gate))"}, "became float64"),
    ("lstm", "no memory", {"return o * squashed, new_c, (x, h, c, w_ih, w_hh, i, f, g, o, squashed)": "return o * squashed, new_c"}, "h, c and a memory"),
    # -- 9. beam search
    ("beam", "the last word only", {"log_probability + float(log)": "float(log)"}, "sum over all of their words"),
    ("beam", "compared by the mean", {"key=lambda pair: -pair[1])": "key=lambda pair: -pair[1] / len(pair[0]))"}, "not by their mean"),
    ("beam", "each beginning keeps one",
     {"            for word, log in enumerate(next_word(words)):\n": "            logs = next_word(words)\n            best = np.argsort(-logs)[: width if not words else 1]\n            for word, log in ((int(k), logs[k]) for k in best):\n"},
     "here each beginning keeps one"),
    ("beam", "greedy", {"[:width]": "[:1]"}, "the likeliest word each time"),
    ("beam", "ends with the first whole one", {"if all(words": "if any(words"}, "until all that is kept is whole"),
    ("beam", "whole ones lost", {"                candidates.append((words, log_probability))\n": ""}, "got lost"),
    ("beam", "whole ones continued", {"            if words[-1:] == (end,):\n": "            if False:\n"}, "continue a whole sentence"),
    ("beam", "the likeliest alone", {"    return beams\n": "    return beams[:1]\n"}, "not only the likeliest"),
    ("beam", "least likely first", {"    return beams\n": "    return beams[::-1]\n"}, "likeliest sentence comes first"),
    ("beam", "probabilities", {"    return beams\n": "    return [(words, math.exp(log)) for words, log in beams]\n"}, "The logarithms are asked for"),
    ("beam", "the end left away", {"    return beams\n": "    return [(words[:-1], log) for words, log in beams]\n"}, r"stays among the candidates"),
    ("beam", "lists of words", {"next_word(words)": "next_word(list(words))"}, "takes a tuple"),
    ("beam", "nothing cut", {"[:width]": "", "    return beams\n": "    return beams[:width]\n"}, "only beginnings that are kept"),
    ("beam", "impossible words kept", {"if log > -math.inf:": "if True:"}, "."),
    ("beam", "end is always 0", {"    beams = [((), 0.0)]\n": "    end = 0\n    beams = [((), 0.0)]\n"}, r"a whole sentence, which has ended"),
    ("beam", "one word too many", {"for _ in range(most)": "for _ in range(most + 1)"}, r"only beginnings that are kept are continued"),
]  # fmt: skip


#: Answers that call what is finished: (task, text of the cell).
FINISHED = [
    ("iou", """
def box_iou(boxes, others):
    return detection.box_iou(boxes, others)
"""),
    ("nms", """
def nms(boxes, scores, labels, threshold):
    apart = boxes + 1000.0 * labels[:, None]
    return detection.nms(apart, scores, threshold)
"""),
    ("roi", """
def roi_pool(x, regions, size, scale):
    layer = nn.RoIPool(size, scale)
    return layer(x, regions), layer
def roi_pool_backward(dy, memory):
    return memory.backward(dy)
"""),
    ("ap", """
def average_precision(found, known, threshold):
    if not sum(map(len, known)):
        return math.nan
    detections = [detection.Detections(b, np.zeros(len(b), int), s) for b, s in found]
    things = [detection.Detections(b, np.zeros(len(b), int)) for b in known]
    return detection.average_precision(detection.precision_recall(detections, things, 0, threshold))
"""),
    ("transposed", """
def conv_transpose2d(x, w, b, stride, padding):
    layer = nn.ConvTranspose2d(*w.shape[:2], w.shape[2:], stride, padding, rng=np.random.default_rng(0))
    layer.weight.data, layer.bias.data = w, b
    return layer(x)
def conv_transpose2d_backward(dy, x, w, stride, padding):
    layer = nn.ConvTranspose2d(*w.shape[:2], w.shape[2:], stride, padding, rng=np.random.default_rng(0))
    layer.weight.data = w
    layer(x)
    return layer.backward(dy), layer.weight.grad, layer.bias.grad
"""),
    ("everywhere", """
from dlcourse.models import convolutionalize
def as_filters(weight, size):
    return convolutionalize(weight, size)
def classify_everywhere(x, layers, size):
    for k, (weight, bias) in enumerate(layers):
        filters = as_filters(weight, size if k == 0 else (1, 1))
        conv = nn.Conv2d(filters.shape[1], len(filters), filters.shape[2:], rng=np.random.default_rng(0))
        conv.weight.data, conv.bias.data = filters, bias
        x = conv(x if k == 0 else np.maximum(x, 0))
    return x
"""),
    ("mean-iou", """
def confusion(predicted, known, classes, ignore=255):
    return segmentation.pixel_confusion(predicted[known != ignore], known[known != ignore], classes)
def mean_iou(counts):
    return segmentation.segmentation_scores(counts).mean_iou if counts.sum() else math.nan
"""),
    ("lstm", """
def lstm_step(x, h, c, w_ih, w_hh, b):
    layer = nn.LSTM(x.shape[1], h.shape[1], rng=np.random.default_rng(0))
    layer.weight_ih_l0.data, layer.weight_hh_l0.data = w_ih, w_hh
    layer.bias_ih_l0.data, layer.bias_hh_l0.data = b, 0 * b
    layer.initial = h, c
    layer(x[None])
    return (*layer.state, layer)
def lstm_step_backward(dh, dc, memory):
    dx = memory.backward(dh[None])[0]
    return dx, 0 * dh, 0 * dc, memory.weight_ih_l0.grad, memory.weight_hh_l0.grad, memory.bias_ih_l0.grad
"""),
    ("beam", """
from dlcourse.applications import captioning
def beam_search(next_word, end, width, most):
    model = nn.Module()  # no NIC: the search fails in it, and that it was called is what counts
    return [(s.words, s.log_probability) for s in captioning.beam_search(model, None, width, most)]
"""),
]  # fmt: skip
