"""Normalization: keeping the size of the values that pass through a network."""

from __future__ import annotations

import numpy as np

from dlcourse import cuda
from dlcourse.backend import Array, array_module
from dlcourse.expect import whole_number
from dlcourse.nn.kernels.lines import as_images, as_lines
from dlcourse.nn.kernels.windows import check_images
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter
from dlcourse.workers import row_sum, sum_pieces, threads_for, value_pieces


class BatchNorm2d(Module):
    """Each channel normalised to mean 0 and variance 1, then scaled and shifted by learnt numbers.

    ``y = weight * (x - mean) / sqrt(var + eps) + bias`` (Ioffe and Szegedy 2015). In training
    mean and variance are those of the channel in this batch; running averages of them are kept
    and take their place outside training. A batch of no images has no mean, and leaves them as
    they are. float16 is computed in float32 and rounded.

    Parameters
    ----------
    num_features : int
        Channels C.
    eps : float
        Added to the variance, so that a constant channel does not divide by zero.
    momentum : float
        Share of the new batch in the running averages.

    Attributes
    ----------
    weight, bias : Parameter of shape (C,)
        Start at 1 and 0.
    running_mean, running_var : array of shape (C,)
        The running variance uses the unbiased estimate, ``/ (count - 1)``.
    num_batches_tracked : int64 array of shape ()

    Examples
    --------
    >>> x = np.random.default_rng(0).random((8, 3, 5, 5), dtype=np.float32)
    >>> y = BatchNorm2d(3)(x)
    >>> bool(abs(y.mean(axis=(0, 2, 3))).max() < 1e-6)
    True
    """

    running_mean: Array
    running_var: Array
    num_batches_tracked: Array

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        whole_number("num_features", num_features)
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ValueError(
                "BatchNorm2d expects a momentum from 0 to 1, the share of the batch in the running "
                f"statistics, found {momentum!r}: write BatchNorm2d({num_features}, momentum=0.1)"
            )
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features, np.float32))
        self.bias = Parameter(np.zeros(num_features, np.float32))
        self.register_buffer("running_mean", np.zeros(num_features, np.float32))
        self.register_buffer("running_var", np.ones(num_features, np.float32))
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def forward(self, x: Array) -> Array:
        check_images("BatchNorm2d", x, self.num_features)
        xp = array_module(x)
        width = x.shape[3]
        lines = as_lines(x).reshape(-1, width * self.num_features)
        count = x.size // self.num_features
        self._batch_statistics = self.training and len(x) > 0
        if self._batch_statistics:
            if count <= 1:
                raise ValueError(
                    "BatchNorm2d in training needs more than one value per channel, "
                    f"found shape {x.shape}; use a larger batch, or eval()"
                )
            mean = _channel_sum(lines, width) / count
            self._centered = lines - xp.tile(mean, width)
            var = _channel_dot(self._centered, self._centered, width) / count
            self._track(mean, var * (count / (count - 1)))
            self._inverse_std = 1 / xp.sqrt(var + self.eps)
            scale = self.weight.data * self._inverse_std
            y = _scale_shift(self._centered, scale, self.bias.data, width)
        else:
            # One factor and one term per channel: one pass fewer over the images.
            self._lines = lines
            self._inverse_std = 1 / xp.sqrt(self.running_var + self.eps)
            scale = self.weight.data * self._inverse_std
            y = _scale_shift(lines, scale, self.bias.data - self.running_mean * scale, width)
        return as_images(y, x.shape).astype(x.dtype, copy=False)

    def backward(self, dy: Array) -> Array:
        xp = array_module(dy)
        width = dy.shape[3]
        lines = as_lines(dy).reshape(-1, width * self.num_features)
        count = dy.size // self.num_features
        scale = self.weight.data * self._inverse_std

        def through(centered: Array) -> Array:
            return _channel_dot(lines, centered, width) * self._inverse_std

        if not self._batch_statistics:
            shift = xp.tile(self.running_mean, width)
            self.weight.accumulate(lambda: through(self._lines - shift))
            self.bias.accumulate(lambda: _channel_sum(lines, width))
            dx = lines * xp.tile(scale, width)
            return as_images(dx, dy.shape).astype(dy.dtype, copy=False)
        db, dw = _channel_sum(lines, width), through(self._centered)
        self.weight.accumulate(dw)
        self.bias.accumulate(db)
        # Mean and variance depend on every value, and undo a part of what each one changes:
        # dx = scale * (dy - mean(dy) - x_normalized * mean(dy * x_normalized)).
        slope, offset = dw * self._inverse_std / -count, db / -count
        if cuda.has_kernels(lines, self._centered, scale):
            rows, centered = lines.reshape(-1, scale.size), self._centered.reshape(-1, scale.size)
            dx = cuda.batch_norm_grad(rows, centered, slope, offset, scale)
        else:
            dx = self._centered * xp.tile(slope, width)
            dx += xp.tile(offset, width)
            dx += lines
            dx *= xp.tile(scale, width)
        return as_images(dx, dy.shape).astype(dy.dtype, copy=False)

    def _own_dtype(self, whole: bool) -> np.dtype | None:
        # Inside a network the output has the dtype of the input: float16 among weights of float16,
        # though its own are float32.
        return super()._own_dtype(whole) if whole else None

    def _track(self, mean: Array, var: Array) -> None:
        for average, new in ((self.running_mean, mean), (self.running_var, var)):
            average[...] = (1 - self.momentum) * average + self.momentum * new
        self.num_batches_tracked[...] = self.num_batches_tracked + 1


class LocalResponseNorm(Module):
    """Each value divided by a measure of its neighbours in nearby channels.

    ``y[c] = x[c] / (k + alpha / size * sum of x[j] ** 2) ** beta``, where j runs over the `size`
    channels around c (Krizhevsky et al. 2012, section 3.3; alpha divided by size as in torch).

    Parameters
    ----------
    size : int
        Channels in a neighbourhood; for an even number the extra one is before c.
    alpha, beta, k : float
        The paper, which does not divide by size, has ``alpha=1e-4, beta=0.75, k=2, size=5``.

    Examples
    --------
    >>> x = np.ones((1, 4, 1, 1), np.float32)
    >>> LocalResponseNorm(size=3, alpha=3.0, beta=1.0)(x).ravel().tolist()
    [0.3333333432674408, 0.25, 0.25, 0.3333333432674408]
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = whole_number("size", size)
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, x: Array) -> Array:
        check_images("LocalResponseNorm", x)
        before, after = self.size // 2, (self.size - 1) // 2
        base = _window_sum(x * x, before, after)
        base *= self.alpha / self.size
        base += self.k
        self._x, self._base, self._power = x, base, base**-self.beta
        return x * self._power

    def backward(self, dy: Array) -> Array:
        # x[j] is in the window of c exactly if c is in the mirrored window of j.
        before, after = (self.size - 1) // 2, self.size // 2
        through_base = _window_sum(dy * self._x * self._power / self._base, before, after)
        through_base *= self._x
        through_base *= 2 * self.alpha * self.beta / self.size
        return dy * self._power - through_base


def _channel_sum(lines: Array, width: int) -> Array:
    """The sum (C,) over all but the channels."""
    sums = row_sum(lines, threads_for(lines))
    return sums.reshape(width, -1).sum(axis=0)


def _channel_dot(a: Array, b: Array, width: int) -> Array:
    """The sum (C,) over all but the channels of the product ``a * b``, without an array for it."""
    if cuda.has_kernels(a, b):
        return cuda.channel_dot(
            a.reshape(-1, a.shape[1] // width), b.reshape(-1, b.shape[1] // width)
        )

    def work(rows: slice) -> Array:
        return array_module(a).einsum("ij,ij->j", a[rows], b[rows])

    sums = sum_pieces(work, value_pieces(a), threads_for(a))
    return sums.reshape(width, -1).sum(axis=0)


def _scale_shift(lines: Array, scale: Array, shift: Array, width: int) -> Array:
    """``lines * scale + shift``, with one scale and one shift per channel."""
    if cuda.has_kernels(lines, scale, shift):
        return cuda.scale_shift(lines.reshape(-1, scale.size), scale, shift)
    xp = array_module(lines)
    y = lines * xp.tile(scale, width)
    y += xp.tile(shift, width)
    return y


def _window_sum(x: Array, before: int, after: int) -> Array:
    """Sum over the channels from c - before to c + after, for each c of (N, C, H, W)."""
    total = x.copy("K")
    for step in range(1, before + 1):
        total[:, step:] += x[:, :-step]
    for step in range(1, after + 1):
        total[:, :-step] += x[:, step:]
    return total
