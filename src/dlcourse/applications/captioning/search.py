"""What to say: the likeliest word each time, or the likeliest of many sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dlcourse.applications.captioning.vocabulary import Vocabulary
from dlcourse.models import NIC
from dlcourse.nn import softmax


@dataclass(frozen=True)
class Hypothesis:
    """A sentence, or the beginning of one."""

    words: tuple[int, ...] = ()  #: without the start mark; a whole sentence ends with the end mark
    log_probability: float = 0.0  #: of all words together
    #: the LSTM's state and cell after the last word, (hidden,) each
    state: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False, compare=False)


def greedy(model: NIC, image: np.ndarray, most: int = 20) -> Hypothesis:
    """Return the sentence made of the likeliest word at each place.

    Parameters
    ----------
    model : NIC
        In training or evaluation mode; it is left as it was.
    image : array of shape (3, S, S)
        The picture.
    most : int
        After this many words the sentence ends, whole or not.

    Examples
    --------
    >>> model = NIC(8, rng=np.random.default_rng(0))
    >>> len(greedy(model, np.zeros((3, 96, 96), np.float32), most=5).words) <= 5
    True
    """
    return beam_search(model, image, width=1, most=most)[0]


def beam_search(model: NIC, image: np.ndarray, width: int = 3, most: int = 20) -> list[Hypothesis]:
    """Return the likeliest sentences found when the best `width` beginnings are kept.

    Each beginning is continued by every word, and the best `width` of all continuations are kept;
    whole sentences stay in the running as they are. The search ends when only whole ones are left.

    Parameters
    ----------
    model, image, most
        As for `greedy`.
    width : int
        How many beginnings are kept; 1 is `greedy`.

    Returns
    -------
    list of Hypothesis
        The likeliest first, `width` of them at most.

    Raises
    ------
    ValueError
        If `width` or `most` is less than 1.
    """
    if width < 1 or most < 1:
        raise ValueError(f"expected width and most of at least 1, found {width} and {most}")
    twin = model.replica().eval()
    twin.lstm.initial = None
    twin.lstm(twin.encode(image[None])[None])
    h, c = twin.lstm.state
    beams = [Hypothesis(state=(h[0], c[0]))]
    for _ in range(most):
        if all(_is_whole(beam) for beam in beams):
            break
        candidates = [beam for beam in beams if _is_whole(beam)]
        candidates += _continued(twin, [b for b in beams if not _is_whole(b)], width)
        beams = sorted(candidates, key=lambda beam: -beam.log_probability)[:width]
    return beams


def _is_whole(beam: Hypothesis) -> bool:
    return beam.words[-1:] == (Vocabulary.END,)


def _continued(model: NIC, beams: list[Hypothesis], width: int) -> list[Hypothesis]:
    """Return the best continuations of each beginning by one word."""
    words = np.array([beam.words[-1] if beam.words else Vocabulary.START for beam in beams])
    states = [beam.state for beam in beams if beam.state is not None]
    model.lstm.initial = np.stack([h for h, _ in states]), np.stack([c for _, c in states])
    y = model.lstm(model.embedding(words)[None])[0]
    h, c = model.lstm.state
    logs = np.log(softmax(model.score(y)))
    found = []
    for k, beam in enumerate(beams):
        for word in np.argsort(-logs[k], kind="stable")[:width]:
            log_probability = beam.log_probability + float(logs[k, word])
            found.append(Hypothesis((*beam.words, int(word)), log_probability, (h[k], c[k])))
    return found
