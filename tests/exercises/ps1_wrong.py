"""Typical mistakes of assignment 1: each changes the solution in one or more places.

(task, mistake, {text of the solution: what a learner wrote}, part of the message)
"""

MISTAKES = [
    # -- 1. convolution, the plain way
    ("conv-naive", "padding forgotten", {"x = np.pad(": "np.pad(", "2 * padding": "0"},
     "padding"),
    ("conv-naive", "stride ignored in the window",
     {"i * stride : i * stride + kh, j * stride : j * stride + kw": "i : i + kh, j : j + kw"}, "y"),
    ("conv-naive", "stride ignored in the size", {"// stride": "// 1"}, "."),
    ("conv-naive", "filter turned", {"w[k]": "w[k][:, ::-1, ::-1]"}, "turned by 180 degrees"),
    ("conv-naive", "bias forgotten", {" + b[k]": ""}, "bias b seems to be forgotten"),
    ("conv-naive", "only the first channel",
     {"(window * w[k]).sum(axis=(1, 2, 3))": "(window[:, 0] * w[k, 0]).sum(axis=(1, 2))"}, "y"),
    ("conv-naive", "channels summed over the batch",
     {".sum(axis=(1, 2, 3))": ".sum()"}, "y"),
    ("conv-naive", "square filters only", {"o, _, kh, kw = w.shape": "o, _, kh, _ = w.shape; kw = kh"},
     "."),
    ("conv-naive", "float64", {", x.dtype)": ")"}, "became float64"),
    ("conv-naive", "output not returned", {"return y": "y"}, "is a return missing"),
    # -- 2. convolution as a matrix product
    ("conv-forward", "columns instead of rows",
     {"reshape(n * oh * ow, c * kh * kw)": "reshape(n * oh * ow, c * kh * kw).T"},
     "belong in the rows"),
    ("conv-forward", "channel last along a row",
     {"transpose(0, 4, 5, 1, 2, 3)": "transpose(0, 4, 5, 2, 3, 1)"}, "channels come first"),
    ("conv-forward", "reshaped without transposing",
     {"y.reshape(n, oh, ow, o).transpose(0, 3, 1, 2)": "y.reshape(n, o, oh, ow)"},
     "transpose after that"),
    ("conv-forward", "bias forgotten", {".T + b": ".T"}, "bias b seems to be forgotten"),
    ("conv-forward", "patches reshaped without transposing",
     {"patches.transpose(0, 4, 5, 1, 2, 3)": "patches"}, "im2col"),
    ("conv-forward", "stride ignored",
     {"u : u + stride * oh : stride, v : v + stride * ow : stride": "u : u + oh, v : v + ow"}, "im2col"),
    ("conv-forward", "padding of one side only",
     {"(padding, padding), (padding, padding)": "(2 * padding, 0), (2 * padding, 0)"}, "y"),
    ("conv-forward", "writes into the input",
     {"    n, c, h, w = x.shape\n    x = np.pad": "    n, c, h, w = x.shape\n    x -= 1; x += 1.001\n    x = np.pad"},
     "x was changed"),
    ("conv-forward", "float64", {"np.empty((n, c, kh, kw, oh, ow), x.dtype)": "np.empty((n, c, kh, kw, oh, ow))"},
     "became float64"),
    ("conv-forward", "right, but with the plain loops of task 1",
     {"y = im2col(x, kh, kw, stride, padding) @ w.reshape(o, -1).T + b": "return conv_naive(x, w, b, stride, padding)",
      "    return y.reshape(n, oh, ow, o).transpose(0, 3, 1, 2)\n": ""},
     "times as long as plain loops.*a Python loop over filters and pixels"),
    ("conv-forward", "right, but a product for each filter and pixel",
     {"y = im2col(x, kh, kw, stride, padding) @ w.reshape(o, -1).T + b":
      "y = np.array([[row @ f.ravel() + c for f, c in zip(w, b)] for row in im2col(x, kh, kw, stride, padding)])"},
     "times as long as plain loops"),
    # -- 3. the three gradients
    ("conv-backward", "db is a mean", {"rows.sum(axis=0)": "rows.sum(axis=0) / n"}, "mean over the batch"),
    ("conv-backward", "db of the first image", {"rows.sum(axis=0)": "dy[0].sum(axis=(1, 2))"},
     "db is not summed over the batch"),
    ("conv-backward", "dw of the first image",
     {"(rows.T @ im2col(x, ": "(rows[: oh * ow].T @ im2col(x[:1], "}, "summed over the batch"),
    ("conv-backward", "dw is a mean", {".reshape(w.shape)": ".reshape(w.shape) / n"}, "0.5 times"),
    ("conv-backward", "overlapping windows overwrite",
     {" += (\n": " = (\n"}, "dx"),
    ("conv-backward", "border not cut off",
     {"dx[:, :, padding : padding + h, padding : padding + width]": "dx"}, "padding"),
    ("conv-backward", "border cut off at the wrong end",
     {"dx[:, :, padding : padding + h, padding : padding + width]": "dx[:, :, :h, :width]"}, "dx"),
    ("conv-backward", "stride ignored",
     {"u : u + stride * oh : stride, v : v + stride * ow : stride": "u : u + oh, v : v + ow"}, "dx"),
    ("conv-backward", "padding forgotten in dw",
     {"im2col(x, kh, kw, stride, padding)": "im2col(np.pad(x, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding))), kh, kw, stride)"},
     "dw"),
    ("conv-backward", "the order of the results", {", dw, db": ", db, dw"}, "shape"),
    # -- 4. max pooling
    ("max-pool", "the mean", {"window.max(axis=(2, 3))": "window.mean(axis=(2, 3))"}, "mean of each window"),
    ("max-pool", "the largest of the whole batch", {"window.max(axis=(2, 3))": "window.max()"}, "y"),
    ("max-pool", "starts from zero",
     {"window.max(axis=(2, 3))": "np.maximum(window.max(axis=(2, 3)), 0)"}, "y"),
    ("max-pool", "stride taken for the size",
     {"i * stride : i * stride + size, j * stride : j * stride + size": "i * size : i * size + size, j * size : j * size + size"}, "."),
    ("max-pool", "all equals get the gradient",
     {"    dx = np.zeros_like(x)\n    image, channel = np.ogrid[:n, :c]": "    dx = np.zeros_like(x)",
      "            row, column = divmod(window.reshape(n, c, -1).argmax(axis=2), size)\n            dx[image, channel, i * stride + row, j * stride + column] += dy[:, :, i, j]":
      "            hit = window == window.max(axis=(2, 3), keepdims=True)\n            dx[:, :, i * stride : i * stride + size, j * stride : j * stride + size] += hit * dy[:, :, i, j, None, None]"},
     "dx"),
    ("max-pool", "overlapping windows overwrite",
     {"j * stride + column] += dy": "j * stride + column] = dy"}, "dx"),
    ("max-pool", "row and column swapped", {"row, column = divmod": "column, row = divmod"}, "dx"),
    ("max-pool", "the gradient goes to the whole window",
     {"dx[image, channel, i * stride + row, j * stride + column] += dy[:, :, i, j]":
      "dx[:, :, i * stride : i * stride + size, j * stride : j * stride + size] += dy[:, :, i, j, None, None]"},
     "only the largest should"),
    # -- 5. He initialisation
    ("he-normal", "the variance", {"math.sqrt(2 / fan_in)": "2 / fan_in"}, "variance"),
    ("he-normal", "Xavier's factor", {"2 / fan_in": "1 / fan_in"}, r"sqrt\(1 / fan_in\)"),
    ("he-normal", "fan-out", {"math.prod(shape[1:])": "shape[0] * math.prod(shape[2:])"}, "fan-out"),
    ("he-normal", "kernel forgotten", {"math.prod(shape[1:])": "shape[1]"}, r"I \* KH \* KW"),
    ("he-normal", "global random numbers",
     {"rng.standard_normal(shape, dtype=np.float32)": "np.random.standard_normal(shape).astype(np.float32)"},
     "from rng alone"),
    ("he-normal", "float64", {"dtype=np.float32": "dtype=np.float64"}, "became float64"),
    ("he-normal", "an even distribution",
     {"rng.standard_normal(shape, dtype=np.float32)": "((rng.random(shape, dtype=np.float32) - 0.5) * np.float32(12**0.5))"},
     "normal, not another"),
    # -- 6. dropout
    ("dropout", "keeps with probability p", {">= p": "< p"}, "asks for|must be divided"),
    ("dropout", "not divided", {" / (1 - p)": ""}, "must be divided by 1 - p"),
    ("dropout", "divided by p", {"/ (1 - p)": "/ p"}, "not by p"),
    ("dropout", "multiplied at test time", {"return x, np.ones_like(x)": "return x * (1 - p), np.ones_like(x)"},
     "nothing to multiply at test time"),
    ("dropout", "drops at test time", {"if not training:": "if False:"}, "test time"),
    ("dropout", "backward passes everything", {"dy * mask": "dy"}, "must drop what the forward pass dropped"),
    ("dropout", "backward without the factor", {"dy * mask": "dy * (mask > 0)"}, "factor"),
    ("dropout", "one mask for all images", {"rng.random(x.shape)": "rng.random((1, *x.shape[1:]))",
     ".astype(x.dtype) / (1 - p)": ".astype(x.dtype) / (1 - p) * np.ones_like(x)"}, "values are dropped"),
    ("dropout", "global random numbers", {"rng.random(": "np.random.random("}, "from rng alone"),
    ("dropout", "float64", {".astype(x.dtype)": ".astype(np.float64)"}, "became float64"),
    # -- 7. Adam
    ("adam", "no corrections", {"m / (1 - beta1**self.t)": "m", "v / (1 - beta2**self.t)": "v"},
     "m and v are not corrected"),
    ("adam", "v not corrected", {"v / (1 - beta2**self.t)": "v"}, "v is not corrected"),
    ("adam", "uphill", {"p.data -= ": "p.data += "}, "uphill"),
    ("adam", "t counted for each parameter",
     {"            m[...] = beta1": "            self.t += 1\n            m[...] = beta1", "        self.t += 1\n        beta1": "        beta1"},
     "parameter 0|parameter 1"),
    ("adam", "betas swapped", {"beta1, beta2 = self.betas": "beta2, beta1 = self.betas"}, "step"),
    ("adam", "gradient not squared", {"p.grad**2": "abs(p.grad)"}, "step"),
    ("adam", "eps under the root", {"np.sqrt(v_hat) + self.eps": "np.sqrt(v_hat + self.eps)"}, "parameter"),
    ("adam", "a new array", {"p.data -= self.lr": "p.data = p.data - self.lr"}, "in place"),
    ("adam", "no gradient, no mercy", {"            if p.grad is None:\n                continue\n": ""}, "None"),
    ("adam", "forgets between steps", {"m[...] = beta1 * m": "m = beta1 * m", "v[...] = beta2 * v": "v = beta2 * v"}, "after step 2"),
    # -- 8. assembled
    ("assemble", "padding 1 everywhere", {"(32, 32, 2)": "(32, 32, 1)", "64 * 4 * 4": "64 * 3 * 3"}, "123,552"),
    ("assemble", "no ReLU after the convolutions", {", rng=rng), ReLU()]": ", rng=rng)]"}, "scores"),
    ("assemble", "no hidden ReLU", {"        Linear(64 * 4 * 4, 50, rng=rng),\n        ReLU(),": "        Linear(64 * 4 * 4, 50, rng=rng),"}, "scores"),
    ("assemble", "dropout on the scores",
     {"        Dropout(0.5, rng=rng),\n        Linear(50, 10, rng=rng),": "        Linear(50, 10, rng=rng),\n        Dropout(0.5, rng=rng),"}, "[Dd]ropout"),
    ("assemble", "another probability", {"Dropout(0.5": "Dropout(0.2"}, "probability 0.5"),
    ("assemble", "no dropout", {"        Dropout(0.5, rng=rng),\n": ""}, "one dropout"),
    ("assemble", "pooled before the pair is complete", {"i % 2 == 1": "i % 2 == 0"}, "."),
    ("assemble", "wrong channels", {"(16, 32, 1), (32, 32, 2)": "(16, 16, 1), (16, 32, 2)"}, "123,552"),
    # -- 9. trained
    ("train", "old gradients kept", {"        optimizer.zero_grad()\n": ""}, "zero_grad"),
    ("train", "left in test mode", {"    net.train()\n": ""}, "training mode"),
    ("train", "no step", {"        optimizer.step()\n": ""}, "optimizer.step"),
    ("train", "not shuffled", {"rng.permutation(len(images))": "np.arange(len(images))"}, "random order"),
    ("train", "last batch left out",
     {"range(0, len(images), batch_size)": "range(0, len(images) - batch_size + 1, batch_size)"}, "smaller last batch"),
    ("train", "drawn with replacement",
     {"rng.permutation(len(images))": "rng.integers(0, len(images), len(images))"}, "seen once|should be seen"),
    ("train", "labels not shuffled with the images", {"labels[chosen]": "labels[start : start + batch_size]"}, "loss"),
    ("train", "mean over batches",
     {" * len(chosen)": "", "total / len(images)": "total / -(-len(images) // batch_size)"}, "smaller last batch"),
    ("train", "loss of the last batch", {"total += ": "total = ", "total / len(images)": "total / len(chosen)"}, "last batch"),
    ("train", "global random numbers", {"rng.permutation": "np.random.permutation"}, "from rng alone"),
    # -- 10. augmentation
    ("augment", "wraps around",
     {"padded = np.pad(images, ((0, 0), (0, 0), (m, m), (m, m)))": 'padded = np.pad(images, ((0, 0), (0, 0), (m, m), (m, m)), mode="wrap")'},
     "on the other side"),
    ("augment", "the border is stretched",
     {"padded = np.pad(images, ((0, 0), (0, 0), (m, m), (m, m)))": 'padded = np.pad(images, ((0, 0), (0, 0), (m, m), (m, m)), mode="edge")'},
     "zeros moved in"),
    ("augment", "one shift for all", {"rng.integers(0, 2 * m, (n, 2), endpoint=True)": "rng.integers(0, 2 * m, (1, 2), endpoint=True).repeat(n, 0)"}, "shift of its own"),
    ("augment", "the largest shift left out", {", endpoint=True": ""}, "high|occur|ValueError|should"),
    ("augment", "the same shift down and right", {"(n, 2), endpoint=True)": "(n, 1), endpoint=True).repeat(2, 1)"}, "drawn separately"),
    ("augment", "images change places", {"padded[i, ": "padded[n - 1 - i, "}, "changed places"),
    ("augment", "mirrored", {"top : top + h, left : left + w]": "top : top + h, left : left + w][..., ::-1]"}, "."),
    ("augment", "works on the original", {"np.empty_like(images)": "images"}, "images was changed"),
    ("augment", "global random numbers", {"rng.integers(0, 2 * m, (n, 2), endpoint=True)": "np.random.randint(0, 2 * m + 1, (n, 2))"}, "from rng alone"),
    ("augment", "float64", {"np.empty_like(images)": "np.empty(images.shape)"}, "became float64|should be float32"),
]  # fmt: skip


#: Answers that call what is finished: (task, text of the cell).
FINISHED = [
    ("conv-naive", """
from dlcourse.nn.convolution import Geometry, conv2d as c
def conv_naive(x, w, b, stride=1, padding=0):
    return c(x, w, b, Geometry(w.shape[2:], (stride, stride), (padding, padding)))
"""),
    ("conv-forward", """
class Mine(Conv2d):
    pass
def im2col(x, kh, kw, stride=1, padding=0):
    import dlcourse.nn.convolution as module
    one = module.Geometry((kh, kw), (stride, stride), (padding, padding))
    patches = getattr(module, "win" + "dows")(x, one).transpose(0, 1, 2, 5, 3, 4)
    return patches.reshape(-1, patches[0, 0, 0].size)
def conv_forward(x, w, b, stride=1, padding=0):
    mine = Mine(w.shape[1], w.shape[0], w.shape[2:], stride, padding, rng=np.random.default_rng())
    mine.weight.data, mine.bias.data = w, b
    return mine(x)
"""),
    ("conv-backward", """
def conv_backward(dy, x, w, stride=1, padding=0):
    conv = Conv2d(w.shape[1], w.shape[0], w.shape[2:], stride, padding, rng=np.random.default_rng())
    conv.weight.data, conv.bias.data = w, np.zeros(len(w), w.dtype)
    conv(x)
    return conv.backward(dy), conv.weight.grad, conv.bias.grad
"""),
    ("max-pool", """
def max_pool(x, size, stride):
    return MaxPool2d(size, stride)(x)
def max_pool_backward(dy, x, size, stride):
    pool = MaxPool2d(size, stride)
    pool(x)
    return pool.backward(dy)
"""),
    ("he-normal", "from dlcourse.nn.init import he_normal"),
    ("dropout", """
def dropout_forward(x, p, training, rng):
    layer = Dropout(p, rng=rng).train(training)
    return layer(x), layer
def dropout_backward(dy, mask):
    return mask.backward(dy)
"""),
    ("adam", "MyAdam = Adam"),
    ("assemble", """
def build_deep_convnet(rng):
    from dlcourse.models import DeepConvNet
    return DeepConvNet(rng=rng)
"""),
    ("train", """
def train_epoch(net, optimizer, images, labels, batch_size, rng):
    from dlcourse.data import Dataset
    from dlcourse.training import Trainer
    data = Dataset(images, labels, ("a", "b", "c"))
    history = Trainer(net, optimizer, batch_size=batch_size, seed=0).fit(data, epochs=1)
    return history.epochs[-1].train_loss
"""),
    ("augment", """
def shift(images, max_pixels, rng):
    from dlcourse.data.augment import Shift
    return Shift(max_pixels)(images, rng)
"""),
]  # fmt: skip
