import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import StackedConvNet, summary


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_gradients(kernel_size, batch_norm):
    rng = np.random.default_rng(0)
    net = StackedConvNet([(2, 3), (4,)], kernel_size, batch_norm, in_channels=2, classes=3, rng=rng)
    check_gradients(net, rng.standard_normal((3, 2, 6, 6)), rng)


def test_stages_halve_the_image_and_all_convolutions_keep_its_size():
    net = StackedConvNet([(4, 4), (8,), (8, 8)], 5, rng=np.random.default_rng(0))
    shapes = [row.output_shape for row in summary(net, (1, 28, 28)).rows if row.kind == "Conv2d"]
    assert shapes == [(4, 28, 28), (4, 28, 28), (8, 14, 14), (8, 7, 7), (8, 7, 7)]
