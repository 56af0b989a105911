"""CuPy's functions, each with exactly CuPy's parameters; what they take is checked as CuPy does."""

import types

import numpy as np

from cupy_double import device
from cupy_double.array import (
    _operand,
    check_dtype,
    fresh,
    kind_of_sort,
    ndarray,
    store,
    view,
)
from cupy_double.counters import transfers


def _array(a):
    """What a function that takes only arrays may take."""
    if not isinstance(a, ndarray):
        raise TypeError(f"Unsupported type {type(a)}")
    return a._read()


# -- creation ----------------------------------------------------------------------------


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if isinstance(obj, ndarray):
        new = obj.astype(obj.dtype if dtype is None else dtype, order, copy=copy)
        return new if new.ndim >= ndmin else new.reshape((1,) * (ndmin - new.ndim) + new.shape)
    transfers.to_device += 1
    return fresh(np.array(obj, dtype=dtype, order=order, ndmin=ndmin))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, bool(copy), order or "K", blocking=blocking)


def ascontiguousarray(a, dtype=None):
    if isinstance(a, ndarray) and a.flags.c_contiguous and dtype in (None, a.dtype):
        return a
    return array(a, dtype, copy=True, order="C")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    if isinstance(a, ndarray):
        return a.get(stream=stream, order=order, out=out, blocking=blocking)
    return np.asarray(a, order=order)


def empty(shape, dtype=float, order="C"):
    return ndarray(shape, dtype, order=order)


def zeros(shape, dtype=float, order="C"):
    return fresh(np.zeros(shape, check_dtype(dtype), order))


def ones(shape, dtype=float, order="C"):
    return fresh(np.ones(shape, check_dtype(dtype), order))


def full(shape, fill_value, dtype=None, order="C"):
    new = empty(shape, np.result_type(fill_value) if dtype is None else dtype, order)
    new[...] = fill_value
    return new


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    _array_or_host(prototype)
    new = fresh(np.empty_like(prototype._a, dtype, order, shape=shape))
    if new.dtype.kind == "f":
        new._a.fill(np.nan)
    return new


def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    _array_or_host(a)
    return fresh(np.zeros_like(a._a, dtype, order, shape=shape))


def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    _array_or_host(a)
    return fresh(np.ones_like(a._a, dtype, order, shape=shape))


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    new = empty_like(a, dtype, order, subok, shape)
    new[...] = fill_value
    return new


def _array_or_host(a):
    # CuPy makes a device array like one of NumPy as well. We should know which we have: stricter.
    if not isinstance(a, ndarray):
        raise TypeError(f"Unsupported type {type(a)}")


def arange(start, stop=None, step=1, dtype=None):
    return fresh(np.arange(*((start,) if stop is None else (start, stop, step)), dtype=dtype))


def eye(N, M=None, k=0, dtype=float, order="C"):
    return fresh(np.eye(N, M, k, check_dtype(dtype), order))


def copyto(dst, src, casting="same_kind", where=None):
    if where is not None:
        raise NotImplementedError("the double has no copyto(where=...)")
    if not np.can_cast(src.dtype, dst.dtype, casting):
        raise TypeError(f"Cannot cast {src.dtype} to {dst.dtype} in {casting} casting mode")
    dst[...] = src


# -- shape -------------------------------------------------------------------------------


def reshape(a, newshape, order="C", *, copy=None):
    return a.reshape(newshape, order=order, copy=copy)


def transpose(a, axes=None):
    return a.transpose(*([] if axes is None else [axes]))


def moveaxis(a, source, destination):
    return view(a, np.moveaxis(a._a, source, destination))


def expand_dims(a, axis):
    return view(a, np.expand_dims(a._a, axis))


def broadcast_to(array, shape):
    return view(array, np.broadcast_to(array._a, shape))


def flip(a, axis=None):
    return view(a, np.flip(a._a, axis))


def concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    arrays = [_array(a) for a in tup]
    return store(np.concatenate(arrays, axis, dtype=dtype, casting=casting), out)


def stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    arrays = [_array(a) for a in tup]
    return store(np.stack(arrays, axis, dtype=dtype, casting=casting), out)


def tile(A, reps):
    return fresh(np.array(np.tile(_array(A), reps), order="C"))


def repeat(a, repeats, axis=None):
    return a.repeat(repeats, axis)


def pad(array, pad_width, mode="constant", **kwargs):
    return fresh(np.array(np.pad(_array(array), pad_width, mode, **kwargs), order="C"))


# -- arithmetic --------------------------------------------------------------------------


def where(condition, x=None, y=None):
    if x is None and y is None:
        return condition.nonzero()
    return store(np.where(_array(condition), _operand(x), _operand(y)), None)


def clip(a, a_min, a_max, out=None):
    return a.clip(a_min, a_max, out)


def round(a, decimals=0, out=None):
    return a.round(decimals, out)


def dot(a, b, out=None):
    return store(np.dot(_array(a), _array(b)), out)


def matmul(
    *args,
    axes=None,
    axis=None,
    keepdims=False,
    casting="same_kind",
    dtype=None,
    signature=None,
    order="K",
    out=None,
):
    if (axes, axis, keepdims, dtype, signature) != (None, None, False, None, None):
        raise NotImplementedError("the double has only matmul(a, b, out=...)")
    a, b = args
    return store(np.matmul(_array(a), _array(b)), out)


def einsum(*operands, **kwargs):
    if kwargs.keys() - {"dtype", "optimize"}:
        raise TypeError(f"Unknown keyword arguments {sorted(kwargs)}")
    subscripts, *arrays = operands
    return store(np.einsum(subscripts, *[_array(a) for a in arrays], **kwargs), None)


def tensordot(a, b, axes=2):
    return store(np.tensordot(_array(a), _array(b), axes), None)


def argsort(a, axis=-1, kind=None):
    return fresh(_array(a).argsort(axis=axis, kind=kind_of_sort(kind)))


def sort(a, axis=-1, kind=None):
    return fresh(np.sort(_array(a), axis=axis, kind=kind_of_sort(kind)))


def take_along_axis(a, indices, axis):
    return store(np.take_along_axis(_array(a), _array(indices), axis), None)


def bincount(x, weights=None, minlength=None):
    transfers.scalars += 1
    return fresh(np.bincount(_array(x), _operand(weights), minlength or 0))


def flatnonzero(a):
    return a.ravel().nonzero()[0]


def array_equal(a1, a2, equal_nan=False):
    return fresh(np.array(np.array_equal(_array(a1), _array(a2), equal_nan)))


def sum(a, axis=None, dtype=None, out=None, keepdims=False):
    return a.sum(axis, dtype, out, keepdims)


def mean(a, axis=None, dtype=None, out=None, keepdims=False):
    return a.mean(axis, dtype, out, keepdims)


def max(a, axis=None, out=None, keepdims=False):
    return a.max(axis, out, keepdims)


def min(a, axis=None, out=None, keepdims=False):
    return a.min(axis, out, keepdims)


def all(a, axis=None, out=None, keepdims=False):
    return a.all(axis, out, keepdims)


def any(a, axis=None, out=None, keepdims=False):
    return a.any(axis, out, keepdims)


def argmax(a, axis=None, dtype=None, out=None, keepdims=False):
    return a.argmax(axis, out, dtype, keepdims)


def cumsum(a, axis=None, dtype=None, out=None):
    return a.cumsum(axis, dtype, out)


def _norm(x, ord=None, axis=None, keepdims=False):
    return store(np.linalg.norm(_array(x), ord, axis, keepdims), None)


linalg = types.SimpleNamespace(norm=_norm)


def _as_strided(x, shape=None, strides=None):
    return view(x, np.lib.stride_tricks.as_strided(x._a, shape, strides))


def _sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    return view(x, np.lib.stride_tricks.sliding_window_view(x._a, window_shape, axis))


lib = types.SimpleNamespace(
    stride_tricks=types.SimpleNamespace(
        as_strided=_as_strided, sliding_window_view=_sliding_window_view
    )
)


def is_available():
    return device.is_available()


def get_default_memory_pool():
    return device.get_default_memory_pool()
