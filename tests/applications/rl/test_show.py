"""Showing how an agent plays: text, pictures, and the command."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
pytest.importorskip("minatar", reason="pip install --no-deps minatar")

from dlcourse.applications.rl.games import make_game
from dlcourse.applications.rl.show import as_picture, as_text, load_player, watch
from dlcourse.cli import app

AGENTS = ["rl/breakout-dqn-seed3", "rl/cartpole-dqn-seed0", "rl/frozen-lake-q-learning"]


def test_breakout_as_text_shows_every_piece():
    game = make_game("MinAtar/Breakout-v1")
    planes, _ = game.reset(seed=0)
    rows = [line[1:-1] for line in as_text(game, planes).splitlines()[1:-1]]
    assert [row.count("#") for row in rows] == [0, 10, 10, 10, 0, 0, 0, 0, 0, 0]
    assert rows[9] == "    =     "
    assert rows[3].count("o") == 0  # the bricks come last in the game's order of planes


def test_a_game_depends_on_its_seed_alone():
    """Its sticky first action is not the last one of the game before."""
    game = make_game("MinAtar/Breakout-v1")

    def second(seed, before):
        game.reset(seed=0)
        game.step(before)
        game.reset(seed=seed)
        return game.step(0)[0].tolist()

    assert all(second(seed, 1) == second(seed, 2) for seed in range(40))


def test_the_pole_leans_as_it_does():
    cart = make_game("CartPole-v1")
    signs = [as_text(cart, np.array([0, 0, angle, 0]))[:27].strip() for angle in (-0.1, 0, 0.1)]
    assert signs == ["\\", "|", "/"]
    left, right = (as_text(cart, np.array([x, 0, 0, 0])).splitlines()[1] for x in (-2.4, 2.4))
    assert (left.index("["), right.index("[")) == (0, 48)


@pytest.mark.parametrize("name", AGENTS)
def test_a_game_is_shown_from_beginning_to_end(name):
    agent, environment = load_player(name)
    texts, totals, over = zip(*watch(agent, environment, as_text, seed=0), strict=True)
    assert all(texts) and list(over) == [False] * (len(over) - 1) + [True]
    assert list(totals) == sorted(totals)
    again = zip(*watch(agent, environment, as_text, seed=0), strict=True)
    assert list(again) == [texts, totals, over]


@pytest.mark.parametrize("name", AGENTS)
def test_the_command_writes_a_gif(name, tmp_path):
    path = tmp_path / "game.gif"
    result = CliRunner().invoke(app, ["play", name, "-o", str(path), "--most", "12"])
    assert result.exit_code == 0, result.output
    with Image.open(path) as gif:
        assert 2 <= gif.n_frames <= 12 and min(gif.size) > 50


def test_pictures_of_different_states_differ():
    for name in AGENTS[:2]:
        agent, environment = load_player(name, pixels=True)
        pictures = [picture for picture, *_ in watch(agent, environment, as_picture)][:90:10]
        assert len({picture.tobytes() for picture in pictures}) > 5


def test_the_command_plays_in_text():
    result = CliRunner().invoke(app, ["play", AGENTS[0], "--most", "3"])
    assert result.exit_code == 0
    assert result.output.count("return") == 3 and "#" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rl/nobody"], "the agent must be one of rl/"),
        ([AGENTS[0], "-o", "game.mp4"], r"ends in \.gif"),
        ([AGENTS[0], "--most", "0"], "--most must be at least 1, found 0"),
    ],
)
def test_what_cannot_be_played_is_one_sentence(arguments, message):
    result = CliRunner().invoke(app, ["play", *arguments])
    assert isinstance(result.exception, ValueError)
    with pytest.raises(ValueError, match=message):
        raise result.exception
