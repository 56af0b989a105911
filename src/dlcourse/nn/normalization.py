"""Normalization: keeping the size of the values that pass through a network."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from dlcourse import native
from dlcourse.backend import Array, array_module
from dlcourse.compiled import kernels_for
from dlcourse.expect import whole_number
from dlcourse.nn.finish import Finish
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

    def forward(
        self,
        x: Array,
        *,
        finish: Finish | None = None,
        source: Callable[[], Array] | None = None,
    ) -> Array:
        """Return the normalized images.

        Parameters
        ----------
        x : array of shape (N, C, H, W)
            The images.
        finish : Finish, optional
            What is to be done for the layer behind this one, see `dlcourse.nn.chained`.
        source : function without arguments, optional
            Returns the input, where the layer in front has done this one's work by its `factors`;
            then `x` is what it gave.
        """
        check_images("BatchNorm2d", x, self.num_features)
        self._source = source
        self._batch_statistics = self.training and len(x) > 0
        self._center, self._var = self.running_mean, self.running_var
        self._batch: tuple[Array, native.Statistics] | None = None
        if source is not None:
            self._lines = None
            return x
        width = x.shape[3]
        self._lines = _lines(x)
        if self._batch_statistics:
            count = x.size // self.num_features
            if count <= 1:
                raise ValueError(
                    "BatchNorm2d in training needs more than one value per channel, "
                    f"found shape {x.shape}; use a larger batch, or eval()"
                )
            running = self.running_mean, self.running_var
            weight, bias = self.weight.data, self.bias.data
            if native.has_kernels(x, weight, bias, *running):
                rows = self._lines.reshape(-1, self.num_features)
                relu = finish is not None and finish.relu
                y, kept, statistics = native.batch_norm(
                    rows, weight, bias, running, self.eps, self.momentum, relu
                )
                self._batch = rows, statistics
                self.num_batches_tracked += 1
                if finish is not None and kept is not None:
                    finish.kept = as_images(kept, x.shape)
                return as_images(y, x.shape)
            mean, self._var, self._lines, self._center = _moments(self._lines, width)
            self._track(mean, self._var * (count / (count - 1)))
            scale = self.weight.data * self._inverse_std(self._var)
            center, shift = self._center, self.bias.data
        else:
            # One factor and one term per channel: one pass fewer over the images.
            center, (scale, shift) = None, self.factors()
        y = _scale_shift(self._lines, center, scale, shift, width, finish)
        if finish is not None and finish.kept is not None:
            finish.kept = as_images(finish.kept, x.shape)
        return as_images(y, x.shape).astype(x.dtype, copy=False)

    def factors(self) -> tuple[Array, Array]:
        """Return what a layer that is in evaluation multiplies each channel with, and then adds.

        Examples
        --------
        >>> norm = BatchNorm2d(1, eps=0).eval()
        >>> norm.running_mean[:], norm.running_var[:] = 3, 4
        >>> [float(number[0]) for number in norm.factors()]  # (x - 3) / 2
        [0.5, -1.5]
        """
        scale = self.weight.data * self._inverse_std(self.running_var)
        return scale, self.bias.data - self.running_mean * scale

    def backward(self, dy: Array) -> Array:
        xp = array_module(dy)
        width = dy.shape[3]
        lines = _lines(dy)
        if self._batch is not None:
            rows, statistics = self._batch
            dx, dw, db = native.batch_norm_grads(
                lines.reshape(rows.shape), rows, self.weight.data, statistics
            )
            self.weight.accumulate(dw)
            self.bias.accumulate(db)
            return as_images(dx, dy.shape)
        count = dy.size // self.num_features
        inverse_std = self._inverse_std(self._var)
        scale = self.weight.data * inverse_std

        @functools.cache
        def sums() -> tuple[Array, Array]:
            given = self._lines if self._source is None else _lines(self._source())
            db, dot = _sums(lines, given, self._center, width)
            return db, dot * inverse_std

        self.weight.accumulate(lambda: sums()[1])
        self.bias.accumulate(lambda: sums()[0])
        if self._batch_statistics:
            # Mean and variance depend on every value, and undo part of what each does:
            # dx = scale * (dy - mean(dy) - x_normalized * mean(dy * x_normalized)).
            db, dw = sums()
            slope, offset = dw * inverse_std / -count, db / -count
            dx = _grad(lines, self._lines, self._center, slope, offset, scale, width)
        else:
            dx = _scale_shift(lines, None, scale, xp.zeros_like(scale), width)
        return as_images(dx, dy.shape).astype(dy.dtype, copy=False)

    def _own_dtype(self, whole: bool) -> np.dtype | None:
        # Inside a network the output has the dtype of the input: float16 among weights of float16,
        # though its own are float32.
        return super()._own_dtype(whole) if whole else None

    def _inverse_std(self, var: Array) -> Array:
        return 1 / array_module(var).sqrt(var + self.eps)

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


# Batch normalization works on lines, see `as_lines`; `width` says how many pixels make one. Where
# `center` is not None, it still has to be subtracted from them.


def _lines(x: Array) -> Array:
    """Images (N, C, H, W) as lines (N * H, W * C)."""
    return as_lines(x).reshape(-1, x.shape[3] * x.shape[1])


def _moments(lines: Array, width: int) -> tuple[Array, Array, Array, Array | None]:
    """Mean and variance (C,) of each channel, then lines and a center for the functions below."""
    kernels = kernels_for(lines)
    if kernels:
        mean, var = kernels.channel_moments(lines.reshape(-1, lines.shape[1] // width))
        return mean, var, lines, mean
    count = len(lines) * width
    mean = _folded(row_sum(lines, threads_for(lines)), width) / count
    centered = lines - array_module(lines).tile(mean, width)
    return mean, _dot(centered, centered, width) / count, centered, None


def _sums(dy: Array, lines: Array, center: Array | None, width: int) -> tuple[Array, Array]:
    """The sums (C,) of `dy`, and of its product with the centered lines."""
    kernels = kernels_for(dy, lines, center)
    if kernels and center is not None:
        channels = center.size
        db, dot = kernels.channel_sums(
            dy.reshape(-1, channels), lines.reshape(-1, channels), center
        )
        return db, dot
    if center is not None:
        lines = lines - array_module(lines).tile(center, width)
    return _folded(row_sum(dy, threads_for(dy)), width), _dot(dy, lines, width)


def _scale_shift(
    lines: Array,
    center: Array | None,
    scale: Array,
    shift: Array,
    width: int,
    finish: Finish | None = None,
) -> Array:
    """The centered lines times a scale plus a shift for each channel."""
    kernels = kernels_for(lines, scale, shift, center)
    if kernels is native and finish is not None and finish.relu:
        y, finish.kept = native.scale_shift_relu(
            lines.reshape(-1, scale.size), scale, shift, center
        )
        return y
    if kernels:
        return kernels.scale_shift(lines.reshape(-1, scale.size), scale, shift, center)
    xp = array_module(lines)
    if center is not None:
        lines = lines - xp.tile(center, width)
    y = lines * xp.tile(scale, width)
    y += xp.tile(shift, width)
    return y


def _grad(
    dy: Array,
    lines: Array,
    center: Array | None,
    slope: Array,
    offset: Array,
    scale: Array,
    width: int,
) -> Array:
    """``(dy + centered lines * slope + offset) * scale``, with numbers for each channel."""
    kernels = kernels_for(dy, lines, scale, slope, offset, center)
    if kernels:
        rows = (array.reshape(-1, scale.size) for array in (dy, lines))
        return kernels.batch_norm_grad(*rows, slope, offset, scale, center)
    xp = array_module(dy)
    if center is not None:
        lines = lines - xp.tile(center, width)
    dx = lines * xp.tile(slope, width)
    dx += xp.tile(offset, width)
    dx += dy
    dx *= xp.tile(scale, width)
    return dx


def _dot(a: Array, b: Array, width: int) -> Array:
    """The sum (C,) over all but the channels of the product ``a * b``, without an array for it."""

    def work(rows: slice) -> Array:
        return array_module(a).einsum("ij,ij->j", a[rows], b[rows])

    return _folded(sum_pieces(work, value_pieces(a), threads_for(a)), width)


def _folded(sums: Array, width: int) -> Array:
    """From sums along a line to those of the channels."""
    return sums.reshape(width, -1).sum(axis=0)


def _window_sum(x: Array, before: int, after: int) -> Array:
    """Sum over the channels from c - before to c + after, for each c of (N, C, H, W)."""
    total = x.copy("K")
    for step in range(1, before + 1):
        total[:, step:] += x[:, :-step]
    for step in range(1, after + 1):
        total[:, :-step] += x[:, step:]
    return total
