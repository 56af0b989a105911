"""Which arrays kernels in C take."""

import numpy as np
import pytest

from dlcourse import cuda, native

pytestmark = pytest.mark.skipif(not native.status()[0], reason=native.status()[1])


def test_what_has_no_kernel():
    x = np.ones(3, np.float32)
    assert (
        native.has_kernels(x) and native.has_kernels(x, x) and native.has_kernels(x.astype(float))
    )
    assert not native.has_kernels(x.astype(np.float16))
    assert not native.has_kernels(x.astype(np.longdouble))
    assert not native.has_kernels(x.astype(np.int32))
    assert not native.has_kernels(x.astype(x.dtype.newbyteorder()))
    assert not native.has_kernels(x, x.astype(np.float64))
    assert not native.has_kernels(x, [1.0])
    assert not native.has_kernels(1.0)
    with cuda.plain():
        assert not native.has_kernels(x)
    assert cuda.plain is native.plain


def test_an_array_of_another_dtype_is_refused_before_it_is_misread():
    rows, mean = np.ones((2, 3), np.float32), np.ones(3, np.float16)
    with pytest.raises(TypeError, match="channel_sums takes arrays of one dtype, found float32"):
        native.channel_sums(rows, rows, mean)
