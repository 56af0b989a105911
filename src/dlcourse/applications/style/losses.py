"""What a picture shows, how it is painted, how smooth it is: three losses and their gradients.

Features are an array F (1, N, H, W): N filters at M = H W positions. Gatys et al. (2016) add up
over positions; here we take means throughout, so that the weights of the losses mean the same for
pictures of any size.
"""

from __future__ import annotations

from dlcourse.backend import Array, array_module, elementwise
from dlcourse.workers import product, threads_for


def gram_matrix(features: Array) -> Array:
    """Return which filters respond together: the mean over all positions of their products.

    ``G[i, j] = 1 / M  sum over p of F[i, p] F[j, p]`` (Gatys et al. 2016, equation 3, over M).
    The sum forgets where a position is: shuffled positions give the same matrix.

    Parameters
    ----------
    features : array of shape (1, N, H, W)

    Returns
    -------
    array of shape (N, N)
        Symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> edges = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]).reshape(1, 2, 2, 2)
    >>> gram_matrix(edges)
    array([[0.5 , 0.25],
           [0.25, 0.25]])
    """
    rows = features.reshape(features.shape[1], -1)
    return product(rows, rows, threads_for(rows)) / rows.shape[1]


class ContentLoss:
    """Half the mean squared difference of features (Gatys et al. 2016, equation 1).

    .. math:: L = \\frac{1}{2 N M} \\sum_{i p} (F_{ip} - P_{ip})^2, \\qquad
        \\frac{\\partial L}{\\partial F} = \\frac{F - P}{N M}

    Examples
    --------
    >>> import numpy as np
    >>> loss = ContentLoss()
    >>> loss(np.full((1, 1, 1, 2), 3.0), np.ones((1, 1, 1, 2)))
    2.0
    >>> loss.backward()
    array([[[[1., 1.]]]])
    """

    def __call__(self, features: Array, target: Array) -> float:
        """Return the loss of features F against the content's P, both (1, N, H, W)."""
        if features.shape != target.shape:
            raise ValueError(
                f"expected features of the content's shape {target.shape}, found {features.shape}"
            )
        self._difference = elementwise("subtract", features, target)
        return float((self._difference * self._difference).mean() / 2)

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the features."""
        return elementwise("divide", self._difference, self._difference.size)


class StyleLoss:
    """How far Gram matrices are apart (Gatys et al. 2016, equations 4 and 6).

    .. math:: E = \\frac{1}{4 N^2} \\sum_{ij} (G_{ij} - A_{ij})^2, \\qquad
        \\frac{\\partial E}{\\partial F} = \\frac{1}{N^2 M} (G - A) F

    With respect to G the gradient is ``(G - A) / (2 N^2)``; each entry of G is a product of two
    rows of F, and G is symmetric, which gives a factor of ``2 / M``.

    Examples
    --------
    >>> import numpy as np
    >>> loss = StyleLoss()
    >>> loss(np.full((1, 1, 1, 2), 2.0), np.ones((1, 1)))  # G = 4
    2.25
    >>> loss.backward()  # (4 - 1) * 2 / 2
    array([[[[3., 3.]]]])
    """

    def __call__(self, features: Array, target: Array) -> float:
        """Return the loss of features (1, N, H, W) against the style's Gram matrix (N, N)."""
        if target.shape != (features.shape[1],) * 2:
            raise ValueError(
                f"expected a Gram matrix of {features.shape[1]} filters, found {target.shape}"
            )
        self._features = features
        self._difference = gram_matrix(features) - target
        return float((self._difference * self._difference).mean() / 4)

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the features."""
        _, n, h, w = self._features.shape
        positions = self._features.transpose(0, 2, 3, 1).reshape(-1, n)  # as they lie in memory
        factor = self._difference / (self._difference.size * h * w)
        grad = product(positions, factor, threads_for(positions))
        return grad.reshape(1, h, w, n).transpose(0, 3, 1, 2)


class TotalVariation:
    """The mean squared step between neighbouring pixels: noise costs, flat ground does not.

    .. math:: V = \\frac{1}{S} \\sum_{c y x} \\left( (x_{c, y+1, x} - x_{c, y, x})^2
        + (x_{c, y, x+1} - x_{c, y, x})^2 \\right)

    over the S values of the picture (Mahendran and Vedaldi 2015, with the exponent beta = 2). A
    step s adds ``2 s / S`` to the gradient of the pixel that it leads to, and takes as much from
    the one that it comes from.

    Examples
    --------
    >>> import numpy as np
    >>> variation = TotalVariation()
    >>> variation(np.array([[[[0.0, 1.0]]]]))
    0.5
    >>> variation.backward()
    array([[[[-1.,  1.]]]])
    """

    def __call__(self, image: Array) -> float:
        """Return the loss of an image (1, 3, H, W)."""
        self._image = image
        self._down = image[:, :, 1:] - image[:, :, :-1]
        self._right = image[:, :, :, 1:] - image[:, :, :, :-1]
        total = (self._down * self._down).sum() + (self._right * self._right).sum()
        return float(total / image.size)

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the image."""
        grad = array_module(self._image).zeros_like(self._image)
        grad[:, :, 1:] += self._down
        grad[:, :, :-1] -= self._down
        grad[:, :, :, 1:] += self._right
        grad[:, :, :, :-1] -= self._right
        return grad * (2 / grad.size)
