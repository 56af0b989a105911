"""Kernels in C for what NumPy would do in several passes, and functions that call them.

They are the processor's counterpart of `dlcourse.cuda`. Each kernel is in a ``.c`` file beside this
one. The system's compiler makes them when they are first used, or the compiler that the package
``ziglang`` brings, and they are kept in the user's cache. A layer asks `has_kernels` whether they
can serve its arrays; where they cannot, it computes with NumPy. ``DLCOURSE_KERNELS=off`` in the
environment does without them.
"""

from dlcourse.kernels import plain
from dlcourse.native.library import has_kernels, source, status

__all__ = ["has_kernels", "plain", "source", "status"]
