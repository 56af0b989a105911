"""A sentence for a picture: words as numbers, what to say next, and how good a caption is."""

from dlcourse.applications.captioning.bleu import corpus_bleu
from dlcourse.applications.captioning.search import Hypothesis, beam_search, greedy
from dlcourse.applications.captioning.training import (
    THINGS,
    VOCABULARY,
    CaptionScores,
    evaluate_nic,
    nic_gradients,
    speaking_gradients,
)
from dlcourse.applications.captioning.vocabulary import Vocabulary

__all__ = [
    "THINGS",
    "VOCABULARY",
    "CaptionScores",
    "Hypothesis",
    "Vocabulary",
    "beam_search",
    "corpus_bleu",
    "evaluate_nic",
    "greedy",
    "nic_gradients",
    "speaking_gradients",
]
