"""What cannot be meant is refused in a sentence before any work."""

import numpy as np
import pytest

from dlcourse.applications.generation.adversarial import adversarial_steps
from dlcourse.applications.rl.dqn import DQN
from dlcourse.data import Dataset
from dlcourse.models import MLPQNetwork
from dlcourse.nn import CrossEntropyLoss, Flatten, Linear, Sequential, softmax
from dlcourse.optim import SGD, Adam, StepLR, WeightAverage
from dlcourse.training import EarlyStopping, Loop, ParallelModel, Trainer, descent

RNG = np.random.default_rng
DATA = Dataset(RNG(1).random((8, 1, 2, 2), dtype=np.float32), np.arange(8) % 2, ("a", "b"))


def network(seed=0):
    return Sequential(Flatten(), Linear(4, 2, rng=RNG(seed)))


def trainer(**options):
    net = options.pop("model", network())
    optimizer = options.pop("optimizer", None)
    optimizer = SGD(net.parameters(), lr=0.1) if optimizer is None else optimizer
    return Trainer(net, optimizer, progress=False, **options)


def other():
    return Adam(network().parameters())


WRONG = {
    "optimizer of another network": (
        lambda: {"optimizer": other()},
        "has 2 parameters, of 2, that this Sequential does not have",
    ),
    "optimizer class": (lambda: {"optimizer": Adam}, "optimizer must be .* found the class Adam"),
    "parameters": (
        lambda: {"optimizer": network().parameters()},
        "optimizer must be an optimizer, such as .*, found list",
    ),
    "model": (lambda: {"model": Linear, "optimizer": other()}, "model must be a network"),
    "loss": (lambda: {"make_loss": CrossEntropyLoss()}, "found a CrossEntropyLoss"),
    "loss function": (lambda: {"make_loss": softmax}, "make a new loss .* found softmax"),
    "nothing": (lambda: {"make_loss": lambda: None}, "make a new loss for each worker"),
    "loss of no kind": (lambda: {"make_loss": "mse"}, "make a new loss for each worker"),
    "schedule": (lambda: {"schedule": StepLR(other(), 1)}, "learning rate of another optimizer"),
    "schedule class": (lambda: {"schedule": StepLR}, "schedule must be .* found the class StepLR"),
    "augment": (lambda: {"augment": 1}, r"augment must be a function, augment\(images, rng\)"),
    "scaler": (lambda: {"scaler": True}, r"scaler must be a LossScaler\(\), found bool"),
    "one callback": (lambda: {"callbacks": EarlyStopping(1)}, "callbacks must be a list"),
    "no callback": (lambda: {"callbacks": [1]}, "each of callbacks must be a function"),
    "communicator": (lambda: {"communicator": 2}, "communicator must be a Communicator, found int"),
    **{
        f"max_norm {value}": (lambda value=value: {"max_norm": value}, "max_norm must be a number")
        for value in (0, -1.0, float("nan"), "1")
    },
    **{
        f"{name} {value}": (
            lambda name=name, value=value: {name: value, "checkpoint": "x.npz"},
            f"{name} must be (a whole number|at least {least}), found {value!r}",
        )
        for name, least, values in (
            ("batch_size", 1, (0, -3, 2.5, None, "8", True)),
            ("micro_batch", 1, (0, 2.5)),
            ("workers", 1, (0, -1, 1.5)),
            ("checkpoint_every", 1, (0, -1, 0.5)),
            ("seed", 0, (-1, 0.5, None)),
        )
        for value in values
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_a_trainer_refuses_what_cannot_be_meant(name):
    make, message = WRONG[name]
    with pytest.raises((TypeError, ValueError), match=message):
        trainer(**make())


def test_a_network_that_was_changed_after_its_optimizer_was_made_is_told():
    net = network()
    optimizer = SGD(net.parameters(), lr=0.1)
    net[1] = Linear(4, 2, rng=RNG(1))
    with pytest.raises(ValueError, match="make it from model.parameters"):
        trainer(model=net, optimizer=optimizer)


def test_part_of_a_network_an_average_and_numpy_numbers_are_meant():
    net = network()
    optimizer = SGD([net[1].weight], lr=0.1)
    average = WeightAverage(optimizer)
    trainer(
        model=net,
        optimizer=average,
        schedule=StepLR(optimizer, 1),
        batch_size=np.int64(4),
        max_norm=np.float32(1),
        make_loss=lambda: CrossEntropyLoss(label_smoothing=0.1),
    ).fit(DATA, epochs=np.int64(1))
    trainer(model=net, optimizer=average, schedule=StepLR(average, 1))


@pytest.mark.parametrize("epochs", [0, -1, 1.5, None])
def test_epochs_are_counted(epochs):
    with pytest.raises(ValueError, match="epochs must be (a whole number|at least 1), found"):
        trainer().fit(DATA, epochs=epochs)


def test_data_come_as_data_sets():
    with pytest.raises(TypeError, match=r"train must be a Dataset\(.*\), found ndarray"):
        trainer().fit(DATA.images, DATA.labels, epochs=1)
    with pytest.raises(TypeError, match=r"valid must be a Dataset\(.*\), found ndarray"):
        trainer().fit(DATA, DATA.labels, epochs=1)
    with pytest.raises(TypeError, match=r"train must be .*, found NoneType"):
        trainer().fit(None, epochs=1)


def plain(number):
    return 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 3}, r"step must be a function, step\(number\), found int"),
        ({"state": [network()]}, "state must be parts by name, .*, found list"),
        ({"state": {"model": 3}}, "each part of state must be one with state_dict, .* found int"),
        ({"state": {"model": network(), "optimizer": other()}}, "does not have"),
        ({"save_every": 0}, "save_every must be"),
        ({"watch": 1}, "watch must be a function"),
        ({"watch_every": 0}, "watch_every must be"),
    ],
)
def test_a_loop_refuses_the_same(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Loop(**({"step": plain, "state": {}} | options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gradients": 3}, "gradients must be a function"),
        ({"optimizer": Adam}, "optimizer must be .* found the class Adam"),
        ({"schedule": StepLR(other(), 1)}, "another optimizer"),
        ({"max_norm": 0}, "max_norm must be"),
    ],
)
def test_a_descent_refuses_the_same(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        descent(**({"gradients": plain, "optimizer": other()} | options))


def test_a_loop_counts_its_steps_and_wants_a_loss():
    with pytest.raises(ValueError, match="steps must be at least 0, found -1"):
        Loop(plain, {}, progress=False).run(-1)
    for step in (lambda number: None, lambda number: {}, descent(lambda number: None, other())):
        with pytest.raises(TypeError, match=r"step\(number\) must return the loss: end it"):
            Loop(step, {}, progress=False).run(1)


@pytest.mark.parametrize(
    ("batch_size", "seed", "message"), [(0, 0, "batch_size must be"), (2, -1, "seed must be")]
)
def test_two_networks_refuse_the_same(batch_size, seed, message):
    with pytest.raises(ValueError, match=message):
        adversarial_steps(None, None, None, None, np.zeros((2, 1, 28, 28)), batch_size, seed)


def test_an_agent_refuses_the_optimizer_of_another_network():
    networks = [MLPQNetwork(4, 2, (8,), rng=RNG(0)) for _ in range(2)]
    with pytest.raises(ValueError, match="that this MLPQNetwork does not have"):
        DQN(networks[0], Adam(networks[1].parameters()))


def test_a_parallel_model_refuses_the_same():
    for options in ({"workers": 0}, {"micro_batch": 0.5}):
        with pytest.raises(ValueError, match="must be (a whole number|at least 1), found"):
            ParallelModel(network(), CrossEntropyLoss, **options)
    with pytest.raises(TypeError, match="make_loss must make"):
        ParallelModel(network(), CrossEntropyLoss())
