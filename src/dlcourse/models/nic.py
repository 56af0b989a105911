"""NIC: a convolutional network looks, a recurrent one speaks (Vinyals et al. 2015)."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.models.backbone import WIDTHS, backbone, conv_bn_relu
from dlcourse.nn import (
    LSTM,
    Dropout,
    Embedding,
    Flatten,
    Linear,
    Module,
    Sequential,
)


class NIC(Module):
    """The scores of each next word, given a picture and the words before it.

    The picture becomes a vector that an LSTM reads first, as if it were a word. Then it reads the
    words of the caption, and after each says which comes next::

        x[-1] = encoder(picture),  x[t] = embedding(word[t]),  scores[t] = score(lstm(x)[t])

    The encoder has the stages of `FCN`, so that its trained weights can be taken over.

    Parameters
    ----------
    words : int
        How many words there are.
    size : int
        Height and width S of the pictures, a multiple of 32.
    features : int
        Length D of the vectors of the picture and of each word.
    hidden : int
        Length of the LSTM's state.
    dropout : float
        Probability of dropping a value of what the encoder sees.
    rng : numpy.random.Generator
        Draws the initial weights.

    Raises
    ------
    ValueError
        If the size is not a multiple of 32.

    Examples
    --------
    >>> nic = NIC(20, rng=np.random.default_rng(0)).eval()
    >>> words = np.zeros((7, 2), np.int64)  # 7 places, 2 captions
    >>> nic(np.zeros((2, 3, 96, 96), np.float32), words).shape
    (7, 2, 20)
    """

    def __init__(
        self,
        words: int,
        size: int = 96,
        features: int = 128,
        hidden: int = 192,
        dropout: float = 0.3,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if size < 32 or size % 32:
            raise ValueError(f"size must be a multiple of 32, found {size}")
        self.stages = backbone(WIDTHS, rng=rng)
        # Where things lie matters, so the last grid is flattened and not averaged.
        self.head = Sequential(
            *conv_bn_relu([WIDTHS[-1][-1], 256], rng=rng),
            Flatten(),
            Dropout(dropout),
            Linear(256 * (size // 32) ** 2, features, rng=rng),
        )
        self.embedding = Embedding(words, features, rng=rng)
        self.lstm = LSTM(features, hidden, rng=rng)
        self.score = Linear(hidden, words, rng=rng)

    def forward(self, x: Array, words: Array) -> Array:
        """Return scores (T, N, words) for pictures (N, 3, S, S) and the words so far (T, N)."""
        if words.ndim != 2 or words.shape[1] != len(x):
            raise ValueError(
                f"NIC expects words (T, {len(x)}) for {len(x)} pictures, found {words.shape}"
            )
        return self.speak(self.stages(x), words)

    def speak(self, features: Array, words: Array) -> Array:
        """Return the scores (T, N, words), given what the encoder's stages made of the pictures."""
        picture = self.head(features)
        inputs = array_module(picture).concatenate([picture[None], self.embedding(words)])
        states = self.lstm(inputs)[1:]  # the first has seen no word yet
        self._places = states.shape[:2]
        scores = self.score(states.reshape(-1, states.shape[2]))
        return scores.reshape(*self._places, self.score.out_features)

    def backward(self, dy: Array) -> tuple[Array, None]:
        """Return the pictures' gradient, given that of the scores; words have none."""
        return self.stages.backward(self.speak_backward(dy)), None

    def speak_backward(self, dy: Array) -> Array:
        """Return the gradient with respect to the stages' features, given the scores' gradient."""
        xp = array_module(dy)
        d_states = self.score.backward(dy.reshape(-1, dy.shape[2]))
        d_states = d_states.reshape(*self._places, self.lstm.hidden_size)
        d_inputs = self.lstm.backward(xp.concatenate([xp.zeros_like(d_states[:1]), d_states]))
        self.embedding.backward(d_inputs[1:])
        return self.head.backward(d_inputs[0])

    def encode(self, x: Array) -> Array:
        """Return a vector (N, D) for each picture."""
        return self.head(self.stages(x))

    def entrance(self) -> Module:
        return self.stages
