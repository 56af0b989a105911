"""A vector for each word: the layer at which a network reads text."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.expect import whole_number
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter


class Embedding(Module):
    """Look up a row of the weights for each index: ``y[...] = weight[index[...]]``.

    It is a `Linear` layer without bias that takes one-hot vectors, but without the multiplications
    by zero. The gradients of a word that stands in several places add up in its row.

    Parameters
    ----------
    num_embeddings : int
        How many words there are.
    embedding_dim : int
        Length D of each vector.
    rng : numpy.random.Generator
        Draws the initial vectors, from a standard normal distribution as in torch.

    Attributes
    ----------
    weight : Parameter of shape (num_embeddings, D)

    Raises
    ------
    ValueError
        If the input holds anything but whole numbers from 0 to ``num_embeddings - 1``.

    Examples
    --------
    >>> embedding = Embedding(5, 3, rng=np.random.default_rng(0))
    >>> embedding(np.array([[0, 4]])).shape
    (1, 2, 3)
    """

    input_kinds = "iu"

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.num_embeddings = whole_number("num_embeddings", num_embeddings)
        self.embedding_dim = whole_number("embedding_dim", embedding_dim)
        shape = (num_embeddings, embedding_dim)
        self.weight = Parameter(rng.standard_normal(shape, dtype=np.float32))

    def forward(self, x: Array) -> Array:
        count = len(self.weight.data)
        if x.size and not (int(x.min()) >= 0 and int(x.max()) < count):
            raise ValueError(
                f"Embedding expects numbers from 0 to {count - 1}, found {int(x.min())} to "
                f"{int(x.max())}; map unknown words to a number of their own"
            )
        self._index = x
        return self.weight.data[x]

    def backward(self, dy: Array) -> None:
        """Add up the gradients of each word; an index has no gradient, so None is returned."""

        def sums() -> Array:
            xp = array_module(dy)
            dw = xp.zeros(self.weight.data.shape, sum_dtype(dy.dtype))
            xp.add.at(dw, self._index, dy)
            return dw

        self.weight.accumulate(sums)
