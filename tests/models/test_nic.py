import numpy as np
from gradients import check_gradients

from dlcourse.models import NIC


def test_backward_is_the_gradient():
    rng = np.random.default_rng(0)
    nic = NIC(7, size=32, features=5, hidden=6, rng=rng).eval()
    inputs = rng.random((3, 3, 32, 32)), rng.integers(0, 7, (4, 3))
    check_gradients(nic, inputs, rng, entries=4)


def test_a_word_does_not_see_those_after_it():
    rng = np.random.default_rng(0)
    nic = NIC(7, size=32, rng=rng).eval()
    x, words = rng.random((2, 3, 32, 32), dtype=np.float32), rng.integers(0, 7, (5, 2))
    before = nic(x, words)
    words[3:] = 0
    after = nic(x, words)
    np.testing.assert_array_equal(before[:3], after[:3])
    assert not np.array_equal(before[3], after[3])
    assert not np.array_equal(nic(x[::-1], words)[0], after[0])  # and each sees its picture
