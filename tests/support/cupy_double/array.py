"""`cupy.ndarray`: NumPy's numbers behind CuPy's manners.

What is stricter than CuPy says so. Element-wise results and reductions lie in C order, whatever
the order of their operands, as CuPy's do and NumPy's do not.
"""

import math
import operator
import types

import numpy as np

from cupy_double import device
from cupy_double.counters import transfers

REFUSAL = (
    "Implicit conversion to a NumPy array is not allowed. "
    "Please use `.get()` to construct a NumPy array explicitly."
)


class ndarray:  # noqa: N801
    """An array "on the device"."""

    __array_priority__ = 100
    __hash__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        a = np.empty(shape, check_dtype(dtype), order)
        if a.dtype.kind == "f":
            a.fill(np.nan)  # nobody may count on what memory holds
        self._a, self._memory = a, device.Memory(a.nbytes)

    # -- what an array is ----------------------------------------------------------------

    dtype = property(lambda self: self._a.dtype)
    shape = property(lambda self: self._a.shape)
    strides = property(lambda self: self._a.strides)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    itemsize = property(lambda self: self._a.itemsize)
    nbytes = property(lambda self: self._a.nbytes)
    T = property(lambda self: view(self, self._a.T))
    real = property(lambda self: self)

    @property
    def data(self):
        return types.SimpleNamespace(ptr=device.Address(self._a.ctypes.data, self._memory))

    @property
    def flags(self):
        return Flags(self._a.flags.c_contiguous, self._a.flags.f_contiguous)

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    # -- to the host ---------------------------------------------------------------------

    def __array__(self, dtype=None, copy=None):
        raise TypeError(REFUSAL)

    def get(self, stream=None, order="C", out=None, blocking=True):
        if not blocking:
            raise NotImplementedError("the double copies to the host only blocking")
        device.read_by_host(self._memory, stream or device.get_current_stream())
        transfers.to_host += 1
        if out is None:
            return np.array(self._a, order=order)
        out[...] = self._a
        return out

    def item(self):
        device.read_by_host(self._memory, device.get_current_stream())
        transfers.scalars += 1
        return self._a.item()

    def tolist(self):
        return self.get().tolist()

    # No __index__ and no __round__: CuPy's arrays have none either.
    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __bool__(self):
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self.item())

    def __str__(self):
        return str(self.get())

    def __repr__(self):
        return repr(self.get())

    def __format__(self, format_spec):
        return format(self.get() if self.ndim else self.get()[()], format_spec)

    def __reduce__(self):
        return _from_host, (self.get(),)

    # -- views and copies ----------------------------------------------------------------

    def reshape(self, *shape, order="C", copy=None):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        shape = tuple(operator.index(n) for n in shape)
        new = self._a.reshape(shape, order=order, copy=copy)
        return view(self, new) if np.may_share_memory(new, self._a) else fresh(new)

    def ravel(self, order="C"):
        new = self._a.ravel(order)
        return view(self, new) if np.may_share_memory(new, self._a) else fresh(new)

    def flatten(self, order="C"):
        return fresh(self._read().flatten(order))

    def transpose(self, *axes):
        return view(self, self._a.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return view(self, self._a.swapaxes(axis1, axis2))

    def squeeze(self, axis=None):
        return view(self, self._a.squeeze(axis))

    def view(self, dtype=None, type=None):
        return view(self, self._a.view() if dtype is None else self._a.view(dtype))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if not copy and check_dtype(dtype) == self.dtype:
            return self
        with np.errstate(all="ignore"):
            return fresh(self._read().astype(check_dtype(dtype), order))

    def copy(self, order="C"):
        return fresh(self._read().copy(order))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not (self.flags.c_contiguous or self.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        with stream or device.get_current_stream():
            device.used(self._memory)
            self._a[...] = arr
            device.written(self._memory)
        transfers.to_device += 1

    def fill(self, value):
        self[...] = value

    # -- reductions ----------------------------------------------------------------------

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return self._reduce("sum", out, axis=axis, dtype=dtype, keepdims=keepdims)

    def prod(self, axis=None, dtype=None, out=None, keepdims=False):
        return self._reduce("prod", out, axis=axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False):
        return self._reduce("mean", out, axis=axis, dtype=dtype, keepdims=keepdims)

    def var(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        return self._reduce("var", out, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)

    def std(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        return self._reduce("std", out, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)

    def max(self, axis=None, out=None, keepdims=False):
        return self._reduce("max", out, axis=axis, keepdims=keepdims)

    def min(self, axis=None, out=None, keepdims=False):
        return self._reduce("min", out, axis=axis, keepdims=keepdims)

    def all(self, axis=None, out=None, keepdims=False):
        return self._reduce("all", out, axis=axis, keepdims=keepdims)

    def any(self, axis=None, out=None, keepdims=False):
        return self._reduce("any", out, axis=axis, keepdims=keepdims)

    def argmax(self, axis=None, out=None, dtype=None, keepdims=False):
        return self._reduce("argmax", out, axis=axis, keepdims=keepdims)

    def argmin(self, axis=None, out=None, dtype=None, keepdims=False):
        return self._reduce("argmin", out, axis=axis, keepdims=keepdims)

    def cumsum(self, axis=None, dtype=None, out=None):
        return self._reduce("cumsum", out, axis=axis, dtype=dtype)

    def argsort(self, axis=-1, kind=None):
        return fresh(self._read().argsort(axis=axis, kind=kind_of_sort(kind)))

    def sort(self, axis=-1, kind=None):
        self._read().sort(axis=axis, kind=kind_of_sort(kind))
        device.written(self._memory)

    def clip(self, min=None, max=None, out=None):
        with np.errstate(all="ignore"):
            return store(self._read().clip(_operand(min), _operand(max)), out)

    def round(self, decimals=0, out=None):
        return store(self._read().round(decimals), out)

    def repeat(self, repeats, axis=None):
        return fresh(self._read().repeat(repeats, axis))

    def take(self, indices, axis=None, out=None):
        return store(self._read().take(_operand(indices), axis), out)

    def nonzero(self):
        transfers.scalars += 1  # their number decides the shape, so the host waits for it
        return tuple(fresh(index) for index in self._read().nonzero())

    def diagonal(self, offset=0, axis1=0, axis2=1):
        return view(self, self._a.diagonal(offset, axis1, axis2))

    def __matmul__(self, other):
        return store(np.matmul(self._read(), _operand(other)), None)

    def __rmatmul__(self, other):
        return store(np.matmul(_operand(other), self._read()), None)

    def dot(self, b, out=None):
        return store(self._read().dot(_operand(b)), out)

    def _reduce(self, name, out, **options):
        with np.errstate(all="ignore"):
            return store(getattr(self._read(), name)(**options), out)

    # -- indexing ------------------------------------------------------------------------

    def __getitem__(self, slices):
        index = _index(slices)
        if any(isinstance(i, np.ndarray) for i in index):
            return fresh(self._read()[index])
        if not any(i is Ellipsis for i in index):
            index = (*index, Ellipsis)  # so that a single value stays an array
        return view(self, self._a[index])

    def __setitem__(self, slices, value):
        index = _index(slices)
        if isinstance(value, np.ndarray):
            if value.shape != ():
                raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
            value = value.item()
        _check_unique(index)
        device.used(self._memory)
        with np.errstate(all="ignore"):
            self._a[index] = _operand(value)
        device.written(self._memory)

    # -- operators: defined in cupy_double.ufuncs ----------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from cupy_double import ufuncs

        if method != "__call__" or ufunc.__name__ not in ufuncs.UFUNCS:
            return NotImplemented
        return ufuncs.UFUNCS[ufunc.__name__](*inputs, **kwargs)

    def __array_function__(self, func, types, args, kwargs):
        # CuPy would call its function of that name. Ours should not count on it: stricter.
        raise TypeError(f"numpy.{func.__name__} was called with an array of cupy")

    def _read(self):
        device.used(self._memory)
        return self._a


class Flags:
    def __init__(self, c_contiguous, f_contiguous):
        self.c_contiguous = c_contiguous
        self.f_contiguous = f_contiguous


def fresh(a):
    """A new device array of these numbers, written by the current stream."""
    new = ndarray.__new__(ndarray)
    new._a = np.asarray(a)
    check_dtype(new._a.dtype)
    new._memory = device.Memory(new._a.nbytes)
    device.written(new._memory)
    return new


def view(base, a):
    """Another array on the memory of `base`."""
    new = type(base).__new__(type(base))
    new._a, new._memory = a, base._memory
    return new


def store(result, out):
    """A result in C order, or in the array that was given for it."""
    if out is None:
        return fresh(np.array(result, order="C"))
    if not isinstance(out, ndarray):
        raise TypeError("Output arguments type must be cupy.ndarray")
    if out.shape != np.shape(result):
        raise ValueError("Out shape is mismatched")
    device.used(out._memory)
    out._a[...] = result
    device.written(out._memory)
    return out


def check_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind not in "?biufc" and dtype.name != "bfloat16":
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


def kind_of_sort(kind):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    return "stable"


def _operand(value):
    """What an operation may take: an array of the device or a number."""
    if isinstance(value, ndarray):
        return value._read()
    if value is None or isinstance(value, bool | int | float | complex | np.generic):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def _index(slices):
    """Unwrap indices. Lists and NumPy arrays are copied to the device, masks counted there."""
    index = []
    for i in slices if isinstance(slices, tuple) else (slices,):
        if isinstance(i, list | np.ndarray):
            transfers.to_device += 1
            i = np.asarray(i)
        elif isinstance(i, ndarray):
            i = i._read()
        elif i is not None and i is not Ellipsis and not isinstance(i, slice):
            i = operator.index(i)
        if isinstance(i, np.ndarray) and i.dtype == bool:
            transfers.scalars += 1
        index.append(i)
    return tuple(index)


def _check_unique(index):
    """Writing twice to one place is undefined on a GPU: which value stays is chance. Stricter."""
    arrays = [i for i in index if isinstance(i, np.ndarray) and i.dtype != bool]
    if arrays:
        places = np.stack([a.ravel() for a in np.broadcast_arrays(*arrays)])
        if np.unique(places, axis=1).shape[1] != math.prod(places.shape[1:]):
            raise ValueError("an index is written twice: on a GPU the result is undefined")


def _from_host(a):
    transfers.to_device += 1
    return fresh(a)
