"""Typical mistakes of assignment 3: each changes the solution in one or more places.

(task, mistake, {text of the solution: what a learner wrote}, part of the message)
"""

MISTAKES = [
    # -- 1. patches by strides
    ("im2col", "a copy", {"        writeable=False,\n    )\n": "        writeable=False,\n    ).copy()\n"}, "is a copy; a view looks"),
    ("im2col", "writeable", {"        writeable=False,\n": ""}, "who writes into one changes its neighbours"),
    ("im2col", "stride ignored in the strides", {"stride * sh, stride * sw, dilation": "sh, sw, dilation"}, "not one"),
    ("im2col", "stride ignored in the size", {"// stride + 1": "+ 1"}, "windows .kernel 2, stride 2. should have the shape"),
    ("im2col", "dilation ignored in the strides", {"dilation * sh, dilation * sw": "sh, sw"}, "lie `dilation` pixels apart"),
    ("im2col", "dilation ignored in the size", {"dilation * (kernel - 1)": "kernel - 1"}, "should have the shape"),
    ("im2col", "one window too many", {"(h - reach - 1) // stride + 1": "(h - reach) // stride + 1"}, "should have the shape"),
    ("im2col", "strides from the shape",
     {"    sn, sc, sh, sw = x.strides\n": "    size = x.itemsize\n    sn, sc, sh, sw = c * h * w * size, h * w * size, w * size, size\n"},
     "of a transposed image"),
    ("im2col", "axes of the patch swapped", {"dilation * sh, dilation * sw": "dilation * sw, dilation * sh"}, "inside the patch are swapped"),
    ("im2col", "patches in the columns", {"    return patches.reshape(-1, x.shape[1] * kernel * kernel)": "    return patches.reshape(-1, x.shape[1] * kernel * kernel).T"},
     "they belong in the rows"),
    ("im2col", "reshaped without transposing", {".transpose(0, 2, 3, 1, 4, 5)": ""}, "before the reshape"),
    ("im2col", "channels last along a row", {".transpose(0, 2, 3, 1, 4, 5)": ".transpose(0, 2, 3, 4, 5, 1)"}, "channels come first"),
    ("im2col", "padding of one side", {"(padding, padding), (padding, padding)": "(padding, 0), (padding, 0)"}, r"im2col\(x, 3, padding=1\)"),
    ("im2col", "dilation not handed on", {"windows(x, kernel, stride, dilation)": "windows(x, kernel, stride)"}, "im2col"),
    ("im2col", "float64", {"    x = np.pad(x, (": "    x = np.pad(x.astype(float), ("}, "became float64"),
    # -- 2. a fast convolution
    ("conv2d", "a loop over pixels",
     {"        rows = patches[:, :, :, g].reshape(n * oh * ow, -1)\n        y[..., mine] = (rows @ w[mine].reshape(part, -1).T).reshape(n, oh, ow, part)\n":
      "        filters = w[mine].reshape(part, -1).T\n        for i in range(oh):\n            for j in range(ow):\n                y[:, i, j, mine] = patches[:, i, j, g].reshape(n, -1) @ filters\n"},
     "conv2d takes .* times as long as the seven loops.*a Python loop over pixels"),
    ("conv2d", "a loop over filters and pixels",
     {"        rows = patches[:, :, :, g].reshape(n * oh * ow, -1)\n        y[..., mine] = (rows @ w[mine].reshape(part, -1).T).reshape(n, oh, ow, part)\n":
      "        for i in range(oh):\n            for j in range(ow):\n                for k in range(g * part, (g + 1) * part):\n                    y[:, i, j, k] = (patches[:, i, j, g] * w[k]).sum(axis=(1, 2, 3))\n"},
     "should take at most 0.02 times as long"),
    ("conv2d", "the loops themselves", {"    return y.transpose(0, 3, 1, 2)\n": "    return seven_loops(x, w, b, stride, 0, dilation, groups)\n"}, "times as long as the seven loops"),
    ("conv2d", "bias forgotten", {"    y += b\n": ""}, "bias b seems to be forgotten"),
    ("conv2d", "filters turned", {"w[mine].reshape": "w[mine][:, :, ::-1, ::-1].reshape"}, "turned by 180 degrees"),
    ("conv2d", "reshaped without transposing", {"return y.transpose(0, 3, 1, 2)": "return y.reshape(n, o, oh, ow)"}, "transpose after that"),
    ("conv2d", "padding forgotten", {"((0, 0), (0, 0), (padding, padding), (padding, padding))": "((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding))"}, "padding 1"),
    ("conv2d", "stride ignored", {"stride * sh, stride * sw": "sh, sw"}, "stride 2"),
    ("conv2d", "dilation ignored", {"dilation * sh, dilation * sw": "sh, sw"}, "dilation 2"),
    ("conv2d", "square filters only", {"o, c, kh, kw = w.shape": "o, c, kh, _ = w.shape; kw = kh"}, "."),
    ("conv2d", "every group sees the first channels", {"patches[:, :, :, g]": "patches[:, :, :, 0]"}, "its own channels"),
    ("conv2d", "groups mixed", {"c * sc, sc, dilation": "sc, groups * sc, dilation"}, "groups 2"),
    ("conv2d", "float64", {"y = np.empty((n, oh, ow, o), x.dtype)": "y = np.empty((n, oh, ow, o))"}, "became float64"),
    ("conv2d", "strides from the shape",
     {"    x = np.pad(": "    if padding:\n        x = np.pad(", "    sn, sc, sh, sw = x.strides\n": "    h, width = x.shape[2:]\n    size = x.itemsize\n    sn, sc, sh, sw = c * groups * h * width * size, h * width * size, width * size, size\n"},
     "not contiguous"),
    # -- 3. counting
    ("multiply-adds", "one channel a filter", {"(c // layer.groups) * ": ""}, "spans all channels"),
    ("multiply-adds", "padding forgotten", {'getattr(layer, "padding", 0)': "0"}, "padding is forgotten"),
    ("multiply-adds", "one place only", {"layer.channels * h * w * (": "layer.channels * ("}, "at each place"),
    ("multiply-adds", "operations", {"        counts.append(": "        forward *= 2\n        counts.append("}, "A multiply-add is one, not two"),
    ("multiply-adds", "biases counted",
     {"layer.kernel**2\n": "layer.kernel**2 + layer.channels * h * w\n", "forward = layer.features * c * h * w": "forward = layer.features * (c * h * w + 1)"},
     "biases count nothing"),
    ("multiply-adds", "stride ignored", {"// layer.stride + 1": "// (1 if isinstance(layer, Conv) else layer.stride) + 1"}, "stride is forgotten"),
    ("multiply-adds", "groups ignored", {"(c // layer.groups)": "c"}, "C / groups"),
    ("multiply-adds", "groups of the output", {"(c // layer.groups)": "(c // layer.groups) // layer.groups"}, "four groups"),
    ("multiply-adds", "backward as forward", {"2 * forward if learns_before else forward": "forward"}, "makes two gradients"),
    ("multiply-adds", "backward always twice", {"2 * forward if learns_before else forward": "2 * forward"}, "no gradient of its input"),
    ("multiply-adds", "the first layer learns nothing", {"2 * forward if learns_before else forward": "2 * forward if learns_before else 0"}, "does need the gradient of its weights"),
    ("multiply-adds", "first of the list", {"learns_before or forward > 0": "True"}, "still the first|backward counts"),
    ("multiply-adds", "channels not updated", {"            c = layer.channels\n": ""}, "forward counts"),
    ("multiply-adds", "only forward", {"counts.append((forward, 2 * forward if learns_before else forward))": "counts.append(forward)"}, "a pair"),
    # -- 4. any array library
    ("neutral", "np.tanh", {"xp.tanh": "np.tanh"}, "np.tanh was given an array of another library.*xp.tanh"),
    ("neutral", "np.matmul", {"return xp.matmul(dz": "return np.matmul(dz"}, "np.matmul"),
    ("neutral", "np.sum", {"xp.sum(rows": "np.sum(rows"}, "np.sum"),
    ("neutral", "weights stay with NumPy", {"xp.asarray(math.sqrt(2 / in_features) * weight)": "math.sqrt(2 / in_features) * weight"}, "hand it over with xp.asarray"),
    ("neutral", "a buffer of NumPy",
     {"        return self.z * self.gate\n": "        y = np.zeros(self.z.shape, x.dtype)\n        y[...] = self.z * self.gate\n        return y\n"},
     "become a NumPy array without being asked"),
    ("neutral", "zeros of NumPy added", {"        return self.z * self.gate\n": "        return self.z * self.gate + np.zeros(self.z.shape, x.dtype)\n"}, "A NumPy array meets an array"),
    ("neutral", "to NumPy and back", {"xp.tanh(0.5 * self.z)": "(np.tanh(0.5 * self.z) if xp is np else xp.asarray(np.tanh(0.5 * xp.asnumpy(self.z))))"},
     "copied between NumPy and xp"),
    ("neutral", "waits for a number", {"        return self.z * self.gate\n": "        if (self.z * self.z).max() > 1e30:\n            raise OverflowError\n        return self.z * self.gate\n"},
     "becomes a Python number"),
    ("neutral", "z missing", {"return self.z * self.gate": "return self.gate"}, "z itself is missing"),
    ("neutral", "swish missing", {"return self.z * self.gate": "return self.z"}, "swish is missing"),
    ("neutral", "bias forgotten", {" + self.bias.data\n": "\n"}, "bias is forgotten"),
    ("neutral", "one term of the derivative", {" * (1 + self.z * (1 - self.gate))": ""}, "two terms"),
    ("neutral", "no derivative", {"dy * self.gate * (1 + self.z * (1 - self.gate))": "dy * 1"}, "derivative of swish is missing"),
    ("neutral", "two axes only", {"xp.reshape(dz, (-1, out))": "dz"}, "."),
    ("neutral", "a mean over the batch", {"xp.sum(rows, axis=0)": "xp.mean(rows, axis=0)"}, "it should be a sum"),
    ("neutral", "gradient replaced", {"self.weight.accumulate(": "self.weight.grad = ("}, "after two passes"),
    ("neutral", "overflow", {"0.5 * (1 + xp.tanh(0.5 * self.z))": "xp.exp(self.z) / (1 + xp.exp(self.z))"}, "NaN"),
    ("neutral", "float64 weights", {", dtype=np.float32)\n": ")\n"}, "should be float32"),
    ("neutral", "another scale", {"math.sqrt(2 / in_features)": "math.sqrt(1 / in_features)"}, "spread"),
    ("neutral", "dy changed", {"        dz = dy": "        dy *= 1.5\n        dz = dy"}, "dy was changed"),
    ("neutral", "nothing returned", {"return xp.matmul(dz, self.weight.data)": "xp.matmul(dz, self.weight.data)"}, "backward of SwishLinear returned None"),
    # -- 5. float16
    ("float16", "summed by NumPy",
     {"        part = dtype(0)\n        for product in products[start : start + block]:\n            part = part + product\n": "        part = products[start : start + block].sum(dtype=dtype)\n"},
     "np.sum|only the result is|rounded to 1 again"),
    ("float16", "in float32, rounded at the end", {"    products = a.astype(dtype) * b.astype(dtype)\n    total = dtype(0)\n": "    return dtype((a.astype(np.float32) * b.astype(np.float32)).sum())\n    products = a\n    total = 0\n"},
     "again and again"),
    ("float16", "Python numbers", {"part = dtype(0)": "part = 0.0", "part = part + product": "part = part + float(product)"}, "again and again|only the last|Every sum"),
    ("float16", "blocks ignored", {"products[start : start + block]:": "(products if start == 0 else []):"}, "In blocks of 3|blocks are ignored"),
    ("float16", "the last block lost", {"range(0, len(products), block)": "range(0, len(products) - block + 1, block)"}, "last block"),
    ("float16", "products in float16", {"a.astype(dtype) * b.astype(dtype)": "(a * b).astype(dtype)"}, "convert before you multiply"),
    ("float16", "a float at the end", {"    return total\n": "    return float(total)\n"}, "should be a float16 number"),
    ("float16", "u is eps", {"float(info.eps) / 2": "float(info.eps)"}, "u is half of eps"),
    ("float16", "one rounding", {"m = min(block, n) + math.ceil(n / block) - 1": "m = 1"}, "m in a row"),
    ("float16", "bars outside", {"np.abs(a.astype(np.float64) * b.astype(np.float64)).sum()": "abs((a.astype(np.float64) * b.astype(np.float64)).sum())"},
     "where terms cancel"),
    ("float16", "blocks ignored in the bound", {"m = min(block, n) + math.ceil(n / block) - 1": "m = n"}, "blocks make the way of a term shorter"),
    ("float16", "additions inside a block only", {" + math.ceil(n / block) - 1": ""}, "inside a block only"),
    ("float16", "no underflow", {" + (1 + gamma) * n * float(info.smallest_subnormal) / 2": ""}, "too small for the format"),
    ("float16", "always float16", {"info, n = np.finfo(dtype), len(a)": "info, n = np.finfo(np.float16), len(a)"}, "whatever dtype says|should be"),
    ("float16", "a square root", {"gamma = m * u / (1 - m * u)": "gamma = math.sqrt(m) * u / (1 - math.sqrt(m) * u)"}, "typical error, and no bound"),
    ("float16", "no limit", {"    if m * u >= 1:\n        return math.inf\n": ""}, "m u is 1 or more"),
    ("float16", "a sign", {"error = abs(float(dot(a, b, block, dtype)) - math.fsum(products))": "error = float(dot(a, b, block, dtype)) - math.fsum(products)"},
     "absolute value|error"),
    ("float16", "measured in float16", {"abs(float(dot(a, b, block, dtype)) - math.fsum(products))": "abs(float(dot(a, b, block, dtype) - dtype(math.fsum(products))))"},
     "exact sum is taken in float32 or less"),
    ("float16", "relative", {"- math.fsum(products))\n": "- math.fsum(products)) / abs(math.fsum(products))\n"}, "divided by the result"),
    ("float16", "always useful", {"bound < np.abs(products).sum()": "True"}, "useful should tell"),
    # -- 6. int8
    ("int8", "one scale for all channels", {"np.abs(w).reshape(len(w), -1).max(axis=1)": "np.full(len(w), np.abs(w).max())"}, "a scale of its own"),
    ("int8", "128", {"largest / 127": "largest / 128"}, "becomes 127, not 128"),
    ("int8", "no absolute value", {"np.abs(w).reshape": "w.reshape"}, "may be negative"),
    ("int8", "halves up", {"np.rint(steps)": "np.floor(steps + 0.5)"}, "rounded up"),
    ("int8", "halves away from zero", {"np.rint(steps)": "np.copysign(np.floor(np.abs(steps) + 0.5), steps)"}, "away from zero"),
    ("int8", "cut off", {"np.clip(np.rint(steps), -127, 127)": "steps"}, "cut off, and not rounded"),
    ("int8", "a channel of zeros", {"np.where(largest > 0, largest / 127, 1)": "(largest / 127)"}, "channel of zeros needs"),
    ("int8", "scale not spread", {"return q.astype(np.float32) * scale.reshape(-1, *[1] * (q.ndim - 1))": "return q.astype(np.float32) * scale.reshape(-1, 1)"}, "."),
    ("int8", "256 steps", {"/ 255 or 1.0": "/ 256 or 1.0"}, "255 steps, not 256"),
    ("int8", "sign of low", {"-128 - low / scale": "-128 + low / scale"}, "sign of low"),
    ("int8", "unsigned", {"-128 - low / scale": "-low / scale"}, "unsigned bytes"),
    ("int8", "range without zero", {"    low, high = min(low, 0.0), max(high, 0.0)\n": ""}, "must hold 0"),
    ("int8", "empty range", {" or 1.0": ""}, "0 alone needs"),
    ("int8", "wraps around", {"np.clip(np.rint(x / scale) + zero, -128, 127).astype(np.int8)": "(np.rint(x / scale) + zero).astype(np.int64).astype(np.int8)"}, "wrap around: clip"),
    ("int8", "clipped before zero", {"np.clip(np.rint(x / scale) + zero, -128, 127).astype(np.int8)": "(np.clip(np.rint(x / scale), -128, 127) + zero).astype(np.int64).astype(np.int8)"},
     "after zero was added"),
    ("int8", "zero forgotten", {"np.rint(x / scale) + zero": "np.rint(x / scale)"}, "zero is forgotten"),
    ("int8", "zero before rounding", {"np.rint(x / scale) + zero": "np.rint(x / scale + zero)"}, "zero is added before rounding"),
    ("int8", "zero forgotten on the way back", {"(q.astype(np.float32) - zero)": "q.astype(np.float32)"}, "on the way back"),
    ("int8", "int8 minus int8", {"(q.astype(np.float32) - zero)": "(q - np.int8(zero)).astype(np.float32)"}, "wraps around: convert q"),
    ("int8", "product of int8", {"q_x.astype(np.int32) @ q_w.astype(np.int32).T": "q_x @ q_w.T"}, "convert to int32 first"),
    ("int8", "zero forgotten in the layer", {" - zero_x * q_w.sum(axis=1, dtype=np.int32)": ""}, "zero_x is forgotten"),
    ("int8", "bias scaled", {"sums.astype(np.float32) * (np.float32(scale_x) * scale_w) + b": "(sums + b).astype(np.float32) * (np.float32(scale_x) * scale_w) + 0 * b"}, "bias|linear layer"),
    ("int8", "sums in float32", {"q_x.astype(np.int32) @ q_w.astype(np.int32).T": "np.add.accumulate(q_x[:, None].astype(np.float32) * q_w, axis=2)[..., -1]"}, "exactly in int32"),
    # -- 7. a roofline
    ("roofline", "multiply-adds", {"flops = 2 * products": "flops = products", "2 * before * c": "before * c"}, "A multiply-add is two operations"),
    ("roofline", "batch forgotten", {"(batch * flops,": "(flops,"}, "batch is forgotten"),
    ("roofline", "pooling costs an operation", {"flops = layer.kernel**2 * c": "flops = c"}, "K x K operations"),
    ("roofline", "weights for each image", {"size * (batch * before + weights + batch * c * h * w)": "size * batch * (before + weights + c * h * w)"}, "read once for the whole batch"),
    ("roofline", "values, not bytes", {"size * (batch": "1 * (batch"}, "`size` bytes"),
    ("roofline", "weights forgotten", {" + weights": ""}, "weights are forgotten"),
    ("roofline", "biases forgotten", {"layer.channels * (products + 1)": "layer.channels * products", "c * (before + 1)": "c * before"}, "biases are forgotten"),
    ("roofline", "output forgotten", {" + batch * c * h * w))": "))"}, "output is written"),
    ("roofline", "bytes by flops", {"flops / bytes * machine": "bytes / flops * machine"}, "operations divided by bytes"),
    ("roofline", "the larger of the two", {"return min(": "return max("}, "smaller of peak"),
    ("roofline", "the other layers", {"flops / bytes < edge": "flops / bytes >= edge"}, "bound by arithmetic"),
    ("roofline", "time at peak", {"flops / attainable(flops, bytes, machine)": "flops / machine.peak"}, "That is the time at peak"),
    ("roofline", "sum of both times", {"flops / attainable(flops, bytes, machine)": "flops / machine.peak + bytes / machine.bandwidth"}, "overlap"),
    ("roofline", "one roof for all",
     {"    time = sum(flops / attainable(flops, bytes, machine) for flops, bytes in costs)\n": "    total = [sum(column) for column in zip(*costs)]\n    time = total[0] / attainable(*total, machine)\n"},
     "a roof of its own"),
    ("roofline", "inputs and outputs do not move", {"    if 2 * inputs": "    return math.ceil(edge * size / 2)\n    if 2 * inputs"}, "grow with the batch"),
    ("roofline", "no batch will do", {"    if 2 * inputs * outputs <= edge * size * (inputs + outputs):\n        return None\n": "", "while not enough(high):": "while not enough(high) and high < 2**20:"},
     "no batch will do"),
    ("roofline", "powers of two", {"    low = high // 2\n": "    low = high - 1\n"}, "smallest_batch"),
]  # fmt: skip


#: Answers that call what is finished: (task, text of the cell).
FINISHED = [
    ("im2col", """
from dlcourse.nn.kernels import patches
from dlcourse.nn.kernels.windows import Geometry
def windows(x, kernel, stride=1, dilation=1):
    geometry = Geometry((kernel,) * 2, (stride,) * 2, (0, 0), (dilation,) * 2)
    view = patches.windows(x, geometry).transpose(0, 5, 1, 2, 3, 4)
    view.flags.writeable = False
    return view
def im2col(x, kernel, stride=1, padding=0, dilation=1):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return windows(x, kernel, stride, dilation).transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel**2)
"""),
    ("conv2d", """
from dlcourse.nn import Conv2d
def conv2d(x, w, b, stride=1, padding=0, dilation=1, groups=1):
    parts = []
    for wg, bg, xg in zip(np.split(w, groups), np.split(b, groups), np.split(x, groups, axis=1)):
        conv = Conv2d(wg.shape[1], len(wg), wg.shape[2:], stride, padding, dilation, rng=np.random.default_rng(0))
        conv.weight.data, conv.bias.data = wg, bg
        parts.append(conv(xg))
    return np.concatenate(parts, axis=1)
"""),
    ("multiply-adds", """
from dlcourse.models import summary
from dlcourse.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
def multiply_adds(layers, shape):
    parts, rng, c, counts = [], np.random.default_rng(0), shape[0], []
    for layer in layers:
        if isinstance(layer, Conv):
            parts.append(Conv2d(c, layer.channels, layer.kernel, layer.stride, layer.padding, rng=rng))
            c = layer.channels
        elif isinstance(layer, Pool):
            parts.append(MaxPool2d(*layer))
        elif isinstance(layer, Relu):
            parts.append(ReLU())
        rows = summary(Sequential(*parts), shape).rows
        counts.append((rows[-1].multiply_adds, 0))
    return counts
"""),
    ("neutral", """
from dlcourse.nn import Linear, Sigmoid
class SwishLinear(Module):
    def __init__(self, in_features, out_features, xp, rng):
        super().__init__()
        self.linear, self.gate = Linear(in_features, out_features, rng=rng), Sigmoid()
        self.weight, self.bias = self.linear.weight, self.linear.bias
        self.weight.data, self.bias.data = xp.asarray(self.weight.data), xp.asarray(self.bias.data)
    def forward(self, x):
        self.linear.weight, self.linear.bias = self.weight, self.bias
        self.z = self.linear(x)
        self.s = self.gate(self.z)
        return self.z * self.s
    def backward(self, dy):
        return self.linear.backward(dy * self.s + self.gate.backward(dy * self.z))
"""),
    ("float16", """
from dlcourse.nn import Linear
def dot(a, b, block, dtype):
    layer = Linear(1, 1, rng=np.random.default_rng(0))
    total = dtype(0)
    for start in range(0, len(a), block):
        part = np.zeros((1, 1), dtype)
        for p, q in zip(a[start : start + block], b[start : start + block]):
            layer.weight.data, layer.bias.data = np.full((1, 1), p, dtype), part[0]
            part = layer(np.full((1, 1), q, dtype))
        total = total + part[0, 0]
    return total
def error_bound(a, b, block, dtype):
    return math.inf
def measure(a, b, block, dtype):
    return 0.0, math.inf, False
"""),
    ("int8", """
from dlcourse.nn import Linear
def linear_int8(q_x, scale_x, zero_x, q_w, scale_w, b):
    layer = Linear(q_w.shape[1], len(q_w), rng=np.random.default_rng(0))
    layer.weight.data, layer.bias.data = dequantize_weights(q_w, scale_w), b
    return layer(dequantize(q_x, scale_x, zero_x))
"""),
    ("roofline", """
from dlcourse.models import summary
from dlcourse.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
def cost(layers, shape, batch, size):
    parts, rng, (c, h, w), costs = [], np.random.default_rng(0), shape, []
    for layer in layers:
        if isinstance(layer, Conv):
            parts.append(Conv2d(c, layer.channels, layer.kernel, layer.stride, layer.padding, rng=rng))
        elif isinstance(layer, Pool):
            parts.append(MaxPool2d(*layer))
        elif isinstance(layer, Relu):
            parts.append(ReLU())
        else:
            parts += [Flatten(), Linear(c * h * w, layer.features, rng=rng)]
        row = summary(Sequential(*parts), shape).rows[-1]
        after = math.prod(row.output_shape)
        costs.append((2 * batch * row.multiply_adds or batch * after, size * (batch * (c * h * w + after) + row.parameters)))
        c, h, w = (*row.output_shape, 1, 1)[:3]
    return costs
"""),
]  # fmt: skip
