"""Files that torch itself wrote, read without it."""

import numpy as np
import pytest

from dlcourse.models.torch_file import read_torch_file

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")


@pytest.mark.parametrize("zipped", [True, False])
def test_state_of_a_module(zipped, tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    net(torch.rand(2, 3, 5, 5))
    torch.save(net.state_dict(), tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    arrays = read_torch_file(tmp_path / "a.pth")
    assert list(arrays) == list(net.state_dict())
    for name, tensor in net.state_dict().items():
        np.testing.assert_array_equal(arrays[name], tensor.detach())
        assert arrays[name].dtype == tensor.detach().numpy().dtype
        assert arrays[name].shape == tuple(tensor.shape)


@pytest.mark.parametrize("zipped", [True, False])
def test_types_views_and_parameters(zipped, tmp_path):
    base = torch.arange(24.0).reshape(2, 3, 4)
    tensors = {
        "view": base[1, :, 1:3],
        "turned": base.permute(2, 0, 1),
        "half": base.half(),
        "double": base.double(),
        "bytes": base.byte(),
        "bools": base > 3,
        "int": base.int(),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base),
    }
    torch.save(tensors, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    arrays = read_torch_file(tmp_path / "a.pt")
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrays[name], tensor.detach())
        assert arrays[name].dtype == tensor.detach().numpy().dtype


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_module_is_refused(zipped, tmp_path):
    # torch.save(net) holds a pickle of the class, which would have to be imported and called.
    torch.save(torch.nn.ReLU(), tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"torch\.nn\.\S*ReLU, which weights have no need of"):
        read_torch_file(tmp_path / "a.pth")
