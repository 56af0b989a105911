"""Training NIC on scenes with captions, and measuring what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dlcourse.applications.captioning.bleu import corpus_bleu
from dlcourse.applications.captioning.search import beam_search
from dlcourse.applications.captioning.vocabulary import Vocabulary
from dlcourse.data.scenes import CLASSES, WORDS, Scene
from dlcourse.models import NIC
from dlcourse.nn import CrossEntropyLoss
from dlcourse.training import Stream, generator

#: Scenes for captions have one or two digits.
THINGS = (1, 2)
#: The words of all captions of scenes.
VOCABULARY = Vocabulary(WORDS)


class CaptionScores(NamedTuple):
    """How good captions are, all from 0 to 1."""

    bleu: tuple[float, float, float, float]  #: BLEU-1 to BLEU-4
    exact: float  #: share of captions that are right word by word
    right: float  #: share of captions with every digit and the relation right, whatever the sizes


def nic_gradients(
    model: NIC, scenes: Sequence[Scene], vocabulary: Vocabulary, batch_size: int, seed: int
) -> Callable[[int], float]:
    """Return the gradients that teach to caption scenes, for `dlcourse.training.descent`.

    At each place the network reads the right words so far, not its own: *teacher forcing*. The
    loss is the mean cross-entropy of the next word over all words. Batch number k has the scenes
    from ``k * batch_size`` on; after the last scene the first follows.

    Parameters
    ----------
    model : NIC
        What is trained.
    scenes : sequence of Scene
        What to learn from.
    vocabulary : Vocabulary
        The numbers of the words.
    batch_size : int
        Scenes per step.
    seed : int
        What dropout draws from.

    Examples
    --------
    >>> from dlcourse.data.scenes import WORDS, load_scenes
    >>> vocabulary = Vocabulary(WORDS)
    >>> model = NIC(len(vocabulary), rng=np.random.default_rng(0))
    >>> nic_gradients(model, load_scenes("train", 8), vocabulary, batch_size=2, seed=0)(0) > 0
    True
    """
    loss = CrossEntropyLoss(ignore_index=Vocabulary.PAD)
    model.skip_input_grad()

    def gradients(number: int) -> float:
        first = number * batch_size
        batch = [scenes[k % len(scenes)] for k in range(first, first + batch_size)]
        read, said = vocabulary.batch([scene.caption for scene in batch])
        model.start_training()
        model.set_generator(generator(seed, Stream.DROPOUT, number))
        scores = model(np.stack([scene.image for scene in batch]), read)
        value = loss(scores.transpose(0, 2, 1), said)
        model.backward(loss.backward().transpose(0, 2, 1))
        return value

    return gradients


def speaking_gradients(
    model: NIC,
    scenes: Sequence[Scene],
    vocabulary: Vocabulary,
    batch_size: int,
    seed: int,
) -> Callable[[int], float]:
    """Return gradients, as `nic_gradients`, that leave the encoder's stages as they are.

    Their outputs for the scenes are computed once, so a step costs a fraction of one of
    `nic_gradients`: many such steps come before the stages are trained as well.

    Parameters
    ----------
    model : NIC
        What is trained, from its `head` on.
    scenes : sequence of Scene
        What to learn from, all of it kept in memory as features.
    vocabulary, batch_size, seed
        As for `nic_gradients`.
    """
    loss = CrossEntropyLoss(ignore_index=Vocabulary.PAD)
    stages = model.stages.for_inference()
    parts, captions = [], []
    for scene in scenes:
        parts.append(stages(scene.image[None]))
        captions.append(scene.caption)
    features = np.concatenate(parts)

    def gradients(number: int) -> float:
        chosen = generator(seed, Stream.BATCH, number).choice(len(features), batch_size)
        read, said = vocabulary.batch([captions[k] for k in chosen])
        model.start_training()
        model.set_generator(generator(seed, Stream.DROPOUT, number))
        value = loss(model.speak(features[chosen], read).transpose(0, 2, 1), said)
        model.speak_backward(loss.backward().transpose(0, 2, 1))
        return value

    return gradients


def evaluate_nic(
    model: NIC, scenes: Sequence[Scene], vocabulary: Vocabulary, width: int = 3
) -> tuple[CaptionScores, list[str]]:
    """Return how good the captions of a network are, and the captions.

    Examples
    --------
    >>> from dlcourse.data.scenes import WORDS, load_scenes
    >>> vocabulary = Vocabulary(WORDS)
    >>> model = NIC(len(vocabulary), rng=np.random.default_rng(0))
    >>> scores, captions = evaluate_nic(model, load_scenes("test", 2), vocabulary, width=1)
    >>> len(captions)
    2
    """
    captions, wanted = [], []
    for scene in scenes:
        best = beam_search(model, scene.image, width)[0]
        captions.append(vocabulary.decode(best.words))
        wanted.append(scene.caption)
    references = [[caption] for caption in wanted]
    one, two, three, four = (corpus_bleu(captions, references, n) for n in (1, 2, 3, 4))
    pairs = list(zip(captions, wanted, strict=True))
    return CaptionScores(
        (one, two, three, four),
        sum(said == right for said, right in pairs) / len(pairs),
        sum(_meaning(said) == _meaning(right) for said, right in pairs) / len(pairs),
    ), captions


def _meaning(caption: str) -> list[str]:
    """Return the digits and relations of a caption in order."""
    return [word for word in caption.split() if word in (*CLASSES[1:], "above", "left")]
