"""What stickers lie on: a textured ground, with scribbles that are not digits."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from dlcourse.habits import explained

#: Scribbles are drawn this many times larger and then averaged down, for smooth edges.
_OVERSAMPLING = 2


@explained
def draw_ground(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a textured picture with scribbles on it.

    The texture is noise at three scales, the coarse stronger than the fine (Perlin 1985), between
    two colours. The scribbles are lines, arcs and blots.

    Parameters
    ----------
    size : int
        Height and width S in pixels.
    rng : numpy.random.Generator
        Draws everything.

    Returns
    -------
    array of shape (S, S, 3)
        float32 from 0 to 1.

    Examples
    --------
    >>> draw_ground(64, np.random.default_rng(0)).shape
    (64, 64, 3)
    """
    noise = np.zeros((size, size), np.float32)
    for cells, strength in ((3, 0.5), (8, 0.3), (24, 0.2)):
        grid = rng.random((cells, cells), dtype=np.float32)
        noise += strength * np.asarray(
            Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
        )
    colours = rng.uniform(0.15, 0.75, (2, 3)).astype(np.float32)
    ground = colours[0] + noise[..., None] * (colours[1] - colours[0])
    return _scribble(ground.clip(0, 1), rng)


def _scribble(ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = len(ground)
    large = size * _OVERSAMPLING
    picture = Image.fromarray((ground * 255).astype(np.uint8)).resize((large, large))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(3, 9)):
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        x, y = rng.uniform(0, large, 2)
        width, height = rng.uniform(0.05, 0.35, 2) * large
        box = (x, y, x + width, y + height)
        thick = int(rng.integers(1, 6))
        match rng.integers(4):
            case 0:
                draw.line((x, y, *rng.uniform(0, large, 2)), fill=colour, width=thick)
            case 1:
                start, length = rng.uniform(0, 360), rng.uniform(60, 200)
                draw.arc(box, start, start + length, fill=colour, width=thick)
            case 2:
                draw.ellipse(box, fill=colour)
            case _:
                draw.rectangle(box, outline=colour, width=thick)
    small = picture.resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255
