"""`Draws`: what layers that draw random numbers have in common."""

from __future__ import annotations

import numpy as np


class Draws:
    """Mixed into a layer that draws: `Module.set_generator` gives it the generator to draw from.

    Attributes
    ----------
    rng : numpy.random.Generator or None
        What the layer was given last.

    Examples
    --------
    >>> from dlcourse.nn import Module
    >>> class Noise(Draws, Module):
    ...     def forward(self, x):
    ...         return x + self.generator.normal(size=x.shape)
    >>> noise = Noise()
    >>> noise.set_generator(np.random.default_rng(0))
    >>> noise(np.zeros(2)).round(2)
    array([ 0.13, -0.13])
    """

    rng: np.random.Generator | None = None

    @property
    def generator(self) -> np.random.Generator:
        """The generator to draw from.

        Raises
        ------
        ValueError
            If the layer has none yet.
        """
        if self.rng is None:
            raise ValueError(
                f"{type(self).__name__} needs a random generator to train: set its rng, call "
                "set_generator(rng) on the network, or eval()"
            )
        return self.rng
