"""Fewer bits: number formats, and networks that are stored and computed in them."""

from dlcourse.precision.mixed import MixedPrecision
from dlcourse.precision.scaler import LossScaler

__all__ = ["LossScaler", "MixedPrecision"]
