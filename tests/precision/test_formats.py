import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.precision import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    FORMATS,
    Format,
    matmul,
    round_to,
)

UNSIGNED = {16: np.uint16, 32: np.uint32, 64: np.uint64}
anything = st.floats(allow_nan=False)
#: Near where formats end: float16 at 65520 and 2**-25, bfloat16 at 2**-134, ...
edges = st.builds(
    lambda power, step: math.ldexp(1 + step * 2.0**-12, power),
    st.sampled_from([-1075, -150, -149, -134, -133, -126, -25, -24, -15, -14, 0, 15, 16, 127]),
    st.integers(-3, 3),
)


def by_numpy(format, value):
    """Return the number and its bits as NumPy or ml_dtypes convert it."""
    with np.errstate(over="ignore"):
        stored = np.array(value).astype(format.dtype)
    return float(stored), int(stored.view(UNSIGNED[format.bits]))


@pytest.mark.parametrize("format", [FLOAT64, FLOAT32, FLOAT16], ids=lambda f: f.name)
@given(value=anything | edges)
def test_bits_are_those_of_numpy(format, value):
    stored, pattern = by_numpy(format, value)
    assert format.encode(value) == pattern
    assert format.round(value) == stored
    assert math.copysign(1, format.round(value)) == math.copysign(1, value)


@given(value=st.floats(allow_nan=False, width=32))
def test_bits_of_bfloat16_are_those_of_ml_dtypes(value):
    # From float32: from float64, ml_dtypes rounds twice.
    stored, pattern = by_numpy(BFLOAT16, np.float32(value))
    assert (BFLOAT16.round(value), BFLOAT16.encode(value)) == (stored, pattern)


def test_rounding_once_is_nearer_than_rounding_twice():
    value = 1 + 2.0**-8 + 2.0**-40  # a little above the middle of 1 and the next bfloat16
    assert BFLOAT16.round(value) == 1 + 2.0**-7


@pytest.mark.parametrize("format", [FLOAT16, BFLOAT16], ids=lambda f: f.name)
def test_every_pattern_is_the_code_of_what_it_stands_for(format):
    patterns = np.arange(2**16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):
        values = patterns.view(format.dtype).astype(np.float64)
    for pattern, value in zip(patterns.tolist(), values.tolist(), strict=True):
        if math.isnan(value):
            assert math.isnan(format.decode(pattern))
            assert math.isnan(format.round(value))
        else:
            assert format.decode(pattern) == value
            assert format.encode(value) == pattern


@pytest.mark.parametrize("format", FORMATS, ids=lambda f: f.name)
def test_constants(format):
    info = ml_dtypes.finfo(format.dtype)
    assert format.bits == info.bits
    assert format.largest == float(info.max)
    assert format.smallest_normal == float(info.smallest_normal)
    assert format.smallest_subnormal == float(info.smallest_subnormal)
    assert format.epsilon == float(info.eps)


@pytest.mark.parametrize("format", [FLOAT64, FLOAT32, FLOAT16], ids=lambda f: f.name)
@given(value=anything | edges)
def test_neighbours_are_those_of_numpy(format, value):
    if format is FLOAT64 and abs(value) == math.inf:
        return  # beyond infinity we stay there, and so does NumPy below
    with np.errstate(over="ignore"):
        stored = np.array(value).astype(format.dtype)
        below, above = (np.nextafter(stored, format.dtype.type(to)) for to in (-np.inf, np.inf))
    assert format.neighbours(value) == (float(below), float(above))


def test_nothing_lies_beyond_infinity_and_a_nan_has_no_neighbours():
    assert FLOAT16.neighbours(math.inf) == (65504, math.inf)
    assert all(map(math.isnan, FLOAT16.neighbours(math.nan)))
    assert FLOAT16.outcome(math.nan) == FLOAT16.outcome(math.inf) == "exact"


@pytest.mark.parametrize("format", FORMATS, ids=lambda f: f.name)
def test_where_overflow_and_underflow_begin(format):
    half_step = math.ldexp(1.0, format.bias - format.fraction_bits - 1)
    assert format.outcome(format.largest) == "exact"
    if format is not FLOAT64:
        assert format.outcome(format.largest + half_step * 0.99) == "rounded"
        assert format.outcome(format.largest + half_step) == "overflow"
        assert format.outcome(format.smallest_subnormal / 2) == "underflow"
        assert format.outcome(format.smallest_subnormal * 0.51) == "subnormal"
    assert format.outcome(format.smallest_subnormal) == "subnormal"
    assert format.outcome(format.smallest_normal) == "exact"
    assert format.outcome(-0.0) == "exact"


def test_a_format_of_ones_own():
    # The 8 bits of IEEE kind with 5 for the exponent (Micikevicius et al. 2022, "E5M2").
    tiny = Format("e5m2", 5, 2)
    theirs = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e5m2).astype(float)
    ours = [tiny.decode(pattern) for pattern in range(256)]
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("format", FORMATS, ids=lambda f: f.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_rounded_as_numbers_are(format, dtype):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(500) * 10.0 ** rng.integers(-9, 9, 500)).astype(dtype)
    y = round_to(x, format)
    assert y.dtype == dtype
    expected = x if format.bits >= 8 * x.itemsize else [format.round(float(v)) for v in x]
    np.testing.assert_array_equal(y, expected)


# -- products ------------------------------------------------------------------------------


def by_numbers(a, b, storage, compute, accumulate):
    """Multiply with Python's numbers, each rounded by `Format.round`."""
    total = np.zeros((len(a), b.shape[1]))
    for i, j in np.ndindex(*total.shape):
        for x, y in zip(a[i], b[:, j], strict=True):
            product = compute.round(storage.round(float(x)) * storage.round(float(y)))
            total[i, j] = accumulate.round(total[i, j] + product)
    return total


@pytest.mark.parametrize("storage", [FLOAT16, BFLOAT16, FLOAT32], ids=lambda f: f.name)
@pytest.mark.parametrize("compute", [FLOAT16, BFLOAT16, FLOAT32, FLOAT64], ids=lambda f: f.name)
@pytest.mark.parametrize("accumulate", FORMATS, ids=lambda f: f.name)
def test_products_are_those_of_single_numbers(storage, compute, accumulate):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 40)), rng.standard_normal((40, 3))
    a, b = a.astype(np.float32), b.astype(np.float32)
    found = matmul(a, b, storage, compute, accumulate)
    expected = by_numbers(a, b, storage, compute, accumulate)
    if accumulate is FLOAT64 or compute is FLOAT64 or FLOAT32 in (compute, accumulate):
        # A product of two float32 numbers is no float64 that Python could round in one go.
        np.testing.assert_allclose(found, expected, rtol=2 * accumulate.epsilon, atol=1e-6)
    else:
        np.testing.assert_array_equal(found, expected)


def test_numpy_itself_multiplies_float16_in_float32():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((5, 300)).astype(np.float16)
    b = rng.standard_normal((300, 4)).astype(np.float16)
    emulated = matmul(a.astype(np.float32), b.astype(np.float32), FLOAT16, FLOAT32, FLOAT32)
    np.testing.assert_array_equal((a @ b), emulated.astype(np.float16))


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"found \(2, 3\) and \(2, 3\)"):
        matmul(np.zeros((2, 3)), np.zeros((2, 3)), FLOAT16, FLOAT16, FLOAT16)
