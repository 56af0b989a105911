"""Sets of scenes: any number, each made when it is asked for, and always the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from dlcourse.data.mnist import load_mnist
from dlcourse.data.scenes.compose import compose
from dlcourse.data.scenes.ground import draw_ground
from dlcourse.data.scenes.scene import Scene
from dlcourse.habits import explained
from dlcourse.streams import Stream, generator

#: Digits of MNIST's training set that are kept for the validation scenes.
_HELD_OUT = 5000
SPLITS = ("train", "validation", "test")


class NumberedScenes(Sequence[Scene], ABC):
    """Scenes by number. Number i is drawn from (seed, split, i): it depends on no other scene.

    A subclass says what its splits draw from, and draws a scene.

    Parameters
    ----------
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    length : int
        How many scenes there are.
    things : (int, int)
        The least and the most things in a scene, from 1 to 4.
    size : int
        Height and width of a scene in pixels, at least 48.
    seed : int
        Another seed gives other scenes.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """

    _stream = Stream.SCENE

    def __init__(
        self, split: str, length: int, things: tuple[int, int], size: int, seed: int
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, found {split!r}")
        if length < 1 or size < 48 or not 1 <= things[0] <= things[1] <= 4:
            raise ValueError(
                "expected length of at least 1, size of at least 48 and things from 1 to 4, found "
                f"length={length}, size={size}, things={things}"
            )
        self.length, self.things, self.size = length, things, size
        self._place = (seed, self._stream, SPLITS.index(split))

    @abstractmethod
    def draw(self, count: int, rng: np.random.Generator) -> Scene:
        """Return a scene with this many things in it."""

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Scene:  # type: ignore[override]
        if not -self.length <= index < self.length:
            raise IndexError(f"expected a number below {self.length}, found {index}")
        rng = generator(*self._place, index % self.length)
        return self.draw(int(rng.integers(self.things[0], self.things[1] + 1)), rng)

    def __iter__(self) -> Iterator[Scene]:
        return (self[index] for index in range(self.length))


class SceneSet(NumberedScenes):
    """Scenes of digits; `load_scenes` makes it.

    Examples
    --------
    >>> scenes = load_scenes("test", 100)
    >>> scenes[3].caption == load_scenes("test", 10)[3].caption
    True
    """

    def __init__(
        self, split: str, length: int, things: tuple[int, int], size: int, seed: int
    ) -> None:
        super().__init__(split, length, things, size, seed)
        train, test = load_mnist()
        self.digits = {
            "train": train.subset(slice(None, -_HELD_OUT)),
            "validation": train.subset(slice(-_HELD_OUT, None)),
            "test": test,
        }[split]

    @explained
    def draw(self, count: int, rng: np.random.Generator) -> Scene:
        return compose(self.digits, draw_ground, count, self.size, rng)


def load_scenes(
    split: str,
    length: int = 1000,
    *,
    things: tuple[int, int] = (1, 3),
    size: int = 96,
    seed: int = 0,
) -> SceneSet:
    """Return scenes of a split, made of its own digits of MNIST.

    Parameters
    ----------
    split : str
        ``"train"`` (55,000 digits of MNIST's training set), ``"validation"`` (the other 5,000) or
        ``"test"`` (MNIST's 10,000 test digits).
    length : int
        How many scenes; a longer set begins with the same ones.
    things : (int, int)
        The least and the most digits in a scene, from 1 to 4.
    size : int
        Height and width in pixels, at least 48.
    seed : int
        Another seed gives other scenes.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> scene = load_scenes("train")[0]
    >>> scene.image.shape, len(scene.boxes) == len(scene.labels)
    ((3, 96, 96), True)
    """
    return SceneSet(split, length, things, size, seed)
