"""EfficientNet-Lite0 against PyTorch, with the names of its published weights."""

import numpy as np
import pytest

from dlcourse.models import efficientnet_lite0

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
F = torch.nn.functional


def forward(state, x, training):
    """The network, written out over the arrays of its state."""

    def convolve(x, name, stride=1, groups=1):
        weight = state[f"{name}.weight"]
        k = weight.shape[2]
        borders = []
        for side in (x.shape[3], x.shape[2]):  # F.pad begins with the last axis
            total = max((-(-side // stride) - 1) * stride + k - side, 0)
            borders += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, borders), weight, None, stride, 0, 1, groups)

    def norm(x, name):
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.batch_norm(x, mean, var, weight, bias, training, 0.01, 1e-3)

    x = F.relu6(norm(convolve(x, "_conv_stem", 2), "_bn0"))
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    for i in range(16):
        around, block = x, f"_blocks.{i}"
        if i:
            x = F.relu6(norm(convolve(x, f"{block}._expand_conv"), f"{block}._bn0"))
        x = convolve(x, f"{block}._depthwise_conv", strides.get(i, 1), x.shape[1])
        x = F.relu6(norm(x, f"{block}._bn1"))
        x = norm(convolve(x, f"{block}._project_conv"), f"{block}._bn2")
        if i not in strides and x.shape == around.shape:
            x = x + around
    x = F.relu6(norm(convolve(x, "_conv_head"), "_bn1"))
    return F.linear(x.mean((2, 3)), state["_fc.weight"], state["_fc.bias"])


def pair(training):
    """Our network, and torch's copy of its state."""
    rng = np.random.default_rng(0)
    model = efficientnet_lite0(rng=rng).train(training)
    model.dropout.p = 0.0
    for name, value in model.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            value[...] = rng.normal(0, 0.1, value.shape)
    return model, {name: torch.from_numpy(v.copy()) for name, v in model.state_dict().items()}


@pytest.mark.parametrize("training", [False, True])
def test_output(training):
    model, state = pair(training)
    x = np.random.default_rng(1).standard_normal((1, 3, 224, 224), dtype=np.float32)
    expected = forward(state, torch.from_numpy(x), training).numpy()
    np.testing.assert_allclose(model(x), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("training", [False, True])
def test_gradients(training):
    model, state = pair(training)
    learnt = {name: state[name].requires_grad_() for name, _ in model.named_parameters()}
    x = np.random.default_rng(1).standard_normal((4, 3, 64, 64), dtype=np.float32)
    y = forward(state, torch.from_numpy(x), training)
    dy = np.random.default_rng(2).standard_normal(y.shape, dtype=np.float32)
    y.backward(torch.from_numpy(dy))
    model(x)
    model.backward(dy)
    difference = size = 0.0
    for name, parameter in model.named_parameters():
        grad = learnt[name].grad.numpy()
        difference += np.sum((parameter.grad - grad) ** 2)
        size += np.sum(grad**2)
    assert np.sqrt(difference / size) < 1e-3
