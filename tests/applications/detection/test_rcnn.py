from dataclasses import replace

import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.applications.detection import Detections
from dlcourse.applications.detection.boxes import box_iou
from dlcourse.applications.detection.fast_rcnn import (
    SHIFT_SCALE,
    best_of_each_class,
    fast_rcnn_detect,
    fast_rcnn_gradients,
)
from dlcourse.applications.detection.rcnn import (
    fine_tuning_gradients,
    fit_rcnn,
    rcnn_detect,
    region_features,
)
from dlcourse.applications.detection.regions import label_regions, training_regions
from dlcourse.applications.detection.warp import warp_regions
from dlcourse.data.scenes import load_scenes
from dlcourse.models import RCNN, FastRCNN, RegionNet


@pytest.fixture(scope="module")
def regions():
    pytest.importorskip("skimage", reason="pip install scikit-image")
    return training_regions(load_scenes("train", 12, seed=1)[k] for k in range(12))


def test_warping_stretches_and_repeats_the_edge():
    rows, columns = np.mgrid[:20, :30].astype(np.float32)
    image = np.stack([rows, columns, rows + columns])
    squares = warp_regions(image, np.array([[5, 2, 15, 12], [0, 0, 30, 20]]), 10, context=0)
    np.testing.assert_allclose(squares[0], image[:, 2:12, 5:15], atol=1e-5)
    np.testing.assert_allclose(squares[1, 1, 0], 3 * np.arange(10) + 1, atol=1e-5)
    wide = warp_regions(image, np.array([[0, 0, 10, 10]]), 12, context=0.1)
    np.testing.assert_allclose(wide[0, 0, :3, 5], [0, 0, 1], atol=1e-5)
    assert wide.dtype == np.float32
    assert warp_regions(image, np.empty((0, 4)), 8).shape == (0, 3, 8, 8)
    with pytest.raises(ValueError, match="some width and height"):
        warp_regions(image, np.array([[5, 5, 5, 9]]), 8)


def test_regions_know_their_thing(regions):
    scene = load_scenes("train", 12, seed=1)[3]
    picture = regions[3]
    count = len(scene.boxes)
    np.testing.assert_array_equal(picture.boxes[:count], scene.boxes)
    np.testing.assert_array_equal(picture.labels[:count], scene.labels)
    assert (picture.overlaps[:count] == 1).all()
    expected = box_iou(picture.boxes, scene.boxes).max(axis=1)
    np.testing.assert_array_equal(picture.overlaps, expected)


def test_an_empty_scene_is_all_ground(regions):
    scene = load_scenes("test")[0]
    empty = replace(scene, labels=scene.labels[:0], boxes=scene.boxes[:0], masks=scene.masks[:0])
    assert not empty.classes.any()
    picture = label_regions(empty, regions[0].boxes)
    assert not picture.overlaps.any() and not picture.labels.any()
    net = FastRCNN(rng=np.random.default_rng(0))
    assert np.isfinite(fast_rcnn_gradients(net, [picture] * 2, seed=0, images=2)(0))
    assert not np.abs(net.shift.weight.grad).any()  # there is nothing to move towards


def test_fast_rcnn_gradients():
    rng = np.random.default_rng(0)
    net = FastRCNN(3, rng=rng).eval()
    rois = np.array([[0, 2, 2, 20, 25], [1, 0, 0, 31, 31], [1, 10, 5, 28, 30]])
    check_gradients(net, (rng.random((2, 3, 32, 32)), rois), rng, entries=3)


def test_steps_are_the_same_each_time_and_learn(regions):
    for build, steps in ((FastRCNN, fast_rcnn_gradients), (RegionNet, fine_tuning_gradients)):
        losses = []
        for _ in range(2):
            net = build(rng=np.random.default_rng(0))
            step = steps(net, regions, seed=1)
            net.zero_grad()
            losses.append(step(0))
            norm = sum((p.grad**2).sum() for p in net.parameters())
            assert np.isfinite(norm) and norm > 0
        assert losses[0] == losses[1]
        before = step(5)
        for _ in range(5):  # the same batch, down its gradient
            net.zero_grad()
            step(5)
            for p in net.parameters():
                p.data -= 0.05 * p.grad
        assert step(5) < before


def test_best_of_each_class():
    box = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [40, 40, 50, 50]])
    scores = np.array([[0.0, 0.9, 0.1], [0.0, 0.8, 0.3], [0.0, 0.02, 0.6]])
    found = best_of_each_class([box, box, box], scores, 0.05, 0.3)
    np.testing.assert_array_equal(found.labels, [1, 2, 2])
    np.testing.assert_array_equal(found.scores, [0.9, 0.6, 0.3])
    np.testing.assert_array_equal(found.boxes, box[[0, 2, 1]])


def test_no_proposals_no_detections(regions):
    none = np.empty((0, 4), np.float32)
    image = regions[0].image
    assert len(fast_rcnn_detect(FastRCNN(rng=np.random.default_rng(0)), image, none).boxes) == 0


def test_a_true_shift_brings_a_box_to_its_thing():
    scene = load_scenes("test", things=(1, 1))[0]
    near = scene.boxes + np.array([[4, -3, 2, 3]], np.float32)
    picture = label_regions(scene, near)

    class Oracle(FastRCNN):
        def forward(self, x, rois):
            from dlcourse.applications.detection.boxes import encode
            from dlcourse.models import FastRCNNOutputs

            scores = np.zeros((1, 11), np.float32)
            scores[0, scene.labels[0]] = 9
            shifts = np.zeros((1, 11, 4), np.float32)
            shifts[0, :] = encode(picture.targets, rois[:, 1:]) / SHIFT_SCALE
            return FastRCNNOutputs(scores, shifts)

    found = fast_rcnn_detect(Oracle(rng=np.random.default_rng(0)), scene.image, near)
    np.testing.assert_allclose(found.boxes[:1], scene.boxes, atol=1e-3)
    assert found.labels[0] == scene.labels[0]


def test_the_machines_tell_what_they_were_trained_on(regions):
    pytest.importorskip("sklearn", reason="pip install scikit-learn")
    net = RCNN(rng=np.random.default_rng(0))
    assert region_features(net, regions[0].image, regions[0].boxes).shape[1] == 256
    fit_rcnn(net, regions, seed=0)
    # Even on features of an untrained network, each machine prefers its own things to all else.
    rows = np.concatenate([region_features(net, p.image, p.boxes) for p in regions]) / net.scale
    scores = np.concatenate([rows, np.ones((len(rows), 1))], axis=1) @ net.machines.T
    labels = np.concatenate([p.labels for p in regions])
    true = np.concatenate([p.overlaps == 1 for p in regions])
    for label in np.unique(labels):
        own = true & (labels == label)
        assert scores[own, label].mean() > scores[~own, label].mean() + 0.1
    scene = load_scenes("train", 12, seed=1)[0]
    found = rcnn_detect(net, scene.image, scene.boxes, least_score=-np.inf, nms_threshold=1.0)
    assert isinstance(found, Detections)
    assert len(found.boxes) == 10 * len(scene.boxes)  # each box as each class
    assert len(rcnn_detect(net, scene.image, np.empty((0, 4), np.float32)).boxes) == 0
