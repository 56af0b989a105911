"""What every classifying network can do, under the names of Saitoh (2016)."""

from __future__ import annotations

import os

import numpy as np

from dlcourse.backend import Array, array_module, is_array
from dlcourse.expect import whole_number
from dlcourse.metrics import accuracy
from dlcourse.nn import Chain, CrossEntropyLoss, Module
from dlcourse.nn.loss import Loss
from dlcourse.nn.weights import load_weights, save_weights

#: Values of the images that pass through a network at a time.
_VALUES = 2**21


class Classifier(Module):
    """Base of networks that give one score per class.

    A subclass defines ``forward`` and ``backward``; fast training is the job of
    `dlcourse.training.Trainer`. These methods are the plain way to examine a network and to
    follow the book.
    """

    def criterion(self) -> Loss:
        """Return a new loss of the kind this network is trained with: the mean cross-entropy."""
        return CrossEntropyLoss()

    def predict(self, x: Array, batch_size: int = 100) -> Array:
        """Return the scores (N, classes) of the images `x` (N, C, H, W), with dropout off.

        It is `Module.for_inference` that does it: the network's own modes stay, and a backward pass
        that belongs to an earlier forward pass may follow.

        Parameters
        ----------
        x : array of shape (N, C, H, W)
            The images.
        batch_size : int
            At most this many pass through the network at a time. On a processor it is fewer where
            images are large, to bound the memory: 13 in colour of 224x224.
        """
        whole_number("batch_size", batch_size)
        if not is_array(x):
            raise TypeError(
                f"predict expects an array of NumPy or CuPy, found {type(x).__name__}: convert it "
                "with np.asarray(x, dtype=np.float32)"
            )
        xp, model = array_module(x), self.for_inference()
        if xp is np:
            batch_size = min(batch_size, max(1, _VALUES // max(1, x[:1].size)))
        starts = range(0, max(1, len(x)), batch_size)
        return xp.concatenate([model(x[i : i + batch_size]) for i in starts])

    def loss(self, x: Array, t: Array) -> float:
        """Return the mean cross-entropy of the images `x` with labels `t`, in the current mode."""
        return self.criterion()(self(x), t)

    def accuracy(self, x: Array, t: Array, batch_size: int = 100) -> float:
        """Return the share of the images `x` whose highest score is that of the label `t`."""
        return accuracy(self.predict(x, batch_size), t)

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradient of the mean cross-entropy with respect to each parameter.

        Parameters
        ----------
        x : array of shape (N, C, H, W)
            Images.
        t : array of shape (N,)
            Labels.

        Returns
        -------
        dict
            From the parameter's name in ``state_dict()`` to an array of its shape.
        """
        criterion = self.criterion()
        self.zero_grad()
        criterion(self(x), t)
        self.backward(criterion.backward())
        return {name: parameter.grad for name, parameter in self.named_parameters()}

    def save_params(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to an ``.npz`` file, whole or not at all."""
        save_weights(self, path)

    def load_params(self, path: str | os.PathLike[str]) -> None:
        """Read weights that `save_params` wrote; another network's are refused.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged or belongs to another network.
        """
        load_weights(self, path)


class SequentialClassifier(Chain, Classifier):
    """Base of classifiers that run their parts one after another, in order of assignment."""
