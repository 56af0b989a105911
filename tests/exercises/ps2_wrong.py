"""Typical mistakes of assignment 2: each changes the solution in one or more places.

(task, mistake, {text of the solution: what a learner wrote}, part of the message)
"""

MISTAKES = [
    # -- 1. counting
    ("count", "biases forgotten", {"            total += layer.channels if layer.bias else 0\n": ""}, "biases are forgotten"),
    ("count", "a bias always", {"layer.channels if layer.bias else 0": "layer.channels"}, "bias=False there is no bias"),
    ("count", "kernel not squared", {"layer.kernel**2": "layer.kernel"}, "K x K weights"),
    ("count", "channels of the image everywhere", {"            channels = layer.channels\n": ""}, "the output of the one before"),
    ("count", "one channel a filter", {"layer.channels * channels * ": "layer.channels * "}, "spans all channels"),
    ("count", "pooling has parameters",
     {"        if isinstance(layer, Conv):\n": "        if isinstance(layer, Pool):\n            total += layer.kernel**2\n        else:\n"},
     "the number of parameters of VGG"),
    ("count", "dilation forgotten", {' * getattr(layer, "dilation", 1)': ""}, "dilation is forgotten"),
    ("count", "K gaps", {"(layer.kernel - 1) *": "layer.kernel *"}, "K - 1 gaps"),
    ("count", "own stride first", {"        field += reach * jump\n        jump *= layer.stride\n": "        jump *= layer.stride\n        field += reach * jump\n"},
     "own stride"),
    ("count", "strides forgotten", {"field += reach * jump": "field += reach"}, "strides of the layers before"),
    ("count", "only the last stride", {"jump *= layer.stride": "jump = layer.stride"}, "receptive field"),
    ("count", "padding enters the field", {"field += reach * jump": "field += (reach + layer.padding) * jump"}, "receptive field"),
    ("count", "padding forgotten in the size", {"2 * layer.padding": "0"}, "padding is forgotten in the height"),
    ("count", "padding on one side", {"2 * layer.padding": "layer.padding"}, "field and size|height"),
    ("count", "size not rounded down", {"// layer.stride + 1": "/ layer.stride + 1"}, "height"),
    ("count", "only one number returned", {"return field, size": "return field"}, "two numbers"),
    # -- 2. VGG
    ("vgg", "pooled after each convolution",
     {"padding=1, rng=rng), ReLU()]": "padding=1, rng=rng), ReLU(), MaxPool2d(2)]", "return Sequential(*layers, MaxPool2d(2))": "return Sequential(*layers)"},
     "pooled after each convolution"),
    ("vgg", "no pooling", {"Sequential(*layers, MaxPool2d(2))": "Sequential(*layers)"}, "no pooling"),
    ("vgg", "no padding", {"3, padding=1, rng=rng": "3, rng=rng"}, "Without padding=1"),
    ("vgg", "pooling with stride 1", {"MaxPool2d(2)": "MaxPool2d(2, 1)"}, "stride of 1"),
    ("vgg", "in_channels not updated in the block", {"        in_channels = out_channels\n": ""}, "from 3 to 8 and from 8 to 8"),
    ("vgg", "no ReLU", {"padding=1, rng=rng), ReLU()]": "padding=1, rng=rng)]"}, "below zero"),
    ("vgg", "ReLU once a block",
     {"padding=1, rng=rng), ReLU()]": "padding=1, rng=rng)]", "(*layers, MaxPool2d(2))": "(*layers, ReLU(), MaxPool2d(2))"}, "the scores of"),
    ("vgg", "one ReLU for all",
     {"    layers = []\n": "    layers, relu = [], ReLU()\n", "padding=1, rng=rng), ReLU()]": "padding=1, rng=rng), relu]"}, "make one layer for each place"),
    ("vgg", "in_channels not updated in the network",
     {"        in_channels = channels\n": ""}, "expects|2,229"),
    ("vgg", "halved once", {"size // 2 ** len(plan)": "size // 2"}, "2,229"),
    ("vgg", "width only", {"channels * left**2": "channels * left"}, "2,229"),
    ("vgg", "no hidden ReLU", {"hidden, rng=rng),\n        ReLU(),": "hidden, rng=rng),"}, "ReLU after the hidden layer is missing"),
    ("vgg", "no dropout", {"        Dropout(0.5, rng=rng),\n": ""}, "one dropout"),
    ("vgg", "dropout on the scores",
     {"        Dropout(0.5, rng=rng),\n        Linear(hidden, classes, rng=rng),": "        Linear(hidden, classes, rng=rng),\n        Dropout(0.5, rng=rng),"},
     "[Dd]ropout"),
    ("vgg", "random numbers of its own", {"    layers = []\n": "    layers = []\n    rng = np.random.default_rng()\n"}, "from rng alone"),
    # -- 3. 1 x 1 convolution
    ("conv1x1", "bias forgotten", {" + b\n": "\n"}, "bias b seems to be forgotten"),
    ("conv1x1", "reshaped without transposing", {"y.reshape(n, h, width, len(w)).transpose(0, 3, 1, 2)": "y.reshape(n, len(w), h, width)"},
     "transpose after that"),
    ("conv1x1", "channels not moved to the end", {"rows = x.transpose(0, 2, 3, 1).reshape(-1, c)": "rows = x.reshape(-1, c)"},
     "Move the channels to the end"),
    ("conv1x1", "a loop over pixels",
     {"    rows = x.transpose(0, 2, 3, 1).reshape(-1, c)\n    y = rows @ w.T + b\n    return y.reshape(n, h, width, len(w)).transpose(0, 3, 1, 2)":
      "    y = np.empty((n, len(w), h, width), x.dtype)\n    for k in range(n):\n        for i in range(h):\n            for j in range(width):\n                y[k, :, i, j] = w @ x[k, :, i, j] + b\n    return y"},
     "conv1x1 takes .* times as long as a loop over pixels.*a Python loop over pixels"),
    ("conv1x1", "a loop over pixels backward",
     {"    dx_rows = dy_rows @ w\n": "    dx_rows = np.array([row @ w for row in dy_rows])\n    dw = np.zeros_like(w)\n    for a, b in zip(dy_rows, x_rows):\n        dw += np.outer(a, b)\n",
      "dy_rows.T @ x_rows": "dw"},
     "conv1x1_backward takes .* times as long"),
    ("conv1x1", "dw is a mean", {"dy_rows.T @ x_rows": "dy_rows.T @ x_rows / n"}, "0.5 times"),
    ("conv1x1", "dw of the first image", {"dy_rows.T @ x_rows": "dy_rows[: h * width].T @ x_rows[: h * width]"}, "only the first image"),
    ("conv1x1", "dw transposed", {"dy_rows.T @ x_rows": "x_rows.T @ dy_rows"}, "axes seem to be swapped"),
    ("conv1x1", "db is a mean", {"dy_rows.sum(axis=0)": "dy_rows.sum(axis=0) / n"}, "mean over the batch"),
    ("conv1x1", "order of the results", {"return dx, dy_rows.T @ x_rows, dy_rows.sum(axis=0)": "return dx, dy_rows.sum(axis=0), dy_rows.T @ x_rows"}, "shape"),
    ("conv1x1", "stride ignored forward", {"    x = x[:, :, ::stride, ::stride]\n": ""}, "stride"),
    ("conv1x1", "skipped pixels get a gradient",
     {"    dx[:, :, ::stride, ::stride] = dx_rows.reshape(n, h, width, -1).transpose(0, 3, 1, 2)\n":
      "    dx = dx_rows.reshape(n, h, width, -1).transpose(0, 3, 1, 2).repeat(stride, 2).repeat(stride, 3)[:, :, : x.shape[2], : x.shape[3]]\n"},
     "had no influence"),
    ("conv1x1", "skipped pixels hold what was in memory", {"np.zeros_like(x)": "np.full_like(x, 7)"}, "dx"),
    ("conv1x1", "dx has the size of the output",
     {"dx[:, :, ::stride, ::stride] = dx_rows": "dx = dx_rows"}, "dx"),
    ("conv1x1", "float64", {"np.zeros_like(x)": "np.zeros(x.shape)"}, "became float64"),
    # -- 4. Inception
    ("inception", "joined along the height", {"for branch in branches], axis=1)": "for branch in branches], axis=2)"}, "join"),
    ("inception", "added instead of joined",
     {"np.concatenate([branch(x) for branch in branches], axis=1)": "self.branch1(x)"}, "the output, joined along the channels"),
    ("inception", "pooling without padding", {"MaxPool2d(3, stride=1, padding=1)": "MaxPool2d(3, stride=1)"}, "padding K // 2 and stride 1"),
    ("inception", "pooling with stride", {"MaxPool2d(3, stride=1, padding=1)": "MaxPool2d(3, padding=1)"}, "stride 1"),
    ("inception", "5 x 5 with padding 1", {"five, 5, padding=2": "five, 5, padding=1"}, "padding K // 2"),
    ("inception", "no ReLU after the reduction", {"Conv2d(in_channels, three_reduce, 1, rng=rng), ReLU(),": "Conv2d(in_channels, three_reduce, 1, rng=rng),"},
     r"branch 2 \(3 x 3\)"),
    ("inception", "no ReLU at the end", {"Conv2d(in_channels, pool, 1, rng=rng), ReLU(),": "Conv2d(in_channels, pool, 1, rng=rng),"}, "below zero"),
    ("inception", "one ReLU for all",
     {"        self.branch1 =": "        relu = ReLU()\n        self.branch1 =", ", ReLU()": ", relu"}, "make one layer for each place"),
    ("inception", "pooled after the convolution",
     {"MaxPool2d(3, stride=1, padding=1), Conv2d(in_channels, pool, 1, rng=rng), ReLU(),": "Conv2d(in_channels, pool, 1, rng=rng), MaxPool2d(3, stride=1, padding=1), ReLU(),"},
     r"branch 4 \(pooling\)"),
    ("inception", "branches in a list",
     {"        self.ends =": "        self.all = [vars(self).pop(f'branch{i}') for i in (1, 2, 3, 4)]\n        self.ends =",
      "branches = self.branch1, self.branch2, self.branch3, self.branch4": "branches = self.all"},
     "not those in a plain list"),
    ("inception", "branches in another order",
     {"self.branch1, self.branch2, self.branch3, self.branch4": "self.branch2, self.branch1, self.branch3, self.branch4"}, "the output of branch 1"),
    ("inception", "equal shares of dy", {"np.split(dy, self.ends, axis=1)": "np.array_split(dy, 4, axis=1)"}, "its own channels of dy"),
    ("inception", "only the last branch", {"return sum(branch.backward(share) for branch, share in zip(branches, shares, strict=True))":
     "return [branch.backward(share) for branch, share in zip(branches, shares)][-1]"}, "branch 4 .* alone"),
    ("inception", "the mean of the branches", {"shares, strict=True))": "shares, strict=True)) / 4"}, "mean of the branches"),
    ("inception", "gradients joined", {"return sum(branch.backward(share) for branch, share in zip(branches, shares, strict=True))":
     "return np.concatenate([branch.backward(share) for branch, share in zip(branches, shares)], axis=1)"}, "dx should have the shape"),
    # -- 5. batch normalization
    ("batch-norm", "statistics of each image", {"mean = x.mean(axis=(0, 2, 3))": "mean = x.mean(axis=(0, 2, 3)); var = 0",
     "var = ((x - mean[:, None, None]) ** 2).mean(axis=(0, 2, 3))":
     "var = x.var(axis=(0, 2, 3)); i = x.mean(axis=(2, 3), keepdims=True); j = x.var(axis=(2, 3), keepdims=True)\n            x = (x - i) / np.sqrt(j + self.eps) * np.sqrt(var + self.eps)[:, None, None] + mean[:, None, None]"},
     "those of each image"),
    ("batch-norm", "all channels together",
     {"mean = x.mean(axis=(0, 2, 3))": "mean = np.full(x.shape[1], x.mean(), x.dtype)", "** 2).mean(axis=(0, 2, 3))": "** 2).mean() + 0 * mean"},
     "all channels together"),
    ("batch-norm", "unbiased inside y", {"            count = x.size // x.shape[1]\n            new_var = var * (count / (count - 1))": "            count = x.size // x.shape[1]\n            var = new_var = var * (count / (count - 1))"},
     "divided by M, and only the running one"),
    ("batch-norm", "square root forgotten", {"1 / np.sqrt(var + self.eps)": "1 / (var + self.eps)"}, "square root is missing"),
    ("batch-norm", "eps outside of the root", {"1 / np.sqrt(var + self.eps)": "1 / (np.sqrt(var) + self.eps)"}, "y in training|y "),
    ("batch-norm", "weight and bias forgotten",
     {"return self.weight.data[:, None, None] * self.x_hat + self.bias.data[:, None, None]": "return self.x_hat"}, "weight and bias are forgotten"),
    ("batch-norm", "running averages in training", {"        if self.training:\n            mean =": "        if False:\n            mean ="}, "in training the batch has its own"),
    ("batch-norm", "biased running variance", {"var * (count / (count - 1))": "var"}, "divided by M - 1, not by M"),
    ("batch-norm", "M is the number of images", {"count = x.size // x.shape[1]": "count = len(x)"}, "not the number of images"),
    ("batch-norm", "momentum the other way round", {"m = self.momentum": "m = 1 - self.momentum"}, "share of the new mean"),
    ("batch-norm", "averages replaced", {"(1 - m) * self.running_mean + m * mean": "mean"}, "move by `momentum`"),
    ("batch-norm", "no running averages", {"            self.running_mean[...] =": "            _ =", "            self.running_var[...] =": "            _ ="}, "did not move"),
    ("batch-norm", "new arrays", {"self.running_mean[...] =": "self.running_mean ="}, "in place|running_mean"),
    ("batch-norm", "no buffers", {'self.register_buffer("running_mean", np.zeros(channels, np.float32))': "self.running_mean = np.zeros(channels, np.float32)"},
     "self.register_buffer"),
    ("batch-norm", "dx with constants", {"if self.trained:\n            count = dy": "if False:\n            count = dy"}, "takes them for constants"),
    ("batch-norm", "dx without the variance", {" - self.x_hat * dw[:, None, None] / count": ""}, "variance depends on x"),
    ("batch-norm", "dx without the mean", {" - db[:, None, None] / count": ""}, "mean depends on x"),
    ("batch-norm", "dx without the weight", {"(self.weight.data * self.inverse_std)[": "self.inverse_std["}, "lacks the factor weight"),
    ("batch-norm", "dx with sums", {"db[:, None, None] / count": "db[:, None, None]", "dw[:, None, None] / count": "dw[:, None, None]"}, "sums where means"),
    ("batch-norm", "gradient of weight with x",
     {"self.inverse_std = 1": "self.x = x\n        self.inverse_std = 1", "dw, db = (dy * self.x_hat)": "dw, db = (dy * self.x)"}, "not of dy \\* x"),
    ("batch-norm", "gradient of bias is a mean", {"self.bias.accumulate(db)": "self.bias.accumulate(db / (dy.size // dy.shape[1]))"}, "gradient of bias is a mean"),
    ("batch-norm", "batch statistics outside of training",
     {"mean, var = self.running_mean, self.running_var": "mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))"}, "outside of training"),
    ("batch-norm", "averages move outside of training",
     {"            m = self.momentum\n            self.running_mean[...] = (1 - m) * self.running_mean + m * mean\n": "",
      "        self.inverse_std =": "        m = self.momentum\n        if self.training or True:\n            self.running_mean[...] = (1 - m) * self.running_mean + m * x.mean(axis=(0, 2, 3))\n        self.inverse_std =",
      "            self.running_var[...] = (1 - m)": "            m = self.momentum\n            self.running_var[...] = (1 - m)"},
     "must not change outside of training"),
    ("batch-norm", "training formula outside of training", {"        if self.trained:": "        if True:"}, "dx is simpler there"),
    ("batch-norm", "asks for the mode in the backward pass", {"if self.trained:": "if self.training:"}, "mode changes after the forward pass"),
    ("batch-norm", "gradients replaced", {"self.weight.accumulate(dw)": "self.weight.grad = dw", "self.bias.accumulate(db)": "self.bias.grad = db"},
     "added up over the passes"),
    ("batch-norm", "mean of squares", {"((x - mean[:, None, None]) ** 2).mean(axis=(0, 2, 3))": "np.maximum((x**2).mean(axis=(0, 2, 3)) - mean**2, 0)"},
     "subtract the mean first"),
    ("batch-norm", "no eps", {"np.sqrt(var + self.eps)": "np.sqrt(var)"}, "y in training|NaN|divide"),
    ("batch-norm", "float64", {"        return self.weight.data[:, None, None] * self.x_hat": "        return np.float64(1) * self.weight.data[:, None, None] * self.x_hat"},
     "became float64"),
    # -- 6. residual block
    ("residual", "ReLU before the addition", {"return self.relu(self.body(x) + around)": "return self.relu(self.body(x)) + around"}, "after the addition, not before"),
    ("residual", "no last ReLU", {"return self.relu(self.body(x) + around)": "return self.body(x) + around"}, "ReLU after the addition is missing"),
    ("residual", "no shortcut", {"self.relu(self.body(x) + around)": "self.relu(self.body(x))"}, "The shortcut is missing"),
    ("residual", "always projected", {"if stride != 1 or in_channels != out_channels:": "if True:"}, "the shortcut is the identity"),
    ("residual", "never projected", {"if stride != 1 or in_channels != out_channels:": "if False:"}, "needs a projection"),
    ("residual", "projected only where channels change", {"stride != 1 or in_channels": "in_channels"}, "needs a projection"),
    ("residual", "projected only where the stride changes", {"stride != 1 or in_channels != out_channels": "stride != 1"}, "needs a projection"),
    ("residual", "projection without stride", {"1, stride=stride, bias=False": "1, bias=False"}, "have the stride"),
    ("residual", "stride in the wrong convolution",
     {"3, stride=stride, padding=1, bias=False": "3, padding=1, bias=False", "Conv2d(out_channels, out_channels, 3, padding=1": "Conv2d(out_channels, out_channels, 3, stride, padding=1"},
     "has the stride, not the second"),
    ("residual", "projection without batch norm", {"bias=False, rng=rng),\n                BatchNorm2d(out_channels),\n            )": "bias=False, rng=rng),\n            )"},
     "Batch norm belongs after the convolution of the projection"),
    ("residual", "biases", {"bias=False, ": ""}, "no bias"),
    ("residual", "one ReLU for both", {"        self.relu = ReLU()": "        self.relu = self.body[2]"}, "make one layer for each place"),
    ("residual", "no ReLU in the body", {"            ReLU(),\n": ""}, "y "),
    ("residual", "dx of the body alone", {"return self.body.backward(dy) + around": "return self.body.backward(dy)"}, "body alone"),
    ("residual", "dx of the shortcut alone", {"return self.body.backward(dy) + around": "self.body.backward(dy)\n        return around"}, "shortcut alone"),
    ("residual", "past the last ReLU", {"        dy = self.relu.backward(dy)\n": ""}, "must pass the ReLU"),
    ("residual", "the shortcut past the last ReLU",
     {"        dy = self.relu.backward(dy)\n        around = dy if": "        around = dy if", "return self.body.backward(dy) + around": "return self.body.backward(self.relu.backward(dy)) + around"},
     "but not through the shortcut"),
    ("residual", "subtracted", {"self.body.backward(dy) + around": "self.body.backward(dy) - around"}, "the two add up"),
    ("residual", "adds into the input",
     {"return self.relu(self.body(x) + around)": "y = self.body(x)\n        x += 0.5 * y\n        return self.relu(y + around)"}, "x was changed"),
    ("residual", "layers in a list",
     {"        self.relu = ReLU()": "        self.paths = [self.__dict__.pop('body'), self.__dict__.pop('shortcut')]\n        self.relu = ReLU()",
      "self.shortcut is None": "self.paths[1] is None", "self.shortcut(x)": "self.paths[1](x)", "self.body(x)": "self.paths[0](x)"},
     "not those in a plain list|parameters"),
    # -- 7. a network of their own
    ("small-net", "over the budget", {"Conv2d(8, 32, 3": "Conv2d(8, 96, 3", "BatchNorm2d(32)": "BatchNorm2d(96)", "Linear(32 * 3 * 3": "Linear(96 * 3 * 3"},
     "at most 10,000 are allowed"),
    ("small-net", "layers in a list",
     {"    return Sequential(\n": "    class Net(Module):\n        def __init__(self, *layers):\n            super().__init__()\n            self.layers = list(layers)\n\n        def forward(self, x):\n            for layer in self.layers:\n                x = layer(x)\n            return x\n\n    return Net(\n"},
     "not those in a plain list"),
    ("small-net", "no step", {"            optimizer.step()\n": ""}, "optimizer.step"),
    ("small-net", "only the last layer is trained", {"Adam(net.parameters()": "Adam(net.parameters()[-2:]"}, "hand all to the optimizer"),
    ("small-net", "labels not shuffled with the images", {"labels[chosen]": "labels[start : start + batch]"}, "do labels still belong"),
    ("small-net", "a linear layer only",
     {"Conv2d(1, 8, 5, stride=2, padding=2, bias=False, rng=rng), BatchNorm2d(8), ReLU(), MaxPool2d(2),": "MaxPool2d(1),",
      "        Conv2d(8, 32, 3, padding=1, bias=False, rng=rng), BatchNorm2d(32), ReLU(), MaxPool2d(2),\n": "", "Linear(32 * 3 * 3, 10": "Linear(784, 10"},
     "at least 95% .* linear layer"),
    ("small-net", "one batch an epoch", {"range(0, len(images), batch)": "range(0, batch, batch)"}, "at least 95%"),
    ("small-net", "other random numbers", {"rng.permutation": "np.random.permutation"}, "use rng, and it alone"),
    ("small-net", "images changed", {"    net.train()\n": "    net.train()\n    images -= images.mean()\n"}, "images was changed"),
    ("small-net", "another shape", {"Linear(32 * 3 * 3, 10": "Linear(32 * 3 * 3, 11"}, "the scores of two images"),
    ("small-net", "more images than it was given",
     {"    optimizer = Adam(": "    data, _ = load_mnist()\n    images, labels = data.images[:500], data.labels[:500]\n    optimizer = Adam("},
     "finished code of dlcourse.data.mnist.load_mnist"),
    ("small-net", "what it loaded before",
     {"def build_small_net(rng):\n": "DATA = load_mnist()[0].subset(slice(4000))\n\n\ndef build_small_net(rng):\n",
      "    optimizer = Adam(": "    images, labels = DATA.images, DATA.labels\n    optimizer = Adam("},
     "at least 95%|not given to learn from"),
]  # fmt: skip


#: Answers that call what is finished: (task, text of the cell).
FINISHED = [
    ("count", """
from dlcourse.models import summary
def finished(layers, channels):
    parts, rng = [], np.random.default_rng(0)
    for layer in layers:
        if isinstance(layer, Pool):
            parts.append(MaxPool2d(*layer))
        else:
            bias = dict(bias=layer.bias, rng=rng)
            parts.append(Conv2d(channels, *layer[:-1], **bias))
            channels = layer.channels
    return Sequential(*parts)
def count_parameters(layers, channels):
    return summary(finished(layers, channels), (channels, 99, 99)).parameters
def field_and_size(layers, size):
    row = summary(finished(layers, 1), (1, size, size)).rows[-1]
    return row.field.size[0], row.output_shape[-1]
"""),
    ("vgg", """
from dlcourse.models.stacked_convnet import StackedConvNet
def vgg_block(convolutions, in_channels, out_channels, rng):
    stages = [[out_channels] * convolutions]
    net = StackedConvNet(stages, in_channels=in_channels, rng=rng)
    return Sequential(net.features, MaxPool2d(2))
def build_vgg(plan, in_channels, size, hidden, classes, rng):
    return StackedConvNet([[c] * n for n, c in plan], in_channels=in_channels, classes=classes, rng=rng)
"""),
    ("conv1x1", """
def layer(w, b, stride):
    conv = Conv2d(w.shape[1], w.shape[0], 1, stride, rng=np.random.default_rng(0))
    conv.weight.data, conv.bias.data = w[:, :, None, None], b
    return conv
def conv1x1(x, w, b, stride=1):
    return layer(w, b, stride)(x)
def conv1x1_backward(dy, x, w, stride=1):
    conv = layer(w, np.zeros(len(w), w.dtype), stride)
    conv(x)
    return conv.backward(dy), conv.weight.grad[:, :, 0, 0], conv.bias.grad
"""),
    ("inception", """
class InceptionBlock(Concat):
    def __init__(self, c, one, r3, three, r5, five, pool, *, rng):
        super().__init__(
            Sequential(Conv2d(c, one, 1, rng=rng), ReLU()),
            Sequential(Conv2d(c, r3, 1, rng=rng), ReLU(), Conv2d(r3, three, 3, padding=1, rng=rng), ReLU()),
            Sequential(Conv2d(c, r5, 1, rng=rng), ReLU(), Conv2d(r5, five, 5, padding=2, rng=rng), ReLU()),
            Sequential(MaxPool2d(3, stride=1, padding=1), Conv2d(c, pool, 1, rng=rng), ReLU()),
        )
"""),
    ("batch-norm", """
class MyBatchNorm(BatchNorm2d):
    pass
"""),
    ("residual", """
class ResidualBlock(Module):
    def __init__(self, a, b, stride=1, *, rng):
        super().__init__()
        body = Sequential(
            Conv2d(a, b, 3, stride, 1, bias=False, rng=rng), BatchNorm2d(b), ReLU(),
            Conv2d(b, b, 3, 1, 1, bias=False, rng=rng), BatchNorm2d(b),
        )
        around = Sequential(Conv2d(a, b, 1, stride, bias=False, rng=rng), BatchNorm2d(b))
        same = stride == 1 and a == b
        self.inner, self.relu = Residual(body, None if same else around), ReLU()
    def forward(self, x):
        return self.relu(self.inner(x))
    def backward(self, dy):
        return self.inner.backward(self.relu.backward(dy))
"""),
    ("small-net", """
def build_small_net(rng):
    from dlcourse.models.stacked_convnet import StackedConvNet
    return StackedConvNet([(8,), (16,), (24,)], batch_norm=True, rng=rng)
def train_small_net(net, images, labels, rng):
    from dlcourse.data import Dataset
    from dlcourse.training import Trainer
    data = Dataset(images, labels, tuple("0123456789"))
    Trainer(net, Adam(net.parameters(), 0.01), seed=0, progress=False).fit(data, epochs=3)
"""),
]  # fmt: skip
