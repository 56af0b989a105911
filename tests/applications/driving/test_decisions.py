"""Planner, controller, weather and colours need no simulator."""

import numpy as np
import pytest

from dlcourse.applications.driving import (
    WEATHERS,
    ColourTable,
    Driver,
    Weather,
    angle_to,
    draw_weather,
    plan,
)
from dlcourse.applications.driving.labels import CAR, GRASS, ROAD
from dlcourse.applications.driving.planner import FAR


def straight(left=38, right=58):
    classes = np.full((96, 96), GRASS)
    classes[:84, left:right] = ROAD
    classes[66:78, 46:50] = CAR
    return classes


def bend():
    """Ahead for 30 pixels, and then to the right for good."""
    classes = np.full((96, 96), GRASS)
    classes[30:84, 38:58] = ROAD
    classes[30:50, 38:] = ROAD
    return classes


def test_on_a_straight_the_points_are_ahead():
    found = plan(straight())
    assert found.near[0] == pytest.approx(47.5, abs=1) and found.far[0] == pytest.approx(
        47.5, abs=1
    )
    assert found.far[1] < found.near[1] < 72 and found.reach == FAR


@pytest.mark.parametrize(("left", "right", "sign"), [(44, 64, 1), (32, 52, -1)])
def test_the_car_steers_to_the_middle(left, right, sign):
    steer, gas, brake = Driver().act(straight(left, right), speed=20)
    assert np.sign(steer) == sign and gas > 0 and brake == 0


def test_the_wave_runs_round_the_bend():
    found = plan(bend())
    assert found.far[0] > 70 and 30 <= found.far[1] < 50
    slow = Driver().act(bend(), speed=60)
    assert slow[1] == 0 and slow[2] > 0
    mirrored = plan(bend()[:, ::-1])
    assert angle_to(mirrored.far) == pytest.approx(-angle_to(found.far), abs=0.1)


def test_damping_takes_the_wheel_back():
    driver = Driver()
    first = driver.act(straight(46, 66), speed=20)[0]
    again = driver.act(straight(46, 66), speed=20)[0]  # the angle does not change any more
    back = driver.act(straight(42, 62), speed=20)[0]
    assert first > again > back


def test_no_road_no_plan():
    driver = Driver()
    assert plan(np.zeros((96, 96), int)) is None
    steer = driver.act(straight(46, 66), speed=20)[0]
    assert driver.act(np.zeros((96, 96), int), speed=10) == (steer, 0.0, 0.0)


def test_weather_keeps_shape_and_repeats():
    frame = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    np.testing.assert_array_equal(Weather().apply(frame, np.random.default_rng(0)), frame)
    for weather in (*WEATHERS.values(), draw_weather(np.random.default_rng(3))):
        seen = weather.apply(frame, np.random.default_rng(1))
        assert seen.shape == frame.shape and seen.dtype == np.uint8
        np.testing.assert_array_equal(seen, weather.apply(frame, np.random.default_rng(1)))
    grey = Weather(pale=1.0).apply(frame, np.random.default_rng(0)).astype(int)
    assert np.ptp(grey, axis=2).max() <= 1
    assert Weather(haze=1.0).apply(frame, np.random.default_rng(0)).std() == 0
    assert draw_weather(np.random.default_rng(5)) == draw_weather(np.random.default_rng(5))


def test_the_table_knows_the_commonest_class_of_a_colour():
    table = ColourTable()
    frames = np.zeros((1, 2, 3, 3), np.uint8)
    frames[0, 1] = 200
    table.count(frames, np.array([[[1, 1, 2], [3, 3, 3]]], np.uint8))
    assert table.predict(frames).tolist() == [[[1, 1, 1], [3, 3, 3]]]
    assert table.predict(np.full((1, 1, 1, 3), 90, np.uint8)).item() == 3  # never met
