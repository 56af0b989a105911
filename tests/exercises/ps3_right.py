"""Right answers to assignment 3, each written in another way than the solution."""

import math
from fractions import Fraction
from functools import reduce

import numpy as np

from dlcourse.nn import Module, Parameter

view = np.lib.stride_tricks.sliding_window_view


class Steps:
    """Step by step, with indices and plain Python."""

    def windows(x, kernel, stride=1, dilation=1):
        reach = dilation * (kernel - 1) + 1
        return view(x, (reach, reach), axis=(2, 3))[
            :, :, ::stride, ::stride, ::dilation, ::dilation
        ]

    def im2col(x, kernel, stride=1, padding=0, dilation=1):
        n, c, h, w = x.shape
        framed = np.zeros((n, c, h + 2 * padding, w + 2 * padding), x.dtype)
        framed[:, :, padding : padding + h, padding : padding + w] = x
        taps = dilation * np.arange(kernel)
        rows = np.arange(0, h + 2 * padding - taps[-1], stride)[:, None] + taps
        columns = np.arange(0, w + 2 * padding - taps[-1], stride)[:, None] + taps
        found = framed[:, :, rows[:, None, :, None], columns[None, :, None, :]]
        return np.moveaxis(found, 1, 3).reshape(n * len(rows) * len(columns), -1)

    def conv2d(x, w, b, stride=1, padding=0, dilation=1, groups=1):
        # A sum of shifted products, one for each place in the filter.
        n, _, h, width = x.shape
        o, c, kh, kw = w.shape
        oh = (h + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
        ow = (width + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
        x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
        x = x.reshape(n, groups, c, *x.shape[2:])
        w = w.reshape(groups, o // groups, c, kh, kw)
        y = np.zeros((n, groups, o // groups, oh * ow), x.dtype)
        for u in range(kh):
            for v in range(kw):
                top, left = u * dilation, v * dilation
                seen = x[..., top : top + stride * (oh - 1) + 1 : stride, :]
                seen = seen[..., left : left + stride * (ow - 1) + 1 : stride]
                y += w[:, :, :, u, v] @ seen.reshape(n, groups, c, -1)
        return y.reshape(n, o, oh, ow) + b[:, None, None]

    def multiply_adds(layers, shape):
        def walk(layers, c, h, w, first):
            if not layers:
                return []
            layer, rest = layers[0], layers[1:]
            kind, count = type(layer).__name__, 0
            if kind == "Dense":
                count = c * h * w * layer.features
                c, h, w = layer.features, 1, 1
            elif kind != "Relu":
                more = 2 * layer.padding if kind == "Conv" else 0
                h = (h + more - layer.kernel + layer.stride) // layer.stride
                w = (w + more - layer.kernel + layer.stride) // layer.stride
                if kind == "Conv":
                    per_filter = c * layer.kernel * layer.kernel // layer.groups
                    c = layer.channels
                    count = c * h * w * per_filter
            pair = [count, count if first else count + count]
            return [pair, *walk(rest, c, h, w, first and kind not in ("Conv", "Dense"))]

        return walk(layers, *shape, True)

    class SwishLinear(Module):
        def __init__(self, in_features, out_features, xp, rng):
            super().__init__()
            self.xp = xp
            drawn = rng.standard_normal((out_features, in_features)).astype(np.float32)
            drawn *= np.float32((2 / in_features) ** 0.5)
            self.weight = Parameter(xp.asarray(drawn))
            self.bias = Parameter(xp.asarray(np.zeros(out_features, np.float32)))

        def forward(self, x):
            xp = self.xp
            z = x @ self.weight.data.T + self.bias.data
            small = xp.exp(-xp.abs(z))  # at most 1, so that nothing overflows
            self.gate = xp.where(z > 0, 1 / (1 + small), small / (1 + small))
            self.x, self.y = x, z * self.gate
            return self.y

        def backward(self, dy):
            xp = self.xp
            dz = (self.gate + self.y * (1 - self.gate)) * dy
            front = tuple(range(dz.ndim - 1))
            self.weight.accumulate(xp.tensordot(dz, self.x, axes=(front, front)))
            self.bias.accumulate(xp.sum(dz, axis=front))
            return dz @ self.weight.data

    def dot(a, b, block, dtype):
        def add(values):
            return reduce(lambda total, value: dtype(total + value), values)

        products = [dtype(p) * dtype(q) for p, q in zip(a, b, strict=True)]
        return add([add(products[i : i + block]) for i in range(0, len(products), block)])

    def error_bound(a, b, block, dtype):
        # In fractions, so without any rounding of its own.
        n = len(a)
        full, rest = divmod(n, block)
        roundings = min(block, n) + full + bool(rest) - 1
        u = Fraction(float(np.finfo(dtype).epsneg))
        if roundings * u >= 1:
            return float("inf")
        gamma = roundings * u / (1 - roundings * u)
        size = sum(abs(Fraction(float(p)) * Fraction(float(q))) for p, q in zip(a, b, strict=True))
        least = Fraction(float(np.finfo(dtype).smallest_subnormal))
        return float(gamma * size + (1 + gamma) * n * least / 2)

    def measure(a, b, block, dtype):
        pairs = [(float(p), float(q)) for p, q in zip(a, b, strict=True)]
        exact = math.fsum(p * q for p, q in pairs)
        bound = Steps.error_bound(a, b, block, dtype)
        useful = bound < math.fsum(abs(p * q) for p, q in pairs)
        return [abs(float(Steps.dot(a, b, block, dtype)) - exact), bound, useful]

    def quantize_weights(w):
        q, scales = np.zeros(w.shape, np.int8), np.ones(len(w), np.float32)
        for o, channel in enumerate(w):
            if np.any(channel):
                scales[o] = max(channel.max(), -channel.min()) / 127
            q[o] = np.round(channel / scales[o]).clip(-127, 127)
        return q, scales

    def dequantize_weights(q, scale):
        return np.array([channel * s for channel, s in zip(q, scale, strict=True)], np.float32)

    def choose_range(low, high):
        low, high = (0 if low > 0 else low), (0 if high < 0 else high)
        if low == high:
            return 1.0, -128
        scale = (high - low) / 255
        return scale, round(-128 - low / scale)

    def quantize(x, scale, zero):
        steps = np.around(x / np.float32(scale)) + np.float32(zero)
        return np.minimum(np.maximum(steps, -128), 127).astype(np.int8)

    def dequantize(q, scale, zero):
        return ((q.astype(np.int32) - zero) * scale).astype(np.float32)

    def linear_int8(q_x, scale_x, zero_x, q_w, scale_w, b):
        wide = np.subtract(q_x, zero_x, dtype=np.int32)
        total = np.einsum("nc,oc->no", wide, q_w, dtype=np.int32)
        return (total * (scale_x * scale_w.astype(np.float64)) + b).astype(np.float32)

    def cost(layers, shape, batch, size):
        sizes, flops, weights = [math.prod(shape)], [], []
        c, h, w = shape
        for layer in layers:
            name = type(layer).__name__
            if name == "Relu":
                flops.append(sizes[-1])
                weights.append(0)
            elif name == "Dense":
                flops.append(2 * sizes[-1] * layer.features)
                weights.append((sizes[-1] + 1) * layer.features)
                c, h, w = layer.features, 1, 1
            else:
                border = getattr(layer, "padding", 0)
                h, w = ((s + 2 * border - layer.kernel) // layer.stride + 1 for s in (h, w))
                if name == "Pool":
                    flops.append(c * h * w * layer.kernel**2)
                    weights.append(0)
                else:
                    one = c * layer.kernel**2 // layer.groups
                    c = layer.channels
                    flops.append(2 * one * c * h * w)
                    weights.append(one * c + c)
            sizes.append(c * h * w)
        return [
            (batch * f, size * (batch * before + batch * after + weight))
            for f, before, after, weight in zip(flops, sizes, sizes[1:], weights, strict=False)
        ]

    def attainable(flops, bytes, machine):
        return flops / max(flops / machine.peak, bytes / machine.bandwidth)

    def predict(layers, shape, batch, size, machine):
        time, bound = 0.0, []
        for i, (flops, bytes) in enumerate(Steps.cost(layers, shape, batch, size)):
            time += max(flops / machine.peak, bytes / machine.bandwidth)
            if flops * machine.bandwidth < bytes * machine.peak:
                bound.append(i)
        return time, bound

    def smallest_batch(inputs, outputs, size, machine):
        edge = Fraction(machine.peak) / Fraction(machine.bandwidth)
        gained = 2 * inputs * outputs - edge * size * (inputs + outputs)
        if gained <= 0:
            return None
        return max(1, math.ceil(edge * size * outputs * (inputs + 1) / gained))


class Arrays:
    """Everything at once, with the tools of NumPy."""

    def windows(x, kernel, stride=1, dilation=1):
        # One axis after the other.
        span = dilation * (kernel - 1) + 1
        rows = view(x, span, axis=2)[:, :, ::stride, :, ::dilation]
        return view(rows, span, axis=3)[:, :, :, ::stride, :, ::dilation]

    def im2col(x, kernel, stride=1, padding=0, dilation=1):
        x = np.pad(x, [(0, 0)] * 2 + [(padding, padding)] * 2, mode="constant")
        patches = np.einsum("ncijuv->nijcuv", Arrays.windows(x, kernel, stride, dilation))
        n, i, j, c, u, v = patches.shape
        return patches.reshape(n * i * j, c * u * v)

    def conv2d(x, w, b, stride=1, padding=0, dilation=1, groups=1):
        o, c, kh, kw = w.shape
        x = np.pad(x, [(0, 0)] * 2 + [(padding, padding)] * 2)
        spans = dilation * (kh - 1) + 1, dilation * (kw - 1) + 1
        seen = view(x, spans, axis=(2, 3))[:, :, ::stride, ::stride, ::dilation, ::dilation]
        seen = seen.reshape(len(x), groups, c, *seen.shape[2:])
        w = w.reshape(groups, o // groups, c, kh, kw)
        y = np.einsum("ngcijuv,gocuv->ngoij", seen, w, optimize=True)
        return y.reshape(len(x), o, *y.shape[3:]) + b.reshape(1, o, 1, 1)

    def multiply_adds(layers, shape):
        c, h, w = shape
        forward = np.zeros(len(layers), np.int64)
        for i, layer in enumerate(layers):
            if hasattr(layer, "features"):
                forward[i] = c * h * w * layer.features
                c, h, w = layer.features, 1, 1
            elif hasattr(layer, "kernel"):
                p = getattr(layer, "padding", 0)
                h, w = ((np.array([h, w]) + 2 * p - layer.kernel) // layer.stride + 1).tolist()
                if hasattr(layer, "channels"):
                    forward[i] = layer.channels * h * w * (c // layer.groups) * layer.kernel**2
                    c = layer.channels
        backward = 2 * forward
        learners = np.flatnonzero(forward)
        backward[learners[:1]] //= 2
        return list(zip(forward, backward, strict=True))

    class SwishLinear(Module):
        def __init__(self, in_features, out_features, xp, rng):
            super().__init__()
            self.xp = xp
            scale = np.float32(math.sqrt(2.0 / in_features))
            weight = rng.standard_normal((out_features, in_features), np.float32) * scale
            self.weight = Parameter(xp.asarray(weight, dtype=np.float32))
            self.bias = Parameter(xp.full((out_features,), 0.0, dtype=np.float32))

        def forward(self, x):
            xp = self.xp
            self.shape = x.shape
            self.rows = x.reshape(-1, x.shape[-1])
            z = xp.matmul(self.rows, self.weight.data.T)
            z += self.bias.data
            half = 0.5 * xp.tanh(0.5 * z)
            y = z * half + 0.5 * z
            self.slope = (half + 0.5) + z * (0.25 - half * half)
            return y.reshape(*x.shape[:-1], z.shape[1])

        def backward(self, dy):
            dz = dy.reshape(-1, self.slope.shape[1]) * self.slope
            self.weight.accumulate(dz.T @ self.rows)
            self.bias.accumulate(dz.sum(axis=0))
            return (dz @ self.weight.data).reshape(*self.shape)

    def dot(a, b, block, dtype):
        products = np.multiply(a, b, dtype=dtype)
        sums = [
            np.add.accumulate(products[i : i + block])[-1] for i in range(0, len(products), block)
        ]
        return np.add.accumulate(np.stack(sums))[-1]

    def error_bound(a, b, block, dtype):
        n, info = a.size, np.finfo(dtype)
        steps = min(block, n) - 1 + (n + block - 1) // block
        share = steps * 0.5 * np.float64(info.eps)
        if share >= 1:
            return np.inf
        size = np.abs(a.astype(float)) @ np.abs(b.astype(float))
        # gamma and 1 + gamma, with their common denominator.
        return (share * size + n * 0.5 * np.float64(info.smallest_subnormal)) / (1 - share)

    def measure(a, b, block, dtype):
        # Products of float16 are whole multiples of 2^-48: sums of them as whole numbers.
        exact = sum(int(float(p) * float(q) * 2**48) for p, q in zip(a, b, strict=True))
        found = int(float(Arrays.dot(a, b, block, dtype)) * 2**48)
        bound = Arrays.error_bound(a, b, block, dtype)
        size = np.abs(np.multiply(a, b, dtype=float)).sum()
        return abs(found - exact) / 2**48, bound, np.less(bound, size)

    def quantize_weights(w):
        axes = tuple(range(1, w.ndim))
        scale = np.abs(w).max(axis=axes, keepdims=True) / np.float32(127)
        scale[scale == 0] = 1
        return np.rint(w / scale).astype(np.int8), scale.reshape(-1)

    def dequantize_weights(q, scale):
        return np.einsum("o...,o->o...", q, scale, dtype=np.float32)

    def choose_range(low, high):
        ends = np.array([low, high, 0.0])
        scale = float(np.ptp(ends)) / 255
        if scale == 0:
            return 1.0, 0
        return scale, int(np.rint(-128 - ends.min() / scale))

    def quantize(x, scale, zero):
        return (np.clip(np.rint(x / scale), -128 - zero, 127 - zero) + zero).astype("int8")

    def dequantize(q, scale, zero):
        # A table of all 256 bytes.
        table = ((np.arange(-128, 128) - zero) * scale).astype(np.float32)
        return table[q.astype(int) + 128]

    def linear_int8(q_x, scale_x, zero_x, q_w, scale_w, b):
        total = np.matmul(q_x.astype(np.int64) - zero_x, q_w.astype(np.int64).T)
        return np.float32(scale_x) * scale_w * total.astype(np.float32) + b

    def cost(layers, shape, batch, size):
        costs, here = [], tuple(shape)
        for layer in layers:
            flops, moved, here = Arrays.one_cost(layer, here, batch)
            costs.append([flops, moved * size])
        return costs

    def one_cost(layer, shape, batch):
        c = shape[0]
        values = batch * np.prod(shape)
        if not layer:  # a ReLU has no fields
            return values, 2 * values, shape
        if len(layer) == 1:
            (features,) = layer
            inputs = np.prod(shape)
            moved = values + (inputs + 1) * features + batch * features
            return 2 * values * features, moved, (features, 1, 1)
        kernel, stride, padding, groups = (
            getattr(layer, name, default)
            for name, default in (("kernel", 0), ("stride", 0), ("padding", 0), ("groups", 1))
        )
        h, w = (np.array(shape[1:]) + 2 * padding - kernel) // stride + 1
        if len(layer) == 2:
            after = batch * c * h * w
            return after * kernel**2, values + after, (c, h, w)
        products = c // groups * kernel**2
        after = batch * layer.channels * h * w
        moved = values + after + layer.channels * (products + 1)
        return 2 * after * products, moved, (layer.channels, h, w)

    def attainable(flops, bytes, machine):
        intensity = flops / bytes
        edge = machine.peak / machine.bandwidth
        return machine.peak if intensity > edge else intensity * machine.bandwidth

    def predict(layers, shape, batch, size, machine):
        flops, moved = np.array(Arrays.cost(layers, shape, batch, size), float).T
        seconds = np.maximum(flops / machine.peak, moved / machine.bandwidth)
        edge = machine.peak / machine.bandwidth
        return seconds.sum(), np.flatnonzero(flops / moved < edge).tolist()

    def smallest_batch(inputs, outputs, size, machine):
        edge = machine.peak / machine.bandwidth
        if 2 * inputs * outputs / (size * (inputs + outputs)) <= edge:
            return None

        def intensity(n):
            return (
                2
                * n
                * inputs
                * outputs
                / (size * (n * (inputs + outputs) + (inputs + 1) * outputs))
            )

        batch = 1
        while intensity(batch) < edge:
            batch += 1
        return batch


#: Which names a task asks for.
NAMES = {
    "im2col": ["windows", "im2col"],
    "conv2d": ["conv2d"],
    "multiply-adds": ["multiply_adds"],
    "neutral": ["SwishLinear"],
    "float16": ["dot", "error_bound", "measure"],
    "int8": [
        "quantize_weights",
        "dequantize_weights",
        "choose_range",
        "quantize",
        "dequantize",
        "linear_int8",
    ],
    "roofline": ["cost", "attainable", "predict", "smallest_batch"],
}


def right_answers():
    """Yield task, name of the answer, and what it defines."""
    for task, names in NAMES.items():
        for style in (Steps, Arrays):
            yield task, style.__name__.lower(), {n: vars(style)[n] for n in names}
