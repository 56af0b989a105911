"""`LossScaler`: the factor that keeps small gradients above the smallest float16 number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dlcourse.backend import array_module
from dlcourse.nn import Parameter


class LossScaler:
    """Dynamic loss scaling, with torch's names.

    Micikevicius et al. (2018, section 3.2) multiply by a constant, and skip steps that overflow.
    Their conclusions propose a scale that finds its own size.

    Where the backward pass runs in float16, gradients below 2**-25 become zero. So the gradient
    of the loss is multiplied by a large power of two before the pass, and the gradients of the
    weights are divided by it afterwards, in float32. If one of them overflowed, the step is skipped
    and the scale is halved; after many good steps it is doubled again.

    Parameters
    ----------
    init_scale : float
        The scale to begin with.
    growth_factor : float
        What the scale is multiplied by when it grows, at least 1.
    backoff_factor : float
        What an overflow multiplies it by, above 0 and at most 1. With both factors 1 the scale
        stays as it is: with ``init_scale=1`` too, nothing is scaled.
    growth_interval : int
        Good steps in a row after which the scale grows.

    Attributes
    ----------
    skipped : int
        How many steps have been skipped so far.

    Examples
    --------
    >>> w = Parameter(np.zeros(2, np.float32))
    >>> scaler = LossScaler(init_scale=8.0, growth_interval=2)
    >>> w.grad = np.array([1.0, np.inf], np.float32)
    >>> scaler.update([w]), scaler.scale  # overflow: leave the step out
    (False, 4.0)
    >>> w.grad = np.ones(2, np.float32)
    >>> [scaler.update([w]) for _ in range(2)], scaler.scale
    ([True, True], 8.0)
    """

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
    ) -> None:
        if not 0 < init_scale < math.inf:
            raise ValueError(f"init_scale must be a number above 0, found {init_scale!r}")
        if not 1 <= growth_factor < math.inf:
            raise ValueError(f"growth_factor must be at least 1, found {growth_factor!r}")
        if not 0 < backoff_factor <= 1:
            raise ValueError(
                f"backoff_factor must be above 0 and at most 1, found {backoff_factor!r}"
            )
        if growth_interval < 1:
            raise ValueError(f"growth_interval must be at least 1, found {growth_interval!r}")
        self.growth_factor = growth_factor
        self.backoff_factor = backoff_factor
        self.growth_interval = growth_interval
        self.skipped = 0
        self._good_steps = 0
        #: An array, so that the replicas of a model that scales by it share it.
        self.array = np.array(init_scale, np.float32)

    @property
    def scale(self) -> float:
        """The scale of the next step."""
        return float(self.array)

    def update(self, parameters: Iterable[Parameter]) -> bool:
        """Check the gradients of a step, set the next scale, and return whether all are finite.

        Parameters
        ----------
        parameters : iterable of Parameter
            With gradients that are no longer multiplied by the scale. If this returns False,
            skip the optimizer's step.
        """
        finite = all(
            bool(array_module(p.grad).isfinite(p.grad).all())
            for p in parameters
            if p.grad is not None
        )
        if finite:
            self._good_steps += 1
            if self._good_steps % self.growth_interval == 0:
                # A scale that float32 cannot hold would never come back.
                self.array[...] = min(self.scale * self.growth_factor, 2.0**120)
        else:
            self.skipped += 1
            self._good_steps = 0
            self.array[...] = self.scale * self.backoff_factor
        return finite

    def state_dict(self) -> dict[str, Any]:
        """Return what changes, as numbers that JSON can hold."""
        return {"scale": self.scale, "good_steps": self._good_steps, "skipped": self.skipped}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`.

        Raises
        ------
        ValueError
            If a number is missing or unknown.
        """
        if state.keys() != self.state_dict().keys():
            raise ValueError(
                f"expected the state of a LossScaler, found {sorted(state)}; "
                "resume from a checkpoint of a run that scales the loss"
            )
        self.array[...] = state["scale"]
        self._good_steps = state["good_steps"]
        self.skipped = state["skipped"]
