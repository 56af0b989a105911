"""What the solutions of chapter 5's exercises say comes out, measured as they describe."""

import numpy as np
import pytest
from gradients import check_gradients
from page_code import definitions, run

from dlcourse import zoo
from dlcourse.applications.captioning import THINGS, VOCABULARY, beam_search
from dlcourse.applications.detection import (
    COCO_THRESHOLDS,
    Detections,
    box_iou,
    mean_average_precision,
    proposals,
)
from dlcourse.applications.detection.boxes import surest
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_detect
from dlcourse.applications.segmentation import pixel_confusion, segmentation_scores
from dlcourse.backend import sum_dtype
from dlcourse.data.scenes import load_scenes
from dlcourse.nn import LSTM, RNN

SCENES = load_scenes("test", 100)


def test_ex_detection_shift():
    """ex-detection-shift."""
    box = np.array([[0.0, 0.0, 20.0, 20.0]])
    assert box_iou(box, box + np.array([20 / 3, 0, 20 / 3, 0]))[0, 0] == pytest.approx(0.5)
    assert box_iou(box, box + 10)[0, 0] == pytest.approx(1 / 7)
    assert pytest.approx(6.67, abs=0.005) == 20 / 3 and pytest.approx(0.14, abs=0.005) == 1 / 7


@pytest.fixture(scope="module")
def searched():
    """Sixty scenes with all their proposals, however small."""
    pytest.importorskip("skimage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "_SMALLEST", 1)
        return [(SCENES[k], proposals.selective_search(SCENES[k].image)) for k in range(60)]


def large(boxes, smallest):
    return boxes[(boxes[:, 2:] - boxes[:, :2] >= smallest).all(axis=1)]


def test_ex_detection_smallest(searched):
    """ex-detection-smallest."""
    sizes = np.concatenate([scene.boxes[:, 2:] - scene.boxes[:, :2] for scene, _ in searched])
    assert sizes.min() == 10
    counts = [np.mean([len(large(p, s)) for _, p in searched]) for s in (12, 8)]
    assert counts == pytest.approx([70, 90], abs=0.5)
    for smallest, share in ((20, 0.950), (16, 0.958), (12, 0.992), (8, 1.0)):
        found = [
            proposals.recall(large(p, smallest), scene.boxes) * len(scene.boxes)
            for scene, p in searched
        ]
        assert sum(found) / len(sizes) == pytest.approx(share, abs=6e-4)


def soft(found, sigma):
    """Suppress softly: lower the score of what overlaps a surer box of its class."""
    kept = []
    for label in np.unique(found.labels):
        own = found.labels == label
        boxes, scores = found.boxes[own], found.scores[own]
        while len(scores) and scores.max() >= 0.05:
            i = scores.argmax()
            kept.append((boxes[i], label, scores[i]))
            overlap = box_iou(boxes[i : i + 1], boxes)[0]
            rest = np.arange(len(scores)) != i
            boxes, scores = boxes[rest], (scores * np.exp(-(overlap**2) / sigma))[rest]
    boxes, labels, scores = (np.array(values) for values in zip(*kept, strict=True))
    order = surest(scores)
    return Detections(boxes[order], labels[order], scores[order])


def test_ex_detection_threshold(searched):
    """ex-detection-threshold and ex-detection-soft."""
    model, known = (
        zoo.load("scenes/fast-rcnn"),
        [Detections(s.boxes, s.labels) for s, _ in searched],
    )

    def detected(threshold):
        return [
            fast_rcnn_detect(model, s.image, large(p, 12), nms_threshold=threshold)
            for s, p in searched
        ]

    def scores(results):
        return [mean_average_precision(results, known, *at) for at in ((), (COCO_THRESHOLDS,))]

    for threshold, boxes, half, strict in (
        (0.1, 6.4, 0.918, 0.612),
        (0.3, 6.8, 0.918, 0.612),
        (0.5, 9.0, 0.893, 0.602),
        (0.7, 16.1, 0.709, 0.516),
        (1.0, 43.9, 0.306, 0.246),
    ):
        results = detected(threshold)
        assert np.mean([len(r.boxes) for r in results]) == pytest.approx(boxes, abs=0.1)
        assert scores(results) == pytest.approx([half, strict], abs=2e-3)
    for sigma, half, strict in ((0.1, 0.918, 0.614), (0.2, 0.919, 0.621), (0.5, 0.902, 0.622)):
        assert scores([soft(r, sigma) for r in results]) == pytest.approx([half, strict], abs=2e-3)


def test_ex_segmentation_larger():
    """ex-segmentation-larger."""
    model = zoo.load("scenes/fcn-8s")
    x = np.random.default_rng(0).random((1, 3, 128, 160), dtype=np.float32)
    assert model(x).shape == (1, 11, 128, 160)
    with pytest.raises(ValueError, match="multiples of 32"):
        model(x[:, :, :100, :100])


@pytest.mark.parametrize(("g", "mean_iou"), [(8, 0.75), (16, 0.58), (32, 0.25)])
def test_ex_segmentation_grid(g, mean_iou):
    """ex-segmentation-grid."""
    counts = 0
    for k in range(100):
        squares = SCENES[k].classes.reshape(96 // g, g, 96 // g, g).transpose(0, 2, 1, 3)
        commonest = [np.bincount(square.ravel()).argmax() for row in squares for square in row]
        painted = np.kron(np.reshape(commonest, (96 // g, 96 // g)), np.ones((g, g), int))
        counts = counts + pixel_confusion(painted, SCENES[k].classes, 11)
    assert segmentation_scores(counts).mean_iou == pytest.approx(mean_iou, abs=5e-3)


@pytest.mark.parametrize(
    ("name", "far", "once", "four"), [("8s", 4, 0.785, 0.803), ("32s", 16, 0.595, 0.614)]
)
def test_ex_segmentation_shifts(name, far, once, four):
    """ex-segmentation-shifts; the 0.59 of ex-segmentation-grid too."""
    model = zoo.load(f"scenes/fcn-{name}").for_inference()

    def mean_iou(shifts):
        counts = 0
        for k in range(100):
            total = 0
            for dy, dx in shifts:
                pad = ((0, 0), (dy, 32 * (dy > 0) - dy), (dx, 32 * (dx > 0) - dx))
                moved = np.pad(SCENES[k].image, pad, mode="edge")
                total = total + model(moved[None])[0, :, dy : dy + 96, dx : dx + 96]
            counts = counts + pixel_confusion(total.argmax(axis=0), SCENES[k].classes, 11)
        return segmentation_scores(counts).mean_iou

    assert mean_iou([(0, 0)]) == pytest.approx(once, abs=2e-3)
    assert mean_iou([(dy, dx) for dy in (0, far) for dx in (0, far)]) == pytest.approx(
        four, abs=2e-3
    )


def test_ex_captioning_gate():
    """ex-captioning-gate."""
    gate = 1 / (1 + np.exp(-5))
    assert [0.9**40, gate, gate**40, gate**160] == pytest.approx(
        [0.015, 0.993, 0.76, 0.34], abs=5e-3
    )


def test_ex_captioning_width():
    """ex-captioning-width."""
    nic, scenes = zoo.load("scenes/nic"), load_scenes("test", 100, things=THINGS)
    said = {}
    for width, right, mean in ((1, 76, -0.503), (2, 78, -0.485), (3, 78, -0.485)):
        found = [beam_search(nic, scenes[k].image, width)[0] for k in range(100)]
        said[width] = [VOCABULARY.decode(one.words) for one in found]
        assert sum(said[width][k] == scenes[k].caption for k in range(100)) == right
        assert np.mean([one.log_probability for one in found]) == pytest.approx(mean, abs=1e-3)
    assert sum(a != b for a, b in zip(said[1], said[2], strict=True)) == 4


@pytest.fixture(scope="module")
def reader():
    return definitions("5-applications/captioning", "class Reader")


def test_ex_captioning_dots(reader):
    """ex-captioning-dots: one of its short runs, and the beginning of a long one."""
    assert reader["accuracy_after"](LSTM, 40, 5.0, 250, seed=1) > 0.95
    assert reader["accuracy_after"](LSTM, 160, 5.0, 30, seed=0) < 0.25


class GRU(RNN):
    """Two gates and no separate cell: ``h' = z h + (1 - z) tanh(W x + b + r (U h))``."""

    gates = 3

    def forward(self, x):
        into, size = self._inputs(x), self.hidden_size
        h = np.zeros((len(x) + 1, x.shape[1], size), x.dtype)
        self._steps = []
        for t in range(len(x)):
            from_state = h[t] @ self.weight_hh_l0.data.T
            gates = 1 / (1 + np.exp(-(into[t] + from_state)[:, : 2 * size]))
            r, z, u = gates[:, :size], gates[:, size:], from_state[:, 2 * size :]
            n = np.tanh(into[t][:, 2 * size :] + r * u)
            h[t + 1] = z * h[t] + (1 - z) * n
            self._steps.append((r, z, u, n))
        self._h, self.state = h, h[-1].copy()
        return h[1:].copy()

    def backward(self, dy):
        h, from_next = self._h, 0
        d_into, d_state = (np.empty((*dy.shape[:2], 3 * self.hidden_size), dy.dtype) for _ in "12")
        for t in reversed(range(len(dy))):
            r, z, u, n = self._steps[t]
            dh = dy[t] + from_next
            dz = dh * (h[t] - n) * z * (1 - z)
            dn = dh * (1 - z) * (1 - n * n)
            dr = dn * u * r * (1 - r)
            d_into[t] = np.concatenate([dr, dz, dn], axis=1)
            d_state[t] = np.concatenate([dr, dz, dn * r], axis=1)
            from_next = dh * z + d_state[t] @ self.weight_hh_l0.data
        rows, back = d_into.reshape(-1, d_into.shape[2]), d_state.reshape(-1, d_into.shape[2])
        self.weight_ih_l0.accumulate(lambda: rows.T @ self._x.reshape(-1, self.input_size))
        self.weight_hh_l0.accumulate(lambda: back.T @ h[:-1].reshape(-1, self.hidden_size))
        for bias in (self.bias_ih_l0, self.bias_hh_l0):
            bias.accumulate(lambda: rows.sum(axis=0, dtype=sum_dtype(rows.dtype)))
        return d_into @ self.weight_ih_l0.data


class OpenGRU(GRU):
    """One that keeps its state at first."""

    def __init__(self, *sizes, rng):
        super().__init__(*sizes, rng=rng)
        self.bias_ih_l0.data[self.hidden_size : 2 * self.hidden_size] += 5


def test_ex_captioning_gru(reader):
    """ex-captioning-gru."""
    rng = np.random.default_rng(0)
    check_gradients(GRU(3, 4, rng=rng), rng.standard_normal((5, 2, 3)), rng)
    assert reader["accuracy_after"](OpenGRU, 10, 0.0, 250) >= 0.95


@pytest.fixture(scope="module")
def search():
    """The names of the page modalities that search."""
    return run("5-applications/modalities", "def log_probability", "table = np.stack")


def test_ex_modalities_luck():
    """ex-modalities-luck."""
    chances = [k / n for n in (60, 1000) for k in (1, 5)]
    assert chances == pytest.approx([0.017, 0.083, 0.001, 0.005], abs=5e-4)


def test_ex_modalities_nobody(search):
    """ex-modalities-nobody."""
    wanted = "a nine above a nine"
    assert wanted not in {scene.caption for scene in search["scenes"]}
    p = np.exp(search["log_probability"](wanted, search["images"]))
    best = np.argsort(-p)[:2]
    assert [search["scenes"][k].caption for k in best] == [
        "a three above a small zero",
        "an eight above a small eight",
    ]
    assert p[best] == pytest.approx([0.0003, 0.000005], rel=0.2)


def test_ex_modalities_back(search):
    """ex-modalities-back."""
    table, same = search["table"], search["same"]
    for scores, share in (
        (table, 0.98),
        (table.T, 0.92),
        ((table - table.mean(axis=1, keepdims=True)).T, 0.95),
    ):
        rank = ((scores > np.diag(scores)[:, None]) & ~same).sum(axis=1)
        assert (rank == 0).mean() == pytest.approx(share, abs=5e-3)


def test_ex_modalities_bootstrap():
    """ex-modalities-bootstrap: eight sets of 15 in place of 32."""
    model, scenes, rng = (
        zoo.load("scenes/fcn-8s"),
        load_scenes("test", 480),
        np.random.default_rng(0),
    )
    counts = np.stack(
        [
            pixel_confusion(model.predict(scenes[k].image[None])[0], scenes[k].classes, 11)
            for k in range(120)
        ]
    ).reshape(8, 15, 11, 11)

    def mean_iou(tables):
        return segmentation_scores(tables.sum(axis=0)).mean_iou

    real = np.std([mean_iou(tables) for tables in counts], ddof=1)
    claimed = [np.std([mean_iou(t[rng.integers(0, 15, 15)]) for _ in range(100)]) for t in counts]
    assert real == pytest.approx(0.050, rel=0.25) and np.mean(claimed) == pytest.approx(
        0.053, rel=0.25
    )
