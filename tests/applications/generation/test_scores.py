import math

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.applications.generation import JUDGE, frechet_distance, look, mean_distance, score
from dlcourse.data import load_mnist


@pytest.fixture(scope="module")
def judge():
    return zoo.load(JUDGE)


def points(mean, root, count=2000):
    """Points whose mean is `mean` and whose covariance is ``root @ root.T``, both exactly."""
    raw = np.random.default_rng(0).standard_normal((count, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T
    return white @ np.asarray(root).T + mean


def test_distance_of_gaussians_along_the_axes():
    a = points([0.0, 0.0, 0.0], np.diag([1.0, 2.0, 3.0]))
    b = points([1.0, 0.0, -2.0], np.diag([4.0, 2.0, 1.0]))
    # Each axis adds the squared differences of means and of standard deviations.
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + (1 - 4) ** 2 + (3 - 1) ** 2)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_distance_does_not_depend_on_the_axes():
    rng = np.random.default_rng(1)
    a = points(rng.standard_normal(4), rng.standard_normal((4, 4)))
    b = points(rng.standard_normal(4), rng.standard_normal((4, 4)))
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    distance = frechet_distance(a, b)
    assert frechet_distance(b, a) == pytest.approx(distance)
    assert frechet_distance(a @ turn + 5, b @ turn + 5) == pytest.approx(distance)


def test_distance_is_that_of_scipys_matrix_root():
    linalg = pytest.importorskip("scipy.linalg", reason="pip install scipy")
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((300, 5)), rng.standard_normal((200, 5)) @ rng.random((5, 5))
    cov = [np.cov(x, rowvar=False) for x in (a, b)]
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum()
    expected += np.trace(cov[0] + cov[1] - 2 * linalg.sqrtm(cov[0] @ cov[1]).real)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_distance_where_a_feature_is_always_the_same():
    a = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    a[:, 1] = 0
    b = a.copy()
    b[:, 1] = 2
    assert frechet_distance(a, b) == pytest.approx(4, rel=1e-5)
    assert frechet_distance(a[:, :1], a[:, :1] + 1) == pytest.approx(1, rel=1e-5)


def test_mean_distance_is_that_over_all_pairs():
    images = np.random.default_rng(0).random((6, 1, 3, 3))
    pairs = [np.sum((a - b) ** 2) for i, a in enumerate(images) for b in images[:i]]
    assert mean_distance(images) == pytest.approx(math.sqrt(np.mean(pairs)))
    assert mean_distance(np.ones((4, 1, 3, 3))) == 0


def test_the_judge_looks_as_it_predicts(judge):
    images = load_mnist()[1].images[:120]
    seen = look(images, judge, batch_size=50)
    scores = judge.predict(images)
    np.testing.assert_array_equal(seen.classes, scores.argmax(axis=1))
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, rtol=1e-5)
    last = judge.classifier[4]
    np.testing.assert_allclose(
        seen.features @ last.weight.data.T + last.bias.data, scores, rtol=1e-3, atol=1e-3
    )
    assert (seen.confidence == seen.probabilities.max(axis=1)).all()


def test_real_digits_noise_and_one_digit_again_and_again(judge):
    train, test = load_mnist()
    real = look(test.images[:600], judge).features
    digits = score(train.images[:600], judge, real)
    noise = score(np.random.default_rng(0).random((200, 1, 28, 28), dtype=np.float32), judge, real)
    one = score(np.repeat(test.images[:1], 200, axis=0), judge, real)  # a clear 7
    assert digits.confident > 0.95 > 0.5 > noise.confident
    assert sum(digits.shares) == pytest.approx(1) and min(digits.shares) > 0.05
    assert math.log(10) > digits.entropy > 2.2
    assert one.confident == 1 and one.shares[7] == 1 and one.entropy == 0
    assert one.spread == pytest.approx(0, abs=1e-3) and digits.spread > 5
    assert digits.frechet < one.frechet and digits.frechet < noise.frechet


def test_wrong_input_says_what_was_expected(judge):
    with pytest.raises(ValueError, match="from 0 to 1, found -1 to 1"):
        look(np.linspace(-1, 1, 784, dtype=np.float32).reshape(1, 1, 28, 28), judge)
    with pytest.raises(ValueError, match="found none"):
        look(np.zeros((0, 1, 28, 28), np.float32), judge)
    with pytest.raises(ValueError, match=r"found \(1, 3\) and \(5, 3\)"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least two images, found 1"):
        mean_distance(np.zeros((1, 1, 28, 28)))
