import numpy as np
import pytest
from gradients import check_gradients
from threadpoolctl import threadpool_limits

from dlcourse.models import DeepConvNet, Ensemble, classifier, summary
from dlcourse.nn import Dropout, softmax

RNG = np.random.default_rng(0)
IMAGES = RNG.random((6, 1, 28, 28), dtype=np.float32)
LABELS = RNG.integers(0, 10, 6)


def make(seed=0, **options):
    return DeepConvNet(**options, rng=np.random.default_rng(seed))


def test_it_has_the_parameters_of_the_original():
    assert sum(p.data.size for p in make().parameters()) == 123_552
    assert all(p.data.dtype == np.float32 for p in make().parameters())


def test_backward_is_the_gradient_of_forward():
    model = make(dropout=0.0)
    # All 123,552 would take an hour: a handful of each array, and of the pixels.
    check_gradients(model, IMAGES[:2], np.random.default_rng(0), entries=6)


def test_gradient_has_an_entry_for_each_parameter_and_descends():
    model = make(dropout=0.0)
    before = model.loss(IMAGES, LABELS)
    gradient = model.gradient(IMAGES, LABELS)
    assert list(gradient) == list(model.state_dict())
    for name, array in model.state_dict().items():
        assert gradient[name].shape == array.shape
        array -= 0.001 * gradient[name]
    assert model.loss(IMAGES, LABELS) < before


def test_prediction_has_no_dropout_and_leaves_the_mode():
    model = make()
    assert model.training
    np.testing.assert_array_equal(model.predict(IMAGES), model.predict(IMAGES))
    np.testing.assert_allclose(
        model.predict(IMAGES, batch_size=4), model.predict(IMAGES), atol=1e-5
    )
    assert model.training
    assert (model(IMAGES) != model(IMAGES)).any()


def test_accuracy_counts_every_image():
    model = make()
    right = model.predict(IMAGES).argmax(axis=1)
    half = np.where(np.arange(6) < 3, right, (right + 1) % 10)
    assert model.accuracy(IMAGES, half, batch_size=4) == 0.5


def test_dropout_on_logits_is_an_option():
    plain, original = make(), make(dropout_on_logits=True)
    assert sum(isinstance(m, Dropout) for _, m in plain.named_modules()) == 1
    assert sum(isinstance(m, Dropout) for _, m in original.named_modules()) == 2
    original.load_state_dict(plain.state_dict())
    np.testing.assert_array_equal(original.predict(IMAGES), plain.predict(IMAGES))


def test_weights_round_trip(tmp_path):
    model = make(1)
    model.save_params(tmp_path / "w.npz")
    other = make(2)
    other.load_params(tmp_path / "w.npz")
    np.testing.assert_array_equal(other.predict(IMAGES), model.predict(IMAGES))


def test_ensemble_averages_probabilities():
    a, b = make(1), make(2)
    expected = (softmax(a.predict(IMAGES)) + softmax(b.predict(IMAGES))) / 2
    ensemble = Ensemble([a, b])
    np.testing.assert_allclose(ensemble.predict_proba(IMAGES), expected, rtol=1e-6)
    assert ensemble.accuracy(IMAGES, expected.argmax(axis=1)) == 1.0
    with pytest.raises(ValueError, match="at least one network"):
        Ensemble([])


def test_summary_adds_up():
    report = summary(make(), (1, 28, 28))
    assert report.parameters == sum(row.parameters for row in report.rows) == 123_552
    convolutions = [row for row in report.rows if row.kind == "Conv2d"]
    # Layer by layer: OH * OW * O * 9 * C.
    assert [row.multiply_adds for row in convolutions] == [
        28 * 28 * 16 * 9 * 1,
        28 * 28 * 16 * 9 * 16,
        14 * 14 * 32 * 9 * 16,
        16 * 16 * 32 * 9 * 32,
        8 * 8 * 64 * 9 * 32,
        8 * 8 * 64 * 9 * 64,
    ]
    assert [row.field.size for row in convolutions] == [
        (3, 3), (5, 5), (10, 10), (14, 14), (24, 24), (32, 32),
    ]  # fmt: skip
    assert report.rows[-1].field.size is None
    assert "123,552" in str(report)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 70])
def test_prediction_is_shared_among_threads_and_batches(threads, count):
    images = np.random.default_rng(2).random((count, 1, 28, 28), dtype=np.float32)
    model = DeepConvNet(rng=np.random.default_rng(1))
    expected = model.eval()(images)
    model.train()
    with threadpool_limits(threads, user_api="blas"):
        scores = model.predict(images)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert scores.dtype == np.float32
    assert model.training


def test_prediction_keeps_a_bounded_number_of_images_at_a_time(monkeypatch):
    seen = []
    forward = DeepConvNet.forward
    monkeypatch.setattr(DeepConvNet, "forward", lambda m, x: seen.append(len(x)) or forward(m, x))
    model = DeepConvNet(rng=np.random.default_rng(1))
    images = np.zeros((120, 1, 28, 28), np.float32)
    model.predict(images)
    assert max(seen) == 100
    assert sum(seen) == 120
    seen.clear()
    model.predict(images, batch_size=7)
    assert max(seen) == 7
    seen.clear()
    monkeypatch.setattr(classifier, "_VALUES", 28 * 28 * 3)
    model.predict(images)
    assert max(seen) == 3
