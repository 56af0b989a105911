import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.applications.detection.boxes import area, box_iou, clip, decode, encode, nms


def draw(count, rng, size=30):
    corners = np.sort(rng.integers(0, size, (count, 2, 2)), axis=1)
    return np.concatenate([corners[:, 0], corners[:, 1] + 1], axis=1)


def pixels(box, size=32):
    grid = np.zeros((size, size), bool)
    left, top, right, bottom = box
    grid[top:bottom, left:right] = True
    return grid


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 5), m=st.integers(0, 5))
def test_iou_is_that_of_the_pixels(seed, n, m):
    rng = np.random.default_rng(seed)
    boxes, others = draw(n, rng), draw(m, rng)
    expected = [
        [(pixels(a) & pixels(b)).sum() / (pixels(a) | pixels(b)).sum() for b in others]
        for a in boxes
    ]
    np.testing.assert_allclose(box_iou(boxes, others), np.reshape(expected, (n, m)))


def test_boxes_without_area_agree_with_nothing():
    flat = np.array([[3.0, 3, 3, 9], [5, 5, 2, 2]])
    assert not area(flat).any()
    assert not box_iou(flat, flat).any()
    assert not box_iou(flat, np.array([[0.0, 0, 10, 10]])).any()


def naive_nms(boxes, scores, threshold):
    kept = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(box_iou(boxes[[k]], boxes[[j]])[0, 0] <= threshold for j in kept):
            kept.append(k)
    return kept


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6), n=st.integers(0, 20), threshold=st.sampled_from([0, 0.3, 0.5, 1])
)
def test_nms_is_the_definition(seed, n, threshold):
    rng = np.random.default_rng(seed)
    boxes, scores = draw(n, rng), rng.random(n)
    kept = nms(boxes, scores, threshold)
    assert kept.tolist() == naive_nms(boxes, scores, threshold)


def test_decoding_undoes_encoding():
    rng = np.random.default_rng(0)
    boxes, proposals = draw(50, rng).astype(float), draw(50, rng).astype(float)
    np.testing.assert_allclose(decode(encode(boxes, proposals), proposals), boxes, atol=1e-9)
    wild = decode(np.array([[0.0, 0, 100, 100]]), proposals[:1])
    assert np.isfinite(wild).all()


def test_boxes_outside_of_the_picture_are_cut():
    boxes = np.array([[-5.0, -5, 3, 3], [8, 2, 20, 4], [20, 20, 30, 30]], np.float32)
    found = clip(boxes, (10, 12))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0, 0, 3, 3], [8, 2, 12, 4], [12, 10, 12, 10]])
    assert area(found)[2] == 0


KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_of_every_dtype(kind):
    """The same as in float64, for boxes turned inside out too, up to the ends of the dtype."""
    rng = np.random.default_rng(0)
    for most in (10, 100, np.iinfo(kind).max if kind[0] in "iu" else 2000):
        boxes, others = (rng.integers(0, most, (n, 4), kind.replace("f", "i")).astype(kind)
                         for n in (6, 5))  # fmt: skip
        wide, wide_others = boxes.astype(float), others.astype(float)
        np.testing.assert_allclose(area(boxes), area(wide), rtol=1e-6)
        np.testing.assert_allclose(box_iou(boxes, others), box_iou(wide, wide_others), rtol=1e-5)
        scores = rng.integers(0, most, 6, kind.replace("f", "i")).astype(kind)
        np.testing.assert_array_equal(
            nms(boxes, scores, 0.3), naive_nms(wide, scores.astype(float), 0.3)
        )
        np.testing.assert_array_equal(clip(boxes, (300, 200)), clip(wide, (300, 200)))
        assert clip(boxes, (300, 200)).dtype == boxes.dtype


def test_shifts_of_boxes_without_sign():
    boxes = np.array([[100, 200, 250, 255]], np.uint8)
    proposals = np.array([[90, 180, 255, 240]], np.uint8)
    np.testing.assert_allclose(
        encode(boxes, proposals), encode(boxes.astype(float), proposals.astype(float))
    )
    np.testing.assert_allclose(decode(encode(boxes, proposals), proposals), boxes)


def test_scores_of_nan_are_refused_and_equal_ones_keep_their_order():
    boxes = np.array([[0, 0, 2, 2], [5, 5, 7, 7], [8, 8, 9, 9]])
    assert nms(boxes, np.array([True, False, True]), 0.5).tolist() == [0, 2, 1]
    with pytest.raises(ValueError, match="scores must be numbers, found NaN"):
        nms(boxes, np.array([0.5, np.nan, 0.1]), 0.5)
    with pytest.raises(ValueError, match="expected boxes of real numbers, found complex128"):
        area(boxes.astype(complex))
