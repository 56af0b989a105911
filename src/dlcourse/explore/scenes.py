"""Explorers of chapter 5: boxes, detections, classes of pixels, and captions as they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlcourse.applications.captioning import Vocabulary, beam_search
from dlcourse.applications.detection import COCO_THRESHOLDS, Detections
from dlcourse.data.scenes import CLASSES, Scene
from dlcourse.explore.widget import Explorer, pack
from dlcourse.models import NIC


def iou() -> Explorer:
    """Move a box over another, and watch the intersection over union.

    Examples
    --------
    >>> iou().data["thing"]
    [10, 8, 28, 32]
    """
    data = {
        "thing": [10, 8, 28, 32],
        "guess": [18, 14, 38, 36],
        "thresholds": [round(float(t), 2) for t in COCO_THRESHOLDS],
    }
    return Explorer("iou", "Explorer: when is a box right?", data)


def detections(scenes: Sequence[Scene], found: Sequence[Detections]) -> Explorer:
    """Choose which of a detector's boxes are kept, by score and by overlap.

    Parameters
    ----------
    scenes : sequence of Scene
        A few pictures; each comes to 37 kB.
    found : sequence of Detections
        What a detector finds in each before suppression, with scores from 0 to 1.

    Raises
    ------
    ValueError
        If the numbers differ, or there are no scores.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> scene = load_scenes("test")[0]
    >>> known = Detections(scene.boxes, scene.labels, np.ones(len(scene.labels)))
    >>> detections([scene], [known]).kind
    'detections'
    """
    if len(scenes) != len(found):
        raise ValueError(f"expected detections for {len(scenes)} scenes, found {len(found)}")
    entries = []
    for scene, boxes in zip(scenes, found, strict=True):
        if boxes.scores is None:
            raise ValueError("expected detections with scores, found some without")
        entries.append(
            {
                "caption": scene.caption,
                "known": [
                    _box(box, label) for box, label in zip(scene.boxes, scene.labels, strict=True)
                ],
                "boxes": [
                    {**_box(box, label), "score": round(float(score), 3)}
                    for box, label, score in zip(
                        boxes.boxes, boxes.labels, boxes.scores, strict=True
                    )
                ],
            }
        )
    data = {"images": _images(scenes), "scenes": entries, "classes": list(CLASSES)}
    return Explorer("detections", "Explorer: which of many boxes to keep", data)


def segments(
    scenes: Sequence[Scene], predicted: Mapping[str, np.ndarray], mean_iou: Mapping[str, float]
) -> Explorer:
    """Compare what networks of different stride make of some scenes, pixel by pixel.

    Parameters
    ----------
    scenes : sequence of N Scene
        A few pictures; each comes to 37 kB, and 12 kB more for each network.
    predicted : mapping from str to array of shape (N, S, S)
        The class of each pixel, by the name of the network.
    mean_iou : mapping from str to float
        How good each network is over the whole test set.

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> scene = load_scenes("test")[0]
    >>> segments([scene], {"perfect": scene.classes[None]}, {"perfect": 1.0}).kind
    'segments'
    """
    truth = np.stack([scene.classes for scene in scenes])
    for name, classes in predicted.items():
        if classes.shape != truth.shape:
            raise ValueError(f"{name}: expected classes {truth.shape}, found {classes.shape}")
    # Labels are whole numbers up to 10, and with `high` at 255 each step is one whole number.
    maps = [
        {"name": name, "labels": pack(classes, high=255), "scores": float(mean_iou[name])}
        for name, classes in predicted.items()
    ]
    maps.append({"name": "the truth", "labels": pack(truth, high=255), "scores": 1.0})
    data = {
        "images": _images(scenes),
        "scenes": [scene.caption for scene in scenes],
        "maps": maps,
        "classes": list(CLASSES),
    }
    return Explorer("segments", "Explorer: the class of each pixel", data)


def beams(
    model: NIC,
    vocabulary: Vocabulary,
    scenes: Sequence[Scene],
    widths: Sequence[int] = (1, 2, 3, 5),
) -> Explorer:
    """Follow a beam search from word to word.

    Parameters
    ----------
    model : NIC
        The captioner.
    vocabulary : Vocabulary
        Its words.
    scenes : sequence of Scene
        A few pictures.
    widths : sequence of int
        Beam widths to choose from.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> vocabulary = Vocabulary(["a"])
    >>> model = NIC(len(vocabulary), rng=np.random.default_rng(0))
    >>> explorer = beams(model, vocabulary, [load_scenes("test")[0]], widths=(1,))
    >>> len(explorer.data["scenes"][0]["searches"]["1"][0])
    1
    """
    entries = [
        {
            "caption": scene.caption,
            "searches": {str(width): _search(model, vocabulary, scene, width) for width in widths},
        }
        for scene in scenes
    ]
    data = {"images": _images(scenes), "scenes": entries}
    return Explorer("beam", "Explorer: the next word", data)


def _search(
    model: NIC, vocabulary: Vocabulary, scene: Scene, width: int, most: int = 14
) -> list[list[dict[str, Any]]]:
    """Return the beams after one word, after two, and so on, until all sentences are whole."""
    steps: list[list[dict[str, Any]]] = []
    before: dict[tuple[int, ...], float] = {(): 0.0}
    for length in range(1, most + 1):
        found = beam_search(model, scene.image, width, most=length)
        steps.append(
            [
                {
                    "words": [vocabulary.words[word] for word in beam.words],
                    # A sentence that was already whole keeps its last word.
                    "last": float(
                        np.exp(beam.log_probability - before.get(beam.words[:-1], 0.0))
                        if len(beam.words) == length
                        else 1.0
                    ),
                    "all": float(np.exp(beam.log_probability)),
                }
                for beam in found
            ]
        )
        before = {beam.words: beam.log_probability for beam in found}
        if all(beam.words[-1] == vocabulary.END for beam in found):
            break
    return steps


def _images(scenes: Sequence[Scene]) -> dict[str, Any]:
    return pack(np.stack([scene.image for scene in scenes]))


def _box(box: np.ndarray, label: int) -> dict[str, Any]:
    return {"box": [round(float(edge), 1) for edge in box], "label": int(label)}
