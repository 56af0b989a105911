"""Every reader of the package, with a good file of each and what may be changed in it."""

import contextlib
import gzip
import io
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from safetensors.numpy import save_file
from torch_files import Storage, Tensor, as_old, as_zip

from dlcourse import nn, zoo
from dlcourse.cli import main
from dlcourse.data import cifar10, idx, load_cifar10, load_photograph, load_picture
from dlcourse.files import read_json, write_json
from dlcourse.models import Preprocess, load_pretrained
from dlcourse.nn.weights import load_arrays, load_weights, save_weights
from dlcourse.precision import load_quantized, quantize
from fuzz import mutations as m
from fuzz.trainings import (
    copied,
    into,
    network,
    read_checkpoint,
    read_loop,
    write_checkpoint,
    write_loop,
)

rng = np.random.default_rng
IMAGES = rng(0).random((4, 1, 6, 6), dtype=np.float32)


@dataclass(frozen=True)
class Reader:
    """A kind of file."""

    name: str  #: of the file, and in reports
    write: Callable[[Path], object]  #: makes a good one
    read: Callable[[Path], Any]  #: returns what compares with `same`
    lie: Callable[[bytes, np.random.Generator], bytes] | None = None  #: changes what it declares
    slow: bool = False
    good: dict[str, Any] = field(default_factory=dict)  #: its bytes and its values

    @property
    def checked(self):
        """Whether checksums cover all values, so that no damage can change them unseen."""
        return self.lie is zip_lies


# -- files of others ----------------------------------------------------------------------------


def write_torch(as_file, path):
    state = network(2).state_dict()
    flat = np.concatenate([np.ravel(array) for array in state.values()]).astype(np.float32)
    storage, start, tensors = Storage("0", flat.size), 0, {}
    for name, array in state.items():
        strides = tuple(step // array.itemsize for step in array.strides)
        tensors[name] = Tensor(storage, start, array.shape, strides, False, {})
        start += array.size
    as_file(path, tensors, flat.tobytes())


def load_of_others(model, path):
    load_pretrained(model, "resnet18", path)


def write_compressed(path):
    np.savez_compressed(path, **network(1).state_dict())


def write_zoo_file(path):
    path.write_bytes((zoo.FOLDER / "deep-convnet-seed0.npz").read_bytes())


def write_safetensors(path):
    save_file(copied(network(1).state_dict()), path)


def pickle_lies(data, generator):
    end = data.rfind(b".", 0, data.find(struct.pack("<Q", 0)[:1] * 3, 60))
    start = int(generator.choice([0, 15, 25, 90]))
    return data[:start] + m.damaged(data[start : end + 1], generator) + data[end + 1 :]


def safetensors_lies(data, generator):
    length = int.from_bytes(data[:8], "little")
    head = m.changed_json(data[8 : 8 + length], generator)
    return struct.pack("<Q", len(head)) + head + data[8 + length :]


def inside(name, content, generator):
    """Change a member of an ``.npz`` or of a ``.pth``."""
    if name.endswith(".pkl"):
        return m.changed_pickle(content, generator)
    if name.endswith("json.npy") and generator.random() < 0.8:
        length = int.from_bytes(content[8:10], "little")
        return m.array_of(m.changed_json(content[10 + length :], generator))
    if name.endswith(".npy") and generator.random() < 0.7:
        return m.changed_npy(content, generator)
    return m.damaged(content, generator)


def zip_lies(data, generator):
    return m.changed_zip(data, generator, inside)


def unchecked(module, load):
    """Read without comparing the checksum, which no damaged file would get past."""

    def read(path):
        check, module.check_sha256 = module.check_sha256, lambda *_: None
        try:
            return load(path)
        finally:
            module.check_sha256 = check

    return read


def write_idx(path):
    values = rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    path.write_bytes(
        gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 5, 4, 3) + values.tobytes())
    )


def read_idx(path):
    return idx._read(path, "", "get another")


def write_cifar(path):
    records = rng(0).integers(0, 256, (6, 2, 3073), np.uint8)
    records[:, :, 0] %= 10
    names = (*cifar10._TRAIN, *cifar10._TEST)
    members = {name: part.tobytes() for name, part in zip(names, records, strict=True)}
    path.write_bytes(gzip.compress(m.packed_tar({"readme": b"hello", **members})))


def read_cifar(path):
    return {"images": np.concatenate([part.images for part in load_cifar10(path)])}


def write_int8(path):
    layers = nn.Conv2d(1, 2, 3, rng=rng(0)), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    network = nn.Sequential(*layers, nn.Linear(8, 3, rng=rng(0)))
    quantize(network, IMAGES).save(path)


def read_int8(path):
    network = load_quantized(path)
    with contextlib.suppress(Exception):  # layers that do not fit each other are not the reader's
        network(IMAGES)
    return copied(network.state_dict())


def write_record(path):
    test = {"accuracy": 0.5, "name": "x", "seen": None}
    write_json(path, {"layers": [1, 2], "test": test, "epochs": [{"epoch": 1}]})


def read_record(path):
    return read_json(path, "a record", "make it again")


# -- pictures -----------------------------------------------------------------------------------

PREPROCESS = Preprocess()
#: Names, with the mode that each is saved in.
PICTURES = {
    "grey.png": "L",
    "bits.png": "1",
    "palette.png": "P",
    "alpha.png": "RGBA",
    "deep.png": "I;16",
    "colour.jpg": "RGB",
    "ink.jpg": "CMYK",
    "plain.tif": "RGB",
    "lzw.tif": "L",
    "deflate.tif": "RGB",
    "fax.tif": "1",
    "real.tif": "F",
    **{f"a.{end}": "RGB" for end in ("bmp", "avif", "ppm", "tga", "jp2", "pcx", "sgi")},
    **{f"a.{end}": "RGBA" for end in ("webp", "ico", "icns", "dds")},
    **{f"a.{end}": "1" for end in ("msp", "xbm")},
    "a.gif": "P",
}
COMPRESSION = {"lzw.tif": "tiff_lzw", "deflate.tif": "tiff_adobe_deflate", "fax.tif": "group4"}


SIDES = (40, 30)
picture_lies = partial(m.changed_picture, SIDES)


def write_picture(mode, path):
    options = {"compression": COMPRESSION[path.name]} if path.name in COMPRESSION else {}
    picture = Image.new("L", SIDES, 250)
    ImageDraw.Draw(picture).line([(12, 8), (28, 8), (20, 24)], fill=10, width=3)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    picture.save(path, **options)


def read_picture(path):
    load_photograph(path, 32)
    PREPROCESS(path)
    return load_picture(path)


# -- commands -----------------------------------------------------------------------------------


class CommandError(ValueError):
    """What a command said before it ended with a status of 1."""


def command(*arguments):
    """Run a command in this process; its status is 0, or it is 1 and there is one sentence."""

    def read(path):
        argv, sys.argv = sys.argv, ["dlcourse", *(str(path) if a is ... else a for a in arguments)]
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as end:
            if end.code:
                raise CommandError(err.getvalue().strip()) from None
        finally:
            sys.argv = argv
        return out.getvalue()

    return read


def readers(folder, slow=False):
    """Return all readers; good files that others need are put into a folder."""
    seven = folder / "seven.png"
    write_picture("L", seven)
    with_weights = ("predict", str(seven), "--weights")
    style = ("style", ..., "starry-night", "-o", str(folder / "out.png"), "--size=48", "--steps=1")
    style = (*style, "--features=random", "--no-progress")
    everything = [
        Reader("weights.npz", partial(save_weights, network(1)), into(load_weights), zip_lies),
        Reader("compressed.npz", write_compressed, load_arrays, zip_lies),
        Reader("trainer.npz", write_checkpoint, read_checkpoint, zip_lies),
        Reader("loop.npz", write_loop, read_loop, zip_lies),
        Reader("int8.npz", write_int8, read_int8, zip_lies),
        Reader("zip.pth", partial(write_torch, as_zip), into(load_of_others), zip_lies),
        Reader("old.pth", partial(write_torch, as_old), into(load_of_others), pickle_lies),
        Reader("a.safetensors", write_safetensors, into(load_of_others), safetensors_lies),
        Reader("idx.gz", write_idx, unchecked(idx, read_idx), partial(m.changed_gzip, m.damaged)),
        Reader(
            "cifar.tar.gz",
            write_cifar,
            unchecked(cifar10, read_cifar),
            partial(m.changed_gzip, m.changed_tar),
        ),
        Reader("record.json", write_record, read_record, m.changed_json),
        *(
            Reader(name, partial(write_picture, mode), read_picture)
            for name, mode in PICTURES.items()
        ),
        Reader("predict.png", partial(write_picture, "RGB"), command("predict", ...), slow=True),
        Reader("predict.jpg", partial(write_picture, "RGB"), command("predict", ...), slow=True),
        Reader("predict.npz", write_zoo_file, command(*with_weights, ...), zip_lies, slow=True),
        Reader("style.png", partial(write_picture, "RGB"), command(*style), slow=True),
    ]
    return [reader for reader in everything if slow or not reader.slow]
