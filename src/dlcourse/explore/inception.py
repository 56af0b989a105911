"""An explorer of the Inception block: what each of its branches gives and costs."""

from __future__ import annotations

from collections.abc import Mapping

from dlcourse.explore.widget import Explorer

#: What a block is made of: its input, and the output channels of its six convolutions.
NAMES = ("in_channels", "size", "ch1x1", "ch3x3red", "ch3x3", "ch5x5red", "ch5x5", "pool_proj")

#: The blocks of GoogLeNet in the order of `NAMES` (Szegedy et al. 2015, table 1).
PUBLISHED: dict[str, tuple[int, ...]] = {
    "3a": (192, 28, 64, 96, 128, 16, 32, 32),
    "3b": (256, 28, 128, 128, 192, 32, 96, 64),
    "4a": (480, 14, 192, 96, 208, 16, 48, 64),
    "4b": (512, 14, 160, 112, 224, 24, 64, 64),
    "4c": (512, 14, 128, 128, 256, 24, 64, 64),
    "4d": (512, 14, 112, 144, 288, 32, 64, 64),
    "4e": (528, 14, 256, 160, 320, 32, 128, 128),
    "5a": (832, 7, 256, 160, 320, 32, 128, 128),
    "5b": (832, 7, 384, 192, 384, 48, 128, 128),
}

#: Sliders move in steps of this many channels; all published widths are multiples of it.
STEP = 8
#: The largest width that a slider reaches.
MOST = 1024


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
    data = {
        "blocks": {name: dict(zip(NAMES, block, strict=True)) for name, block in blocks.items()},
        "step": STEP,
        "most": MOST,
    }
    return Explorer("inception", "Explorer: the branches of an Inception block", data)
