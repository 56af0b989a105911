"""Scenes as files, in the layouts of PASCAL VOC and of COCO, for other people's programs."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from dlcourse.data.scenes.scene import CLASSES, Scene
from dlcourse.files import atomic_write


def write_voc(scenes: Sequence[Scene], folder: str | os.PathLike[str], split: str) -> None:
    """Write scenes as PASCAL VOC has them (Everingham et al. 2010).

    ``JPEGImages`` (here PNG, so that nothing is lost), ``Annotations`` with a box for each thing
    in whole pixels from 1, ``SegmentationClass`` with the label of each pixel as a palette image,
    and ``ImageSets/Main/SPLIT.txt``, which is written last.

    Parameters
    ----------
    scenes : sequence of Scene
        What to write.
    folder : path-like
        Made if it is not there. Files of the same names are replaced.
    split : str
        What the list of names is called, and how the names begin.

    Examples
    --------
    >>> import tempfile
    >>> from dlcourse.data.scenes import load_scenes
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_voc(load_scenes("test", 2), folder, "test")
    >>> sorted(path.name for path in (folder / "Annotations").iterdir())
    ['test_000000.xml', 'test_000001.xml']
    """
    folder = Path(folder)
    names = []
    for index, scene in enumerate(scenes):
        name = f"{split}_{index:06d}"
        names.append(name)
        _save(_picture(scene), folder / "JPEGImages" / f"{name}.png")
        labels = Image.fromarray(scene.classes.astype(np.uint8), "P")
        labels.putpalette(_palette())
        _save(labels, folder / "SegmentationClass" / f"{name}.png")
        _write(folder / "Annotations" / f"{name}.xml", ElementTree.tostring(_voc_xml(name, scene)))
    lines = "".join(f"{name}\n" for name in names)
    _write(folder / "ImageSets" / "Main" / f"{split}.txt", lines.encode())


def write_coco(scenes: Sequence[Scene], folder: str | os.PathLike[str], split: str) -> Path:
    """Write scenes as COCO has them (Lin et al. 2014a), and return the path of the annotations.

    Pictures lie in ``SPLIT``, and ``annotations/instances_SPLIT.json`` has boxes (left, top, width,
    height), masks as uncompressed run lengths, and captions. pycocotools reads it.

    Parameters
    ----------
    scenes : sequence of Scene
        What to write.
    folder : path-like
        Made if it is not there. Files of the same names are replaced.
    split : str
        What the folder of pictures is called.

    Examples
    --------
    >>> import tempfile
    >>> from dlcourse.data.scenes import load_scenes
    >>> path = write_coco(load_scenes("test", 2), tempfile.mkdtemp(), "test")
    >>> len(json.loads(path.read_text())["images"])
    2
    """
    folder = Path(folder)
    images: list[dict[str, Any]] = []
    things: list[dict[str, Any]] = []
    names: tuple[str, ...] = CLASSES
    for index, scene in enumerate(scenes):
        name, names = f"{index:012d}.png", scene.names
        _save(_picture(scene), folder / split / name)
        height, width = scene.image.shape[1:]
        images.append(
            {"id": index, "file_name": name, "height": height, "width": width}
            | {"captions": [scene.caption]}
        )
        for label, box, mask in zip(scene.labels, scene.boxes, scene.masks, strict=True):
            left, top, right, bottom = (float(edge) for edge in box)
            things.append(
                {
                    "id": len(things) + 1,  # pycocotools takes 0 for no match
                    "image_id": index,
                    "category_id": int(label),
                    "bbox": [left, top, right - left, bottom - top],
                    "area": int(mask.sum()),
                    "segmentation": {"size": [height, width], "counts": run_lengths(mask)},
                    "iscrowd": 0,
                }
            )
    categories = [{"id": k, "name": name} for k, name in enumerate(names) if k]
    path = folder / "annotations" / f"instances_{split}.json"
    content = {"images": images, "annotations": things, "categories": categories}
    _write(path, json.dumps(content).encode())
    return path


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return how many pixels are off, on, off, ... down the columns, one after another.

    Examples
    --------
    >>> run_lengths(np.array([[True, False], [True, False]]))
    [0, 2, 2]
    """
    pixels = np.concatenate([[False], mask.ravel(order="F")])  # so that the first run is one of off
    changes = np.flatnonzero(pixels[1:] != pixels[:-1])
    lengths: list[int] = np.diff([0, *changes, mask.size]).tolist()
    return lengths


def _picture(scene: Scene) -> Image.Image:
    return Image.fromarray((scene.image.transpose(1, 2, 0) * 255).round().astype(np.uint8))


def _voc_xml(name: str, scene: Scene) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = f"{name}.png"
    size = ElementTree.SubElement(root, "size")
    depth, height, width = scene.image.shape
    for key, value in (("width", width), ("height", height), ("depth", depth)):
        ElementTree.SubElement(size, key).text = str(value)
    ElementTree.SubElement(root, "segmented").text = "1"
    for label, box in zip(scene.labels, scene.boxes, strict=True):
        thing = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(thing, "name").text = scene.names[label]
        ElementTree.SubElement(thing, "difficult").text = "0"
        place = ElementTree.SubElement(thing, "bndbox")
        left, top, right, bottom = (int(edge) for edge in box)
        # VOC counts pixels from 1 and names the last one, not its edge.
        edges = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
        for key, edge in edges.items():
            ElementTree.SubElement(place, key).text = str(edge)
    return root


def _palette() -> list[int]:
    """Return VOC's colours: the bits of a label, dealt out to red, green and blue in turn."""
    colours = []
    for label in range(256):
        for channel in range(3):
            bits = [(label >> (3 * k + channel)) & 1 for k in range(3)]
            colours.append(sum(bit << (7 - k) for k, bit in enumerate(bits)))
    return colours


def _save(picture: Image.Image, path: Path) -> None:
    content = io.BytesIO()
    picture.save(content, "PNG")
    _write(path, content.getvalue())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(content)
