import numpy as np
from gradients import check_gradients

from dlcourse.models import InceptionConvNet, summary


def test_gradients():
    rng = np.random.default_rng(0)
    net = InceptionConvNet(3, [(16,), (32,)], in_channels=2, classes=3, rng=rng)
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):  # all zero at the start, which can lie on the bend of a ReLU
            parameter.data[...] = rng.standard_normal(parameter.data.shape)
    check_gradients(net, rng.standard_normal((3, 2, 6, 6)), rng, entries=5)


def test_blocks_divide_their_channels_as_googlenet_does():
    net = InceptionConvNet(192, [(256,)], rng=np.random.default_rng(0))
    shapes = {name: p.data.shape for name, p in net.named_parameters() if p.data.ndim == 4}
    assert list(shapes.values()) == [
        (192, 1, 3, 3),
        (64, 192, 1, 1),
        *((96, 192, 1, 1), (128, 96, 3, 3)),
        *((16, 192, 1, 1), (32, 16, 5, 5)),
        (32, 192, 1, 1),
    ]


def test_stages_halve_the_image():
    net = InceptionConvNet(8, [(16,), (32, 48)], rng=np.random.default_rng(0))
    joined = [row.output_shape for row in summary(net, (1, 28, 28)).rows if row.kind == "MaxPool2d"]
    # The pooling inside of each block keeps the size; the one between the stages halves it.
    assert joined == [(8, 28, 28), (16, 14, 14), (16, 14, 14), (32, 14, 14)]
