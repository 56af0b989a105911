import numpy as np
import pytest

from dlcourse.models import DeepConvNet
from dlcourse.nn import BatchNorm2d, Conv2d, CrossEntropyLoss, Flatten, Linear, ReLU, Sequential
from dlcourse.training import ParallelModel

RNG = np.random.default_rng(0)
IMAGES = RNG.random((23, 1, 28, 28), dtype=np.float32)
LABELS = RNG.integers(0, 10, 23)


def gradients(workers, micro_batch=10, model=None):
    model = model or DeepConvNet(rng=np.random.default_rng(1))
    with ParallelModel(model, CrossEntropyLoss, workers, micro_batch) as parallel:
        score = parallel.gradients(IMAGES, LABELS, 23, seed=5, position=(1, 2))
    return score, [p.grad for p in model.parameters()]


def test_workers_change_the_time_and_not_a_single_bit():
    score, grads = gradients(workers=1)
    for workers in (2, 3):
        again, others = gradients(workers)
        assert again == score
        for a, b in zip(grads, others, strict=True):
            np.testing.assert_array_equal(a, b)


def test_micro_batches_add_up_to_the_gradient_of_the_whole_batch():
    # Without dropout, for its masks are drawn per micro-batch. 23 images: the last one is small.
    model = DeepConvNet(dropout=0.0, rng=np.random.default_rng(1))
    expected = model.gradient(IMAGES, LABELS)
    loss = model.loss(IMAGES, LABELS)
    score, grads = gradients(workers=2, micro_batch=4, model=model)
    assert score.loss == pytest.approx(loss, rel=1e-5)
    assert score.count == 23
    for a, b in zip(expected.values(), grads, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_evaluation_and_prediction_agree_with_the_model():
    model = DeepConvNet(rng=np.random.default_rng(1))
    with ParallelModel(model, CrossEntropyLoss, workers=2) as parallel:
        scores = parallel.predict(IMAGES)
        score = parallel.evaluate(IMAGES, LABELS)
    np.testing.assert_allclose(scores, model.predict(IMAGES), atol=1e-5)
    assert score.accuracy == model.accuracy(IMAGES, LABELS)
    assert score.count == 23


def test_batch_normalization_sees_the_whole_batch():
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 2, 3, rng=rng),
        BatchNorm2d(2),
        ReLU(),
        Flatten(),
        Linear(2 * 26 * 26, 10, rng=rng),
    )
    twin = model.replica()
    loss = CrossEntropyLoss()
    value = loss(twin(IMAGES), LABELS)
    twin.backward(loss.backward())
    model[1].running_mean[...] = 0  # the replica shares the running statistics
    score, grads = gradients(workers=2, model=model)
    assert score.loss == pytest.approx(value, rel=1e-6)
    for a, b in zip(twin.parameters(), grads, strict=True):
        np.testing.assert_allclose(a.grad, b, atol=1e-6)
    assert model[1].running_mean.any()


def test_an_error_in_a_thread_reaches_the_caller_and_leaves_the_model_usable():
    model = DeepConvNet(rng=np.random.default_rng(1))
    with ParallelModel(model, CrossEntropyLoss, workers=2) as parallel:
        with pytest.raises(ValueError, match="expects images of shape"):
            parallel.predict(np.zeros((30, 1, 20, 20), np.float32))
        assert parallel.predict(IMAGES).shape == (23, 10)


def test_no_images_are_refused():
    model = DeepConvNet(rng=np.random.default_rng(1))
    with (
        ParallelModel(model, CrossEntropyLoss) as parallel,
        pytest.raises(ValueError, match="at least one image"),
    ):
        parallel.evaluate(IMAGES[:0], LABELS[:0])
