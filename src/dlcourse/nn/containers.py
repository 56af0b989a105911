"""Modules made of modules: one after another, side by side, around a shortcut."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Self, overload

from dlcourse.backend import Array, array_module, elementwise
from dlcourse.nn.chained import chained
from dlcourse.nn.contract import place
from dlcourse.nn.module import Module


class _Container(Module):
    """Modules kept in a list and named by their position, as in torch."""

    hints: ClassVar = Module.hints | {"pop": "write del net[-1]"}

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        self._modules: list[Module] = []
        self.extend(modules)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        yield from ((str(i), module) for i, module in enumerate(self._modules))

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Module | Self:
        """Return a module, or a container of some of the same modules."""
        if not isinstance(index, slice):
            return self._modules[index]
        part = copy.copy(self)
        part._modules = self._modules[index]
        return part

    def __setitem__(self, index: int, module: Module) -> None:
        self._modules[index] = self._checked(module)

    def __delitem__(self, index: int | slice) -> None:
        del self._modules[index]

    def add_module(self, name: str, module: Module) -> None:
        """Put a module in the place of that name, or at the end if there is none."""
        names = [name for name, _ in self.named_children()]
        if name in names:
            self[names.index(name)] = module
        else:
            self.append(module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end, and return the container."""
        return self.extend([module])

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end, and return the container."""
        self._modules += [self._checked(module) for module in modules]
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at `index`, and return the container."""
        self._modules.insert(index, self._checked(module))
        return self

    def _checked(self, module: Module) -> Module:
        """Return the module, if it is one."""
        if isinstance(module, Module):
            return module
        kind = type(self).__name__
        if isinstance(module, type):
            hint = f"make one, {kind}({module.__name__}())"
        elif isinstance(module, Mapping):
            hint = "parts with names are the attributes of a class that derives from Chain"
        elif isinstance(module, Iterable):
            hint = f"write {kind}(*modules)"
        else:
            hint = "derive a class from Module for a function of your own"
        found = module.__name__ if isinstance(module, type) else type(module).__name__
        raise TypeError(f"{kind} takes modules one by one, found {found}: {hint}")


class Chain(Module):
    """Base of modules whose parts run one after another, in the order of their assignment.

    Like `Sequential`, but the parts have names.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Linear, ReLU
    >>> class Hidden(Chain):
    ...     def __init__(self, rng):
    ...         super().__init__()
    ...         self.linear = Linear(4, 8, rng=rng)
    ...         self.relu = ReLU()
    >>> net = Hidden(np.random.default_rng(0))
    >>> net(np.ones((5, 4), np.float32)).shape, list(net.state_dict())
    ((5, 8), ['linear.weight', 'linear.bias'])
    """

    def forward(self, x: Array) -> Array:
        return chained(x, *self.children())

    def backward(self, dy: Array) -> Array:
        before = [*self.children()]
        while before:
            part = before.pop()
            dy = part.backward(dy)
            if dy is None:
                _check_end(part, before)
                break
        return dy

    def entrance(self) -> Module | None:
        # What is before the first part with parameters, such as a border, learns nothing.
        parts = [*self.children()]
        return next((part for part in parts if part.parameters()), parts[0] if parts else None)


def _check_end(part: Module, before: Sequence[Module]) -> None:
    """Refuse to end the way back at a part if one before it has something to learn."""
    if any(p.requires_grad for module in before for p in module.parameters()):
        raise RuntimeError(
            f"backward of {place(part)} returned None, but layers before it learn: end it with "
            "`return` and leave its input_grad True, or freeze them with requires_grad_(False)"
        )


class Sequential(_Container, Chain):
    """Modules one after another: each takes the output of the one before.

    Parameters
    ----------
    *modules : Module
        The modules in order. Their names in the state are "0", "1", ...

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Linear, ReLU
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(4, 8, rng=rng), ReLU(), Linear(8, 2, rng=rng))
    >>> net(np.ones((5, 4), np.float32)).shape
    (5, 2)
    """


class Concat(_Container):
    """Branches side by side on the same input, their outputs joined along the channels.

    The width of GoogLeNet's Inception block (Szegedy et al. 2015).

    Parameters
    ----------
    *branches : Module
        Each takes (N, C, H, W) and gives (N, C_i, H', W') with one common H', W'.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import ReLU, Tanh
    >>> Concat(ReLU(), Tanh())(np.ones((1, 3, 2, 2), np.float32)).shape
    (1, 6, 2, 2)
    """

    def forward(self, x: Array) -> Array:
        outputs = [branch(x) for branch in self]
        shapes = [y.shape for y in outputs]
        if not shapes or any(len(s) != 4 or s[2:] != shapes[0][2:] for s in shapes):
            raise ValueError(
                "Concat expects branches that give (N, C, H, W) with one H and W, found "
                f"{' and '.join(map(str, shapes)) or 'no branch'}"
            )
        self.widths = [y.shape[1] for y in outputs]
        return join(outputs)

    def backward(self, dy: Array) -> Array:
        dx, start = None, 0
        for branch, width in zip(self, self.widths, strict=True):
            share = branch.backward(dy[:, start : start + width])
            dx = share if dx is None else elementwise("add", dx, share)
            start += width
        return dx


def join(images: Sequence[Array]) -> Array:
    """Return images (N, C_i, H, W) joined along the channels; in memory they lie (N, H, W, C).

    Examples
    --------
    >>> import numpy as np
    >>> join([np.zeros((2, 3, 5, 5)), np.zeros((2, 1, 5, 5))]).shape
    (2, 4, 5, 5)
    """
    xp = array_module(*images)
    n, _, h, w = images[0].shape
    channels = sum(x.shape[1] for x in images)
    y = xp.empty((n, h, w, channels), images[0].dtype).transpose(0, 3, 1, 2)
    return xp.concatenate(images, axis=1, out=y)  # by itself CuPy would not keep that order


class Residual(Module):
    """A body with a shortcut around it: ``y = body(x) + shortcut(x)`` (He et al. 2016a).

    Parameters
    ----------
    body : Module
        The residual function F.
    shortcut : Module, optional
        What the input passes on its way round; the identity when left out. A projection is
        needed where the body changes the shape.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import ReLU
    >>> Residual(ReLU())(np.array([[-1.0, 2.0]], np.float32))
    array([[-1.,  4.]], dtype=float32)
    """

    def __init__(self, body: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: Array) -> Array:
        around = x if self.shortcut is None else self.shortcut(x)
        y = self.body(x)
        if y.shape != around.shape:
            raise ValueError(
                f"Residual expects a body and a shortcut of one shape, found {y.shape} and "
                f"{around.shape}: write Residual(body, shortcut) with a convolution around it"
            )
        return elementwise("add", y, around)

    def backward(self, dy: Array) -> Array:
        around = dy if self.shortcut is None else self.shortcut.backward(dy)
        return elementwise("add", self.body.backward(dy), around)
