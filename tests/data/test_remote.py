"""Downloads, from servers on this machine only."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest

from dlcourse.data import (
    DataFileError,
    DownloadError,
    cifar10,
    data_folder,
    fashion_mnist,
    load_cifar10,
    load_fashion_mnist,
)
from dlcourse.data.idx import FILES
from dlcourse.data.remote import fetch

CONTENT = b"what was published"
CHECKSUM = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


def test_data_folder(cache, monkeypatch):
    assert data_folder() == cache
    monkeypatch.delenv("DLCOURSE_DATA")
    assert data_folder().name == "dlcourse"


def test_fetch_downloads_once(serve, cache):
    url, asked = serve({"a.bin": CONTENT})
    for _ in range(2):
        path = fetch("set/a.bin", CHECKSUM, [f"{url}/a.bin"])
        assert path == cache / "set" / "a.bin" and path.read_bytes() == CONTENT
    assert asked == ["/a.bin"]


def test_the_first_digits_of_a_checksum_will_do(serve, cache):
    url, _ = serve({"a.bin": CONTENT})
    assert fetch("a.bin", CHECKSUM[:15], [f"{url}/a.bin"]).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="the file there has another checksum"):
        fetch("b.bin", "sha256:00000000", [f"{url}/a.bin"])
    assert [path.name for path in cache.iterdir()] == ["a.bin"]


def test_fetch_goes_on_to_the_next_mirror(serve, cache, offline):
    empty, _ = serve({})
    wrong, _ = serve({"a.bin": b"<html>please log in</html>"})
    right, _ = serve({"a.bin": CONTENT})
    never, asked = serve({"a.bin": CONTENT})
    urls = [f"{url}/a.bin" for url in (offline, empty, wrong, right, never)]
    assert fetch("a.bin", CHECKSUM, urls).read_bytes() == CONTENT
    assert asked == []


def test_fetch_says_why_and_what_to_do(serve, cache, offline):
    empty, _ = serve({})
    wrong, _ = serve({"a.bin": b"<html>please log in</html>"})
    with pytest.raises(DownloadError) as error:
        fetch("set/a.bin", CHECKSUM, [f"{url}/a.bin" for url in (offline, empty, wrong)])
    for part in (
        "a.bin could not be downloaded",
        f"{offline[7:]}: ConnectionError",
        f"{empty[7:]}: it answered 404",
        f"{wrong[7:]}: the file there has another checksum",
        f"put the file by hand at {cache / 'set' / 'a.bin'}",
        "set DLCOURSE_DATA to a folder that has it as set/a.bin",
    ):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert list((cache / "set").iterdir()) == []  # nothing half-written


def idx(array):
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def clothes(monkeypatch, tmp_path):
    """Make four small files pass for Fashion-MNIST; return them by name."""
    files, checksums, downloads = {}, [], []
    for name in FILES:
        shape = (5, 28, 28) if "images" in name else (5,)
        content = idx(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape))
        files[name] = gzip.compress(content)
        checksums.append(hashlib.sha256(content).hexdigest())
        downloads.append("md5:" + hashlib.md5(files[name]).hexdigest())
    monkeypatch.setattr(fashion_mnist, "_CHECKSUMS", checksums)
    monkeypatch.setattr(fashion_mnist, "_DOWNLOADS", downloads)
    monkeypatch.setattr(fashion_mnist, "_DEBIAN", tmp_path / "debian")
    return files


def test_fashion_mnist_is_downloaded_then_read_offline(clothes, serve, cache, offline, monkeypatch):
    url, asked = serve(clothes)
    monkeypatch.setattr(fashion_mnist, "_MIRRORS", (offline, url))
    train, _ = load_fashion_mnist()
    assert train.images.shape == (5, 1, 28, 28) and train.classes[9] == "Ankle boot"
    assert len(asked) == 4
    monkeypatch.setattr(fashion_mnist, "_MIRRORS", (offline,))
    load_fashion_mnist()

    damaged = cache / "fashion-mnist" / FILES[1]
    damaged.write_bytes(clothes[FILES[1]][:30])
    with pytest.raises(DataFileError, match="delete it, and it is downloaded again"):
        load_fashion_mnist()
    damaged.unlink()
    with pytest.raises(DownloadError, match=f"put the file by hand at {damaged}"):
        load_fashion_mnist()


def test_fashion_mnist_of_debian_comes_first(clothes, cache, offline, monkeypatch, tmp_path):
    monkeypatch.setattr(fashion_mnist, "_MIRRORS", (offline,))
    (tmp_path / "debian").mkdir()
    for name, content in clothes.items():
        # Debian compresses the files anew: other bytes, the same content.
        (tmp_path / "debian" / name).write_bytes(gzip.compress(gzip.decompress(content), 1))
    assert len(load_fashion_mnist()[0]) == 5
    (tmp_path / "debian" / FILES[0]).write_bytes(b"")
    with pytest.raises(DataFileError, match="reinstall Debian's package"):
        load_fashion_mnist()


def test_fashion_mnist_of_a_folder_is_not_downloaded(clothes, cache, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{FILES[0]}: there is no such file; replace it"):
        load_fashion_mnist(tmp_path)


@pytest.fixture
def photos(monkeypatch):
    """Make a small archive pass for CIFAR-10; return it and the records that it is made of."""
    rng = np.random.default_rng(0)
    records = rng.integers(0, 256, (6, 4, 3073), np.uint8)
    records[:, :, 0] %= 10
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        # In an order of no use, as in the real archive.
        for name, part in zip((*cifar10._TEST, *cifar10._TRAIN[::-1]), records, strict=True):
            info = tarfile.TarInfo(name)
            info.size = part.nbytes
            archive.addfile(info, io.BytesIO(part.tobytes()))
        archive.addfile(tarfile.TarInfo("cifar-10-batches-bin/readme.html"))
    content = buffer.getvalue()
    monkeypatch.setattr(cifar10, "_SHA256", hashlib.sha256(content).hexdigest())
    return content, records


def test_cifar10(photos, serve, cache, offline, monkeypatch):
    content, records = photos
    url, _ = serve({cifar10._NAME: content})
    monkeypatch.setattr(cifar10, "_MIRRORS", (offline, url))
    train, test = load_cifar10()
    assert train.images.shape == (20, 3, 32, 32) and test.images.shape == (4, 3, 32, 32)
    record = records[5, 0]  # the first of data_batch_1.bin
    assert train.labels[0] == record[0]
    # Byte 1 + 1024 + 32 * 2 + 3 is green, row 2, column 3.
    assert train.images[0, 1, 2, 3] == np.float32(record[1 + 1024 + 32 * 2 + 3]) / np.float32(255)
    np.testing.assert_array_equal(test.labels, records[0, :, 0])


def test_cifar10_damaged_missing_or_offline(photos, cache, offline, monkeypatch, tmp_path):
    path = tmp_path / "cifar.tar.gz"
    with pytest.raises(FileNotFoundError, match="there is no such file; replace it"):
        load_cifar10(path)
    path.write_bytes(photos[0][:-10])
    with pytest.raises(DataFileError, match="expected content with sha256 .*; replace it"):
        load_cifar10(path)
    monkeypatch.setattr(cifar10, "_MIRRORS", (offline,))
    with pytest.raises(
        DownloadError, match="set DLCOURSE_DATA to a folder that has it as cifar-10/"
    ):
        load_cifar10()
