"""An explorer of a beam search: captions as they grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.applications.captioning import Vocabulary, beam_search
from dlcourse.data.scenes import Scene
from dlcourse.explore.lib.widget import Explorer, Packed, pack
from dlcourse.models import NIC


@dataclass(frozen=True)
class _Beginning:
    """A beginning of a sentence."""

    words: list[str]
    last: float  #: the probability of its last word
    all: float  #: that of all its words


@dataclass(frozen=True)
class _Searched:
    """A scene, and the search for its caption."""

    caption: str
    searches: dict[str, list[list[_Beginning]]]  #: by width, the beams after each word


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed
    scenes: list[_Searched]


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
        _Searched(
            caption=scene.caption,
            searches={str(width): _search(model, vocabulary, scene, width) for width in widths},
        )
        for scene in scenes
    ]
    data = _Data(images=pack(np.stack([scene.image for scene in scenes])), scenes=entries)
    return Explorer("beams", "Explorer: the next word", data)


def _search(
    model: NIC, vocabulary: Vocabulary, scene: Scene, width: int, most: int = 14
) -> list[list[_Beginning]]:
    """Return the beams after one word, after two, and so on, until all sentences are whole."""
    steps: list[list[_Beginning]] = []
    before: dict[tuple[int, ...], float] = {(): 0.0}
    for length in range(1, most + 1):
        found = beam_search(model, scene.image, width, most=length)
        steps.append(
            [
                _Beginning(
                    words=[vocabulary.words[word] for word in beam.words],
                    # A sentence that was already whole keeps its last word.
                    last=float(
                        np.exp(beam.log_probability - before.get(beam.words[:-1], 0.0))
                        if len(beam.words) == length
                        else 1.0
                    ),
                    all=float(np.exp(beam.log_probability)),
                )
                for beam in found
            ]
        )
        before = {beam.words: beam.log_probability for beam in found}
        if all(beam.words[-1] == vocabulary.END for beam in found):
            break
    return steps
