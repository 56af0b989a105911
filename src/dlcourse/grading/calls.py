"""System calls that no answer needs, and that leave traces outside of all other limits."""

from __future__ import annotations

import os
import platform
import struct

#: Memory that belongs to no process (memfd, System V, keys), looking into other processes, doors
#: into the kernel. The first number is the machine's own, the others those of the calls.
_REFUSED = {
    "x86_64": (
        0xC000003E,
        *(29, 64, 68, 101, 240, 248, 249, 250, 272, 298, 308, 310, 311, 319, 321, 323, 425, 447),
    ),
    "aarch64": (
        0xC00000B7,
        *(97, 117, 180, 186, 190, 194, 217, 218, 219, 241, 268, 270, 271, 279, 280, 282, 425, 447),
    ),
}
#: Numbers from here on are those of another interface of the same machine (x32).
_OTHERS = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM


def filter_descriptor() -> int | None:
    """Return a descriptor of the filter for ``bwrap --seccomp``; None on a machine not known here.

    The filter is a program of the kernel's classic BPF, see seccomp(2).
    """
    architecture, *numbers = _REFUSED.get(platform.machine(), (0,))
    if not architecture:
        return None
    # (code, how many to skip if true, if false, value); the last two return.
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 0, len(numbers) + 3, architecture), (_LOAD, 0, 0, 0)]
    steps.append((_AT_LEAST, len(numbers) + 1, 0, _OTHERS))
    for position, number in enumerate(numbers):
        steps.append((_EQUAL, len(numbers) - position, 0, number))
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    reading, writing = os.pipe()
    os.write(writing, b"".join(struct.pack("<HBBI", *step) for step in steps))
    os.close(writing)
    return reading
