import numpy as np
import pytest

from dlcourse.nn.kernels import products
from dlcourse.nn.kernels.products import multiply, sum_of_products

RNG = np.random.default_rng(0)


@pytest.fixture(params=[False, True], ids=["one product", "pieces"])
def pieces(request, monkeypatch):
    # As on processors with the kernels and on those without, whichever this one is.
    monkeypatch.setattr(products, "_small_kernels", lambda: request.param)
    monkeypatch.setattr(products, "_SMALL", 64 * 12)
    monkeypatch.setattr(products, "_FEWEST_ROWS_SUMMED", 16)


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 128, 200])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_are_those_of_matrices(pieces, rows, transposed, dtype):
    a = RNG.standard_normal((3, rows) if transposed else (rows, 3)).astype(dtype)
    a = a.T if transposed else a  # as patches of few channels lie
    b, c = RNG.standard_normal((3, 4)).astype(dtype), RNG.standard_normal((rows, 4)).astype(dtype)
    out = np.empty((rows, 4), dtype)
    multiply(a, b, out)
    total = sum_of_products(a, c)
    assert total.dtype == dtype
    exact = [m.astype(np.float64) for m in (a, b, c)]
    np.testing.assert_allclose(out, exact[0] @ exact[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(total, exact[0].T @ exact[2], rtol=1e-5, atol=1e-4)


def test_pieces_are_cut_only_where_they_pay(monkeypatch):
    monkeypatch.setattr(products, "_small_kernels", lambda: True)
    a = np.empty((10_000, 144), np.float32)
    assert products._pieces(a, 144 * 16, fewest=16) == (9982, 434)
    assert products._pieces(a[:434], 144 * 16, fewest=16) == (0, 0)  # small as it is
    assert products._pieces(a, 144 * 512, fewest=16) == (0, 0)  # pieces of 13 rows
