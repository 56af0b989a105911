import io
import struct
import zipfile

import numpy as np
import pytest
from states import assert_state, unchanged

from dlcourse.files import FileError
from dlcourse.nn import Linear, Sequential
from dlcourse.nn.weights import load_arrays, load_weights, save_arrays, save_weights


def make(seed=0, out=2):
    return Sequential(Linear(3, out, rng=np.random.default_rng(seed)))


def test_round_trip_is_exact(tmp_path):
    a, b = make(0), make(1)
    save_weights(a, tmp_path / "new folder" / "w.npz")
    load_weights(b, tmp_path / "new folder" / "w.npz")
    assert_state(a, b.state_dict())


def test_another_networks_weights_are_refused_and_nothing_is_changed(tmp_path):
    path = tmp_path / "w.npz"
    save_weights(make(out=5), path)
    model = make()
    message = r"w\.npz: .*0.weight has shape \(5, 3\), expected \(2, 3\)"
    with unchanged(model), pytest.raises(ValueError, match=message):
        load_weights(model, path)
    save_arrays(path, {"0.weight": np.zeros((2, 3)), "1.weight": np.zeros(1)})
    message = r"do not fit .*missing 0.bias; unknown 1.weight"
    with unchanged(model), pytest.raises(ValueError, match=message):
        load_weights(model, path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights file .*none\.npz"):
        load_weights(make(), tmp_path / "none.npz")


@pytest.mark.parametrize("kept", [0, 1, 30, 200, -1])
def test_truncated_file(tmp_path, kept):
    path = tmp_path / "w.npz"
    save_weights(make(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"w\.npz: expected an \.npz file of plain arrays, found"):
        load_arrays(path)


def test_flipped_bytes(tmp_path):
    path = tmp_path / "w.npz"
    save_weights(make(), path)
    content = bytearray(path.read_bytes())
    content[180] ^= 0xFF  # inside the first array's numbers
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.npz: expected an \.npz file"):
        load_arrays(path)


def test_pickles_are_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    np.savez(tmp_path / "trap.npz", a=np.array([Trap()], dtype=object))
    np.save(tmp_path / "one.npy", np.zeros(2))
    with pytest.raises(ValueError, match="found pickled objects"):
        load_arrays(tmp_path / "trap.npz")
    with pytest.raises(ValueError, match="found another kind of file"):
        load_arrays(tmp_path / "one.npy")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "w.npz"
    save_weights(make(0), path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", lambda file, **_: file.write(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_weights(make(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def npy(shape, descr="'<f4'", numbers=b""):
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + 1) + head + b"\n" + numbers


def headed(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path, method=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (npy("(1000000000000,)"), "'a.npy' with 128 bytes, where it declares 4,000,000,000,128"),
        (npy("(2,)", numbers=bytes(12)), "'a.npy' with 140 bytes, where it declares 136"),
        (npy("(-1,)", numbers=bytes(8)), "'a.npy' with 136 bytes"),
        (npy("(2,)", "'|O'", bytes(16)), "pickled objects"),
        (npy("(2.0,)", numbers=bytes(8)), "cannot be read .ValueError: shape is not valid"),
        (npy("(2,)", "'<f5'", bytes(8)), "cannot be read .ValueError: descr is not a valid dtype"),
        (npy("(" + "1, " * 70 + ")", numbers=bytes(4)), "cannot be read"),
        (b"hello", "an entry 'a.npy' that is not an array"),
        (b"\x93NUMPY\x03\x00" + bytes(4), "'a.npy' in version .3, 0. of the format"),
        (headed(b"{'shape': (3,".ljust(40)), "cannot be read"),
        (headed(b"-" * 900 + b"1"), "cannot be read"),
        (headed(b"-" * 8999 + b"1"), "cannot be read"),
    ],
)
def test_arrays_that_lie(content, found, tmp_path):
    archive(tmp_path / "w.npz", a=content)
    with pytest.raises(FileError, match=rf"w\.npz: expected an \.npz file .*, found .*{found}"):
        load_arrays(tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("offset", "value"), [(6, 120), (8, 1), (10, 9), (10, 14), (16, 1), (24, 1), (42, 9)]
)
def test_one_byte_of_the_directory(offset, value, tmp_path):
    path = tmp_path / "w.npz"
    save_weights(make(), path)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + offset] ^= value
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"w\.npz: expected an \.npz file of plain arrays, found"):
        load_weights(make(), path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_compressed_arrays(method, tmp_path):
    path = tmp_path / "w.npz"
    archive(path, method, a=npy("(500,)", numbers=np.random.default_rng(0).bytes(2000)))
    whole = path.read_bytes()
    right = load_arrays(path)["a"]
    assert right.shape == (500,)
    for place in range(40, 2000, 61):
        damaged = bytearray(whole)
        damaged[place] ^= 255
        path.write_bytes(damaged)
        try:  # not every bit is of use
            np.testing.assert_array_equal(load_arrays(path)["a"], right)
        except FileError as error:
            assert str(error).startswith(f"{path}: expected an .npz file of plain arrays, found")


def test_more_than_it_says_is_not_unpacked(tmp_path, monkeypatch):
    """A network refuses by name and shape; without one the size of the file decides."""
    path = tmp_path / "w.npz"
    numbers = {"a": npy("(33554432,)", numbers=bytes(2**27))}
    archive(path, zipfile.ZIP_DEFLATED, **numbers)
    monkeypatch.setattr("dlcourse.nn.weights._unpacked", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(FileError, match="found arrays that unpack to more than 16 times its size"):
        load_arrays(path)
    with pytest.raises(FileError, match="do not fit .*missing 0.weight, 0.bias; unknown a"):
        load_weights(make(), path)


def test_compressed_weights_are_read(tmp_path):
    np.savez_compressed(tmp_path / "w.npz", **make(1).state_dict())
    model = make(0)
    load_weights(model, tmp_path / "w.npz")
    np.testing.assert_array_equal(model.state_dict()["0.weight"], make(1).state_dict()["0.weight"])


def test_too_many_arrays_and_two_of_one_name(tmp_path):
    path = tmp_path / "w.npz"
    archive(path, **{f"a{i}": b"" for i in range(10_001)})
    with pytest.raises(FileError, match="found more than 10,000 arrays"):
        load_arrays(path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in ("a.npy", "b.npy"):
            file.writestr(name, npy("(1,)", numbers=bytes(4)))
    path.write_bytes(buffer.getvalue().replace(b"b.npy", b"a.npy"))
    with pytest.raises(FileError, match="found two arrays of one name"):
        load_arrays(path)


def test_an_array_that_the_directory_hides(tmp_path):
    path = tmp_path / "w.npz"
    save_arrays(path, {"a": np.zeros(1), "b": np.ones(1)})
    data = bytearray(path.read_bytes())
    first, second = (data.index(b"PK\1\2", at) for at in (0, data.index(b"PK\1\2") + 1))
    data[first + 32 : first + 34] = (data.index(b"PK\5\6") - second).to_bytes(2, "little")
    path.write_bytes(data)  # b's line is now a comment on a
    with pytest.raises(FileError, match="another number of arrays than its end tells"):
        load_arrays(path)


@pytest.mark.parametrize(
    ("bias", "found"),
    [
        (np.array(["a", "b"]), "0.bias has dtype <U1, expected numbers"),
        (np.array([1, 2j]), "0.bias has dtype complex128, expected numbers"),
        (np.array([1, 2], "M8[s]"), r"0.bias has dtype datetime64\[s\], expected numbers"),
        (np.array([1, 2], "m8[s]"), r"0.bias has dtype timedelta64\[s\], expected numbers"),
        (np.zeros(2, [("a", "f4")]), r"0.bias has dtype \[\('a', '<f4'\)\], expected numbers"),
        (np.array([1, np.nan], np.float32), "0.bias holds NaN or infinity"),
        (np.array([1, -np.inf]), "0.bias holds NaN or infinity"),
        (np.array([1, 1e300]), "0.bias holds NaN or infinity"),  # in float32
    ],
)
def test_what_is_no_number_is_refused_and_nothing_is_changed(bias, found, tmp_path):
    path, model = tmp_path / "w.npz", make(0)
    save_arrays(path, {**make(1).state_dict(), "0.bias": bias})
    with pytest.raises(FileError, match=rf"w\.npz: these weights do not fit Sequential: {found}"):
        load_weights(model, path)
    assert_state(model, make(0).state_dict())
    if bias.dtype.kind != "f":
        with pytest.raises(ValueError, match=found):
            model.load_state_dict({**make(1).state_dict(), "0.bias": bias})


@pytest.mark.parametrize("dtype", ["f2", "f8", "i8", "u1", "?", "g"])
def test_numbers_of_every_kind_are_converted(dtype, tmp_path):
    model = make()
    ones = {name: np.ones(array.shape, dtype) for name, array in model.state_dict().items()}
    save_arrays(tmp_path / "w.npz", ones)
    load_weights(model, tmp_path / "w.npz")
    assert all((a == 1).all() and a.dtype == np.float32 for a in model.state_dict().values())


def test_control_codes_in_a_name_are_written_out(tmp_path):
    layer = Linear(2, 1, rng=np.random.default_rng(0))
    save_arrays(tmp_path / "a.npz", {**layer.state_dict(), "x\x1b[31m\ny": np.ones(1)})
    with pytest.raises(FileError, match=r"a.npz: .*unknown x\\x1b\[31m y$"):
        load_weights(layer, tmp_path / "a.npz")
