import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.nn import Embedding


@pytest.mark.parametrize("shape", [(4,), (3, 5)])
def test_rows_are_looked_up_and_repeated_words_add_up_their_gradients(shape):
    rng = np.random.default_rng(0)
    embedding = Embedding(6, 4, rng=rng)
    words = rng.integers(0, 3, shape)  # few words, so that some repeat
    y = embedding(words)
    np.testing.assert_array_equal(y, embedding.weight.data[words])
    assert y.dtype == np.float32
    check_gradients(embedding, words, rng)
    embedding.backward(np.ones_like(y))
    counts = np.bincount(words.ravel(), minlength=6)
    np.testing.assert_array_equal(embedding.weight.grad, np.repeat(counts[:, None], 4, axis=1))


def test_no_words_have_no_rows():
    embedding = Embedding(3, 2, rng=np.random.default_rng(0))
    assert embedding(np.zeros((0,), int)).shape == (0, 2)
