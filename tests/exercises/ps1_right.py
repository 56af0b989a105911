"""Right answers to assignment 1, each written in another way than the solution."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.nn import (
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)


def bordered(x, p, value=0):
    n, c, h, w = x.shape
    out = np.full((n, c, h + 2 * p, w + 2 * p), value, x.dtype)
    out[:, :, p : p + h, p : p + w] = x
    return out


def views(x, kh, kw, stride, padding):
    """(N, C, OH, OW, KH, KW)"""
    seen = sliding_window_view(bordered(x, padding), (kh, kw), axis=(2, 3))
    return seen[:, :, ::stride, ::stride]


class Loops:
    """Everything value by value."""

    def conv_naive(x, w, b, stride=1, padding=0):
        x = bordered(x, padding)
        n_, c_, h, width = x.shape
        o_, _, kh, kw = w.shape
        oh, ow = 1 + (h - kh) // stride, 1 + (width - kw) // stride
        y = np.zeros((n_, o_, oh, ow), dtype=x.dtype)
        for n in range(n_):
            for o in range(o_):
                for i in range(oh):
                    for j in range(ow):
                        total = float(b[o])
                        for c in range(c_):
                            for u in range(kh):
                                for v in range(kw):
                                    pixel = x[n, c, i * stride + u, j * stride + v]
                                    total += float(pixel) * float(w[o, c, u, v])
                        y[n, o, i, j] = total
        return y

    def im2col(x, kh, kw, stride=1, padding=0):
        x = bordered(x, padding)
        rows = []
        for image in x:
            for top in range(0, x.shape[2] - kh + 1, stride):
                for left in range(0, x.shape[3] - kw + 1, stride):
                    rows.append(image[:, top : top + kh, left : left + kw].ravel())
        return np.array(rows)

    def conv_backward(dy, x, w, stride=1, padding=0):
        padded = bordered(x, padding)
        dx, dw = np.zeros_like(padded), np.zeros_like(w)
        db = np.zeros(len(w), w.dtype)
        n_, o_, oh, ow = dy.shape
        kh, kw = w.shape[2:]
        for n in range(n_):
            for i in range(oh):
                for j in range(ow):
                    rows = slice(i * stride, i * stride + kh)
                    columns = slice(j * stride, j * stride + kw)
                    for o in range(o_):
                        g = dy[n, o, i, j]
                        dx[n, :, rows, columns] += g * w[o]
                        dw[o] += g * padded[n, :, rows, columns]
                        db[o] += g
        h, width = x.shape[2:]
        return dx[:, :, padding : padding + h, padding : padding + width], dw, db

    def max_pool(x, size, stride):
        n_, c_, h, w = x.shape
        oh, ow = (h - size) // stride + 1, (w - size) // stride + 1
        y = np.zeros((n_, c_, oh, ow), x.dtype)
        for n, c, i, j in np.ndindex(y.shape):
            y[n, c, i, j] = max(
                x[n, c, i * stride + u, j * stride + v] for u in range(size) for v in range(size)
            )
        return y

    def max_pool_backward(dy, x, size, stride):
        dx = np.zeros(x.shape, x.dtype)
        for n, c, i, j in np.ndindex(dy.shape):
            best = None
            for u in range(i * stride, i * stride + size):
                for v in range(j * stride, j * stride + size):
                    if best is None or x[n, c, u, v] > x[n, c, best[0], best[1]]:
                        best = u, v
            dx[n, c, best[0], best[1]] += dy[n, c, i, j]
        return dx

    def he_normal(shape, rng):
        fan_in = 1
        for size in shape[1:]:
            fan_in *= size
        return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=shape).astype(np.float32)

    def dropout_forward(x, p, training, rng):
        mask = np.ones(x.shape, x.dtype)
        if training:
            flat = mask.reshape(-1)
            for i in range(flat.size):
                flat[i] = 0 if rng.random() < p else 1 / (1 - p)
        return x * mask, mask

    def shift(images, max_pixels, rng):
        out = np.zeros_like(images)
        n, _, h, w = images.shape
        for i in range(n):
            dy = int(rng.integers(-max_pixels, max_pixels + 1))
            dx = int(rng.integers(-max_pixels, max_pixels + 1))
            for row in range(h):
                for column in range(w):
                    if 0 <= row - dy < h and 0 <= column - dx < w:
                        out[i, :, row, column] = images[i, :, row - dy, column - dx]
        return out

    class MyAdam:
        def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
            self.slots = [[p, 0.0, 0.0] for p in parameters]
            self.lr, (self.b1, self.b2), self.eps = lr, betas, eps
            self.steps = 0

        def step(self):
            self.steps += 1
            for slot in self.slots:
                p, m, v = slot
                if p.grad is not None:
                    slot[1] = m = m + (1 - self.b1) * (p.grad - m)
                    slot[2] = v = v + (1 - self.b2) * (p.grad * p.grad - v)
                    rate = self.lr * math.sqrt(1 - self.b2**self.steps) / (1 - self.b1**self.steps)
                    eps = self.eps * math.sqrt(1 - self.b2**self.steps)
                    p.data[...] = p.data - rate * m / (np.sqrt(v) + eps)

    def build_deep_convnet(rng):
        def pair(before, after, last_padding=1):
            return Sequential(
                Conv2d(before, after, 3, 1, 1, rng=rng),
                ReLU(),
                Conv2d(after, after, 3, 1, last_padding, rng=rng),
                ReLU(),
                MaxPool2d(2),
            )

        body = Sequential(pair(1, 16), pair(16, 32, 2), pair(32, 64))
        hidden = Sequential(Linear(1024, 50, rng=rng), ReLU())
        return Sequential(body, Flatten(), hidden, Dropout(rng=rng), Linear(50, 10, rng=rng))

    def train_epoch(net, optimizer, images, labels, batch_size, rng):
        net.train()
        loss = CrossEntropyLoss()
        places = np.arange(len(images))
        rng.shuffle(places)
        losses = []
        while len(places):
            batch, places = places[:batch_size], places[batch_size:]
            for p in net.parameters():
                p.grad = None
            value = loss(net(images[batch]), labels[batch])
            net.backward(loss.backward())
            optimizer.step()
            losses += [value] * len(batch)
        return sum(losses) / len(losses)


class Views:
    """Everything at once: strided views, einsum, fancy indices."""

    def conv_naive(x, w, b, stride=1, padding=0):
        y = np.einsum("ncijuv,ocuv->noij", views(x, *w.shape[2:], stride, padding), w)
        return y + b[:, None, None]

    def im2col(x, kh, kw, stride=1, padding=0):
        x = bordered(x, padding)
        n, c, h, w = x.shape
        oh, ow = (h - kh) // stride + 1, (w - kw) // stride + 1
        a, d, e, f = x.strides
        strides = (a, stride * e, stride * f, d, e, f)
        patches = np.lib.stride_tricks.as_strided(x, (n, oh, ow, c, kh, kw), strides)
        return patches.reshape(n * oh * ow, -1)

    def conv_forward(x, w, b, stride=1, padding=0):
        patches = views(x, *w.shape[2:], stride, padding)
        y = np.tensordot(patches, w, axes=((1, 4, 5), (1, 2, 3)))
        y += b
        return np.moveaxis(y, 3, 1)

    def conv_backward(dy, x, w, stride=1, padding=0):
        patches = views(x, *w.shape[2:], stride, padding)
        dw = np.einsum("noij,ncijuv->ocuv", dy, patches)
        shares = np.einsum("noij,ocuv->ncijuv", dy, w)
        dx = np.zeros_like(bordered(x, padding))
        oh, ow = dy.shape[2:]
        for i in range(oh):
            for j in range(ow):
                top, left = i * stride, j * stride
                dx[:, :, top : top + w.shape[2], left : left + w.shape[3]] += shares[:, :, i, j]
        _, _, h, width = x.shape
        return dx[:, :, padding:][:, :, :h, padding : padding + width], dw, np.einsum("noij->o", dy)

    def max_pool(x, size, stride):
        return views(x, size, size, stride, 0).max(axis=(-2, -1))

    def max_pool_backward(dy, x, size, stride):
        seen = views(x, size, size, stride, 0)
        place = seen.reshape(*seen.shape[:4], -1).argmax(axis=-1)
        n, c, i, j = np.indices(dy.shape)
        dx = np.zeros_like(x)
        np.add.at(dx, (n, c, i * stride + place // size, j * stride + place % size), dy)
        return dx

    def he_normal(shape, rng):
        w = np.empty(shape, np.float32)
        rng.standard_normal(dtype=np.float32, out=w)
        w *= math.sqrt(2 * shape[0] / w.size)
        return w

    def dropout_forward(x, p, training, rng):
        if not training:
            return x.copy(), None
        keep = rng.random(x.shape, dtype=np.float32) > p
        return np.where(keep, x / (1 - p), 0).astype(x.dtype), (keep, p)

    def dropout_backward(dy, mask):
        if mask is None:
            return dy
        keep, p = mask
        dx = dy / (1 - p)
        dx[~keep] = 0
        return dx

    def shift(images, max_pixels, rng):
        n, _, h, w = images.shape
        moves = rng.integers(2 * max_pixels + 1, size=(2, n, 1)) - max_pixels
        frame = bordered(images, max_pixels)
        rows = np.arange(h) + max_pixels - moves[0]
        columns = np.arange(w) + max_pixels - moves[1]
        picked = frame[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        return picked.transpose(0, 3, 1, 2)

    class MyAdam:
        def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
            self.parameters, self.lr, self.betas, self.eps = parameters, lr, betas, eps
            self.history = {}

        def step(self):
            for i, p in enumerate(self.parameters):
                if p.grad is None:
                    continue
                # The running means, written out as sums over all gradients so far.
                past = self.history.setdefault(i, [])
                past.append(p.grad.astype(np.float64))
                means = []
                for beta, power in zip(self.betas, (1, 2), strict=True):
                    shares = beta ** np.arange(len(past))[::-1]
                    powers = np.array(past) ** power
                    means.append(np.tensordot(shares / shares.sum(), powers, axes=1))
                p.data -= (self.lr * means[0] / (np.sqrt(means[1]) + self.eps)).astype(p.data.dtype)

    def build_deep_convnet(rng):
        class Net(Module):
            def __init__(self):
                super().__init__()
                self.convs = Sequential(
                    *(
                        Conv2d(a, b, 3, padding=p, rng=rng)
                        for a, b, p in [
                            (1, 16, 1), (16, 16, 1), (16, 32, 1),
                            (32, 32, 2), (32, 64, 1), (64, 64, 1),
                        ]
                    )
                )  # fmt: skip
                self.relus = [ReLU() for _ in range(6)]
                self.pools = [MaxPool2d(2) for _ in range(3)]
                self.flatten = Flatten()
                self.one = Linear(1024, 50, rng=rng)
                self.relu = ReLU()
                self.dropout = Dropout(0.5, rng=rng)
                self.two = Linear(50, 10, rng=rng)

            def forward(self, x):
                for i in range(6):
                    x = self.relus[i](self.convs[i](x))
                    if i % 2:
                        x = self.pools[i // 2](x)
                return self.two(self.dropout(self.relu(self.one(self.flatten(x)))))

            def backward(self, dy):
                dy = self.dropout.backward(self.two.backward(dy))
                dy = self.flatten.backward(self.one.backward(self.relu.backward(dy)))
                for i in reversed(range(6)):
                    if i % 2:
                        dy = self.pools[i // 2].backward(dy)
                    dy = self.convs[i].backward(self.relus[i].backward(dy))
                return dy

        return Net()

    def train_epoch(net, optimizer, images, labels, batch_size, rng):
        net.train()
        loss, total, n = CrossEntropyLoss(), 0.0, len(images)
        shuffled = rng.permutation(n)
        images, labels = images[shuffled], labels[shuffled]
        parts = math.ceil(n / batch_size)
        for k in range(parts):
            x, t = (a[k * batch_size : (k + 1) * batch_size] for a in (images, labels))
            optimizer.zero_grad()
            y = net(x)
            total += loss(y, t) * len(x) / n
            net.backward(loss.backward())
            optimizer.step()
        return total


#: Which names a task asks for.
NAMES = {
    "conv-naive": ["conv_naive"],
    "conv-forward": ["im2col", "conv_forward"],
    "conv-backward": ["conv_backward"],
    "max-pool": ["max_pool", "max_pool_backward"],
    "he-normal": ["he_normal"],
    "dropout": ["dropout_forward", "dropout_backward"],
    "adam": ["MyAdam"],
    "assemble": ["build_deep_convnet"],
    "train": ["train_epoch"],
    "augment": ["shift"],
}


def right_answers():
    """Yield task, name of the answer, and what it defines."""
    for task, names in NAMES.items():
        for style in (Loops, Views):
            yield (
                task,
                style.__name__.lower(),
                {n: vars(style)[n] for n in names if n in vars(style)},
            )
