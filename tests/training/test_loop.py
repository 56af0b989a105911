import numpy as np
import pytest

from dlcourse.files import FileError
from dlcourse.nn import Linear, MSELoss
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Loop, TrainingDiverged


def make(tmp_path=None, stop_at=None, settings=None, **options):
    line, loss = Linear(3, 2, rng=np.random.default_rng(0)), MSELoss()
    optimizer = Adam(line.parameters(), lr=0.1)

    def step(number):
        if number == stop_at:
            raise KeyboardInterrupt
        x = np.random.default_rng(number).random((8, 3), dtype=np.float32)
        value = loss(line(x), x[:, :2])
        line.backward(loss.backward())
        return value

    return Loop(
        line, optimizer, step, schedule=CosineAnnealingLR(optimizer, T_max=30), save_every=7,
        checkpoint=None if tmp_path is None else tmp_path / "loop.npz", settings=settings,
        progress=False, **options,
    )  # fmt: skip


def test_an_interrupted_loop_goes_on_as_if_it_had_not_been(tmp_path):
    whole = make()
    losses = whole.run(30)
    assert len(losses) == 30 and losses[-1] < losses[0]
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, stop_at=18).run(30)
    resumed = make(tmp_path)
    assert resumed.run(30) == losses
    for p, q in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert make(tmp_path).run(30) == losses  # all is done already


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    make(tmp_path, settings={"seed": 0}).run(7)
    with pytest.raises(ValueError, match="with seed 0, expected 1"):
        make(tmp_path, settings={"seed": 1}).run(7)


def test_a_damaged_checkpoint_changes_nothing(tmp_path):
    make(tmp_path).run(7)
    good = load_arrays(tmp_path / "loop.npz")
    for changed, found in (
        ({"optimizer/exp_avg.1": np.zeros(9)}, "not fit this optimizer: exp_avg.1 has shape"),
        ({"model/bias": np.array([1, np.inf])}, "not fit this network: bias holds NaN"),
        ({"json": np.frombuffer(bytes(good["json"]).replace(b"losses", b"louses"), np.uint8)},
         "expected a dlcourse checkpoint 1, found a file that cannot be read .KeyError: 'losses'"),
    ):  # fmt: skip
        save_arrays(tmp_path / "loop.npz", good | changed)
        loop = make(tmp_path)
        with pytest.raises(FileError, match=f"loop.npz: .*{found}"):
            loop.run(9)
        fresh = make()
        for own, other in ((loop.model, fresh.model), (loop.optimizer, fresh.optimizer)):
            for name, array in own.state_dict().items():
                np.testing.assert_array_equal(array, other.state_dict()[name])


def test_long_gradients_are_shortened_and_bad_losses_end_the_training():
    loop = make(max_norm=1e-3)
    loop.run(1)
    norm = np.sqrt(sum((p.grad**2).sum() for p in loop.model.parameters()))
    assert norm == pytest.approx(1e-3, rel=1e-4)
    loop.step = lambda number: float("nan")
    with pytest.raises(TrainingDiverged, match="became nan in step 2"):
        loop.run(5)
