"""The average of the weights over the last steps: it wavers less than the weights themselves."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.nn.module import Module
from dlcourse.optim.optimizer import Optimizer, in_range


def _inside(name: str) -> Any:
    """Return a property that stands for an attribute of the optimizer inside."""
    return property(
        lambda self: getattr(self.optimizer, name),
        lambda self, value: setattr(self.optimizer, name, value),
        doc=f"`{name}` of the optimizer inside.",
    )


class WeightAverage(Optimizer):
    """An optimizer that also keeps a running average of the weights it makes.

    After each step of the optimizer, for every parameter w

    .. math:: \\bar w \\leftarrow d \\bar w + (1 - d) \\, w, \\qquad
        d = \\min\\left(\\mathrm{decay}, \\frac{1 + k}{10 + k}\\right)

    where k counts the steps, so that the first weights, which are random, are soon forgotten.
    Training goes on with w; the average is for use at the end, as in generative models
    (Ho et al. 2020, with a decay of 0.9999). It is part of ``state_dict()``, and so of every
    checkpoint.

    Parameters
    ----------
    optimizer : Optimizer
        The one that makes the steps. Its learning rate is this one's.
    decay : float
        The share of the average that a step keeps, in [0, 1); about 1 / (1 - decay) steps count.

    Attributes
    ----------
    averages : list of array
        One for each of ``parameters``.

    Examples
    --------
    >>> from dlcourse.nn import Parameter
    >>> from dlcourse.optim import SGD
    >>> w = Parameter(np.zeros(1, np.float32))
    >>> w.grad = np.ones(1, np.float32)
    >>> average = WeightAverage(SGD([w], lr=1.0), decay=0.5)
    >>> average.step(); average.step()
    >>> w.data, average.averages[0]  # d is 1/10, then 2/11
    (array([-2.], dtype=float32), array([-1.8], dtype=float32))
    """

    def __init__(self, optimizer: Optimizer, decay: float = 0.999) -> None:
        self.optimizer = optimizer
        super().__init__(optimizer.parameters, optimizer.lr, optimizer.weight_decay)
        self.decay = in_range("decay", decay, 0.0, below=1.0)
        self.averages: list[Array] = [p.data.copy() for p in self.parameters]
        self._steps = np.zeros((), np.int64)

    lr = _inside("lr")
    weight_decay = _inside("weight_decay")

    @property
    def param_groups(self) -> list[MutableMapping[str, Any]]:
        """The one group of the optimizer inside."""
        return self.optimizer.param_groups

    def step(self) -> None:
        """Let the optimizer make its step, and take the new weights into the average."""
        self.optimizer.step()
        k = int(self._steps)
        share = 1 - min(self.decay, (1 + k) / (10 + k))
        for average, parameter in zip(self.averages, self.parameters, strict=True):
            average += share * (parameter.data - average)
        self._steps += 1

    def copy_to(self, model: Module) -> None:
        """Write the averages into the parameters of a network of the same kind.

        Buffers, such as the running statistics of batch normalization, are left as they are.

        Raises
        ------
        ValueError
            If the network has other parameters.
        """
        targets = model.parameters()
        if [p.data.shape for p in targets] != [average.shape for average in self.averages]:
            raise ValueError(
                f"the averages are those of other parameters than {type(model).__name__} has; "
                "pass a network of the kind that was trained"
            )
        for target, average in zip(targets, self.averages, strict=True):
            target.data[...] = array_module(target.data).asarray(average)

    def state_dict(self) -> dict[str, Array]:
        """Return the arrays of the optimizer inside, and the averages as "average.<number>"."""
        averages = {f"average.{i}": array for i, array in enumerate(self.averages)}
        return {**self.optimizer.state_dict(), **averages, "average.steps": self._steps}
