"""What a user is told of optimizers and schedules: by habit from PyTorch, or by mistake."""

import numpy as np
import pytest
import told

from dlcourse import optim
from dlcourse.nn import Linear, Module, Parameter, Sequential
from dlcourse.optim import lr_scheduler


def linear():
    return Linear(3, 2, rng=np.random.default_rng(0))


def weights():
    return linear().parameters()


def sgd(**options):
    return optim.SGD(weights(), **options)


def test_groups_show_and_set_the_attributes():
    parameters = linear().parameters()
    optimizer = optim.Adam(parameters, lr=0.1, weight_decay=0.01)
    [group] = optimizer.param_groups
    assert group["params"] == parameters
    assert (group["lr"], group["betas"], len(group)) == (0.1, (0.9, 0.999), 5)
    assert set(group) == {"params", "lr", "betas", "eps", "weight_decay"}
    group["lr"] = 0.5
    assert optimizer.lr == 0.5
    for wrong in ("params", "momentum"):
        with pytest.raises(KeyError, match=f"{wrong} of Adam cannot be set"):
            group[wrong] = []
    with pytest.raises(KeyError):
        group["momentum"]
    average = optim.WeightAverage(optimizer)
    average.param_groups[0]["lr"] = 0.25
    assert average.lr == optimizer.lr == 0.25


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(set_to_none):
    w = Parameter(np.ones(2, np.float32))
    w.grad = np.ones(2, np.float32)
    optimizer = optim.SGD([w])
    optimizer.zero_grad(set_to_none=set_to_none)
    assert w.grad is None if set_to_none else w.grad.tolist() == [0, 0]
    optimizer.zero_grad(set_to_none=False)  # of no gradient there is nothing to fill


def test_print():
    assert repr(sgd(lr=0.1)) == "SGD(2 parameters, lr=0.1, weight_decay=0.0)"


def test_the_plateau_lowers_the_rate_where_step_gets_the_loss():
    optimizer = sgd(lr=0.1)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    for _ in range(50):
        schedule.step(1.0)
    assert optimizer.lr == schedule.get_last_lr()[0] < 1e-6


def test_last_rate():
    schedule = lr_scheduler.StepLR(sgd(lr=0.1), step_size=1)
    schedule.step()
    assert schedule.get_last_lr() == [pytest.approx(0.01)]


TOLD = r"""
sgd(lr=0.1, momentum=0.9)
    TypeError: SGD has no momentum=: write Momentum(params, lr=0.1, momentum=0.9)
sgd(lr=0.1, momentum=0.9, nesterov=True)
    TypeError: no nesterov=: write Nesterov(params, lr=0.1, momentum=0.9)
optim.SGD(linear().parameters(), 0.1, 0.9)
    TypeError: SGD takes params, lr by position, found 3: for torch's third, write Momentum(params
optim.Adam(linear().parameters(), amsgrad=True)  # TypeError: Adam has no amsgrad=: leave it out
optim.Adam(linear())  # TypeError: found Linear; pass model.parameters
optim.Adam(linear().parameters)  # TypeError: found method; pass model.parameters()
optim.Adam(linear().weight)  # TypeError: found Parameter; pass
optim.Adam(linear().named_parameters())  # TypeError: found tuple; pass model.parameters()
optim.Adam([np.ones(2)])  # TypeError: found ndarray; pass
optim.Adam([{"params": linear().parameters()}])  # TypeError: make one optimizer for each
sgd().add_param_group({})  # AttributeError: make one optimizer
sgd().step(print)  # TypeError: there is no closure
optim.CosineAnnealingLR(linear(), 3)
    TypeError: CosineAnnealingLR takes an optimizer, found Linear
optim.StepLR(sgd(), 3, last_epoch=2)  # TypeError: schedule.move_to(epoch)
optim.StepLR(sgd(), 3).step(0.5)
    TypeError: for a time write move_to(epoch), for a metric observe(metric)
optim.LinearWarmup(sgd(), 3).step(0.5)  # TypeError: for a metric observe(metric)
optim.ReduceLROnPlateau(sgd()).step()  # TypeError: metrics
optim.StepLR(sgd(), 3).get_lr()  # AttributeError: schedule.lr_at(epoch)
optim.ReduceLROnPlateau(sgd(), cooldown=2)  # TypeError: ReduceLROnPlateau has no cooldown=
optim.lr_scheduler.ExponentialLR(sgd(), 0.9)
    AttributeError: write StepLR(optimizer, step_size=1, gamma=0.9)
optim.OneCycleLR  # AttributeError: write lr_at(epoch)
optim.Adadelta  # AttributeError: write update(data, grad, state)
optim.clip_grad_norm  # AttributeError: clip_grad_norm_(model
optim.SGD([])  # ValueError: at least one parameter
optim.SGD(Sequential(Module()))  # TypeError: found Module; pass model.parameters()
optim.SGD([Parameter(np.arange(3))])  # ValueError: parameter 0 has dtype int64
sgd(lr="0.1")  # ValueError: lr must lie in
sgd(lr=None)  # ValueError: lr must lie in
sgd(lr=[0.1])  # ValueError: lr must lie in
sgd().load_state_dict(None)
    ValueError: does not fit SGD on 2 parameters: expected arrays by na
sgd().load_state_dict([1])  # ValueError: does not fit SGD on 2 parameters: expected arrays by na
optim.Momentum(weights(), momentum=1.0)  # ValueError: momentum must lie in [0, 1), found 1.0
optim.Nesterov(weights(), momentum=-0.1)  # ValueError: momentum must lie in
optim.Adagrad(weights(), eps=-1.0)  # ValueError: eps must lie in
optim.RMSprop(weights(), alpha=1.5)  # ValueError: alpha must lie in
optim.RMSprop(weights(), eps=-1.0)  # ValueError: eps must lie in
optim.Adam(weights(), betas=(1.0, 0.999))  # ValueError: betas[0] must lie in
optim.AdamW(weights(), betas=(0.9, -0.1))  # ValueError: betas[1] must lie in
optim.Adam(weights(), eps=float("nan"))  # ValueError: eps must lie in
optim.clip_grad_norm_(weights(), 0.0)  # ValueError: max_norm must be above 0, found
optim.clip_grad_norm_(weights(), -1.0)  # ValueError: max_norm must be above 0, found
optim.clip_grad_norm_(weights(), float("nan"))  # ValueError: max_norm must be above 0, found
optim.StepLR(sgd(), step_size=0)  # ValueError: step_size must be above 0, found 0
optim.StepLR(sgd(), step_size=1, gamma=-1)  # ValueError: gamma must be above 0
optim.CosineAnnealingLR(sgd(), T_max=0)  # ValueError: T_max must be above 0
optim.CosineAnnealingLR(sgd(), T_max=5, eta_min=-1.0)  # ValueError: eta_min must lie in
optim.LinearWarmup(sgd(), warmup=0)  # ValueError: warmup must be above 0
optim.LinearWarmup(sgd(), 5, start_factor=0.0)  # ValueError: start_factor must lie in (0, 1]
optim.LinearWarmup(sgd(), 5, start_factor=1.1)  # ValueError: start_factor must lie in (0, 1]
optim.LinearWarmup(sgd(), 5, after=optim.StepLR(sgd(), 1))  # ValueError: same optimizer
optim.ReduceLROnPlateau(sgd(), mode="least")
    ValueError: mode must be 'min' or 'max', found 'least'
optim.ReduceLROnPlateau(sgd(), factor=1.0)  # ValueError: factor must lie in
optim.ReduceLROnPlateau(sgd(), factor=0.0)  # ValueError: factor must be above 0
optim.ReduceLROnPlateau(sgd(), patience=-1)  # ValueError: patience must lie in
optim.ReduceLROnPlateau(sgd(), threshold=-1)  # ValueError: threshold must lie in
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)
