import warnings

import numpy as np
import pytest
from rank_training import assert_same, result, small_dataset, small_trainer

from dlcourse.data import Shift
from dlcourse.distributed import CommunicationError, SingleProcess, SyncBatchNorm, Threads
from dlcourse.models.inception import Inception
from dlcourse.nn import BatchNorm2d, Conv2d, CrossEntropyLoss, Flatten, Linear, ReLU, Sequential
from dlcourse.optim import SGD
from dlcourse.precision import LossScaler
from dlcourse.training import EarlyStopping, KeepBest, ParallelModel, Trainer
from dlcourse.training.cutting import Cutting

VALID = small_dataset(50, seed=1)


def train(communicator=None, epochs=3, **options):
    trainer = small_trainer(communicator, **options)
    trainer.fit(small_dataset(), VALID, epochs=epochs)
    return result(trainer)


@pytest.fixture(scope="module")
def alone():
    return train()


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_train_as_one_process_bit_for_bit(size, alone):
    for rank in Threads.run(size, train):
        assert_same(rank, alone)


@pytest.mark.parametrize("size", [3, 4])
def test_in_float64_any_number_of_ranks_agrees(size):
    # In float32 a rounding soon decides on which side of a ReLU a value falls, and nets part.
    def train(c=None):
        trainer = small_trainer(c, augment=lambda x, rng: Shift(1)(x, rng).astype(np.float64))
        trainer.model.astype(np.float64)
        trainer.optimizer = SGD(trainer.model.parameters(), lr=0.1)
        trainer.schedule = None
        trainer.fit(small_dataset(), VALID, epochs=17)  # 102 steps
        return result(trainer)

    alone, history = train()
    for state, rank_history in Threads.run(size, train):
        np.testing.assert_allclose(
            rank_history["numbers"]["loss"], history["numbers"]["loss"], rtol=1e-12
        )
        for name, array in state.items():
            assert array.dtype == np.float64
            np.testing.assert_allclose(array, alone[name], rtol=0, atol=1e-12, err_msg=name)


def test_workers_on_ranks_change_nothing(alone):
    for rank in Threads.run(2, lambda c: train(c, workers=3)):
        assert_same(rank, alone)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("count", [1, 3, 24, 25, 26, 99, 100, 101])
def test_shares_are_disjoint_and_complete(size, count):
    def share(c):
        return np.arange(count)[Cutting(ReLU(), 25, c).share(count)].tolist()

    assert [i for own in Threads.run(size, share) for i in own] == list(range(count))


def test_every_image_is_seen_once_an_epoch_by_one_rank():
    data = small_dataset()
    data.images[:, 0, 0, 0] = np.arange(90) / 100  # a number for each image

    def work(c):
        seen = []
        trainer = small_trainer(c, augment=lambda x, rng: seen.extend(x[:, 0, 0, 0]) or x)
        trainer.fit(data, epochs=1)
        return seen

    seen = [round(100 * float(i)) for rank in Threads.run(4, work) for i in rank]
    assert sorted(seen) == list(range(90))


def test_a_rank_with_another_setting_is_refused():
    def work(c):
        train(c, batch_size=16 + 16 * c.rank)

    with pytest.raises(
        CommunicationError, match="rank 1 trains with batch_size 32, rank 0 with 16"
    ):
        Threads.run(2, work)


def test_more_ranks_than_micro_batches_are_refused():
    with pytest.raises(CommunicationError, match="gives work to 4 ranks .* found 5 ranks"):
        Threads.run(5, train)


def test_only_rank_0_writes(tmp_path):
    def work(c):
        folder = tmp_path / str(c.rank)
        folder.mkdir()
        train(c, checkpoint=folder / "c.npz", callbacks=[KeepBest(folder / "best.npz")])

    Threads.run(2, work)
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["best.npz", "c.npz"]
    assert not list((tmp_path / "1").iterdir())


@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4), (1, 4), (2, 1)])
def test_resumed_in_mid_epoch_by_other_ranks_is_the_same(tmp_path, alone, before, after):
    path = tmp_path / "c.npz"
    options = dict(checkpoint=path, checkpoint_every=2)

    class PowerCut(Exception):
        pass

    def broken(c):
        trainer = small_trainer(c, **options)
        augment = trainer.augment

        def cut(images, rng):
            if len(trainer.history.step_loss) == 9:  # a step after one that was kept
                raise PowerCut
            return augment(images, rng)

        trainer.augment = cut
        trainer.fit(small_dataset(), VALID, epochs=3)

    def on(ranks, work):
        return Threads.run(ranks, work) if ranks > 1 else [work(None)]

    with pytest.raises((PowerCut, CommunicationError)):
        on(before, broken)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ranks = on(after, lambda c: train(c, **options))
    for rank in ranks:
        assert_same(rank, alone)
    assert [str(w.message) for w in told] == [
        f"training goes on with {after} rank{'s' * (after > 1)} in place of {before}; each "
        "step sees the same images and takes the same sums: not a bit changes"
    ]


def test_only_steps_since_the_checkpoint_are_trained_again(tmp_path):
    path = tmp_path / "c.npz"
    trainer = small_trainer(checkpoint=path, checkpoint_every=4)
    trainer.callbacks.append(lambda *_: 1 / 0)  # at the end of the epoch of 6 steps
    with pytest.raises(ZeroDivisionError):
        trainer.fit(small_dataset(), epochs=1)
    again = small_trainer(checkpoint=path)
    seen = []
    again.augment = lambda images, rng: seen.append(len(images)) or images
    again.fit(small_dataset(), epochs=1)
    assert sum(seen) == 90 - 4 * 16
    assert len(again.history.step_loss) == 6


def test_checkpoints_without_a_file_are_refused():
    with pytest.raises(ValueError, match="checkpoint_every needs a file"):
        small_trainer(checkpoint_every=1)


def test_going_on_with_three_ranks_says_what_changes(tmp_path):
    path = tmp_path / "c.npz"
    train(checkpoint=path, epochs=1)
    with pytest.warns(UserWarning, match="with 3 ranks in place of 1; .* so roundings differ"):
        Threads.run(3, lambda c: train(c, checkpoint=path, epochs=2))


def test_rank_0_decides_when_to_stop():
    def work(c):
        def stop(trainer, epoch):
            trainer.stop = c.rank == 0

        return len(train(c, callbacks=[EarlyStopping(5), stop])[1]["watched"])

    assert Threads.run(2, work) == [1, 1]


def test_a_parameter_without_gradient_keeps_none():
    class Half(Sequential):
        def backward(self, dy):
            return self[1].backward(dy)  # what is before learns nothing

    rng = np.random.default_rng(0)

    def work(c):
        model = Half(Linear(64, 8, rng=rng), Linear(8, 3, rng=rng))
        with ParallelModel(model, CrossEntropyLoss, micro_batch=5, communicator=c) as parallel:
            data = small_dataset(20)
            own = parallel.cutting.share(20)
            x, t = data.images.reshape(20, 64)[own], data.labels[own]
            parallel.gradients(x, t, 20, seed=0, position=(0,))
        return [p.grad is None for p in model.parameters()]

    assert Threads.run(2, work) == [[True, True, False, False]] * 2


def norm_net(c=None):
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 4, 3, padding=1, rng=rng), BatchNorm2d(4), ReLU(),
        Conv2d(4, 8, 3, padding=1, rng=rng), BatchNorm2d(8), ReLU(),
        Flatten(), Linear(512, 3, rng=rng),
    )  # fmt: skip
    return model if c is None else SyncBatchNorm.convert(model, c)


def train_norms(model, data, c=None, valid=None, epochs=1, **options):
    options |= dict(batch_size=10, communicator=c, progress=False)
    trainer = Trainer(model, SGD(model.parameters(), lr=0.1), **options)
    trainer.fit(data, valid, epochs=epochs)
    return result(trainer)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_synchronized_batch_norm_is_that_of_one_big_batch(size):
    data = small_dataset(25)

    def train(c=None):
        return train_norms(norm_net(c), data, c, VALID, epochs=5)

    alone, history = train()
    for state, rank_history in Threads.run(size, train):
        np.testing.assert_allclose(
            rank_history["numbers"]["loss"], history["numbers"]["loss"], rtol=1e-4
        )
        for name, array in state.items():
            np.testing.assert_allclose(array, alone[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_synchronized_batch_norm_in_mixed_precision():
    def train(c=None):
        model = norm_net(c)
        found = train_norms(model, small_dataset(20), c, scaler=LossScaler())
        assert model[1].running_mean.dtype == np.float32
        return found

    _, history = train()
    for _, rank_history in Threads.run(2, train):
        np.testing.assert_allclose(
            rank_history["numbers"]["loss"], history["numbers"]["loss"], rtol=0.01
        )


def test_every_norm_of_a_network_is_exchanged_and_its_parameters_stay():
    model = Inception(4, 2, 2, 2, 2, 2, 2, batch_norm=True, rng=np.random.default_rng(0))
    names, parameters = [*model.state_dict()], model.parameters()
    SyncBatchNorm.convert(model, SingleProcess())
    norms = [module for module in model.modules() if isinstance(module, BatchNorm2d)]
    assert {type(norm) for norm in norms} == {SyncBatchNorm}
    assert [*model.state_dict()] == names and model.parameters() == parameters


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cuts", [(2, 4), (1, 7), (3, 3)])
def test_synchronized_forward_and_backward(dtype, cuts):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((sum(cuts), 3, 4, 5)).astype(dtype) * 2 + 5
    dy = rng.standard_normal(x.shape).astype(dtype)
    whole = BatchNorm2d(3).astype(dtype)
    whole.weight.data[...] = [0.5, 1, 2]
    y, dx = whole(x), whole.backward(dy)

    def work(c):
        norm = SyncBatchNorm(3, communicator=c).astype(dtype)
        norm.weight.data[...] = [0.5, 1, 2]
        part = slice(0, cuts[0]) if c.rank == 0 else slice(cuts[0], None)
        return norm(x[part]), norm.backward(dy[part]), norm

    parts = Threads.run(2, work)
    tolerance = dict(rtol=1e-4, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.concatenate([p[0] for p in parts]), y, **tolerance)
    np.testing.assert_allclose(np.concatenate([p[1] for p in parts]), dx, **tolerance)
    for name in ("weight", "bias"):
        total = sum(getattr(p[2], name).grad for p in parts)
        np.testing.assert_allclose(total, getattr(whole, name).grad, **tolerance)
    for _, own, norm in parts:
        assert own.dtype == norm.running_var.dtype == dtype
        np.testing.assert_allclose(norm.running_mean, whole.running_mean, **tolerance)
        np.testing.assert_allclose(norm.running_var, whole.running_var, **tolerance)
        assert norm.num_batches_tracked == 1


def test_evaluation_of_synchronized_batch_norm_exchanges_nothing():
    def work(c):
        norm = SyncBatchNorm(3, communicator=c)
        if c.rank == 0:  # alone
            norm.eval()
            norm(np.ones((1, 3, 2, 2), np.float32))
            norm.backward(np.ones((1, 3, 2, 2), np.float32))

    Threads.run(2, work)


def test_batch_norm_of_a_part_of_the_batch_is_refused():
    with pytest.raises(CommunicationError, match=r"exchange it with SyncBatchNorm\.convert"):
        Threads.run(2, lambda c: train_norms(norm_net(), small_dataset(20), c))
    with pytest.raises(CommunicationError, match="the last batch of an epoch has 1; choose"):
        Threads.run(2, lambda c: train_norms(norm_net(c), small_dataset(21), c))
    with pytest.raises(ValueError, match="at least one image on each rank"):
        SyncBatchNorm(3, communicator=SingleProcess())(np.ones((0, 3, 2, 2)))
