import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from dlcourse.data import load_mnist
from dlcourse.data.scenes import CLASSES, WORDS, describe, load_scenes, write_coco, write_voc
from dlcourse.data.scenes.export import run_lengths


@pytest.fixture(scope="module")
def scenes():
    return [load_scenes("test", 40)[k] for k in range(40)]


def test_what_is_known_of_a_scene_belongs_together(scenes):
    for scene in scenes:
        assert scene.image.dtype == np.float32 and scene.image.shape == (3, 96, 96)
        assert scene.image.min() >= 0 and scene.image.max() <= 1
        assert 1 <= len(scene.labels) <= 3
        assert scene.masks.any(axis=(1, 2)).all()
        assert (scene.masks.sum(axis=0) <= 1).all()  # a pixel shows one thing
        for label, mask, box in zip(scene.labels, scene.masks, scene.boxes, strict=True):
            assert (scene.classes[mask] == label).all()
            left, top, right, bottom = box.astype(int)
            assert mask[top:bottom, left:right].sum() == mask.sum()
            for edge in (mask[top], mask[bottom - 1], mask[:, left], mask[:, right - 1]):
                assert edge.any()
        assert (scene.classes == 0).sum() == (~scene.masks.any(axis=0)).sum()
        assert set(scene.caption.split()) <= set(WORDS)
        named = [word for word in scene.caption.split() if word in CLASSES]
        assert sorted(named) == sorted(CLASSES[label] for label in scene.labels)
        assert scene.caption.count("small") == scene.small.sum()
    assert {len(scene.labels) for scene in scenes} == {1, 2, 3}
    assert {label for scene in scenes for label in scene.labels} == set(range(1, 11))


def test_captions_are_never_a_close_call(scenes):
    for scene in scenes:
        centres = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2
        if len(centres) > 1:
            narrow, wide = sorted(np.ptp(centres, axis=0))
            assert wide > 1.4 * narrow
            named = "above" if np.ptp(centres[:, 1]) == wide else "left of"
            assert named in scene.caption


def test_a_scene_depends_on_its_number_alone():
    few, many = load_scenes("train", 3), load_scenes("train", 1000)
    for k in (2, 0, 2):
        np.testing.assert_array_equal(few[k].image, many[k].image)
    np.testing.assert_array_equal(few[-1].image, few[2].image)
    assert len(list(few)) == 3
    with pytest.raises(IndexError):
        few[3]
    others = load_scenes("train", 3, seed=1), load_scenes("validation", 3), load_scenes("test", 3)
    for other in others:
        assert not np.array_equal(other[0].image, few[0].image)


def test_the_digits_of_the_splits_are_disjoint():
    train, test = load_mnist()
    used = [load_scenes(split, 1).digits for split in ("train", "validation", "test")]
    assert [len(digits) for digits in used] == [55_000, 5_000, 10_000]
    np.testing.assert_array_equal(used[0].images, train.images[:55_000])
    np.testing.assert_array_equal(used[1].images, train.images[55_000:])
    np.testing.assert_array_equal(used[2].images, test.images)


@pytest.mark.parametrize("size", [48, 128])
def test_other_sizes_and_numbers_of_things(size):
    scene = load_scenes("validation", 5, things=(2, 2), size=size)[4]
    assert scene.image.shape == (3, size, size) and len(scene.labels) == 2


@pytest.mark.parametrize(
    ("labels", "small", "centres", "caption"),
    [
        ([9], [False], [[3, 3]], "an eight"),
        ([9], [True], [[3, 3]], "a small eight"),
        ([1, 2], [False, False], [[50, 10], [10, 20]], "a one left of a zero"),
        ([1, 2, 3], [0, 1, 0], [[5, 90], [5, 10], [9, 50]], "a small one above a two above a zero"),
    ],
)
def test_captions(labels, small, centres, caption):
    assert describe(np.array(labels), np.array(small, bool), np.array(centres)) == caption


def test_voc_layout(scenes, tmp_path):
    write_voc(scenes[:3], tmp_path, "test")
    names = (tmp_path / "ImageSets" / "Main" / "test.txt").read_text().split()
    assert names == ["test_000000", "test_000001", "test_000002"]
    for name, scene in zip(names, scenes, strict=False):
        image = np.asarray(Image.open(tmp_path / "JPEGImages" / f"{name}.png"))
        np.testing.assert_allclose(
            image / 255, scene.image.transpose(1, 2, 0), atol=0.5 / 255 + 1e-6
        )
        labels = Image.open(tmp_path / "SegmentationClass" / f"{name}.png")
        np.testing.assert_array_equal(np.asarray(labels), scene.classes)
        assert labels.getpalette()[3:6] == [128, 0, 0]  # VOC's colour of the first class
        root = ElementTree.parse(tmp_path / "Annotations" / f"{name}.xml").getroot()
        found = root.findall("object")
        assert [thing.findtext("name") for thing in found] == [CLASSES[k] for k in scene.labels]
        for thing, box in zip(found, scene.boxes, strict=True):
            edges = [
                int(thing.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")
            ]
            np.testing.assert_array_equal(edges, box + np.array([1, 1, 0, 0]))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco_layout_is_read_by_pycocotools(scenes, tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco", reason="pip install pycocotools")
    path = write_coco(scenes[:5], tmp_path, "test")
    loaded = coco.COCO(str(path))
    assert len(loaded.getImgIds()) == 5
    for index, scene in enumerate(scenes[:5]):
        things = loaded.loadAnns(loaded.getAnnIds(imgIds=[index]))
        for thing, label, mask, box in zip(
            things, scene.labels, scene.masks, scene.boxes, strict=True
        ):
            assert thing["category_id"] == label
            np.testing.assert_array_equal(loaded.annToMask(thing), mask)
            np.testing.assert_array_equal(thing["bbox"], [*box[:2], *(box[2:] - box[:2])])
    assert json.loads(path.read_text())["images"][0]["captions"] == [scenes[0].caption]


def test_run_lengths_of_masks_that_are_all_on_or_off():
    assert run_lengths(np.zeros((2, 3), bool)) == [6]
    assert run_lengths(np.ones((2, 3), bool)) == [0, 6]


@pytest.mark.parametrize(
    "options",
    [{"split": "tests"}, {"length": 0}, {"size": 20}, {"things": (0, 2)}, {"things": (3, 2)}],
)
def test_wrong_arguments_say_what_was_expected(options):
    with pytest.raises(ValueError, match="must be one of|expected length"):
        load_scenes(**{"split": "test"} | options)
