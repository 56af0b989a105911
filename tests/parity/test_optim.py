"""Optimizers, schedules, clipping and fans against PyTorch, step by step."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")

from dlcourse import optim
from dlcourse.nn import Parameter, init

SHAPES = [(4, 3, 3, 3), (7, 5), (7,)]
STEPS = 200
T = torch.optim
DECAY = {"weight_decay": 0.05}

NESTEROV = {"nesterov": True}
#: Ours, torch's, what torch has to be told besides, and the options of both.
OPTIMIZERS = [
    (optim.SGD, T.SGD, {}, {}),
    (optim.SGD, T.SGD, {}, {"lr": 0.1} | DECAY),
    (optim.Momentum, T.SGD, {"momentum": 0.9}, {}),
    (optim.Momentum, T.SGD, {}, {"momentum": 0.8} | DECAY),
    (optim.Nesterov, T.SGD, {"momentum": 0.9} | NESTEROV, {}),
    (optim.Nesterov, T.SGD, NESTEROV, {"momentum": 0.8} | DECAY),
    (optim.Adagrad, T.Adagrad, {}, {}),
    (optim.Adagrad, T.Adagrad, {}, {"lr": 0.1, "eps": 1e-3} | DECAY),
    (optim.RMSprop, T.RMSprop, {}, {}),
    (optim.RMSprop, T.RMSprop, {}, {"alpha": 0.9, "eps": 1e-3} | DECAY),
    (optim.Adam, T.Adam, {}, {}),
    (optim.Adam, T.Adam, {}, {"betas": (0.8, 0.99), "eps": 1e-3} | DECAY),
    (optim.AdamW, T.AdamW, {}, {}),
    (optim.AdamW, T.AdamW, {}, {"lr": 0.01} | DECAY),
]


@pytest.mark.parametrize(
    ("kind", "their_kind", "told", "options"),
    OPTIMIZERS,
    ids=[f"{ours.__name__}-{'decay' if o else 'defaults'}" for ours, _, _, o in OPTIMIZERS],
)
@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [(np.float64, 1e-11, 1e-13), (np.float32, 2e-5, 2e-6)]
)
def test_optimizer_step_by_step(kind, their_kind, told, options, dtype, rtol, atol):
    rng = np.random.default_rng(0)
    ours = [Parameter(rng.standard_normal(shape).astype(dtype)) for shape in SHAPES]
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    optimizer, their_optimizer = kind(ours, **options), their_kind(theirs, **told, **options)
    for step in range(STEPS):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            if i == 2 and step % 3 == 0:  # has no gradient, and has had none at first
                p.grad = q.grad = None
                continue
            scale = 10.0 ** rng.uniform(-3, 1)
            p.grad = (scale * rng.standard_normal(p.data.shape)).astype(dtype)
            q.grad = torch.tensor(p.grad)
        optimizer.step()
        their_optimizer.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                p.data, q.detach().numpy(), rtol=rtol, atol=atol, err_msg=f"step {step}"
            )


@pytest.mark.parametrize("kind", ["Momentum", "Adagrad", "RMSprop", "Adam", "AdamW"])
def test_states_have_torchs_names(kind):
    w, q = Parameter(np.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    w.grad, q.grad = np.ones(2), torch.ones(2)
    their_kind = {"Momentum": lambda p: T.SGD(p, momentum=0.9), "Adagrad": T.Adagrad}
    theirs = their_kind.get(kind, getattr(T, kind, None))([q])
    theirs.step()
    ours = {name.removesuffix(".0") for name in getattr(optim, kind)([w]).state_dict()}
    # Only Adam's formula needs the count.
    assert ours | {"step"} == set(theirs.state_dict()["state"][0]) | {"step"}


L = T.lr_scheduler


def both(name, **options):
    """A schedule that has one name and the same options here and there."""
    return [lambda o, home=home: getattr(home, name)(o, **options) for home in (optim, L)]


def warming(schedule):
    """Torch's way to say that a schedule begins after a warm-up of 6 steps."""
    warmup = functools.partial(L.LinearLR, start_factor=0.1, total_iters=6)
    return lambda o: L.SequentialLR(o, [warmup(o), schedule(o)], milestones=[6])


SCHEDULES = {
    "step": both("StepLR", step_size=7),
    "step-gamma": both("StepLR", step_size=3, gamma=0.7),
    "cosine": both("CosineAnnealingLR", T_max=20),
    "cosine-eta-min": both("CosineAnnealingLR", T_max=17, eta_min=0.02),
    "warmup": (
        lambda o: optim.LinearWarmup(o, warmup=5),
        lambda o: L.LinearLR(o, total_iters=5),
    ),
    "warmup-start-factor": (
        lambda o: optim.LinearWarmup(o, warmup=9, start_factor=0.01),
        lambda o: L.LinearLR(o, start_factor=0.01, total_iters=9),
    ),
    "warmup-cosine": (
        lambda o: optim.LinearWarmup(o, 6, 0.1, after=optim.CosineAnnealingLR(o, T_max=30)),
        warming(lambda o: L.CosineAnnealingLR(o, T_max=30)),
    ),
    "warmup-step": (
        lambda o: optim.LinearWarmup(o, 6, 0.1, after=optim.StepLR(o, step_size=4)),
        warming(lambda o: L.StepLR(o, step_size=4)),
    ),
}


def rates(make, optimizer):
    """The rates at the start and after each of 36 steps."""
    schedule = make(optimizer)
    found = [optimizer.param_groups[0]["lr"]]
    for _ in range(36):
        optimizer.step()
        schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize(("ours", "theirs"), SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.filterwarnings("ignore:The epoch parameter")  # SequentialLR's own call
def test_schedule(ours, theirs):
    found = rates(ours, optim.SGD([Parameter(np.zeros(1))], lr=0.3))
    expected = rates(theirs, T.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    "options", [{}, {"factor": 0.5, "patience": 3, "threshold": 0.01}, {"patience": 0}]
)
def test_reduce_lr_on_plateau(mode, options):
    rng = np.random.default_rng(5)
    falling = 2 * np.exp(-np.arange(150) / 20) + 0.1 * rng.random(150) + 0.5
    metrics = falling if mode == "min" else 3 - falling
    optimizer = optim.SGD([Parameter(np.zeros(1))], lr=0.3)
    their_optimizer = T.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = optim.ReduceLROnPlateau(optimizer, mode=mode, **options)
    their_schedule = L.ReduceLROnPlateau(their_optimizer, mode=mode, **options)
    for metric in metrics:
        schedule.step(metric)
        their_schedule.step(metric)
        assert optimizer.lr == their_optimizer.param_groups[0]["lr"]
    assert optimizer.lr < 0.3  # it had something to do


@pytest.mark.parametrize("max_norm", [0.01, 1.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_grad_norm(max_norm, dtype):
    rng = np.random.default_rng(6)
    ours = [Parameter(np.zeros(shape, dtype)) for shape in SHAPES]
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    for p, q in zip(ours, theirs, strict=True):
        p.grad = rng.standard_normal(p.data.shape).astype(dtype)
        q.grad = torch.tensor(p.grad)
    norm = optim.clip_grad_norm_(ours, max_norm)
    their_norm = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    rtol = 1e-5 if dtype is np.float32 else 1e-12
    assert norm == pytest.approx(float(their_norm), rel=rtol)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=rtol)


@pytest.mark.parametrize("shape", [(5, 3), (16, 3, 3, 3), (8, 4, 5), (6, 2, 1, 7), (2, 3, 2, 3, 4)])
def test_fans_and_bounds(shape):
    w = torch.empty(shape)
    assert init.fan_in_and_fan_out(shape) == torch.nn.init._calculate_fan_in_and_fan_out(w)
    # As many draws of both come close to the same bound.
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    for draw, their_draw in []:
        most = max(np.abs(draw(shape, rng)).max() for _ in range(300))
        their_most = max(float(their_draw(w).abs().max()) for _ in range(300))
        assert most == pytest.approx(their_most, rel=0.02)
