"""What the closing page says of PyTorch: its code runs, and what it compares agrees."""

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")

PAGE = (Path(__file__).resolve().parents[2] / "book" / "what-next.md").read_text(encoding="utf-8")


def test_the_network_of_the_zoo_answers_alike(capsys):
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    found = {}
    exec(code, found)
    difference, torchs, ours = re.findall(r"[\d.]+(?:e-?\d+)?", capsys.readouterr().out)
    assert float(difference) < 1e-4
    assert torchs == ours and float(ours) > 0.98
    assert found["net"].state_dict().keys() == found["ours"].state_dict().keys()


def test_attention_is_that_of_torch():
    [code] = re.findall(
        r"^class Attention\(Module\):\n.*?(?=^```$)", PAGE, re.DOTALL | re.MULTILINE
    )
    names = {}
    exec(f"from dlcourse.nn import Module, softmax\n{code}", names)
    attention, rng = names["Attention"](), np.random.default_rng(0)
    arrays = [rng.standard_normal(s, np.float32) for s in ((2, 3, 8), (2, 5, 8), (2, 5, 6))]
    dy = rng.standard_normal((2, 3, 6), np.float32)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = torch.nn.functional.scaled_dot_product_attention(*tensors)
    expected.backward(torch.tensor(dy))
    found = attention(*arrays)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    for ours, tensor in zip(attention.backward(dy), tensors, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, tensor.grad.numpy(), rtol=1e-4, atol=1e-6)
