import itertools

import numpy as np
import pytest

from dlcourse.applications.captioning import Vocabulary, beam_search, greedy
from dlcourse.models import NIC
from dlcourse.nn import softmax

IMAGE = np.random.default_rng(0).random((3, 32, 32), dtype=np.float32)


@pytest.fixture
def model():
    nic = NIC(6, size=32, features=8, hidden=8, rng=np.random.default_rng(2))
    nic.score.weight.data *= 3  # less even odds
    return nic


def log_probability(model, words):
    """Of a sentence, from one forward pass over all its words."""
    read = np.array([[Vocabulary.START, *words[:-1]]]).T
    p = softmax(model.eval()(IMAGE[None], read)[:, 0], dim=1)
    return float(np.log(p[range(len(words)), list(words)]).sum())


def test_a_wide_beam_finds_the_likeliest_of_all_sentences(model):
    most = 3
    sentences = []
    for length in range(1, most + 1):
        for words in itertools.product(range(6), repeat=length):
            early_end = Vocabulary.END in words[:-1]
            if not early_end and (length == most or words[-1] == Vocabulary.END):
                sentences.append(words)
    best = max(sentences, key=lambda words: log_probability(model, words))
    found = beam_search(model, IMAGE, width=6**most, most=most)
    assert found[0].words == best
    assert len(found) == len(sentences)
    logs = [hypothesis.log_probability for hypothesis in found]
    assert logs == sorted(logs, reverse=True)
    for hypothesis in found[:5]:
        expected = log_probability(model, hypothesis.words)
        assert hypothesis.log_probability == pytest.approx(expected, abs=1e-4)
    assert np.exp(logs).sum() == pytest.approx(1, abs=1e-4)  # they are all that can be said


def test_greedy_takes_the_likeliest_word_each_time(model):
    model.train()
    words = greedy(model, IMAGE, most=6).words
    assert model.training and model.lstm.initial is None
    for k in range(len(words)):
        read = np.array([[Vocabulary.START, *words[:k]]]).T
        assert model.eval()(IMAGE[None], read)[-1, 0].argmax() == words[k]
    wide = beam_search(model, IMAGE, width=3, most=6)
    assert len(wide) == 3
    assert wide[0].log_probability >= greedy(model, IMAGE, most=6).log_probability - 1e-6


def test_wrong_arguments(model):
    with pytest.raises(ValueError, match="at least 1, found 0 and 20"):
        beam_search(model, IMAGE, width=0)


def test_vocabulary():
    vocabulary = Vocabulary(["a", "seven", "a"])
    assert len(vocabulary) == 6
    assert vocabulary.encode("a zebra seven") == [4, Vocabulary.UNKNOWN, 5]
    assert vocabulary.decode(vocabulary.encode("a zebra seven")) == "a <unknown> seven"
    assert vocabulary.decode([Vocabulary.END]) == ""
    assert vocabulary.encode("") == []
    for word in ("", "left of"):
        with pytest.raises(ValueError, match="single words"):
            Vocabulary([word])
