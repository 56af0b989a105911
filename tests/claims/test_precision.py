"""What chapter 3 claims of networks in fewer bits, measured again on the whole test set."""

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.data import load_mnist
from dlcourse.nn import CrossEntropyLoss
from dlcourse.precision import BFLOAT16, FLOAT16, in_format, load_quantized, quantize
from dlcourse.training import ParallelModel


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


def accuracy(model, data):
    with ParallelModel(model, CrossEntropyLoss) as parallel:
        return parallel.evaluate(data.images, data.labels).accuracy


# The small network has more biases and scales for its weights.
@pytest.mark.parametrize(
    ("name", "share"), [("deep-convnet-seed0", 0.26), ("small-convnet-seed0", 0.27)]
)
def test_int8_is_within_a_tenth_of_a_point_at_a_quarter_of_the_bytes(name, share, mnist, tmp_path):
    train, test = mnist
    model = zoo.load(name)
    quantize(model, train.images[:500]).save(tmp_path / "int8.npz")
    network = load_quantized(tmp_path / "int8.npz")
    assert len(test) == 10_000
    assert abs(accuracy(network, test) - accuracy(model, test)) <= 0.001 + 1e-9
    floats = (zoo.FOLDER / f"{name}.npz").stat().st_size
    assert (tmp_path / "int8.npz").stat().st_size <= share * floats
    assert network.nbytes <= share * sum(p.data.nbytes for p in model.parameters())


@pytest.mark.parametrize("format", [FLOAT16, BFLOAT16], ids=lambda f: f.name)
def test_two_bytes_keep_the_accuracy(format, mnist):
    model = zoo.load("deep-convnet-seed0")
    network = in_format(model, format)
    assert abs(accuracy(network, mnist[1]) - accuracy(model, mnist[1])) <= 0.001 + 1e-9
    assert np.isfinite(network.predict(mnist[1].images[:100])).all()
