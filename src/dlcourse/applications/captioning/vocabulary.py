"""Words as numbers, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


class Vocabulary:
    """The words that a network knows, each with a number.

    Four numbers are taken: 0 pads short captions, 1 starts one, 2 ends one, and 3 stands for every
    word that is not known.

    Parameters
    ----------
    words : iterable of str
        The words, without spaces; repeated ones count once.

    Raises
    ------
    ValueError
        If a word is empty or has a space in it.

    Examples
    --------
    >>> vocabulary = Vocabulary(["a", "seven", "above"])
    >>> vocabulary.encode("a seven above a zebra")
    [4, 5, 6, 4, 3]
    >>> vocabulary.decode([1, 4, 5, 2, 0])
    'a seven'
    """

    PAD, START, END, UNKNOWN = range(4)

    def __init__(self, words: Iterable[str]) -> None:
        known = list(dict.fromkeys(words))
        for word in known:
            if len(word.split()) != 1:
                raise ValueError(f"expected single words, found {word!r}")
        self.words = ("<pad>", "<start>", "<end>", "<unknown>", *known)
        self._numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, caption: str) -> list[int]:
        """Return the number of each word of a caption."""
        return [self._numbers.get(word, self.UNKNOWN) for word in caption.split()]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the caption up to its end, without start and padding."""
        words = []
        for number in numbers:
            if number == self.END:
                break
            if number not in (self.PAD, self.START):
                words.append(self.words[number])
        return " ".join(words)

    def batch(self, captions: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return what a network reads and what it should say next, (T, N) each.

        A caption is read from its start mark on and said up to its end mark: one place apart.
        Short ones are padded.

        Examples
        --------
        >>> read, said = Vocabulary(["a", "seven"]).batch(["a seven", "a"])
        >>> read.T.tolist(), said.T.tolist()
        ([[1, 4, 5], [1, 4, 0]], [[4, 5, 2], [4, 2, 0]])
        """
        rows = [self.encode(caption) for caption in captions]
        longest = max(map(len, rows)) + 1
        read = np.full((longest, len(rows)), self.PAD, np.int64)
        said = np.full((longest, len(rows)), self.PAD, np.int64)
        for n, row in enumerate(rows):
            read[: len(row) + 1, n] = [self.START, *row]
            said[: len(row) + 1, n] = [*row, self.END]
        return read, said
