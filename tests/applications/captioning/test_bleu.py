import numpy as np
import pytest

from dlcourse.applications.captioning import corpus_bleu


@pytest.mark.filterwarnings("ignore:\nThe hypothesis contains 0 counts:UserWarning")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_bleu_is_that_of_nltk(seed, most):
    nltk = pytest.importorskip("nltk.translate.bleu_score", reason="pip install nltk")
    rng = np.random.default_rng(seed)
    words = np.array(["a", "small", "seven", "above", "left", "of", "two", "nine"])

    def near(sentence):
        changed = [w if rng.random() < 0.8 else rng.choice(words) for w in sentence]
        return changed[: rng.integers(1, len(changed) + 1)] if rng.random() < 0.3 else changed

    references = [
        [rng.choice(words, rng.integers(3, 9)).tolist() for _ in range(rng.integers(1, 4))]
        for _ in range(12)
    ]
    captions = [near(several[0]) for several in references]
    expected = nltk.corpus_bleu(references, captions, weights=[1 / most] * most)
    found = corpus_bleu(
        [" ".join(c) for c in captions], [[" ".join(r) for r in rs] for rs in references], most
    )
    assert found == pytest.approx(expected, abs=1e-6)


def test_edges():
    assert corpus_bleu(["a b c d"], [["a b c d"]]) == 1
    assert corpus_bleu(["x"], [["a b c d"]]) == 0
    assert corpus_bleu([""], [["a"]], most=1) == 0  # nothing was said
    assert corpus_bleu(["a a a"], [["a b"]], most=1) == pytest.approx(1 / 3)  # a counts once
    for captions, references in (([], []), (["a"], []), (["a"], [[]])):
        with pytest.raises(ValueError, match="one or more references"):
            corpus_bleu(captions, references)
