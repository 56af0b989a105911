"""Proposals with what is known about them: what each shows, and where the thing really is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dlcourse.applications.detection.boxes import box_iou
from dlcourse.applications.detection.proposals import selective_search
from dlcourse.data.scenes import Scene


@dataclass(frozen=True, eq=False)
class Regions:
    """The proposals in one picture.

    Parameters
    ----------
    image : array of shape (3, H, W)
        The picture.
    boxes : array of shape (R, 4)
        The proposals, and in training the boxes of the things themselves.
    overlaps : array of shape (R,)
        Intersection over union with the nearest thing; 0 where there is none.
    labels : array of shape (R,)
        The label of that thing.
    targets : array of shape (R, 4)
        The box of that thing.
    """

    image: np.ndarray
    boxes: np.ndarray
    overlaps: np.ndarray
    labels: np.ndarray
    targets: np.ndarray


def label_regions(scene: Scene, proposals: np.ndarray) -> Regions:
    """Return proposals, each with the thing it overlaps most; in an empty scene all are ground.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> scene = load_scenes("test", things=(1, 1))[0]
    >>> regions = label_regions(scene, np.array([[0, 0, 96, 96]], np.float32))
    >>> bool(regions.labels[0] == scene.labels[0]), bool(0 < regions.overlaps[0] < 1)
    (True, True)
    """
    if not len(scene.boxes):
        nothing = np.zeros(len(proposals))
        return Regions(scene.image, proposals, nothing, nothing.astype(np.int64), proposals)
    overlaps = box_iou(proposals, scene.boxes)
    nearest = overlaps.argmax(axis=1)
    return Regions(
        scene.image,
        proposals,
        overlaps.max(axis=1),
        scene.labels[nearest],
        scene.boxes[nearest],
    )


def training_regions(scenes: Iterable[Scene]) -> list[Regions]:
    """Return the proposals of selective search and the true boxes of each scene, labelled."""
    return [
        label_regions(scene, np.concatenate([scene.boxes, selective_search(scene.image)]))
        for scene in scenes
    ]
