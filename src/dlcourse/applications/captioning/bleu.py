"""BLEU: how many runs of words a caption shares with captions that people would write."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def corpus_bleu(
    captions: Sequence[str], references: Sequence[Sequence[str]], most: int = 4
) -> float:
    """Return the BLEU of all captions together (Papineni et al. 2002).

    For each run length 1, 2, ..., `most`: what share of the captions' runs of words stand in a
    reference? A run counts no more often than in the reference that has it most often. The
    geometric mean of the shares is multiplied by ``exp(1 - r / c)`` where the captions, c words in
    all, are shorter than the references nearest in length, r words in all.

    Parameters
    ----------
    captions : sequence of str
        What was said, words separated by spaces.
    references : sequence of sequence of str
        For each caption, what would have been right.
    most : int
        The longest run; 4 gives BLEU-4.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If there are no captions, or one of them has no reference.

    Examples
    --------
    >>> round(corpus_bleu(["a seven above a two"], [["a seven above a three"]], most=2), 3)
    0.775
    """
    if not captions or len(captions) != len(references) or not all(references):
        raise ValueError(
            "expected at least one caption and one or more references for each, found "
            f"{len(captions)} captions and {len(references)} lists of references"
        )
    right, total = [0] * most, [0] * most
    said_length = wanted_length = 0
    for caption, wanted in zip(captions, references, strict=True):
        said, others = caption.split(), [reference.split() for reference in wanted]
        said_length += len(said)
        # Of two that are equally near, the shorter.
        wanted_length += min((abs(len(o) - len(said)), len(o)) for o in others)[1]
        for n in range(1, most + 1):
            runs = _runs(said, n)
            allowed: Counter[tuple[str, ...]] = Counter()
            for other in others:
                allowed |= _runs(other, n)  # the larger count of each
            right[n - 1] += (runs & allowed).total()
            total[n - 1] += max(runs.total(), 1)  # as in nltk, a caption shorter than n counts one
    if not all(right):
        return 0.0
    mean = math.exp(sum(math.log(r / t) for r, t in zip(right, total, strict=True)) / most)
    return mean * min(1.0, math.exp(1 - wanted_length / said_length))


def _runs(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
