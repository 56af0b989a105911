"""`SyncBatchNorm`: batch normalization with the statistics of all ranks' batch."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module, sum_dtype, to_numpy
from dlcourse.distributed.communicator import Communicator
from dlcourse.nn import BatchNorm2d, Module


class SyncBatchNorm(BatchNorm2d):
    """Batch normalization over the images of all ranks: the same as one rank with all of them.

    Each rank sees a part of the batch. In the forward pass ranks exchange how many values they
    have per channel, their mean and their sum of squared distances from it, and combine them
    (Chan, Golub and LeVeque 1979):

    .. math:: n = \\sum_r n_r, \\quad \\mu = \\sum_r n_r \\mu_r / n, \\quad
        n \\sigma^2 = \\sum_r \\left( M_r + n_r (\\mu_r - \\mu)^2 \\right)

    The backward pass is that of `BatchNorm2d`, but the means that it subtracts from the gradient
    are over all ranks:

    .. math:: dx = \\frac{w}{\\sigma} \\left( dy - \\frac{1}{n} \\sum dy
        - \\hat x \\, \\frac{1}{n} \\sum dy \\, \\hat x \\right)

    Gradients of ``weight`` and ``bias`` stay this rank's, because the ranks' gradients are added up
    later, like all others. Outside training nothing is exchanged.

    Parameters
    ----------
    num_features : int
        Channels C.
    eps, momentum : float
        See `BatchNorm2d`.
    communicator : Communicator
        The connection to the other ranks. All take part in every pass, with at least one image.

    Examples
    --------
    Two ranks with one image each normalize as one rank with two.

    >>> from dlcourse.distributed import Threads
    >>> x = np.random.default_rng(0).random((2, 3, 4, 4), dtype=np.float32)
    >>> def work(communicator):
    ...     norm = SyncBatchNorm(3, communicator=communicator)
    ...     return norm(x[[communicator.rank]])
    >>> parts = Threads.run(2, work)
    >>> np.allclose(np.concatenate(parts), BatchNorm2d(3)(x), atol=1e-6)
    True
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        communicator: Communicator,
    ) -> None:
        super().__init__(num_features, eps, momentum)
        self.communicator = communicator

    @classmethod
    def convert(cls, module: Module, communicator: Communicator) -> Module:
        """Put a `SyncBatchNorm` in the place of every `BatchNorm2d`, and return the network.

        Parameters, buffers and their names stay, so optimizers and checkpoints still fit.

        Examples
        --------
        >>> from dlcourse.distributed import SingleProcess
        >>> from dlcourse.nn import Sequential
        >>> net = SyncBatchNorm.convert(Sequential(BatchNorm2d(3)), SingleProcess())
        >>> type(net[0]).__name__
        'SyncBatchNorm'
        """
        if type(module) is BatchNorm2d:
            norm = cls(module.num_features, communicator=communicator)
            vars(norm).update(module.__getstate__())
            return norm
        for name, child in module.named_children():
            module.add_module(name, cls.convert(child, communicator))
        return module

    def forward(self, x: Array) -> Array:  # type: ignore[override]  # for nn.chained, see there
        self._synchronized = self.training
        if not self.training:
            return super().forward(x)
        if x.ndim != 4 or x.shape[1] != self.num_features or not len(x):
            raise ValueError(
                f"SyncBatchNorm expects (N, {self.num_features}, H, W) with at least one image on "
                f"each rank, found shape {x.shape}"
            )
        xp, dtype = array_module(x), x.dtype
        x = x.astype(sum_dtype(dtype), copy=False)
        count = x.size // self.num_features
        mean = x.mean(axis=_ALL_BUT_CHANNELS)
        squares = xp.square(x - _wide(mean)).sum(axis=_ALL_BUT_CHANNELS)

        # One message: the number of values, then means, then sums of squares, in float64.
        own = np.array([[count, *to_numpy(mean), *to_numpy(squares)]], np.float64)
        counts, means, sums = np.split(
            self.communicator.allgather(own), [1, 1 + self.num_features], axis=1
        )
        self._count = float(counts.sum())
        if self._count <= 1:
            raise ValueError("SyncBatchNorm in training needs more than one value per channel")
        mean64 = (counts * means).sum(axis=0) / self._count
        var64 = (sums + counts * (means - mean64) ** 2).sum(axis=0) / self._count
        mean, var = xp.asarray(mean64, dtype=x.dtype), xp.asarray(var64, dtype=x.dtype)

        self._track(mean, var * (self._count / (self._count - 1)))
        self._std = xp.sqrt(var + self.eps)
        self._x_hat = (x - _wide(mean)) / _wide(self._std)
        y = _wide(self.weight.data) * self._x_hat + _wide(self.bias.data)
        return y.astype(dtype, copy=False)

    def backward(self, dy: Array) -> Array:
        if not self._synchronized:
            return super().backward(dy)
        xp, dtype = array_module(dy), dy.dtype
        dy = dy.astype(sum_dtype(dtype), copy=False)
        dw = (dy * self._x_hat).sum(axis=_ALL_BUT_CHANNELS)
        db = dy.sum(axis=_ALL_BUT_CHANNELS)
        self.weight.accumulate(dw)
        self.bias.accumulate(db)

        sums = xp.stack([db, dw])
        self.communicator.allreduce(sums)
        mean_dy, mean_dy_x_hat = sums / self._count
        dx = dy - _wide(mean_dy) - self._x_hat * _wide(mean_dy_x_hat)
        dx *= _wide(self.weight.data / self._std)
        return dx.astype(dtype, copy=False)


_ALL_BUT_CHANNELS = (0, 2, 3)


def _wide(x: Array) -> Array:
    """(C,) as (C, 1, 1), to go with (N, C, H, W)."""
    return x[:, None, None]
