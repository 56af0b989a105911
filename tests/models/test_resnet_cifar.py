import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import (
    BasicBlock,
    Bottleneck,
    ResNetCifar,
    ZeroPadShortcut,
    projection,
    summary,
)
from dlcourse.nn import CrossEntropyLoss
from dlcourse.optim import Momentum
from dlcourse.training import ParallelModel


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "block",
    [
        BasicBlock(4, 4, rng=rng()),
        BasicBlock(4, 4, shortcut=False, rng=rng()),
        BasicBlock(4, 6, 2, projection(4, 6, 2, rng=rng()), rng=rng()),
        BasicBlock(4, 6, 2, ZeroPadShortcut(2, 2), rng=rng()),
        BasicBlock(4, 6, 2, shortcut=False, rng=rng()),
        Bottleneck(4, 1, rng=rng()),
        Bottleneck(4, 2, 2, projection(4, 8, 2, rng=rng()), rng=rng()),
    ],
)
def test_gradients_of_blocks(block, training):
    for name, parameter in block.named_parameters():
        if name.endswith("bias"):  # all zero at the start, which can lie on the bend of a ReLU
            parameter.data[...] = rng().standard_normal(parameter.data.shape)
    x = rng().standard_normal((3, 4, 5, 5), dtype=np.float32)
    check_gradients(block.train(training), x, rng(), entries=10)


def test_a_shortcut_that_cannot_be_the_identity_is_refused():
    with pytest.raises(ValueError, match="from 4 to 8 channels with stride 1.*projection"):
        BasicBlock(4, 8, rng=rng())
    with pytest.raises(ValueError, match="from 4 to 4 channels with stride 2"):
        BasicBlock(4, 4, 2, rng=rng())


# He et al. 2016, table 6: millions of parameters of the residual networks.
@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (56, 0.85), (110, 1.7)])
def test_published_sizes(depth, millions):
    residual = ResNetCifar(depth, rng=rng())
    plain = ResNetCifar(depth, shortcut=False, rng=rng())
    count = sum(p.data.size for p in residual.parameters())
    assert round(count / 1e6, 2 if millions < 1 else 1) == millions
    assert {k: v.shape for k, v in residual.state_dict().items()} == {
        k: v.shape for k, v in plain.state_dict().items()
    }
    assert sum(1 for name in residual.state_dict() if name.endswith("weight")) == 2 * depth - 1
    for a, b in zip(residual.parameters(), plain.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)  # the same start


def test_summary():
    report = summary(ResNetCifar(20, in_channels=1, rng=rng()), (1, 28, 28))
    shapes = {row.name: row.output_shape for row in report.rows}
    assert shapes["layer1.2.relu"] == (16, 28, 28)
    assert shapes["layer3.2.relu"] == (64, 7, 7)
    # 3 + 6 * 2 * 1; then 2 + 5 * 2 * 2 as the stride halves; then 2 * 2 + 5 * 2 * 4.
    by_name = {row.name: row.field for row in report.rows}
    assert by_name["layer1.2.relu"].size == (15, 15)
    assert by_name["layer2.2.relu"].size == (37, 37)
    assert by_name["layer3.2.relu"].size == (81, 81)
    # By hand: 32 * 32 * 9 products for each pair of channels, a quarter as many at half the size.
    first, halved = 3 * 16 + 6 * 16**2, 16 * 32 + 5 * 32**2
    products = 32 * 32 * 9 * (first + halved / 4 + 4 * halved / 16) + 64 * 10
    assert summary(ResNetCifar(20, rng=rng()), (3, 32, 32)).multiply_adds == products


@pytest.mark.parametrize("shortcut", [True, False])
def test_it_learns(shortcut):
    model = ResNetCifar(8, shortcut, in_channels=1, width=4, rng=rng())
    images = rng().random((20, 1, 8, 8), dtype=np.float32)
    labels = np.arange(20) % 10
    optimizer = Momentum(model.parameters(), lr=0.1)
    with ParallelModel(model, CrossEntropyLoss) as parallel:
        losses = []
        for step in range(40):
            score = parallel.gradients(images, labels, len(images), seed=0, position=(step,))
            losses.append(score.loss)
            optimizer.step()
    assert losses[-1] < 0.5 * losses[0]
