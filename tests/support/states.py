"""What a network or an optimizer holds, before and after."""

import contextlib

import numpy as np


def copied(owner):
    return {name: array.copy() for name, array in owner.state_dict().items()}


def assert_state(owner, expected):
    assert owner.state_dict().keys() == expected.keys()
    for name, array in owner.state_dict().items():
        np.testing.assert_array_equal(array, expected[name], name)


@contextlib.contextmanager
def unchanged(owner):
    """Assert that a block leaves every array of the state as it was."""
    before = copied(owner)
    yield
    assert_state(owner, before)
