import numpy as np
import pytest

from dlcourse.files import FileError
from dlcourse.nn import Linear, MSELoss
from dlcourse.nn.weights import save_arrays
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Loop, TrainingDiverged, descent


def make(tmp_path=None, max_norm=None, **options):
    line, loss = Linear(3, 2, rng=np.random.default_rng(0)), MSELoss()
    optimizer = Adam(line.parameters(), lr=0.1)

    def gradients(number):
        x = np.random.default_rng(number).random((8, 3), dtype=np.float32)
        value = loss(line(x), x[:, :2])
        line.backward(loss.backward())
        return value

    schedule = CosineAnnealingLR(optimizer, T_max=30)
    return Loop(
        descent(gradients, optimizer, schedule=schedule, max_norm=max_norm),
        {"model": line, "optimizer": optimizer},
        checkpoint=None if tmp_path is None else tmp_path / "loop.npz",
        progress=False,
        **options,
    )


def test_it_learns_and_goes_on_where_it_was(tmp_path):
    losses = make(tmp_path).run(30)["loss"]
    assert len(losses) == 30 and losses[-1] < losses[0]
    loop = make(tmp_path)
    loop.step = None  # all is done already
    assert loop.run(30)["loss"] == losses
    in_parts = make()
    for steps in (0, 7, 7, 30):
        assert in_parts.run(steps).done == steps
    assert in_parts.history["loss"] == losses


def test_a_watch_sees_the_beginning_every_so_many_steps_and_the_end(tmp_path):
    seen = []

    def watch(done):
        seen.append(done)
        return {"done": done} if done != 4 else None  # nothing to keep there

    history = make(tmp_path, watch=watch, watch_every=2, save_every=100).run(5)
    assert seen == [0, 2, 4, 5]
    assert history.watched == [{"step": step, "done": step} for step in (0, 2, 5)]
    assert make(tmp_path, watch=watch, watch_every=2).run(5) == history
    assert seen == [0, 2, 4, 5]


def test_a_step_can_end_training_for_good(tmp_path):
    loop = make(tmp_path)
    step = loop.step

    def last(number):
        loop.stop = number == 3
        return step(number)

    loop.step = last
    assert loop.run().done == 4
    assert make(tmp_path).run(9).done == 4


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    make(tmp_path, settings={"seed": 0}).run(7)
    with pytest.raises(FileError, match="with seed 0, expected 1"):
        make(tmp_path, settings={"seed": 1}).run(7)
    with pytest.raises(FileError, match="with seed 0, expected None"):
        make(tmp_path).run(7)
    other = make(tmp_path, settings={"seed": 0})
    other.step = lambda number: {"error": 1.0}
    with pytest.raises(FileError, match="loop.npz: every step must return the same numbers, loss;"):
        other.run(8)


def test_files_of_an_earlier_version_and_of_another_kind_are_refused(tmp_path):
    text = np.frombuffer(b'{"format": "dlcourse checkpoint 1"}', np.uint8)
    save_arrays(tmp_path / "loop.npz", {"json": text})
    with pytest.raises(FileError, match="a dlcourse checkpoint 2, found the format '.* 1'; "):
        make(tmp_path).run(1)
    save_arrays(tmp_path / "loop.npz", {"a": np.zeros(1)})
    with pytest.raises(FileError, match="checkpoint 2, found an .npz file of another kind; resume"):
        make(tmp_path).run(1)


def test_numbers_keep_their_names():
    loop = make()
    loop.step = lambda number: {"loss": 1.0, "right": 3} if number < 2 else {"loss": 1.0}
    with pytest.raises(ValueError, match="every step .*, loss, right; found loss in step 3"):
        loop.run(5)
    assert loop.history["right"] == [3, 3]


def test_a_place_that_cannot_be_written_is_told_before_the_first_step(tmp_path):
    loop = make(tmp_path)
    loop.checkpoint = tmp_path
    loop.step = None
    with pytest.raises(FileExistsError, match="expected a file to write"):
        loop.run(1)


def test_long_gradients_are_shortened_and_bad_losses_end_the_training():
    loop = make(max_norm=1e-3)
    loop.run(1)
    norm = np.sqrt(sum((p.grad**2).sum() for p in loop.state["model"].parameters()))
    assert norm == pytest.approx(1e-3, rel=1e-4)
    optimizer = loop.state["optimizer"]
    before = loop.state["model"].weight.data.copy()
    loop.step = descent(lambda number: float("nan"), optimizer)
    with pytest.raises(TrainingDiverged, match="loss became nan in step 2, at a learning rate of"):
        loop.run(5)
    np.testing.assert_array_equal(loop.state["model"].weight.data, before)


def test_no_checkpoint_is_taken_of_weights_that_are_no_numbers(tmp_path):
    loop = make(tmp_path, save_every=1)
    step, weight = loop.step, loop.state["model"].weight

    def breaking(number):
        loss = step(number)
        if number == 2:
            weight.data[0, 0] = np.inf  # which no loss shows before the fourth step
        return loss

    loop.step = breaking
    with pytest.raises(TrainingDiverged, match="weights are no longer finite numbers, at a lear"):
        loop.run(5)
    with np.load(tmp_path / "loop.npz") as kept:
        assert all(np.isfinite(kept[name]).all() for name in kept.files)
    assert make(tmp_path).run(2).done == 2
