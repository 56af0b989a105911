"""What the reports on a network share: its modules, each once, and how a table is set."""

from __future__ import annotations

from collections.abc import Container, Sequence

from dlcourse.nn import Module


def named_once(model: Module) -> list[tuple[str, Module]]:
    """Return the modules of a network, each once, under its first name.

    Examples
    --------
    >>> from dlcourse.nn import ReLU, Sequential
    >>> shared = ReLU()
    >>> [name for name, _ in named_once(Sequential(shared, Sequential(shared)))]
    ['', '0', '1']
    """
    seen: dict[int, tuple[str, Module]] = {}
    for name, module in model.named_modules():
        seen.setdefault(id(module), (name, module))
    return list(seen.values())


def is_layer(module: Module) -> bool:
    """Return whether a module has no others inside."""
    return not any(module.named_children())


def table(lines: Sequence[Sequence[str]], left: Container[int]) -> str:
    """Return lines of cells as text, with a rule below the first and above the last.

    Parameters
    ----------
    lines : sequence of sequences of str
        The head, the rows, and the total.
    left : container of int
        The numbers of the columns that are set to the left; others are set to the right.

    Examples
    --------
    >>> print(table([["layer", "M"], ["conv", "1"], ["total", "10"]], left={0}))
    layer   M
    ---------
    conv    1
    ---------
    total  10
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rule = "-" * len(text[0])
    return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])
