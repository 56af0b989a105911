"""An explorer of the Inception block: what each of its branches gives and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from dlcourse.explore.lib.widget import Explorer
from dlcourse.models.googlenet import BLOCKS


@dataclass(frozen=True)
class _Block:
    """An Inception block: its input, and the output channels of its six convolutions."""

    in_channels: int
    size: int
    ch1x1: int
    ch3x3red: int
    ch3x3: int
    ch5x5red: int
    ch5x5: int
    pool_proj: int


#: What a block is made of: its input, and the output channels of its six convolutions.
NAMES = tuple(field.name for field in fields(_Block))

#: Height and width of the images, by the first letter of a block's name.
_SIZES = {"3": 28, "4": 14, "5": 7}
#: The blocks of GoogLeNet in the order of `NAMES` (Szegedy et al. 2015, table 1).
PUBLISHED: dict[str, tuple[int, ...]] = {
    name: (block[0], _SIZES[name[0]], *block[1:]) for name, block in BLOCKS.items()
}

#: Sliders move in steps of this many channels; all published widths are multiples of it.
STEP = 8
#: The largest width that a slider reaches.
MOST = 1024


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    blocks: dict[str, _Block]
    step: int
    most: int


def inception(blocks: Mapping[str, tuple[int, ...]] = PUBLISHED) -> Explorer:
    """Change the widths of an Inception block and read off what each branch costs.

    Parameters
    ----------
    blocks : mapping from str to tuple of 8 int
        What the reader can start from, by name: the values of `NAMES`, in that order.

    Raises
    ------
    ValueError
        If a block has the wrong number of values, or a width that the sliders cannot show.

    Examples
    --------
    >>> inception().data["blocks"]["3a"]["ch3x3"]
    128
    """
    if not blocks:
        raise ValueError("expected at least one block, found none")
    for name, block in blocks.items():
        if len(block) != len(NAMES):
            raise ValueError(
                f"block {name!r} must have {len(NAMES)} values ({', '.join(NAMES)}), "
                f"found {len(block)}"
            )
        channels = [block[0], *block[2:]]
        if block[1] < 1 or any(c % STEP or not STEP <= c <= MOST for c in channels):
            raise ValueError(
                f"channels of block {name!r} must be multiples of {STEP} from {STEP} to {MOST}, "
                f"and its size at least 1; found {block}"
            )
    data = _Data({name: _Block(*block) for name, block in blocks.items()}, STEP, MOST)
    return Explorer("inception", "Explorer: the branches of an Inception block", data)
