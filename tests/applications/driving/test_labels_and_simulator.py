import sys

import numpy as np
import pytest

from dlcourse.applications.driving import Driver, RoadSimulator, collect, drive, straight_ahead
from dlcourse.applications.driving.labels import CAR, CAR_PLACE, GRASS, KERB, PANEL, ROAD

for module in ("gymnasium", "Box2D", "pygame"):
    pytest.importorskip(module, reason="pip install 'dlcourse[rl]'")


@pytest.fixture(scope="module")
def road():
    with RoadSimulator(steps=80) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def pictures():
    return collect([1100, 1101], each=6, every=20)


def test_true_classes_agree_with_the_colours_of_clear_weather(pictures):
    frames = pictures.frames.astype(int)
    red, green, blue = np.moveaxis(frames, -1, 0)
    grass = (green > red + 90) & (green > blue + 90) & (red > 90)
    asphalt = (abs(red - green) < 4) & (abs(red - blue) < 4) & (red > 95) & (red < 115)
    for colour, kind in ((grass, GRASS), (asphalt, ROAD)):
        assert (pictures.classes[:, :84][colour[:, :84]] == kind).mean() > 0.98
        assert colour[:, :84][pictures.classes[:, :84] == kind].mean() > 0.85  # edges are blended
    assert (pictures.classes[:, 84:] == PANEL).all()
    assert set(np.unique(pictures.classes)) <= {GRASS, ROAD, KERB, CAR, PANEL}


def test_the_car_is_where_the_planner_looks_for_it(road):
    road.reset(5)
    for _ in range(30):
        road.step(0.0, 0.3, 0.0)
    rows, columns = np.nonzero(road.classes == CAR)
    assert abs(columns.mean() + 0.5 - CAR_PLACE[0]) < 1 and abs(rows.mean() - CAR_PLACE[1]) < 3
    assert road.wheels_on_road == 4 and road.speed > 5


def test_a_seed_gives_one_drive(road):
    first, second = (drive(road, 4) for _ in range(2))
    assert first == second and first.end == "time" and first.steps == 80 and first.on_road
    assert first.distance > 20 and 0 < first.tiles < 0.3


def test_pictures_are_reproducible(pictures):
    again = collect([1101], each=6, every=20)
    np.testing.assert_array_equal(again.frames, pictures.frames[6:])
    np.testing.assert_array_equal(again.classes, pictures.classes[6:])


def test_straight_ahead_leaves_the_road():
    with RoadSimulator(steps=600) as road:
        result = straight_ahead(road, 0)
    assert result.end == "off road" and not result.on_road and road.wheels_on_road == 0
    assert result.steps < 600 and road.steps_off_road == 25


def test_a_lap_needs_the_way_back_or_every_tile(road):
    road.reset(2)
    world = road._world
    world.tile_visited_count = len(world.track) - 1
    touched = [wheel.tiles for wheel in world.car.wheels]
    for wheel in world.car.wheels:
        wheel.tiles = {world.road[50]}
    assert not road.lap_done
    world.car.wheels[2].tiles = {world.road[0]}  # touched before: CarRacing does not see this
    assert road.lap_done and road.over
    world.car.wheels[2].tiles = {world.road[50]}
    world.tile_visited_count += 1
    assert road.lap_done
    for wheel, tiles in zip(world.car.wheels, touched, strict=True):
        wheel.tiles = tiles  # the simulator takes the old ones out when it begins anew


def test_moments_show_what_the_driver_saw(road):
    moments = []
    blind = np.zeros((96, 96), int)
    drive(road, 3, segment=lambda frame: blind, watch=moments.append)
    assert len(moments) == road.steps_done
    assert moments[0].plan is None and moments[0].command == (0.0, 0.0, 0.0)
    assert Driver().act(blind, speed=50.0)[2] > 0  # no road in sight: slow down


def test_without_the_simulator_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "Box2D", None)
    with pytest.raises(ImportError, match=r"pip install 'dlcourse\[rl\]'"):
        RoadSimulator()
