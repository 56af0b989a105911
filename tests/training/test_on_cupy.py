"""Training on a GPU, on the double of CuPy: what a user would write, and nothing else."""

import cupy_double
import numpy as np
import pytest

from dlcourse.backend import to_device, to_numpy
from dlcourse.data import Dataset
from dlcourse.metrics import accuracy, confusion_matrix, top_k_accuracy
from dlcourse.models import Classifier, DeepConvNet, Ensemble, summary
from dlcourse.models.stacked_convnet import StackedConvNet
from dlcourse.nn import CrossEntropyLoss
from dlcourse.nn.weights import load_weights, save_weights
from dlcourse.optim import Adam, CosineAnnealingLR, clip_grad_norm_
from dlcourse.training import ParallelModel, Trainer


@pytest.fixture
def xp(monkeypatch):
    return cupy_double.install(monkeypatch)


def rng():
    return np.random.default_rng(0)


def dataset(n=60):
    labels = np.arange(n) % 4
    images = rng().random((n, 1, 28, 28), dtype=np.float32) / 2
    images[np.arange(n), :, labels * 7] += 0.5
    return Dataset(images, labels, tuple("abcd"))


def network(**options) -> Classifier:
    return StackedConvNet([[8, 8], [16]], rng=rng(), **options)


def train(model, data=None, valid=None, epochs=1, T_max=None, **options):
    optimizer = Adam(model.parameters(), lr=0.003)
    if T_max:
        options["schedule"] = CosineAnnealingLR(optimizer, T_max)
    # On a processor draw dropout as for whole batches.
    options |= dict(batch_size=20, micro_batch=20, progress=False)
    return Trainer(model, optimizer, **options).fit(data or dataset(), valid, epochs=epochs)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_training_follows_the_one_on_numpy(xp, batch_norm):
    here = train(network(batch_norm=batch_norm), valid=dataset(30), epochs=2, max_norm=5.0)
    model = network(batch_norm=batch_norm).to("cuda")
    there = train(model, valid=dataset(30), epochs=2, max_norm=5.0)
    np.testing.assert_allclose(there.step_loss, here.step_loss, rtol=1e-3)
    assert there.step_loss[-1] < there.step_loss[0]
    assert isinstance(model.parameters()[0].data, xp.ndarray)


def test_dropout_draws_the_same_numbers(xp):
    x, t = dataset(8).images, dataset(8).labels
    here, there = DeepConvNet(rng=rng()), DeepConvNet(rng=rng()).to("cuda")
    for model in (here, there):
        model.set_generator(np.random.default_rng(3))
    expected = here.gradient(x, t)
    found = there.gradient(to_device(x, "cuda"), to_device(t, "cuda"))
    for name, array in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), array, rtol=1e-3, atol=1e-5)


def test_images_may_live_on_the_gpu_already(xp):
    data = dataset()
    there = Dataset(to_device(data.images, "cuda"), to_device(data.labels, "cuda"), data.classes)
    history = train(network().to("cuda"), there, there.subset(slice(10)))
    assert history.epochs[0].train_loss > 0


def test_batches_are_copied_once_and_ahead(xp):
    model = network().to("cuda")
    cupy_double.transfers.reset()
    train(model)
    assert cupy_double.transfers.to_device == 3 * 2  # images and labels of three batches
    assert cupy_double.transfers.to_host == 0
    # Each read waits for the GPU: loss, right answers, what is checked of the labels, and once an
    # epoch whether all weights are numbers.
    assert cupy_double.transfers.scalars <= 3 * 5 + 1


def test_augmented_images_are_copied_when_they_are_made(xp):
    history = train(
        network().to("cuda"), augment=lambda images, rng: images + rng.random(1, np.float32)
    )
    assert history.epochs[0].train_loss > 0


def test_a_checkpoint_is_resumed(xp, tmp_path):
    def run(folder, epochs):
        model = network().to("cuda")
        train(model, epochs=epochs, T_max=3, checkpoint=folder / "state.npz")
        return model

    whole = run(tmp_path, 3)
    (tmp_path / "parts").mkdir()
    run(tmp_path / "parts", 1)
    resumed = run(tmp_path / "parts", 3)
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        np.testing.assert_array_equal(to_numpy(a.data), to_numpy(b.data))


def test_weights_go_to_disk_and_back(xp, tmp_path):
    model = network().to("cuda")
    save_weights(model, tmp_path / "w.npz")
    other = StackedConvNet([[8, 8], [16]], rng=np.random.default_rng(1)).to("cuda")
    load_weights(other, tmp_path / "w.npz")
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(to_numpy(a.data), to_numpy(b.data))
    back = other.to("cpu")
    assert isinstance(back.parameters()[0].data, np.ndarray)


def test_evaluation_prediction_and_metrics(xp):
    data, here, there = dataset(), network(), network().to("cuda")
    x, t = to_device(data.images, "cuda"), to_device(data.labels, "cuda")
    assert there.accuracy(x, t) == here.accuracy(data.images, data.labels)
    scores, expected = there.predict(x), here.predict(data.images)
    np.testing.assert_allclose(to_numpy(scores), expected, rtol=1e-4, atol=1e-5)
    assert accuracy(scores, t) == accuracy(expected, data.labels)
    assert top_k_accuracy(scores, t, k=2) == top_k_accuracy(expected, data.labels, k=2)
    np.testing.assert_array_equal(
        confusion_matrix(scores.argmax(axis=1), t, 10),
        confusion_matrix(expected.argmax(axis=1), data.labels, 10),
    )
    with ParallelModel(there, CrossEntropyLoss) as parallel:
        assert parallel.evaluate(data.images, data.labels).accuracy == here.accuracy(
            data.images, data.labels
        )
        np.testing.assert_allclose(to_numpy(parallel.predict(data.images)), expected, rtol=1e-3)
    members = [there, network().to("cuda")]
    np.testing.assert_allclose(
        to_numpy(Ensemble(members).predict_proba(x)).sum(axis=1), 1, rtol=1e-5
    )


def test_summary_of_a_model_on_the_gpu(xp):
    assert str(summary(network().to("cuda"), (1, 28, 28))) == str(summary(network(), (1, 28, 28)))


def test_clipping_reads_one_number(xp):
    model = network().to("cuda")
    data = dataset(8)
    model.gradient(to_device(data.images, "cuda"), to_device(data.labels, "cuda"))
    cupy_double.transfers.reset()
    assert clip_grad_norm_(model.parameters(), 0.1) > 0.1
    assert cupy_double.transfers.scalars == 1


def test_float64_on_the_gpu(xp):
    model = network().to("cuda").astype(np.float64)
    y = model(xp.asarray(dataset(4).images.astype(np.float64)))
    assert y.dtype == np.float64


def test_arrays_of_the_wrong_side_are_refused(xp):
    with pytest.raises(TypeError):
        network().to("cuda")(dataset(4).images)
