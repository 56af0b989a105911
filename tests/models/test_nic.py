import numpy as np
import pytest
from gradients import STEP

from dlcourse.models import NIC
from dlcourse.nn import CrossEntropyLoss


def test_backward_is_the_gradient():
    rng = np.random.default_rng(0)
    nic = NIC(7, size=32, features=5, hidden=6, rng=rng).astype(np.float64).eval()
    x = rng.random((3, 3, 32, 32))
    words, said = rng.integers(0, 7, (2, 4, 3))
    loss = CrossEntropyLoss()

    def value():
        return loss(nic(x, words).transpose(0, 2, 1), said)

    value()
    dx = nic.backward(loss.backward().transpose(0, 2, 1))
    arrays = {name: (p.data, p.grad) for name, p in nic.named_parameters()} | {"x": (x, dx)}
    for name, (values, grad) in arrays.items():
        for index in rng.permutation(values.size)[:4]:
            place = np.unravel_index(index, values.shape)
            middle, differences = values[place], []
            for step in (STEP, -STEP):
                values[place] = middle + step
                differences.append(value())
            values[place] = middle
            slope = (differences[0] - differences[1]) / (2 * STEP)
            assert grad[place] == pytest.approx(slope, rel=1e-4, abs=1e-8), name


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


def test_wrong_input_says_what_was_expected():
    nic = NIC(7, size=32, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"words \(T, 1\) for 1 pictures"):
        nic(np.zeros((1, 3, 32, 32), np.float32), np.zeros((4, 2), int))
    with pytest.raises(ValueError, match="multiple of 32, found 40"):
        NIC(7, size=40, rng=np.random.default_rng(0))
