"""What each pixel of a road picture is, drawn from the simulator's geometry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

#: The classes by number.
CLASSES = ("grass", "road", "kerb", "car", "panel")
GRASS, ROAD, KERB, CAR, PANEL = range(5)

SIDE = 96  #: pixels of a picture, both ways
#: Pixels to the right and upwards for one unit of the simulator's world; the picture is drawn
#: 1000 wide and 800 high, and then made square.
PIXELS_PER_UNIT = (2.7 * 6 * SIDE / 1000, 2.7 * 6 * SIDE / 800)
#: Column and row of the centre of the car, which always points upwards.
CAR_PLACE = (SIDE // 2, 3 * SIDE // 4)
#: The panel with the speed and other instruments covers the picture from this row on.
PANEL_ROW = 7 * SIDE // 8

_FINER = 4  # classes are drawn with this many times the pixels, and the middle of each is kept


def true_classes(world: Any) -> np.ndarray:
    """Return the class of each pixel, from where road, kerbs and car are, not from colours.

    Parameters
    ----------
    world : gymnasium.envs.box2d.CarRacing
        The simulator, with its camera near (as `RoadSimulator` keeps it).

    Returns
    -------
    uint8 array of shape (96, 96)
    """
    hull = world.car.hull
    corner = (hull.position[0], hull.position[1])
    turn = math.cos(hull.angle), math.sin(hull.angle)
    picture = Image.new("L", (SIDE * _FINER, SIDE * _FINER), GRASS)
    draw = ImageDraw.Draw(picture)
    for points, colour in world.road_poly:
        # The simulator's kerbs are red or white; a tile of the road is some shade of grey.
        kind = KERB if tuple(colour) in ((255, 255, 255), (255, 0, 0)) else ROAD
        _polygon(draw, points, kind, corner, turn)
    for body in world.car.drawlist:
        for fixture in body.fixtures:
            points = [tuple(body.transform * v) for v in fixture.shape.vertices]
            _polygon(draw, points, CAR, corner, turn)
    classes = np.array(picture)[_FINER // 2 :: _FINER, _FINER // 2 :: _FINER]
    classes[PANEL_ROW:] = PANEL
    return classes


def _polygon(
    draw: ImageDraw.ImageDraw,
    points: list[Any],
    kind: int,
    corner: tuple[float, float],
    turn: tuple[float, float],
) -> None:
    """Draw a polygon of the world as the camera above the car sees it."""
    across, up = PIXELS_PER_UNIT
    seen = []
    for px, py in points:
        x, y = px - corner[0], py - corner[1]
        right, ahead = turn[0] * x + turn[1] * y, turn[0] * y - turn[1] * x
        seen.append(
            ((CAR_PLACE[0] + across * right) * _FINER, (CAR_PLACE[1] - up * ahead) * _FINER)
        )
    side = SIDE * _FINER
    if any(-side < x < 2 * side and -side < y < 2 * side for x, y in seen):
        draw.polygon(seen, fill=kind)
