import numpy as np
import pytest

from dlcourse import models
from dlcourse.models import BasicBlock, Bottleneck, ResNet, resnet18, summary


def rng():
    return np.random.default_rng(0)


def test_the_stages_halve_the_image():
    rows = {row.name: row for row in summary(resnet18(rng=rng()), (3, 224, 224)).rows}
    assert rows["maxpool"].output_shape == (64, 56, 56)
    assert rows["layer2.1.relu"].output_shape == (128, 28, 28)
    assert rows["layer4.1.relu"].output_shape == (512, 7, 7)
    # 11 after the pooling; 4 convolutions add 2 * 4 each; then in each stage 2 jumps of the stage
    # before, and 3 times 2 of its own: 8 + 48, 16 + 96, 32 + 192.
    assert rows["layer4.1.relu"].field.size == (435, 435)


def test_names_of_the_state():
    # The keys that torchvision documents by its code: conv1, bn1, layer1.0.conv1, ...
    names = list(models.resnet50(rng=rng()).state_dict())
    assert names[:6] == [
        "conv1.weight",
        *(f"bn1.{x}" for x in ("weight", "bias", "running_mean", "running_var")),
        "bn1.num_batches_tracked",
    ]
    block = [n for n in names if n.startswith("layer2.0.") and n.endswith(".weight")]
    assert block == [
        f"layer2.0.{part}.weight"
        for part in ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "downsample.0", "downsample.1")
    ]
    assert names[-2:] == ["fc.weight", "fc.bias"]
    assert "layer1.0.downsample.0.weight" in names  # 64 to 256 channels
    assert "layer1.0.downsample.0.weight" not in resnet18(rng=rng()).state_dict()


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_zero_init_residual_starts_blocks_as_the_identity(block):
    net = ResNet(block, (2, 1, 1, 1), num_classes=5, zero_init_residual=True, rng=rng())
    x = rng().random((2, 64 * block.expansion, 4, 4), dtype=np.float32)  # positive, as after ReLU
    np.testing.assert_array_equal(net.layer1[1](x), x)
    net = ResNet(block, (2, 1, 1, 1), num_classes=5, rng=rng())
    assert np.abs(net.layer1[1](x) - x).max() > 0.1
