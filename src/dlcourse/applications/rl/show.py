"""Showing how an agent plays: as text, step by step, or as an animated GIF."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from dlcourse import zoo
from dlcourse.applications.rl.dqn import QAgent
from dlcourse.applications.rl.episodes import Agent, episode_seed, make, play
from dlcourse.applications.rl.games import make_game
from dlcourse.applications.rl.tabular import TabularAgent
from dlcourse.applications.rl.tabular_recipe import PLANS
from dlcourse.expect import missing, one_of
from dlcourse.files import atomic_write
from dlcourse.training import Stream

#: All agents that can be shown.
PLAYERS = [name for name in zoo.names("rl/") if (zoo.FOLDER / f"{name}.npz").exists()]

#: A sign and a colour for what stands in a plane of MinAtar; others get their first letter.
_PIECES = {
    "paddle": ("=", (86, 180, 233)),
    "ball": ("o", (240, 228, 66)),
    "trail": (".", (120, 120, 120)),
    "brick": ("#", (213, 94, 0)),
}
_CELL = 16  # pixels


def load_player(name: str, *, pixels: bool = False) -> tuple[Agent, Any]:
    """Return an agent of the zoo and an environment of its game, ready to be shown.

    Parameters
    ----------
    name : str
        One of `PLAYERS`.
    pixels : bool
        Whether pictures will be asked for; else text.

    Raises
    ------
    ValueError
        If no such agent is known.

    Examples
    --------
    >>> agent, world = load_player("rl/frozen-lake-q-learning")  # doctest: +SKIP
    >>> agent.q_values(0).shape  # doctest: +SKIP
    (4,)
    """
    one_of("the agent", name, PLAYERS)
    recipe = zoo.record(name)["recipe"]
    if "game" in recipe:
        return QAgent(zoo.load(name)), make_game(recipe["game"])
    plan = PLANS[recipe["world"]]
    if pixels:  # Gymnasium draws these with pygame, which must not look for a screen
        if importlib.util.find_spec("pygame") is None:
            raise missing("pygame", f"a picture of {plan.environment}", "'dlcourse[rl]'")
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    environment = make(
        plan.environment,
        max_episode_steps=plan.max_steps,
        render_mode="rgb_array" if pixels else "ansi",
    )
    return TabularAgent(zoo.load(name)["tables"][0]), environment


def as_text(environment: Any, observation: Any) -> str:
    """Return what the game shows now as lines of text.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> world = GridWorld(["S.G"])
    >>> observation, _ = world.reset()
    >>> print(as_text(world, observation))
    @.G
    """
    if _is_minatar(environment):
        rows = np.full(observation.shape[:2], " ", dtype="<U1")
        for name, plane in _planes(environment):
            rows[observation[:, :, plane]] = _PIECES.get(name, (name[0],))[0]
        edge = "+" + "-" * rows.shape[1] + "+"
        return "\n".join([edge, *(f"|{''.join(row)}|" for row in rows), edge])
    if _is_cart(environment):
        place = round((observation[0] + 2.4) / 4.8 * 48)
        lean = "\\" if observation[2] < -0.02 else "/" if observation[2] > 0.02 else "|"
        pole = " " * max(0, min(48, place)) + " " + lean
        cart = " " * max(0, min(48, place)) + "[=]"
        return "\n".join([pole, cart, "-" * 51])
    return str(environment.render())


def as_picture(environment: Any, observation: Any) -> Image.Image:
    """Return what the game shows now as a picture."""
    if _is_minatar(environment):
        return _draw_planes(environment, observation)
    if _is_cart(environment):
        return _draw_cart(observation)
    return Image.fromarray(environment.render())


def watch(
    agent: Agent, environment: Any, show: Callable[[Any, Any], Any], *, seed: int = 0
) -> Iterator[tuple[Any, float, bool]]:
    """Play a game; yield what `show` makes of each state, the return so far, and if it is over.

    Parameters
    ----------
    agent : Agent
        Plays, and always does what looks best.
    environment : gymnasium.Env
        The game.
    show : callable
        `as_text` or `as_picture`.
    seed : int
        Decides the game: another seed gives another game.
    """
    total, first = 0.0, True
    steps = play(environment, agent.act, seed=episode_seed(seed, Stream.EVALUATE, 0))
    for step in steps:
        if first and not isinstance(agent, TabularAgent):  # its worlds have moved on already
            yield show(environment, step.observation), 0.0, False
        first = False
        total += step.reward
        yield show(environment, step.next_observation), total, step.terminated or step.truncated


def save_gif(path: Any, pictures: Sequence[Image.Image], milliseconds: int = 60) -> None:
    """Write pictures to an animated GIF, whole or not at all.

    Raises
    ------
    ValueError
        If there is no picture.
    """
    if not pictures:
        raise ValueError("expected at least one picture for a GIF, found none")
    with atomic_write(path) as file:
        pictures[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=milliseconds,
            loop=0,
        )


def _name(environment: Any) -> str:
    return str(getattr(environment.spec, "id", ""))


def _is_minatar(environment: Any) -> bool:
    return _name(environment).startswith("MinAtar/")


def _is_cart(environment: Any) -> bool:
    return _name(environment).startswith("CartPole")


def _planes(environment: Any) -> list[tuple[str, int]]:
    """The planes of a game of MinAtar by name; the ball is drawn over its trail."""
    named = environment.unwrapped.game.env.channels
    return sorted(named.items(), key=lambda item: (item[0] != "trail", item[1]))


def _draw_planes(environment: Any, observation: np.ndarray) -> Image.Image:
    height, width = (size * _CELL for size in observation.shape[:2])
    picture = Image.new("RGB", (width, height), (20, 20, 24))
    draw = ImageDraw.Draw(picture)
    for name, plane in _planes(environment):
        _, color = _PIECES.get(name, (name[0], (204, 121, 167)))
        for row, column in np.argwhere(observation[:, :, plane]):
            left, top = int(column) * _CELL, int(row) * _CELL
            box = (left + 1, top + 1, left + _CELL - 2, top + _CELL - 2)
            if name == "ball":  # a shape of its own: not by colour alone
                draw.ellipse(box, fill=color)
            elif name == "trail":
                draw.ellipse((left + 5, top + 5, left + _CELL - 6, top + _CELL - 6), fill=color)
            else:
                draw.rectangle(box, fill=color)
    return picture


def _draw_cart(observation: np.ndarray) -> Image.Image:
    width, height, ground = 300, 160, 130
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    x = width / 2 + float(observation[0]) / 2.4 * (width / 2 - 20)
    draw.line((0, ground, width, ground), fill=(120, 120, 120))
    draw.rectangle((x - 20, ground - 18, x + 20, ground), fill=(0, 114, 178))
    angle = float(observation[2])
    tip = (x + 90 * np.sin(angle), ground - 18 - 90 * np.cos(angle))
    draw.line((x, ground - 18, *tip), fill=(213, 94, 0), width=6)
    return picture
