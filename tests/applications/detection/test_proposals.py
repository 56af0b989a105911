import numpy as np
import pytest

from dlcourse.applications.detection.proposals import recall, selective_search
from dlcourse.data.scenes import load_scenes

pytest.importorskip("skimage", reason="pip install scikit-image")


def test_most_things_of_scenes_are_among_few_proposals():
    scenes = [load_scenes("validation", 10)[k] for k in range(10)]
    proposals = [selective_search(scene.image) for scene in scenes]
    found = [recall(p, scene.boxes) for p, scene in zip(proposals, scenes, strict=True)]
    assert np.mean(found) > 0.9
    assert np.mean([len(p) for p in proposals]) < 150
    for boxes in proposals:
        assert boxes.dtype == np.float32
        assert (boxes >= 0).all() and (boxes <= 96).all()
        assert (boxes[:, 2:] - boxes[:, :2] >= 12).all()
        assert len(np.unique(boxes, axis=0)) == len(boxes)


def test_a_picture_of_one_colour_is_one_region():
    np.testing.assert_array_equal(
        selective_search(np.full((3, 40, 50), 0.5, np.float32)), [[0, 0, 50, 40]]
    )


def test_nothing_to_find_and_wrong_input():
    assert recall(np.empty((0, 4)), np.array([[0, 0, 4, 4]])) == 0
    with pytest.raises(ValueError, match="at least one box"):
        recall(np.array([[0, 0, 4, 4]]), np.empty((0, 4)))
    with pytest.raises(ValueError, match=r"a picture \(3, H, W\)"):
        selective_search(np.zeros((40, 50)))
