"""Right answers to assignment 2, each written in another way than the solution."""

import math

import numpy as np

from dlcourse.data import Dataset
from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    Parameter,
    ReLU,
    Sequential,
)
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Trainer


def conv_relu(*arguments, rng, **options):
    return Sequential(Conv2d(*arguments, **options, rng=rng), ReLU())


class Loops:
    """Step by step, with loops and modules that write everything out."""

    def count_parameters(layers, channels):
        if not layers:
            return 0
        first, *rest = layers
        if not hasattr(first, "channels"):
            return Loops.count_parameters(rest, channels)
        weights = sum(1 for _ in range(first.channels) for _ in range(channels * first.kernel**2))
        return weights + first.bias * first.channels + Loops.count_parameters(rest, first.channels)

    def field_and_size(layers, size):
        # From the output back to the image: r values of the output of a layer need so many of
        # its input.
        field = 1
        for layer in reversed(layers):
            dilation = layer.dilation if hasattr(layer, "dilation") else 1
            field = (field - 1) * layer.stride + dilation * (layer.kernel - 1) + 1
        for layer in layers:
            # Count the places where the window fits.
            dilation = layer.dilation if hasattr(layer, "dilation") else 1
            span, places = dilation * (layer.kernel - 1) + 1, 0
            while places * layer.stride + span <= size + 2 * layer.padding:
                places += 1
            size = places
        return [field, size]

    def vgg_block(convolutions, in_channels, out_channels, rng):
        first = conv_relu(in_channels, out_channels, 3, padding=1, rng=rng)
        others = [
            conv_relu(out_channels, out_channels, 3, padding=1, rng=rng)
            for _ in range(convolutions - 1)
        ]
        return Sequential(Sequential(first, *others), MaxPool2d(2, 2))

    def build_vgg(plan, in_channels, size, hidden, classes, rng):
        widths = [in_channels] + [channels for _, channels in plan]
        features = Sequential()
        for (count, _), before, after in zip(plan, widths, widths[1:], strict=False):
            features.append(Loops.vgg_block(count, before, after, rng))
            size = (size - 2) // 2 + 1
        head = Sequential(
            Linear(widths[-1] * size * size, hidden, rng=rng), Dropout(rng=rng), ReLU()
        )
        return Sequential(features, Flatten(), head, Linear(hidden, classes, rng=rng))

    def conv1x1(x, w, b, stride=1):
        # A loop over images and channels, not over pixels.
        x = x[:, :, ::stride, ::stride]
        y = np.zeros((len(x), len(w), *x.shape[2:]), x.dtype)
        for n in range(len(x)):
            for o in range(len(w)):
                for c in range(x.shape[1]):
                    y[n, o] += w[o, c] * x[n, c]
                y[n, o] += b[o]
        return y

    def conv1x1_backward(dy, x, w, stride=1):
        dx, dw, db = (
            np.zeros(x.shape, x.dtype),
            np.zeros(w.shape, w.dtype),
            np.zeros(len(w), w.dtype),
        )
        for n in range(len(x)):
            for o in range(len(w)):
                db[o] += dy[n, o].sum()
                for c in range(x.shape[1]):
                    dw[o, c] += (dy[n, o] * x[n, c, ::stride, ::stride]).sum()
                    dx[n, c, ::stride, ::stride] += w[o, c] * dy[n, o]
        return dx, dw, db

    class InceptionBlock(Module):
        def __init__(self, in_channels, one, three_reduce, three, five_reduce, five, pool, *, rng):
            super().__init__()
            c = in_channels
            self.one, self.relu1 = Conv2d(c, one, 1, rng=rng), ReLU()
            self.reduce3, self.relu2 = Conv2d(c, three_reduce, 1, rng=rng), ReLU()
            self.three, self.relu3 = Conv2d(three_reduce, three, 3, padding=1, rng=rng), ReLU()
            self.reduce5, self.relu4 = Conv2d(c, five_reduce, 1, rng=rng), ReLU()
            self.five, self.relu5 = Conv2d(five_reduce, five, 5, padding=2, rng=rng), ReLU()
            self.pool = MaxPool2d(3, 1, 1)
            self.after_pool, self.relu6 = Conv2d(c, pool, 1, rng=rng), ReLU()
            self.widths = one, three, five, pool

        def forward(self, x):
            y = np.empty((len(x), sum(self.widths), *x.shape[2:]), x.dtype)
            a, b, c, _ = np.cumsum(self.widths)
            y[:, :a] = self.relu1(self.one(x))
            y[:, a:b] = self.relu3(self.three(self.relu2(self.reduce3(x))))
            y[:, b:c] = self.relu5(self.five(self.relu4(self.reduce5(x))))
            y[:, c:] = self.relu6(self.after_pool(self.pool(x)))
            return y

        def backward(self, dy):
            a, b, c, _ = np.cumsum(self.widths)
            dx = self.one.backward(self.relu1.backward(dy[:, :a]))
            d3 = self.three.backward(self.relu3.backward(dy[:, a:b]))
            dx = dx + self.reduce3.backward(self.relu2.backward(d3))
            d5 = self.five.backward(self.relu5.backward(dy[:, b:c]))
            dx = dx + self.reduce5.backward(self.relu4.backward(d5))
            d_pool = self.after_pool.backward(self.relu6.backward(dy[:, c:]))
            return dx + self.pool.backward(d_pool)

    class MyBatchNorm(Module):
        def __init__(self, channels, eps=1e-5, momentum=0.1):
            super().__init__()
            self.weight = Parameter(np.ones(channels, dtype=np.float32))
            self.bias = Parameter(np.zeros(channels, dtype=np.float32))
            self.register_buffer("running_mean", np.zeros(channels, dtype=np.float32))
            self.register_buffer("running_var", np.ones(channels, dtype=np.float32))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))
            self.eps, self.momentum = eps, momentum

        def forward(self, x):
            self.x, self.batch = x, self.training
            y = np.empty_like(x)
            self.means, self.stds = [], []
            for c in range(x.shape[1]):
                values = x[:, c]
                if self.training:
                    mean, var = values.mean(), values.var()
                    for average, new in (
                        (self.running_mean, mean),
                        (self.running_var, values.var(ddof=1)),
                    ):
                        average[c] += self.momentum * (new - average[c])
                else:
                    mean, var = self.running_mean[c], self.running_var[c]
                std = np.sqrt(var + self.eps)
                self.means.append(mean)
                self.stds.append(std)
                y[:, c] = self.weight.data[c] * ((values - mean) / std) + self.bias.data[c]
            if self.training:
                self.num_batches_tracked[...] += 1
            return y

        def backward(self, dy):
            # The chain rule, one link after the other.
            dx, dw, db = np.empty_like(dy), np.empty_like(dy[0, :, 0, 0]), dy.sum(axis=(0, 2, 3))
            for c in range(dy.shape[1]):
                mean, std, g = self.means[c], self.stds[c], self.weight.data[c]
                centered, count = self.x[:, c] - mean, dy[:, c].size
                dw[c] = (dy[:, c] * centered / std).sum()
                d_hat = dy[:, c] * g
                d_centered = d_hat / std
                if self.batch:
                    d_std = -(d_hat * centered).sum() / std**2
                    d_var = d_std / (2 * std)
                    d_centered = d_centered + d_var * 2 * centered / count
                    d_centered = d_centered - d_centered.mean()
                dx[:, c] = d_centered
            self.weight.accumulate(dw)
            self.bias.accumulate(db)
            return dx

    class ResidualBlock(Module):
        def __init__(self, in_channels, out_channels, stride=1, *, rng):
            super().__init__()
            a, b, no = in_channels, out_channels, dict(bias=False, rng=rng)
            self.conv1, self.bn1 = Conv2d(a, b, 3, stride, 1, **no), BatchNorm2d(b)
            self.conv2, self.bn2 = Conv2d(b, b, 3, 1, 1, **no), BatchNorm2d(b)
            self.projects = not (stride == 1 and a == b)
            if self.projects:
                self.conv3, self.bn3 = Conv2d(a, b, 1, stride, **no), BatchNorm2d(b)

        def forward(self, x):
            h = self.bn1(self.conv1(x))
            self.on1 = h > 0
            y = self.bn2(self.conv2(np.where(self.on1, h, 0).astype(x.dtype)))
            y = y + (self.bn3(self.conv3(x)) if self.projects else x)
            self.on2 = y > 0
            return np.maximum(y, 0)

        def backward(self, dy):
            d = dy * self.on2
            dx = self.conv1.backward(
                self.bn1.backward(self.conv2.backward(self.bn2.backward(d)) * self.on1)
            )
            return dx + (self.conv3.backward(self.bn3.backward(d)) if self.projects else d)

    def build_small_net(rng):
        # Patches that overlap little, and a residual block.
        class Net(Module):
            def __init__(self):
                super().__init__()
                self.stem = Sequential(Conv2d(1, 16, 6, 3, 1, rng=rng), BatchNorm2d(16), ReLU())
                self.mix = Sequential(Conv2d(16, 16, 3, 1, 1, rng=rng), BatchNorm2d(16), ReLU())
                self.pool = MaxPool2d(3)
                self.flatten, self.head = Flatten(), Linear(16 * 9, 10, rng=rng)

            def forward(self, x):
                x = self.stem(x)
                x = self.pool(x + self.mix(x))
                return self.head(self.flatten(x))

            def backward(self, dy):
                dy = self.pool.backward(self.flatten.backward(self.head.backward(dy)))
                return self.stem.backward(dy + self.mix.backward(dy))

        return Net()

    def train_small_net(net, images, labels, rng):
        optimizer = Adam(net.parameters(), lr=0.01)
        epochs = 5
        schedule = CosineAnnealingLR(optimizer, epochs)
        loss = CrossEntropyLoss()
        for epoch in range(epochs):
            places = np.arange(len(images))
            rng.shuffle(places)
            for part in np.array_split(places, max(1, len(images) // 50)):
                schedule.move_to(epoch)
                for p in net.parameters():
                    p.grad = None
                loss(net(images[part]), labels[part])
                net.backward(loss.backward())
                optimizer.step()


class Arrays:
    """Everything at once, with the tools of NumPy and of the package."""

    def count_parameters(layers, channels):
        convs = [layer for layer in layers if type(layer).__name__ == "Conv"]
        out = np.array([layer.channels for layer in convs], int)
        into = np.array([channels, *out], int)[:-1]
        squares = np.array([layer.kernel for layer in convs], int) ** 2
        return (out * (into * squares + [layer.bias for layer in convs])).sum()

    def field_and_size(layers, size):
        strides = np.cumprod([1] + [layer.stride for layer in layers])[:-1]
        reach = [getattr(layer, "dilation", 1) * (layer.kernel - 1) for layer in layers]
        for layer, r in zip(layers, reach, strict=True):
            size = math.floor((size + 2 * layer.padding - r - 1) / layer.stride + 1)
        return int(1 + strides @ np.array(reach, int)), size

    def vgg_block(convolutions, in_channels, out_channels, rng):
        class Block(Module):
            def __init__(self):
                super().__init__()
                for i in range(convolutions):
                    before = out_channels if i else in_channels
                    setattr(self, f"conv{i}", Conv2d(before, out_channels, (3, 3), 1, 1, rng=rng))
                    setattr(self, f"relu{i}", ReLU())
                self.pool = MaxPool2d(2)

            def forward(self, x):
                for layer in self.children():
                    x = layer(x)
                return x

            def backward(self, dy):
                for layer in reversed(list(self.children())):
                    dy = layer.backward(dy)
                return dy

        return Block()

    def build_vgg(plan, in_channels, size, hidden, classes, rng):
        layers = []
        channels = in_channels
        for convolutions, width in plan:
            layers.append(Arrays.vgg_block(convolutions, channels, width, rng))
            channels, size = width, size // 2
        layers += [Flatten(), Linear(channels * size**2, hidden, rng=rng), ReLU(), Dropout(rng=rng)]
        return Sequential(*layers, Linear(hidden, classes, rng=rng))

    def conv1x1(x, w, b, stride=1):
        y = np.einsum("nchw,oc->nohw", x[..., ::stride, ::stride], w)
        y += b[:, np.newaxis, np.newaxis]
        return y

    def conv1x1_backward(dy, x, w, stride=1):
        n, o, h, width = dy.shape
        seen = x[..., ::stride, ::stride].reshape(n, x.shape[1], -1)
        flat = dy.reshape(n, o, -1)
        dx = np.zeros_like(x)
        dx[..., ::stride, ::stride] = (w.T @ flat).reshape(n, -1, h, width)
        return dx, (flat @ seen.transpose(0, 2, 1)).sum(axis=0), np.einsum("nohw->o", dy)

    class InceptionBlock(Module):
        def __init__(self, in_channels, one, three_reduce, three, five_reduce, five, pool, *, rng):
            super().__init__()

            def branch(*convs, before=()):
                parts = [conv_relu(a, b, k, padding=k // 2, rng=rng) for a, b, k in convs]
                return Sequential(*before, *parts)

            c = in_channels
            self.branches = Sequential(
                branch((c, one, 1)),
                branch((c, three_reduce, 1), (three_reduce, three, 3)),
                branch((c, five_reduce, 1), (five_reduce, five, 5)),
                branch((c, pool, 1), before=[MaxPool2d(3, 1, 1)]),
            )

        def forward(self, x):
            outputs = [branch(x) for branch in self.branches]
            self.widths = [y.shape[1] for y in outputs]
            return np.hstack(outputs)

        def backward(self, dy):
            dx, rest = 0, dy
            for branch, width in zip(self.branches, self.widths, strict=True):
                dx = dx + branch.backward(rest[:, :width])
                rest = rest[:, width:]
            return dx

    class MyBatchNorm(Module):
        def __init__(self, channels, eps=1e-5, momentum=0.1):
            super().__init__()
            self.weight = Parameter(np.full(channels, 1, np.float32))
            self.bias = Parameter(np.zeros(channels, np.float32))
            self.register_buffer("running_mean", np.zeros(channels, np.float32))
            self.register_buffer("running_var", np.ones(channels, np.float32))
            self.eps, self.momentum = eps, momentum

        def forward(self, x):
            rows = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
            if self.training:
                mean, var = rows.mean(axis=0), rows.var(axis=0)
                self.running_mean *= 1 - self.momentum
                self.running_mean += self.momentum * mean
                self.running_var *= 1 - self.momentum
                self.running_var += self.momentum * rows.var(axis=0, ddof=1)
                self.kept = True
            else:
                mean, var, self.kept = self.running_mean, self.running_var, False
            self.rate = (var + self.eps) ** -0.5
            self.hat = (rows - mean) * self.rate
            return self.images(self.hat * self.weight.data + self.bias.data, x.shape)

        def backward(self, dy):
            rows = dy.transpose(0, 2, 3, 1).reshape(-1, dy.shape[1])
            self.bias.accumulate(rows.sum(axis=0))
            self.weight.accumulate(np.einsum("rc,rc->c", rows, self.hat))
            d = rows * self.weight.data
            if self.kept:  # what points along ones and along x_hat is projected away
                d = d - d.mean(axis=0) - self.hat * (d * self.hat).mean(axis=0)
            return self.images(d * self.rate, dy.shape)

        def images(self, rows, shape):
            n, c, h, w = shape
            return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    class ResidualBlock(Module):
        def __init__(self, in_channels, out_channels, stride=1, *, rng):
            super().__init__()

            def conv_bn(before, kernel, stride):
                conv = Conv2d(
                    before, out_channels, kernel, stride, kernel // 2, bias=False, rng=rng
                )
                return Sequential(conv, BatchNorm2d(out_channels))

            self.body = Sequential(
                conv_bn(in_channels, 3, stride), ReLU(), conv_bn(out_channels, 3, 1)
            )
            same = (in_channels, 1) == (out_channels, stride)
            # An empty Sequential is the identity, forward and backward.
            self.around = Sequential() if same else conv_bn(in_channels, 1, stride)
            self.last = ReLU()

        def forward(self, x):
            return self.last(sum(path(x) for path in (self.body, self.around)))

        def backward(self, dy):
            dy = self.last.backward(dy)
            return sum(path.backward(dy) for path in (self.around, self.body))

    def build_small_net(rng):
        def stage(before, after):
            conv = Conv2d(before, after, 3, padding=1, stride=2, bias=False, rng=rng)
            return Sequential(conv, BatchNorm2d(after), ReLU())

        return Sequential(
            stage(1, 12), stage(12, 16), stage(16, 24), Flatten(), Linear(24 * 4 * 4, 10, rng=rng)
        )

    def train_small_net(net, images, labels, rng):
        data = Dataset(images, labels, tuple("0123456789"))
        optimizer, epochs = Adam(net.parameters(), lr=0.01), 4
        trainer = Trainer(
            net,
            optimizer,
            schedule=CosineAnnealingLR(optimizer, epochs),
            batch_size=50,
            seed=int(rng.integers(1000)),
            progress=False,
        )
        trainer.fit(data, epochs=epochs)


#: Which names a task asks for.
NAMES = {
    "count": ["count_parameters", "field_and_size"],
    "vgg": ["vgg_block", "build_vgg"],
    "conv1x1": ["conv1x1", "conv1x1_backward"],
    "inception": ["InceptionBlock"],
    "batch-norm": ["MyBatchNorm"],
    "residual": ["ResidualBlock"],
    "small-net": ["build_small_net", "train_small_net"],
}


def right_answers():
    """Yield task, name of the answer, and what it defines."""
    for task, names in NAMES.items():
        for style in (Loops, Arrays):
            yield task, style.__name__.lower(), {n: vars(style)[n] for n in names}
