"""What can be wrong with a file: damage at random, and lies in the places that declare sizes."""

import gzip
import io
import itertools
import json
import pickletools
import struct
import tarfile
import warnings
import zipfile
import zlib

import numpy as np

#: Numbers that programs stumble over.
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 10**6, 2**31 - 1, 2**31, 2**32 - 1,
           2**40, 2**63 - 1, 2**64 - 1)  # fmt: skip
#: Zeros that a bomb unpacks to.
BOMB = 2**26

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def choose(rng, options):
    return options[rng.integers(len(options))]


# -- bytes ------------------------------------------------------------------------------------


def damaged(data, rng, other=b""):
    """Damage bytes in one of ten ways, knowing nothing of what they mean."""
    data = bytearray(data)
    way = rng.integers(10)
    at = int(rng.integers(len(data))) if data else 0
    length = int(min(len(data) - at, 1 + rng.geometric(0.05)))
    if way == 0:
        for _ in range(rng.geometric(0.5)):
            if data:
                data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    elif way == 1:
        data[at : at + length] = rng.bytes(length)
    elif way == 2:
        del data[at:]
    elif way == 3:
        del data[at : at + length]
    elif way == 4:
        data[at:at] = data[at : at + length] * int(rng.integers(1, 4))
    elif way == 5:
        data[at:at] = rng.bytes(length)
    elif way == 6:
        start = int(rng.integers(len(other))) if other else 0
        data[at:] = other[start:]
    elif way == 7:
        number = choose(rng, NUMBERS)
        width, order = choose(rng, (1, 2, 4, 8)), choose(rng, ("little", "big"))
        number = (number % 256**width).to_bytes(width, order)
        data[at : at + width] = number[: len(data) - at]
    elif way == 8:
        data += rng.bytes(length)
    else:
        data[at : at + length] = bytes(length)
    return bytes(data)


# -- JSON -------------------------------------------------------------------------------------


def changed_json(data, rng):
    """Change one value anywhere in JSON to one of another kind or size."""
    try:
        value = json.loads(data)
    except ValueError:
        return damaged(data, rng)
    places = list(_places(value))
    if not places or rng.random() < 0.05:
        return choose(rng, (b"[" * 100_000, b"1" * 5000, b'{"a":' * 50_000, b"[1]", b"null", b""))
    owner, key = choose(rng, places)
    way = rng.integers(4)
    if way == 0:
        del owner[key]
    elif way == 1 and isinstance(owner, dict):
        owner[f"{key}x"] = owner.pop(key)
    elif way == 2 and isinstance(owner[key], int | float):
        owner[key] = choose(rng, (*NUMBERS, -1, -(2**63), 0.5, 1e308, float("nan"), float("inf")))
    else:
        owner[key] = choose(
            rng, (None, True, "", "a" * 1000, [], [[]], {}, {"a": 1}, -1, 10**30, 1.5, [1] * 1000)
        )
    return json.dumps(value).encode()


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


# -- pickles ----------------------------------------------------------------------------------


def changed_pickle(data, rng):
    """Delete, repeat, exchange or replace instructions of a pickle."""
    starts = [position for _, _, position in pickletools.genops(data)]
    parts = [data[a:b] for a, b in itertools.pairwise([*starts, len(data)])]
    at = int(rng.integers(len(parts)))
    way = rng.integers(5)
    if way == 0:
        del parts[at]
    elif way == 1:
        parts[at:at] = [parts[at]] * int(choose(rng, (1, 2, 1000)))
    elif way == 2:
        other = int(rng.integers(len(parts)))
        parts[at], parts[other] = parts[other], parts[at]
    elif way == 3:
        number = choose(rng, NUMBERS)
        parts[at] = choose(
            rng,
            (
                b"J" + struct.pack("<i", number % 2**31), b"r" + struct.pack("<I", number % 2**32),
                b"j" + struct.pack("<I", number % 2**32),
                b"\x8a\x09" + number.to_bytes(9, "little"),
                b"X" + struct.pack("<I", number % 2**32), b"\x85" * 10_000, b"2" * 1000, b"R", b"b",
                b"cos\nsystem\n", b"ctorch\nFloatStorage\n", b"(", b"t", b"u", b"e", b"s", b"a",
                b"0", b"N", b"}", b"]", b")", b"Q", b".", b"q\x01", b"h\x01", b"K\x01", b"1",
            ),
        )  # fmt: skip
    else:
        parts[at] = damaged(parts[at], rng)
    return b"".join(parts)


# -- pictures ---------------------------------------------------------------------------------


def changed_picture(sides, data, rng):
    """Let a picture declare another size than its `sides`; a PNG's checksum is made right again."""
    data = bytearray(data)
    found = [at for at in range(8, min(len(data), 600)) if data[at] in sides]
    at, width = choose(rng, found), choose(rng, (2, 4))
    number = choose(rng, (*NUMBERS, 9000, 30000)) % 256**width
    if rng.random() < 0.5:
        data[at : at + width] = number.to_bytes(width, "little")
    else:
        data[at + 1 - width : at + 1] = number.to_bytes(width, "big")
    if data.startswith(b"\x89PNG"):
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


# -- archives ---------------------------------------------------------------------------------


def changed_zip(data, rng, inner):
    """Change fields of the directory, or pack the archive anew with something changed in it.

    `inner` is a function of name, content and generator that changes a member's content.
    """
    if rng.random() < 0.4:
        return _changed_directory(bytearray(data), rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    method = zipfile.ZIP_STORED
    at = int(rng.integers(len(members)))
    name, content = members[at]
    way = rng.integers(12)
    if way < 7:
        members[at] = name, inner(name, content, rng)
    elif way == 7:
        members[at] = choose(rng, ("", "a", "../a", "a/" * 300, "/etc/passwd.npy", "a\0b")), content
    elif way == 8:
        members.append(choose(rng, members))
    elif way == 9:
        del members[at]
    elif way == 10:
        method = choose(rng, METHODS[1:])
    else:
        method = zipfile.ZIP_DEFLATED
        members[at] = name, content[:128] + bytes(BOMB)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # two members of one name
        for name, content in members:
            # Of a fixed date: a case is decided by its number, and not by the clock.
            archive.writestr(zipfile.ZipInfo(name or "x"), content, method)
    packed = buffer.getvalue()
    return damaged(packed, rng) if method and rng.random() < 0.5 else packed


def _changed_directory(data, rng):
    # Fields of a local head, of an entry of the directory and of its end: (offset, width).
    fields = {
        b"PK\x03\x04": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
        b"PK\x01\x02": ((4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2),
                        (30, 2), (32, 2), (38, 4), (42, 4)),
        b"PK\x05\x06": ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
    }  # fmt: skip
    mark = choose(rng, list(fields))
    found = [at for at in range(len(data)) if data[at : at + 4] == mark]
    if found:
        offset, width = choose(rng, fields[mark])
        at = choose(rng, found) + offset
        number = choose(rng, (*NUMBERS, int(rng.integers(256)))) % 256**width
        data[at : at + width] = number.to_bytes(width, "little")
    return bytes(data)


def changed_npy(content, rng):
    """Let the head of an array declare something else."""
    length = int.from_bytes(content[8:10], "little")
    head, numbers = content[10 : 10 + length], content[10 + length :]
    descr = choose(rng, ("<f8", "|O", "<U1", "<U1000000", "<c8", "<M8[s]", "|V4", ">f4", "|b1",
                         "<f16", "|S0", "<i8", "xx", "|V0"))  # fmt: skip
    shape = choose(rng, ("(10**12,)", "(1000000000000,)", "(-1,)", "()", "(0,)", "(1,)", "3",
                         "(2.0,)", "(" * 100, "(" + "1," * 70 + ")", "(0, 10000000000)", "(True,)",
                         "(4294967296, 4294967296)", "[2]", "'a'", "-" * 800 + "1"))  # fmt: skip
    text = head.decode("latin1")
    way = rng.integers(4)
    if way == 0:
        before, _, after = text.partition("'descr': ")
        text = f"{before}'descr': {descr!r}{after[after.find(',') :]}"
    elif way == 1:
        before, _, after = text.partition("'shape': ")
        text = f"{before}'shape': {shape}, }}"
    elif way == 2:
        text = choose(rng, ("{" * 500, "-" * 9000 + "1", "", "{}", "[]", "\n" * 50, "{'a': 1}", "(",
                            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
                            text.replace("False", "True"), text.replace("False", "0")))  # fmt: skip
    else:
        return damaged(content[: 10 + length], rng) + numbers
    head = text.encode("latin1", "replace").ljust(length)
    version = choose(rng, (b"\x01\x00",) * 5 + (b"\x02\x00", b"\x03\x00", b"\x09\x09"))
    size = struct.pack("<H" if version[:1] in b"\x01\x09" else "<I", len(head))
    return content[:6] + version + size + head + numbers


def changed_gzip(inner, data, rng):
    """Compress something changed, or a bomb."""
    content = gzip.decompress(data)
    if rng.random() < 0.1:
        return gzip.compress(content[:16] + bytes(2 * BOMB), 1, mtime=0)
    return gzip.compress(inner(content, rng), 1, mtime=0)


def changed_tar(data, rng):
    """Change the head of a member; sums over heads are made right again."""
    data = bytearray(data)
    heads = [at for at in range(0, len(data) - 512, 512) if data[at + 257 : at + 262] == b"ustar"]
    at = choose(rng, heads)
    where, width = choose(rng, ((0, 100), (124, 12), (156, 1), (157, 100), (345, 155)))
    new = choose(
        rng, (b"\0", b"7" * 11 + b"\0", b"\x80" + b"\xff" * 7, b"L", b"x", b"S", b"g", b"1")
    )
    data[at + where : at + where + width] = new[:width].ljust(width, b"\0")
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
    return bytes(data)


def packed_tar(members):
    """Return an archive of named contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def array_of(content):
    """Return the bytes of an ``.npy`` file for bytes of JSON, as checkpoints keep it."""
    buffer = io.BytesIO()
    np.save(buffer, np.frombuffer(content, np.uint8))
    return buffer.getvalue()
