"""What a difference between two arrays is put down to."""

import re

import numpy as np
import pytest

from dlcourse import check
from dlcourse.check import CheckFailed

RIGHT = np.random.default_rng(0).standard_normal((3, 3, 4, 5))


def message(found, expected, **options):
    with pytest.raises(CheckFailed) as failed:
        check.close(found, expected, "y", **options)
    return str(failed.value)


def changed(*places):
    y = RIGHT.copy()
    for place in places:
        y[place] += 5
    return y


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        (12, 11, "y is 12, and should be 11."),
        (0, 3, "y is 0, and should be 3."),
        (2, 4, "y is 2, and should be 4."),
        (44544, 44543.0, "y is 44544, and should be 44543."),
        (-0.5, 0.5, "y is -0.5, and should be 0.5; only the sign is wrong."),
        (1 / 3, 0.33334, "y is 0.333333, and should be 0.33334; that is off by a share of 2e-05,"),
        (np.ones((1, 1)), np.full((1, 1), 3.0), "y is 1, and should be 3."),
    ],
)
def test_a_single_number_is_told_with_the_one_expected(found, expected, told):
    assert message(found, expected, tolerance=1e-9).startswith(told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda y: y * np.nan, r"NaN or infinity in y \(the first at \[0, 0, 0, 0\]\)"),
        (lambda y: y * 0, "In y every value is 0; nothing was written into it"),
        (lambda y: -y, "Only the sign of y is wrong"),
        (
            lambda y: y * 2,
            "2 times what it should be; it seems to be multiplied by 2 once too often",
        ),
        (
            lambda y: y / 2,
            "0.5 times what it should be; it seems to be divided by 2 once too often",
        ),
        (lambda y: y / 5, "0.2 times .* the length of axis 3 = 5"),
        (lambda y: y * 20, "20 times .* the size of axes 2 and 3 = 20"),
        (lambda y: y + 0.5, "Every value of y is off by 0.5; look at what is added last"),
        (lambda y: y.transpose(1, 0, 2, 3), "right, with two axes swapped"),
        (lambda y: y[:, ::-1], "right, but reversed along axis 1"),
        (lambda y: y.transpose(0, 2, 3, 1).reshape(y.shape), "right, but stand in other places"),
        (lambda y: np.maximum(y, 0), "Where y should be negative, it is 0"),
        (abs, "Where y should be negative, it is positive"),
        (lambda y: y * np.pad(np.ones((2, 3)), 1), "right inside and wrong along the border"),
        (
            lambda y: np.concatenate([y[:1], y[1:] ** 2]),
            "right for the first item only, along axis 0",
        ),
        (lambda y: y + 1e-5 * np.sin(RIGHT), "off by a share of .*float32"),
        (
            lambda y: y**3,
            r"^All values of y are wrong; the largest difference is at \[.*instead of",
        ),
        (lambda y: np.where(y > 0, y**2, y), r"^\d\d% of the values of y are wrong; .* instead of"),
    ],
)
def test_the_cause_is_named(change, told):
    assert re.search(told, message(change(RIGHT.copy()), RIGHT, tolerance=1e-7))


def test_a_factor_is_told_only_where_it_is_a_size_at_hand():
    for factor in (0.7441, 1.069, 1.0001):
        assert "times" not in message(RIGHT * factor, RIGHT)
    assert "divided by N = 7 once too often" in message(RIGHT / 7, RIGHT, sizes={"N": 7})
    assert "times" not in message(RIGHT / 7, RIGHT)


def test_few_wrong_values_are_counted_and_the_first_is_shown():
    told = "178 of 180 values of y are right; the first wrong one is at [1, 0, 2, 3]: "
    assert message(changed((1, 0, 2, 3), (2, 2, 2, 2)), RIGHT).startswith(told)
    told = "7 of 8 values of y are right; the first wrong one is at [6]: -127 instead of -128."
    right = [0, 3, -7, 100, -128, 5, -128, 1]
    assert message(np.array([0, 3, -7, 100, -128, 5, -127, 1]), right) == told
    told = "2 of 3 values of y are right; the first wrong one is at [2]: 4 instead of 3."
    assert message(np.array([1, 2, 4]), [1, 2, 3]) == told


@pytest.mark.parametrize(
    "found",
    [
        changed(1, (2, 0, 0, 0)),  # of one later item only a part is wrong
        changed(2),  # one later item is right
    ],
)
def test_the_first_item_alone_is_right_only_if_all_others_are_wrong(found):
    assert "first item" not in message(found, RIGHT)


def test_a_vector_has_no_first_item():
    assert "first item" not in message(np.array([1.0, 5, 9, 7]), [1.0, 2, 3, 4])


def test_a_few_wrong_values_along_the_border_are_not_put_down_to_padding():
    assert "padding" not in message(changed((0, 0, 0, 0), (1, 1, 3, 4)), RIGHT)
