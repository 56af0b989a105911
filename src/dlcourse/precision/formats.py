"""Number formats: what float64, float32, float16 and bfloat16 can hold, bit by bit.

A floating-point number is a sign, an exponent and a fraction (IEEE 754-2019). With a bias b and a
fraction of f bits, its value is ``(1 + fraction / 2**f) * 2**(exponent - b)``. The exponent 0 is
kept for zero and for *subnormal* numbers, ``fraction / 2**f * 2**(1 - b)``, and the largest one
for infinity and "not a number".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from dlcourse.backend import Array

#: What happens to a number in a format, see `Format.outcome`.
Outcome = Literal["exact", "rounded", "subnormal", "underflow", "overflow"]


class Fields(NamedTuple):
    """The bits of a number, as text of zeros and ones."""

    sign: str
    exponent: str
    fraction: str


@dataclass(frozen=True)
class Format:
    """A binary floating-point format.

    Attributes
    ----------
    name : str
        What NumPy, or ml_dtypes for bfloat16, calls it.
    exponent_bits, fraction_bits : int
        How many bits there are of each; one more is the sign.

    Examples
    --------
    >>> FLOAT16.largest, FLOAT16.epsilon
    (65504.0, 0.0009765625)
    >>> FLOAT16.fields(-1.5)
    Fields(sign='1', exponent='01111', fraction='1000000000')
    """

    name: str
    exponent_bits: int
    fraction_bits: int

    @property
    def bits(self) -> int:
        """Bits in total."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """What is subtracted from the exponent field."""
        return int(2 ** (self.exponent_bits - 1)) - 1

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return self.decode(self._infinity - 1)

    @property
    def smallest_normal(self) -> float:
        """The smallest number above zero that has all digits."""
        return math.ldexp(1.0, 1 - self.bias)

    @property
    def smallest_subnormal(self) -> float:
        """The smallest number above zero."""
        return self.decode(1)

    @property
    def epsilon(self) -> float:
        """The step from 1 to the next larger number."""
        return math.ldexp(1.0, -self.fraction_bits)

    @cached_property
    def dtype(self) -> np.dtype:
        """The dtype of arrays in this format.

        Raises
        ------
        ImportError
            If the format is bfloat16 and ml_dtypes, which adds it to NumPy, is not installed.
        """
        if self.name != "bfloat16":
            return np.dtype(self.name)
        # Only here: on Colab the package is installed without its dependencies.
        import ml_dtypes

        dtype: np.dtype = np.dtype(ml_dtypes.bfloat16)
        return dtype

    def encode(self, value: float) -> int:
        """Return the bits of the number nearest to `value`, read as a whole number.

        Of two that are equally near, it is the one whose last bit is 0.
        """
        sign = int(math.copysign(1.0, value) < 0) << (self.bits - 1)
        if math.isnan(value):
            return sign | self._infinity | 1 << (self.fraction_bits - 1)
        size = abs(value)
        if math.isinf(size):
            return sign | self._infinity
        if size == 0:
            return sign
        # frexp gives 0.5 <= mantissa < 1; subnormal numbers share the smallest exponent.
        exponent = max(math.frexp(size)[1] - 1, 1 - self.bias)
        steps = round(math.ldexp(size, self.fraction_bits - exponent))
        # The leading 1 of a normal number adds 1 to the exponent field, as does rounding up to
        # the next power of two: both are carries.
        pattern = ((exponent + self.bias - 1) << self.fraction_bits) + steps
        return sign | min(pattern, self._infinity)

    def decode(self, pattern: int) -> float:
        """Return the number that bits stand for: the opposite of `encode`."""
        sign = -1.0 if pattern >> (self.bits - 1) else 1.0
        exponent = (pattern & self._infinity) >> self.fraction_bits
        fraction = pattern & ((1 << self.fraction_bits) - 1)
        if exponent == self._infinity >> self.fraction_bits:
            return math.nan if fraction else sign * math.inf
        if exponent:
            fraction += 1 << self.fraction_bits
        return sign * math.ldexp(fraction, max(exponent, 1) - self.bias - self.fraction_bits)

    def round(self, value: float) -> float:
        """Return the number of this format that is nearest to `value`."""
        return self.decode(self.encode(value))

    def fields(self, value: float) -> Fields:
        """Return the bits of the number nearest to `value`, in their three parts."""
        text = f"{self.encode(value):0{self.bits}b}"
        return Fields(text[0], text[1 : 1 + self.exponent_bits], text[1 + self.exponent_bits :])

    def neighbours(self, value: float) -> tuple[float, float]:
        """Return the next smaller and the next larger number of what `value` is rounded to.

        Examples
        --------
        >>> BFLOAT16.neighbours(1.0)
        (0.99609375, 1.0078125)
        """
        if math.isnan(value):
            return math.nan, math.nan
        pattern, minus = self.encode(value), 1 << (self.bits - 1)
        # In order of size, numbers are counted by their bits, negative ones downwards from zero.
        place = minus - pattern if pattern & minus else pattern

        def at(place: int) -> float:
            place = max(-self._infinity, min(place, self._infinity))
            return self.decode(place if place >= 0 else minus - place)

        return at(place - 1), at(place + 1)

    def outcome(self, value: float) -> Outcome:
        """Return what happens to a number when it is put into this format.

        Returns
        -------
        str
            "overflow" if it becomes infinite and "underflow" if it becomes zero; "subnormal" if it
            is stored with fewer digits than others; otherwise "rounded" or "exact".

        Examples
        --------
        >>> [FLOAT16.outcome(value) for value in (0.5, 0.1, 1e-6, 1e-8, 1e5)]
        ['exact', 'rounded', 'subnormal', 'underflow', 'overflow']
        """
        stored = self.round(value)
        if math.isinf(stored) and not math.isinf(value):
            return "overflow"
        if stored == 0 and value != 0:
            return "underflow"
        if 0 < abs(stored) < self.smallest_normal:
            return "subnormal"
        return "exact" if stored == value or math.isnan(value) else "rounded"

    @property
    def _infinity(self) -> int:
        """The bits of infinity: all ones in the exponent, none in the fraction."""
        return ((1 << self.exponent_bits) - 1) << self.fraction_bits


FLOAT64 = Format("float64", 11, 52)
FLOAT32 = Format("float32", 8, 23)
FLOAT16 = Format("float16", 5, 10)
#: The upper half of a float32: its range, and only two or three digits.
BFLOAT16 = Format("bfloat16", 8, 7)

#: From many bits to few.
FORMATS = (FLOAT64, FLOAT32, FLOAT16, BFLOAT16)


def carrier(*formats: Format) -> type[np.float32] | type[np.float64]:
    """Return the dtype to compute in where results are then rounded to these formats.

    Products and sums of the short formats, computed in float32 and then rounded, are the same as if
    rounded only once: float32 has more than twice their digits (Figueroa 1995).

    Examples
    --------
    >>> carrier(FLOAT16, BFLOAT16), carrier(FLOAT32, FLOAT64)
    (<class 'numpy.float32'>, <class 'numpy.float64'>)
    """
    return np.float64 if FLOAT64 in formats else np.float32


def round_to(x: Array, format: Format) -> Array:
    """Return an array of the same dtype, each value rounded to the nearest that a format has.

    Parameters
    ----------
    x : float array
        Overflow gives infinity. From float64, bfloat16 is reached by way of float32, as in
        ml_dtypes.
    format : Format
        The format that the values are to fit.

    Examples
    --------
    >>> round_to(np.array([0.1, 70000.0], np.float32), FLOAT16)
    array([0.09997559,        inf], dtype=float32)
    """
    if format.dtype == x.dtype:
        return x
    with np.errstate(over="ignore"):
        return x.astype(format.dtype).astype(x.dtype)
