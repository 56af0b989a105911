import numpy as np
import pytest

from dlcourse.nn import Linear, Sequential
from dlcourse.nn.weights import load_arrays, load_weights, save_arrays, save_weights


def make(seed=0, out=2):
    return Sequential(Linear(3, out, rng=np.random.default_rng(seed)))


def test_round_trip_is_exact(tmp_path):
    a, b = make(0), make(1)
    save_weights(a, tmp_path / "new folder" / "w.npz")
    load_weights(b, tmp_path / "new folder" / "w.npz")
    for name, array in a.state_dict().items():
        np.testing.assert_array_equal(b.state_dict()[name], array)


def test_another_networks_weights_are_refused_and_nothing_is_changed(tmp_path):
    path = tmp_path / "w.npz"
    save_weights(make(out=5), path)
    model = make()
    before = {name: array.copy() for name, array in model.state_dict().items()}
    with pytest.raises(
        ValueError, match=r"w\.npz: .*0.weight has shape \(5, 3\), expected \(2, 3\)"
    ):
        load_weights(model, path)
    save_arrays(path, {"0.weight": np.zeros((2, 3)), "1.weight": np.zeros(1)})
    with pytest.raises(ValueError, match=r"do not fit .*missing 0.bias; unknown 1.weight"):
        load_weights(model, path)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


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
