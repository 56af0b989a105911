import copy
import json

import numpy as np
import pytest
from rank_training import small_dataset, small_model

from dlcourse.files import FileError
from dlcourse.nn import Conv2d
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.optim import SGD, Adam, CosineAnnealingLR, ReduceLROnPlateau
from dlcourse.training import EarlyStopping, KeepBest, Trainer, TrainingDiverged


def dataset(count=50, seed=0):
    return small_dataset(count, seed)


def make_trainer(seed=3, model_seed=0, schedule=False, **options):
    model = small_model(model_seed)
    optimizer = Adam(model.parameters(), lr=0.01)
    options = dict(batch_size=16, seed=seed, progress=False) | options
    if schedule:
        options["schedule"] = CosineAnnealingLR(optimizer, T_max=4)
    return Trainer(model, optimizer, **options)


def weights(trainer):
    return {name: array.copy() for name, array in trainer.model.state_dict().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_it_learns():
    trainer = make_trainer()
    history = trainer.fit(dataset(150), dataset(60, seed=1), epochs=8)
    assert history.epochs[-1].valid_accuracy == 1.0
    assert history.epochs[-1].train_loss < history.epochs[0].train_loss / 2


@pytest.mark.parametrize(("count", "batch_size", "steps"), [(50, 16, 4), (48, 16, 3), (5, 16, 1)])
def test_every_image_counts_once_an_epoch(count, batch_size, steps):
    trainer = make_trainer(batch_size=batch_size)
    seen = []
    trainer.augment = lambda images, rng: seen.append(len(images)) or images
    history = trainer.fit(dataset(count), epochs=2)
    assert len(history.step_loss) == 2 * steps
    assert sum(seen) == 2 * count
    # The mean over the epoch weights the last, smaller step by its size.
    sizes = [batch_size] * (steps - 1) + [count - batch_size * (steps - 1)]
    expected = np.dot(history.step_loss[:steps], sizes) / count
    assert history.epochs[0].train_loss == pytest.approx(expected)


def test_one_forward_pass_a_step():
    trainer = make_trainer(workers=1)
    calls = []
    forward = Conv2d.forward

    def counted(self, x):
        calls.append(len(x))
        return forward(self, x)

    Conv2d.forward = counted
    try:
        trainer.fit(dataset(50), epochs=1)
    finally:
        Conv2d.forward = forward
    assert sum(calls) == 50


def test_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    make_trainer(checkpoint=path).fit(dataset(), epochs=1)
    with pytest.raises(ValueError, match=r"checkpoint.npz: .* batch_size 16, expected 8"):
        make_trainer(checkpoint=path, batch_size=8).fit(dataset(), epochs=2)
    with pytest.raises(ValueError, match="images 50, expected 40"):
        make_trainer(checkpoint=path).fit(dataset(40), epochs=2)


def test_divergence_is_told_with_a_remedy(tmp_path):
    trainer = make_trainer(checkpoint=tmp_path / "checkpoint.npz")
    trainer.fit(dataset(), epochs=1)
    good = (tmp_path / "checkpoint.npz").read_bytes()
    trainer.optimizer = SGD(trainer.model.parameters(), lr=1e30)
    trainer.checkpoint = None
    message = r"the loss became (nan|inf) in step \d+, at a learning rate of 1e\+30: try a smaller"
    with pytest.raises(TrainingDiverged, match=message):  # and no warning: they are errors here
        trainer.fit(dataset(), epochs=3)
    assert (tmp_path / "checkpoint.npz").read_bytes() == good


def test_gradients_are_clipped():
    norms = []
    trainer = make_trainer(max_norm=0.01)
    step = trainer.optimizer.step

    def watched():
        grads = [p.grad for p in trainer.model.parameters()]
        norms.append(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads)))
        step()

    trainer.optimizer.step = watched
    trainer.fit(dataset(), epochs=1)
    assert max(norms) <= 0.01 * 1.001


def test_callbacks_keep_the_best_and_stop(tmp_path):
    trainer = make_trainer(
        callbacks=[KeepBest(tmp_path / "best.npz"), EarlyStopping(patience=2)], seed=1
    )
    trainer.fit(dataset(60), dataset(30, seed=1), epochs=100)
    accuracies = [e.valid_accuracy for e in trainer.history.epochs]
    best = accuracies.index(max(accuracies)) + 1
    assert len(accuracies) == best + 2
    shorter = make_trainer(seed=1)
    shorter.fit(dataset(60), epochs=best)
    with np.load(tmp_path / "best.npz") as kept:
        assert_same(dict(kept), weights(shorter))
    with pytest.raises(ValueError, match="expected a validation set"):
        make_trainer(callbacks=[EarlyStopping(1)]).fit(dataset(), epochs=1)


def test_plateau_watches_the_validation_loss():
    trainer = make_trainer()
    trainer.schedule = ReduceLROnPlateau(
        trainer.optimizer, mode="min", factor=0.5, patience=0, threshold=1e9
    )
    trainer.fit(dataset(), dataset(seed=1), epochs=3)
    assert trainer.optimizer.lr == pytest.approx(0.01 * 0.5**2)


def test_callbacks_of_an_epoch_run_again_if_it_was_not_kept(tmp_path):
    path = tmp_path / "c.npz"
    calls = []

    def killed(trainer, epoch):
        calls.append(epoch.epoch)
        if calls == [1, 2]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_trainer(checkpoint=path, callbacks=[killed]).fit(dataset(), epochs=3)
    make_trainer(checkpoint=path, callbacks=[killed]).fit(dataset(), epochs=3)
    assert calls == [1, 2, 2, 3]


def state_of(trainer):
    arrays = {**trainer.model.state_dict(), **trainer.optimizer.state_dict()}
    numbers = trainer.schedule.state_dict(), copy.deepcopy(trainer.history), trainer.optimizer.lr
    return {name: array.copy() for name, array in arrays.items()}, numbers, trainer.stop


NUMBERS = {"epoch": [1] * 4, "loss": [1.0] * 4, "accuracy": [0.5] * 4}
LOOK = {"step": 4, "epoch": 1, "lr": 0.1, "train_loss": 1.0, "train_accuracy": 0.5, "seconds": 1.0,
        "valid_loss": None, "valid_accuracy": None}  # fmt: skip


def history(numbers=NUMBERS, watched=(LOOK,), seconds=1.0):
    return {"history": {"numbers": numbers, "watched": watched, "seconds": seconds}}


def schedule(state):
    return {"state": {"model": {}, "optimizer": {}, "schedule": state}}


@pytest.mark.parametrize(
    ("text", "arrays", "found"),
    [
        ([1], {}, "found a file that cannot be read .TypeError"),
        ({"history": None}, {}, "found one whose history is a NoneType"),
        ({"settings": [1]}, {}, "found one whose settings is a list"),
        ({"state": 3}, {}, "found one whose state is a int"),
        ({"stop": "no"}, {}, "found one with stop 'no' and ranks 1"),
        ({"ranks": None}, {}, "found one with stop False and ranks None"),
        (schedule(3), {}, "found a file that cannot be read .AttributeError"),
        ({"state": {}}, {}, "its model does not fit: missing"),
        (schedule({"base_lr": 0.1}), {}, "ValueError: this state belongs to another schedule"),
        (schedule({"base_lr": "a", "epoch": 0}), {}, "schedule has things other than finite num"),
        (schedule({"base_lr": float("nan"), "epoch": 0}), {}, "other than finite numbers"),
        (history({"loss": 3}), {}, "found a file that cannot be read .TypeError"),
        (history(NUMBERS | {"loss": ["a"] * 4}), {}, "other numbers of steps are not finite"),
        (history(seconds=float("inf")), {}, "other numbers of steps are not finite"),
        (history(NUMBERS | {"loss": [1.0] * 9}), {}, "more steps of one number than of another"),
        (history({"error": [1.0] * 4}), {}, "found one whose steps have error"),
        (history(watched=[{"x": 1}]), {}, "KeyError: 'step'"),
        (history(watched=[LOOK | {"step": 5}]), {}, "of 4 steps that was watched after .5."),
        (history(watched=[LOOK | {"x": 1}]), {}, "TypeError: Epoch.__init__"),
        (history(watched=[LOOK | {"lr": "a"}]), {}, "whose epochs have things other than finite"),
        (history(watched=[LOOK, LOOK]), {}, "that has done 4 steps, in 2 epochs of 4"),
        (history(watched=[]), {}, "that has done 4 steps, in 0 epochs of 4"),
        ({}, {"optimizer/exp_avg.5": np.array("a")}, "its optimizer does not fit: exp_avg.5 has"),
        ({}, {"optimizer/exp_avg.5": np.zeros(9)}, "its optimizer does not fit: exp_avg.5 has"),
        ({}, {"model/7.bias": np.full(3, np.nan)}, "its model does not fit: 7.bias holds NaN"),
    ],
)
def test_a_checkpoint_that_cannot_be_changes_nothing(text, arrays, found, tmp_path):
    path = tmp_path / "checkpoint.npz"
    make_trainer(checkpoint=path, schedule=True).fit(dataset(), epochs=1)
    good = load_arrays(path)
    if isinstance(text, dict):
        text = json.loads(bytes(good["json"])) | text
    changed = {"json": np.frombuffer(json.dumps(text).encode(), np.uint8), **arrays}
    assert set(changed) <= set(good)
    save_arrays(path, good | changed)
    trainer = make_trainer(checkpoint=path, schedule=True, model_seed=1)
    before = state_of(trainer)
    with pytest.raises(FileError, match=f"^{path}: .*{found}"):
        trainer.fit(dataset(), epochs=2)
    after = state_of(trainer)
    assert_same(after[0], before[0])
    assert after[1:] == before[1:]
