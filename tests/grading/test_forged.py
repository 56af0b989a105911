"""What arrives from a worker is data, or it is refused: nothing else ever happens in the judge."""

import copy
import random

import numpy as np
import pytest

from dlcourse.grading.crossing import Crossing
from dlcourse.grading.wire import Malformed
from dlcourse.nn import Parameter

ODD = [
    *(None, True, -1, 7, 2**40, 10**30, 1.5, float("nan"), float("inf"), "", "x", "O", "\ud800"),
    *("__class__", "V999999999", "(9999,9999)f4", "i4,O", "M8[as]", [], {}, [[]], [None], ["t"]),
    *(["y", 2], ["m", 2, "__class__"], ["p", 2], ["o", 1, "dlcourse.nn.linear.Linear", "x y"]),
    *(["r", 0, 10**18, 1], ["T", "eval"], ["D", "O"], ["N", "__class__"], ["b", "zz"], ["M", 1]),
]


def message():
    """Return a worker's message with one of each kind in it."""
    rng, p = np.random.default_rng(0), Parameter(np.zeros((2, 3), np.float32))
    p.grad = np.ones((2, 3), np.float32)
    x = rng.random((4, 5))
    values = [x, x[1:, ::2], p, rng, (1, [2.5, "a"]), {"k": None, 3: np.float32(1)}, {1, 2}, 1j]
    values += [slice(1, None), ..., np.dtype("f4"), float, np, object(), b"ab", range(3), len]
    coded, news, raw = Crossing(1, None).pack(*values)
    return coded, news, b"".join(raw)


def places(value, path=()):
    """Return the way to everything in a message."""
    found = [path]
    if isinstance(value, list | dict):
        keys = range(len(value)) if isinstance(value, list) else list(value)
        found += [way for key in keys for way in places(value[key], (*path, key))]
    return found


def changed(whole, path, new):
    whole = copy.deepcopy(whole)
    part = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = new
    return whole


def test_a_message_arrives_whole():
    coded, news, raw = message()
    values = Crossing(0, None).unpack(coded, news, memoryview(raw))
    assert np.shares_memory(values[0], values[1])
    assert values[4] == (1, [2.5, "a"])


@pytest.mark.parametrize("seed", range(8))
def test_a_message_with_something_odd_in_it_is_data_or_refused(seed):
    coded, news, raw = message()
    whole, draw = [coded, news], random.Random(seed)
    ways = [way for way in places(whole) if way]
    for _ in range(150):
        bad = changed(whole, draw.choice(ways), draw.choice(ODD))
        if draw.random() < 0.3:
            bad = changed(bad, draw.choice([w for w in places(bad) if w]), draw.choice(ODD))
        try:
            found = Crossing(0, None).unpack(*bad, memoryview(raw))
        except Malformed:
            continue
        for value in found:
            assert not isinstance(value, np.ndarray) or value.size < 10**8
            assert not hasattr(value, "dtype") or value.dtype != object
