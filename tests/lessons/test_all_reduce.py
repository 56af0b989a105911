import numpy as np
import pytest

from dlcourse.distributed import Threads
from dlcourse.distributed.reduction import pieces
from dlcourse.lessons.all_reduce import ALL_REDUCE, ring_all_gather, ring_reduce_scatter

LENGTHS = (0, 1, 2, 3, 5, 7, 8, 9, 16, 100)


def data(size, length, dtype=np.float32):
    return np.random.default_rng((size, length)).standard_normal((size, length)).astype(dtype)


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_sum_on_every_rank(name, size):
    def work(peer):
        results = []
        for length in LENGTHS:
            x = data(size, length)[peer.rank].copy()
            ALL_REDUCE[name](peer, x)
            results.append(x)
        return results

    found = Threads.run(size, work)
    for i, length in enumerate(LENGTHS):
        values = data(size, length)
        for rank in range(size):
            assert found[rank][i].dtype == np.float32
            assert found[rank][i].tobytes() == found[0][i].tobytes(), "ranks differ"
        np.testing.assert_allclose(
            found[0][i], values.sum(axis=0), rtol=1e-5, atol=1e-5, err_msg=f"{length} values"
        )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_shape_and_dtype_stay(name, dtype):
    def work(peer):
        x = np.full((2, 3, 5), peer.rank + 1, dtype)
        ALL_REDUCE[name](peer, x)
        return x

    for x in Threads.run(4, work):
        assert x.dtype == dtype
        np.testing.assert_array_equal(x, np.full((2, 3, 5), 10))


@pytest.mark.parametrize("name", ALL_REDUCE)
def test_an_array_in_pieces_is_refused(name):
    x = np.zeros((4, 6), np.float32)[:, ::2]
    with pytest.raises(ValueError, match=r"lies in one piece, found strides \(24, 8\)"):
        ALL_REDUCE[name](Threads, x)  # before any message


@pytest.mark.parametrize("size", range(1, 9))
def test_halves_of_the_ring(size):
    length = 11
    values = data(size, length)

    def work(peer):
        x = values[peer.rank].copy()
        ring_reduce_scatter(peer, x)
        own = x[pieces(length, size)[peer.rank]].copy()
        x[:] = np.nan
        x[pieces(length, size)[peer.rank]] = own
        ring_all_gather(peer, x)
        return own, x

    for rank, (own, whole) in enumerate(Threads.run(size, work)):
        expected = values.sum(axis=0)
        np.testing.assert_allclose(own, expected[pieces(length, size)[rank]], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
