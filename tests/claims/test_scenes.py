"""What the records of the networks on scenes claim, measured again from the shipped weights."""

import pytest

from dlcourse import zoo
from dlcourse.applications.captioning import evaluate_nic
from dlcourse.applications.captioning.entries import THINGS, VOCABULARY, load_nic
from dlcourse.applications.detection.entries import evaluate_detector, load_fast_rcnn, load_rcnn
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_detect
from dlcourse.applications.segmentation import evaluate_fcn
from dlcourse.applications.segmentation.entries import load_fcn
from dlcourse.data.scenes import load_scenes

NAMES = ["fcn-32s", "fcn-16s", "fcn-8s", "rcnn", "fast-rcnn", "nic"]


@pytest.fixture(scope="module")
def scenes():
    return [load_scenes("test", 100)[k] for k in range(100)]


@pytest.mark.parametrize("name", NAMES[:3])
def test_segmenters_score_what_their_record_says(name, scenes):
    scores, _ = evaluate_fcn(load_fcn(name), scenes)
    assert scores._asdict() == pytest.approx(zoo.record(f"scenes/{name}")["test"]["100"], abs=2e-3)


@pytest.mark.parametrize("name", NAMES[3:5])
def test_detectors_score_what_their_record_says(name, scenes):
    pytest.importorskip("skimage", reason="pip install scikit-image")
    if name == "rcnn":
        detect = load_rcnn().detect
    else:
        model = load_fast_rcnn()

        def detect(image, proposals):
            return fast_rcnn_detect(model, image, proposals)

    scores = evaluate_detector(detect, scenes)
    assert scores == pytest.approx(zoo.record(f"scenes/{name}")["test"]["100"], abs=0.01)


def test_the_captioner_scores_what_its_record_says():
    scores, _ = evaluate_nic(load_nic(), load_scenes("test", 100, things=THINGS), VOCABULARY)
    known = zoo.record("scenes/nic")["test"]["100"]
    assert scores.bleu == pytest.approx(known["bleu"], abs=0.01)
    assert scores.right == pytest.approx(known["right"], abs=0.02)
    assert scores.exact == pytest.approx(known["exact"], abs=0.02)


def test_finer_grids_score_better():
    values = [zoo.record(f"scenes/{name}")["test"]["500"]["mean_iou"] for name in NAMES[:3]]
    assert values == sorted(values)
