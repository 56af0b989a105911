"""Which array library an array belongs to: NumPy, or CuPy on a GPU.

Only this file and `dlcourse.cuda` know CuPy. Everything else asks :func:`array_module`
for the library of the array at hand, and works unchanged on both.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.expect import missing

#: An array of either library. CuPy has no stubs, so this is only a name for readers.
Array = Any


def array_module(*arrays: Array) -> ModuleType:
    """Return the library that the arrays belong to.

    Parameters
    ----------
    *arrays : array or scalar
        Anything other than a CuPy array counts as NumPy's.

    Returns
    -------
    module
        ``numpy``, or ``cupy`` when any of the arrays lies on a GPU.

    Examples
    --------
    >>> xp = array_module(np.ones(3))
    >>> xp.__name__
    'numpy'
    """
    # An array of CuPy can only exist once cupy has been imported, so checking is free.
    cupy = sys.modules.get("cupy")
    if cupy is not None and any(isinstance(a, cupy.ndarray) for a in arrays):
        return cupy
    return np


def is_array(x: Any) -> bool:
    """Return whether `x` is an array, or a number, of NumPy or CuPy; torch's tensors are not.

    Examples
    --------
    >>> is_array(np.ones(3)), is_array([1.0, 2.0])
    (True, False)
    """
    return isinstance(getattr(x, "dtype", None), np.dtype)


def each(change: Callable[..., Any], y: Any, *others: Any) -> Any:
    """Return an array changed, or of a tuple of arrays the same kind of tuple of them changed.

    Networks with several outputs return a tuple of them. `others` are further arguments, then one
    for each array.

    Examples
    --------
    >>> each(len, np.ones(3)), each(len, (np.ones(3), np.ones(2)))
    (3, (3, 2))
    """
    if not isinstance(y, tuple):
        return change(y, *others)
    return getattr(type(y), "_make", tuple)(map(change, y, *others))


def to_numpy(x: Array) -> np.ndarray:
    """Return `x` as a NumPy array, copied from the GPU if it lies there.

    Examples
    --------
    >>> to_numpy([1, 2])
    array([1, 2])
    """
    xp = array_module(x)
    return np.asarray(x) if xp is np else xp.asnumpy(x)


def synchronize(x: Array) -> None:
    """Wait until a GPU has finished its work on the array; on a CPU do nothing.

    Examples
    --------
    >>> synchronize(np.zeros(2))
    """
    xp = array_module(x)
    if xp is not np:
        xp.cuda.get_current_stream().synchronize()


def to_device(x: Array, device: str) -> Array:
    """Return `x` on a device: ``"cpu"``, or ``"cuda"``, which is also ``"cuda:0"``.

    Raises
    ------
    ValueError
        If `device` is another word.
    ImportError
        If `device` is ``"cuda"`` and CuPy is not installed.
    RuntimeError
        If there is no GPU.

    Examples
    --------
    >>> to_device(np.zeros(2), "cpu")
    array([0., 0.])
    """
    name = str(device).removesuffix(":0")  # works for a torch.device as well
    if name == "cpu":
        return to_numpy(x)
    if name == "cuda":
        return _cupy().asarray(x)
    raise ValueError(
        f"device must be 'cpu' or 'cuda', found {device!r}; for another dtype write "
        "model.astype(np.float64)"
    )


def cuda_status() -> str:
    """Say in one sentence whether a GPU can be used, and if not, what is missing.

    Examples
    --------
    >>> isinstance(cuda_status(), str)
    True
    """
    try:
        cupy = _cupy()
    except (ImportError, RuntimeError) as error:
        return str(error)
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return f"cupy {cupy.__version__} on {properties['name'].decode()}"


def elementwise(name: str, x: Array, *others: Array) -> Array:
    """Return ``xp.name(x, *others)`` in the dtype and memory order of `x`.

    NumPy's element-wise functions keep the order of their inputs. CuPy's results lie in C order,
    which would lay images out as (N, C, H, W) that lay in memory as (N, H, W, C).

    Examples
    --------
    >>> elementwise("multiply", np.array([1.0, 2.0], np.float32), np.array([True, False]))
    array([1., 0.], dtype=float32)
    """
    xp = array_module(x)
    function = getattr(xp, name)
    return function(x, *others) if xp is np else function(x, *others, out=xp.empty_like(x))


def same_order(*arrays: Array) -> bool:
    """Return whether arrays of one shape lie in memory in one order of axes, without gaps.

    Work on one value after another can then go along the memory.

    Examples
    --------
    >>> x = np.zeros((2, 3, 4))
    >>> same_order(x), same_order(x.T, x.T.copy("K")), same_order(x, x[:, ::-1])
    (True, True, False)
    """
    if all(array.flags.c_contiguous for array in arrays):
        return True
    first = arrays[0]
    order = sorted(range(first.ndim), key=first.strides.__getitem__, reverse=True)
    return all(array.transpose(order).flags.c_contiguous for array in arrays)


def laid_out(x: Array, like: Array) -> Array:
    """Return `x`, or a copy if it does not lie in memory as another array without gaps does.

    Examples
    --------
    >>> x, like = np.zeros((2, 3)), np.zeros((3, 2)).T
    >>> laid_out(x, x) is x, laid_out(x, like).strides
    (True, (8, 16))
    """
    if x.strides == like.strides or same_order(like, x):
        return x
    copied = array_module(like).empty_like(like, dtype=x.dtype)
    copied[...] = x
    return copied


def sum_dtype(dtype: DTypeLike) -> np.dtype:
    """Return the dtype to add up values of a dtype in: float32 for float16.

    In float16 a sum of ones ends at 2048, and no sum passes 65504.

    Examples
    --------
    >>> sum_dtype(np.float16), sum_dtype(np.float64)
    (dtype('float32'), dtype('float64'))
    """
    return np.promote_types(dtype, np.float32)


def masked(x: Array, keep: Array, out: Array | None = None) -> Array:
    """Return floating-point `x` where `keep` is true and 0 elsewhere, in the memory order of `x`.

    A product with the mask would do so for finite values only: 0 times infinity is NaN. Here bits
    are kept or cleared, which is just as fast.

    Examples
    --------
    >>> masked(np.array([1.0, np.inf, np.nan]), np.array([True, False, True]))
    array([ 1.,  0., nan])
    """
    if x.itemsize > 8:  # a longdouble, for which there is no integer as wide
        out = np.empty_like(x) if out is None else out
        out[...] = x
        np.copyto(out, 0, where=~keep)
        return out
    bits = np.dtype(f"i{x.itemsize}")
    ones = -keep.view(np.int8)  # all bits set where true
    if out is None:
        return elementwise("bitwise_and", x.view(bits), ones).view(x.dtype)
    array_module(x).bitwise_and(x.view(bits), ones, out=out.view(bits))
    return out


def random_uniform(rng: np.random.Generator, shape: tuple[int, ...], like: Array) -> Array:
    """Draw float32 from [0, 1) with a NumPy generator, into the library and device of `like`.

    Numbers are always drawn by NumPy, so a seed gives the same bits on every device.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> random_uniform(rng, (2,), like=np.empty(0)).dtype
    dtype('float32')
    """
    return array_module(like).asarray(rng.random(shape, dtype=np.float32))


class MemoryPool(NamedTuple):
    """Bytes of a GPU's memory, as CuPy's pool sees them."""

    used: int  #: by arrays that exist
    held: int  #: by the pool: those, and freed ones that it keeps for the next array
    total: int  #: of the GPU


def memory_pool() -> MemoryPool:
    """Return how much of the GPU's memory is in use.

    Getting memory from CUDA is slow, and waits for all work. So CuPy keeps what is freed in a pool,
    and `held` shows the most that was in use at once since the pool was last emptied with
    `empty_memory_pool`.

    Raises
    ------
    ImportError
        If CuPy is not installed.
    RuntimeError
        If there is no GPU.
    """
    cupy = _cupy()
    pool = cupy.get_default_memory_pool()
    return MemoryPool(pool.used_bytes(), pool.total_bytes(), cupy.cuda.runtime.memGetInfo()[1])


def empty_memory_pool() -> None:
    """Give memory that no array uses back to the GPU.

    Raises
    ------
    ImportError
        If CuPy is not installed.
    RuntimeError
        If there is no GPU.
    """
    _cupy().get_default_memory_pool().free_all_blocks()


def _cupy() -> ModuleType:
    if importlib.util.find_spec("cupy") is None:
        raise missing("CuPy", "a GPU", "'dlcourse[gpu]'")
    cupy = importlib.import_module("cupy")
    if not cupy.is_available():
        raise RuntimeError(f"cupy {cupy.__version__} is installed but finds no CUDA GPU")
    return cupy
