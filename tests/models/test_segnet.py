import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import SegNet
from dlcourse.models.segnet import SMALL


def test_gradients():
    rng = np.random.default_rng(0)
    segnet = SegNet(3, ((4, 5), (6,)), rng=rng)
    x = rng.permutation(2 * 3 * 8 * 12).reshape(2, 3, 8, 12) / 100  # no two largest are equal
    check_gradients(segnet, x, rng, entries=20)


def test_published_layout():
    segnet = SegNet(12, rng=np.random.default_rng(0))
    convolutions = [name for name in segnet.state_dict() if name.endswith("weight")]
    kernels = [name for name in convolutions if segnet.state_dict()[name].ndim == 4]
    assert len(kernels) == 26  # 13 on either side
    assert segnet.state_dict()["decoders.0.3.weight"].shape == (12, 64, 3, 3)


def test_predictions_and_modes():
    segnet = SegNet(5, SMALL, rng=np.random.default_rng(0)).train()
    assert segnet.predict(np.zeros((2, 3, 96, 64), np.float32)).shape == (2, 96, 64)
    assert segnet.training
    with pytest.raises(ValueError, match="multiples of 16"):
        segnet(np.zeros((1, 3, 96, 100), np.float32))
