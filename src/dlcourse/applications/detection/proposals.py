"""Selective search: where in a picture there might be something, whatever it is.

The picture is first cut into many small regions of about one colour (Felzenszwalb and Huttenlocher
2004, by scikit-image). Then the two neighbours that are most alike are joined, again and again
until one region is left. Every region that existed on the way is a proposal: small things are
found early, large ones late (Uijlings et al. 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlcourse.applications.detection.boxes import box_iou
from dlcourse.expect import needed

_SCALES = (50, 150)  # of the cuts that the search starts from, see `initial_regions`
_SMALLEST = 12  # pixels in width and height that a box must have
_BINS = 25  # of a histogram, for each colour
_DIRECTIONS = 8  # of the edges that make up texture


@dataclass(eq=False)
class _Region:
    """A set of pixels, as far as joining needs to know it."""

    pixels: int
    box: np.ndarray  #: left, top, right, bottom
    colour: np.ndarray  #: histogram, sums to 1
    texture: np.ndarray  #: histogram, sums to 1

    def likeness(self, other: _Region, picture: int) -> float:
        """Return how well two regions go together: four numbers from 0 to 1, added up."""
        joint = _hull(self.box, other.box)
        gaps = (joint[2] - joint[0]) * (joint[3] - joint[1]) - self.pixels - other.pixels
        size = 1 - (self.pixels + other.pixels) / picture  # small ones first
        fill = 1 - gaps / picture  # those that fit into each other first
        colour = np.minimum(self.colour, other.colour).sum()
        texture = np.minimum(self.texture, other.texture).sum()
        return float(colour + texture + size + fill)

    def joined(self, other: _Region) -> _Region:
        pixels = self.pixels + other.pixels
        share = self.pixels / pixels
        return _Region(
            pixels,
            _hull(self.box, other.box),
            share * self.colour + (1 - share) * other.colour,
            share * self.texture + (1 - share) * other.texture,
        )


def initial_regions(image: np.ndarray, scale: float) -> np.ndarray:
    """Return the number of each pixel's region, (H, W): the cut that joining starts from.

    Parameters
    ----------
    image : array of shape (3, H, W)
        From 0 to 1.
    scale : float
        A larger scale gives fewer and larger regions.
    """
    with needed("scikit-image", "selective search"):
        from skimage.segmentation import felzenszwalb
    regions: np.ndarray = felzenszwalb(
        image.transpose(1, 2, 0), scale=scale, sigma=0.8, min_size=20, channel_axis=2
    )
    return regions


def selective_search(image: np.ndarray) -> np.ndarray:
    """Return boxes in which there might be something.

    Parameters
    ----------
    image : array of shape (3, H, W)
        From 0 to 1.

    Returns
    -------
    array of shape (K, 4), float32
        Left, top, right, bottom; no two the same. Those that came about last come first.

    Raises
    ------
    ValueError
        If the picture has another shape.
    ImportError
        If scikit-image is not installed.

    Examples
    --------
    >>> image = np.zeros((3, 64, 64), np.float32)
    >>> image[:, 20:40, 10:50] = 1
    >>> boxes = selective_search(image)
    >>> bool(box_iou(boxes, np.array([[10, 20, 50, 40]])).max() > 0.8)
    True
    """
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f"expected a picture (3, H, W), found shape {image.shape}")
    found = [_grouping(image, initial_regions(image, scale)) for scale in _SCALES]
    boxes = np.concatenate(found)
    large = (boxes[:, 2:] - boxes[:, :2] >= _SMALLEST).all(axis=1)
    return np.unique(boxes[large][::-1], axis=0).astype(np.float32)


def recall(proposals: np.ndarray, boxes: np.ndarray, iou_threshold: float = 0.5) -> float:
    """Return the share of boxes that a proposal overlaps by at least the threshold.

    Raises
    ------
    ValueError
        If there are no boxes.

    Examples
    --------
    >>> recall(np.array([[0, 0, 10, 10]]), np.array([[0, 0, 10, 9], [5, 5, 20, 20]]))
    0.5
    """
    if not len(boxes):
        raise ValueError("expected at least one box to find, found none")
    if not len(proposals):
        return 0.0
    return float((box_iou(boxes, proposals).max(axis=1) >= iou_threshold).mean())


def _grouping(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Join regions until one is left, and return the boxes of all that ever existed."""
    regions = dict(enumerate(_describe(image, labels)))
    picture = labels.size
    likeness = {
        pair: regions[pair[0]].likeness(regions[pair[1]], picture) for pair in _neighbours(labels)
    }
    boxes = [region.box for region in regions.values()]
    while likeness:
        a, b = max(likeness, key=lambda pair: likeness[pair])
        new = len(boxes)
        regions[new] = regions[a].joined(regions[b])
        boxes.append(regions[new].box)
        touched = [pair for pair in likeness if a in pair or b in pair]
        others = {k for pair in touched for k in pair} - {a, b}
        for pair in touched:
            del likeness[pair]
        for k in sorted(others):
            likeness[k, new] = regions[k].likeness(regions[new], picture)
    return np.stack(boxes)


def _describe(image: np.ndarray, labels: np.ndarray) -> list[_Region]:
    count = int(labels.max()) + 1
    flat = labels.ravel()
    pixels = np.bincount(flat, minlength=count)
    colour = _histograms(image, flat, count, _BINS, 0.0, 1.0)
    texture = _histograms(_edges(image), flat, count, 10, 0.0, 0.25)
    regions = []
    rows, columns = np.indices(labels.shape).reshape(2, -1)
    order = np.argsort(flat, kind="stable")
    ends = np.cumsum(pixels)
    for k, (start, end) in enumerate(zip(ends - pixels, ends, strict=True)):
        own = order[start:end]
        x, y = columns[own], rows[own]
        box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        regions.append(_Region(int(pixels[k]), box, colour[k], texture[k]))
    return regions


def _edges(image: np.ndarray) -> np.ndarray:
    """Return how much each pixel brightens in each of eight directions, (8, H, W)."""
    grey = image.mean(axis=0)
    dy, dx = np.gradient(grey)
    angles = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    slopes: np.ndarray = np.cos(angles)[:, None, None] * dx + np.sin(angles)[:, None, None] * dy
    brighter: np.ndarray = np.maximum(slopes, 0)
    return brighter


def _histograms(
    planes: np.ndarray, labels: np.ndarray, count: int, bins: int, low: float, high: float
) -> np.ndarray:
    """Return a histogram of each plane for each region, side by side, that sums to 1."""
    parts = []
    for plane in planes:
        place = ((plane.ravel() - low) / (high - low) * bins).astype(int).clip(0, bins - 1)
        counts = np.bincount(labels * bins + place, minlength=count * bins)
        parts.append(counts.reshape(count, bins))
    together = np.concatenate(parts, axis=1).astype(float)
    shares: np.ndarray = together / together.sum(axis=1, keepdims=True)
    return shares


def _neighbours(labels: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of regions that touch, the lower number first."""
    beside = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()])
    below = np.stack([labels[:-1].ravel(), labels[1:].ravel()])
    pairs = np.sort(np.concatenate([beside, below], axis=1), axis=0)
    different = np.unique(pairs[:, pairs[0] != pairs[1]], axis=1)
    return [(int(a), int(b)) for a, b in different.T]


def _hull(box: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the smallest box around two boxes."""
    return np.concatenate([np.minimum(box[:2], other[:2]), np.maximum(box[2:], other[2:])])
