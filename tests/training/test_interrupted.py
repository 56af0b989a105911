"""Every training of the package: interrupted anywhere and resumed, it is as if it had not been."""

import ast
import contextlib
import errno
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rank_training import small_dataset, small_model
from small_networks import DIGITS, GRADIENTS, NETWORKS, SCENES, VOCABULARY, game, rng
from threadpoolctl import threadpool_limits

import dlcourse
from dlcourse.applications.captioning.training import speaking_gradients
from dlcourse.data import Shift
from dlcourse.models import MLPQNetwork
from dlcourse.optim import (
    Adam,
    CosineAnnealingLR,
    Momentum,
    Optimizer,
    ReduceLROnPlateau,
    WeightAverage,
)
from dlcourse.precision import LossScaler
from dlcourse.training import Checkpoint, EarlyStopping, Loop, Trainer, checkpoint, descent

PACKAGE = Path(dlcourse.__file__).parent


def trained(
    path, seed, workers, model=small_model, optimizer=Adam, every=None, epochs=2, **options
):
    """Train a classifier for some epochs of three steps; `seed` is that of the initial weights."""
    net = model(seed)
    optimizer = optimizer(net.parameters(), lr=0.01)
    options = {name: option(optimizer) for name, option in options.items()}
    Trainer(
        *(net, optimizer), checkpoint=path, checkpoint_every=every, batch_size=16, micro_batch=4,
        workers=workers, progress=False, **options,
    ).fit(small_dataset(42), small_dataset(20, seed=1), epochs=epochs)  # fmt: skip


TRAINER = {
    "Trainer": {},
    "Trainer, within epochs": {"every": 1, "optimizer": Momentum},
    "Trainer, scheduled": {
        "every": 2,
        "schedule": lambda optimizer: CosineAnnealingLR(optimizer, T_max=2),
        "augment": lambda _: Shift(1),
        "max_norm": lambda _: 0.5,
    },
    "Trainer, plateau": {
        "schedule": lambda optimizer: ReduceLROnPlateau(optimizer, threshold=0.5, patience=0)
    },
    "Trainer, mixed precision": {
        "every": 1,
        "scaler": lambda _: LossScaler(init_scale=2.0**20, growth_interval=2),
    },
    "Trainer, batch normalization": {"every": 1, "model": partial(small_model, batch_norm=True)},
    "Trainer, stopped": {"epochs": 9, "callbacks": lambda _: [EarlyStopping(2)]},
}


def by_gradients(kind, make, path, seed, workers, wrap=lambda optimizer: optimizer):
    """Train a network of another kind for four steps, with all that `descent` can do."""
    net = NETWORKS[kind][0]()
    for p in net.parameters()[-4:]:  # not in the stages, which "speaking" does not train
        p.data += seed
    optimizer = wrap(Adam(net.parameters(), lr=0.003))
    schedule = CosineAnnealingLR(optimizer, T_max=4)
    with threadpool_limits(workers, user_api="blas"):
        Loop(
            descent(make(net), optimizer, schedule=schedule, max_norm=1.0),
            {"model": net, "optimizer": optimizer, "schedule": schedule},
            checkpoint=path, save_every=1, progress=False,
        ).run(4)  # fmt: skip


def played(path, seed, workers):
    def watch(step):
        return {"mean": float(G.main[0].weight.data.mean())}

    loop, G, _ = game(2 * DIGITS - 1, 8, path, seed=seed, save_every=3, watch=watch, watch_every=2)
    with threadpool_limits(workers, user_api="blas"):
        loop.run(5)


def agent(path, seed, workers):
    pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
    from dlcourse.applications.rl import LinearSchedule, make
    from dlcourse.applications.rl.deep_training import DQNSettings, train_dqn

    settings = DQNSettings(
        frames=400, lr=1e-3, epsilon=LinearSchedule(1.0, 0.1, 300), capacity=150, learn_after=100,
        check_every=100, check_episodes=2, batch=8, target_every=20,
    )  # fmt: skip
    network = MLPQNetwork(4, 2, hidden=(8,), rng=rng(seed))
    train_dqn(
        lambda: make("CartPole-v1"), network, settings, seed=1, checkpoint=path, progress=False
    )


def speaking(net):
    return speaking_gradients(net, SCENES, VOCABULARY, 2, seed=0)


def averaged(optimizer):
    return WeightAverage(optimizer, 0.9)


#: Each takes the file of its checkpoint, a seed of weights that a checkpoint must replace, and a
#: number of threads.
TRAININGS = {
    **{name: partial(trained, **options) for name, options in TRAINER.items()},
    **{name: partial(by_gradients, name, make) for name, make in GRADIENTS.items()},
    "unet, averaged": partial(by_gradients, "unet", GRADIENTS["unet"], wrap=averaged),
    "nic, speaking": partial(by_gradients, "nic", speaking),
    "GAN": played,
    "DQN": agent,
}


class Killed(BaseException):
    """The process would be gone."""


def ctrl_c(*_):
    raise KeyboardInterrupt


def kill(path, _):
    """Leave what a process leaves that is killed while it writes."""
    (path.parent / f".{path.name}.half.unfinished").write_bytes(b"PK")
    raise Killed


def fill_the_disk(file, **_):
    file.write(b"PK")
    raise OSError(errno.ENOSPC, "No space left on device")


@contextlib.contextmanager
def counted(where, name, number=None, action=None):
    """Count the calls of a function, and let the one of this number do something else."""
    original, calls = getattr(where, name), []

    def call(*arguments, **options):
        calls.append(name)
        if len(calls) - 1 == number:
            action(*arguments, **options)
        return original(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, call)
        yield calls


def content(path):
    saved = Checkpoint.load(path)
    for look in saved.history.watched:
        look.pop("seconds", None)
    return saved


@pytest.mark.parametrize("name", TRAININGS)
def test_interrupted_anywhere_and_resumed_is_as_uninterrupted_bit_for_bit(name, tmp_path):
    train, path = TRAININGS[name], tmp_path / "parts" / "c.npz"
    with counted(Optimizer, "_apply") as updates:  # it is called for each parameter in each step
        train(tmp_path / "whole.npz", 0, 1)
    path.parent.mkdir()
    for number, (end, *where) in enumerate(
        [
            (KeyboardInterrupt, Optimizer, "_apply", 1, ctrl_c),  # before anything was kept
            (Killed, checkpoint, "save_arrays", 1, kill),
            (KeyboardInterrupt, Optimizer, "_apply", len(updates) // 8, ctrl_c),
            (OSError, np, "savez", 0, fill_the_disk),
            (KeyboardInterrupt, Optimizer, "_apply", len(updates) // 8, ctrl_c),
        ]
    ):
        kept = path.read_bytes() if path.exists() else None
        with counted(*where), pytest.raises(end) as caught:
            train(path, number if kept else 0, 1 + number % 2)
        if end is OSError:
            assert caught.value.filename == str(path) and path.read_bytes() == kept
        assert len(list(path.parent.iterdir())) == path.exists() + (end is Killed)
    train(path, 9, 2)
    assert list(path.parent.iterdir()) == [path]
    found, expected = content(path), content(tmp_path / "whole.npz")
    assert (found.history, found.stop) == (expected.history, expected.stop)
    assert found.state.keys() == expected.state.keys()
    for part, state in expected.state.items():
        assert found.state[part].keys() == state.keys()
        for key, value in state.items():
            np.testing.assert_array_equal(found.state[part][key], value, err_msg=f"{part}/{key}")


def test_the_list_of_trainings_is_complete():
    makers, updates = set(), set()
    for file in PACKAGE.rglob("*.py"):
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith(("lessons", "doctor", "grading")):
            continue  # they show and try steps, and keep nothing
        for node in ast.walk(ast.parse(file.read_text())):
            if name.startswith("applications") and isinstance(node, ast.FunctionDef):
                returns = ast.unparse(node.returns) if node.returns else ""
                makers |= {node.name} if returns.startswith("Callable[[int]") else set()
            elif isinstance(node, ast.Call):
                is_update = re.search(r"optimizer\w*\.step\(\)$", ast.unparse(node))
                updates |= {name} if is_update else set()
    by_gradients = {make(NETWORKS[kind][0]()) for kind, make in GRADIENTS.items()}
    named = {function.__qualname__.partition(".")[0] for function in by_gradients}
    assert makers == named | {"speaking_gradients", "adversarial_steps"}
    assert updates == {
        "training/descent.py",
        "training/trainer.py",
        "applications/generation/adversarial.py",
        "applications/rl/dqn.py",
        "applications/style/transfer.py",  # keeps no checkpoint: it paints in a minute
        "optim/averaging.py",
    }
