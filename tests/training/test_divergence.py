import numpy as np
import pytest

from dlcourse.data import Dataset
from dlcourse.nn import Flatten, Linear, MSELoss, Sequential
from dlcourse.optim import SGD
from dlcourse.training import Loop, Trainer, TrainingDiverged


class Breaking(SGD):
    """Sets a weight to infinity in its third step, which no loss shows before the fourth."""

    steps = 0

    def step(self):
        super().step()
        self.steps += 1
        if self.steps == 3:
            self.parameters[0].data.flat[0] = np.inf


def test_no_checkpoint_is_taken_of_weights_that_are_no_numbers(tmp_path):
    rng = np.random.default_rng(0)
    data = Dataset(rng.random((12, 1, 2, 2), dtype=np.float32), np.arange(12) % 2, ("a", "b"))
    model = Sequential(Flatten(), Linear(4, 2, rng=rng))
    path = tmp_path / "checkpoint.npz"
    trainer = Trainer(
        *(model, Breaking(model.parameters(), lr=0.1)),
        batch_size=4,
        checkpoint=path,
        checkpoint_every=1,
        progress=False,
    )
    with pytest.raises(TrainingDiverged, match="no longer finite numbers"):
        trainer.fit(data, epochs=1)
    with np.load(path) as kept:
        assert all(np.isfinite(kept[name]).all() for name in kept.files)


def test_a_loop_looks_at_its_weights_before_it_keeps_them(tmp_path):
    line, loss = Linear(1, 1, rng=np.random.default_rng(0)), MSELoss()
    optimizer = Breaking(line.parameters(), lr=0.1)

    def step(number):
        value = loss(line(np.ones((2, 1), np.float32)), np.ones((2, 1), np.float32))
        line.backward(loss.backward())
        optimizer.step()
        return value

    path = tmp_path / "checkpoint.npz"
    loop = Loop(step, {"line": line, "optimizer": optimizer}, checkpoint=path, progress=False)
    with pytest.raises(TrainingDiverged):
        loop.run(3)
    assert not path.exists()
