"""What a user of PyTorch writes by habit about layers: it works, or the line to write is named."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import told

from dlcourse import nn
from dlcourse.applications.rl.replay import ReplayMemory
from dlcourse.models import DeepConvNet, Inception, LeNet5


def rng():
    return np.random.default_rng(0)


def small():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False, rng=rng()),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 3, rng=rng()),
    )


X = rng().random((2, 1, 4, 4), np.float32)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = small()
        self.add_module("second", nn.ReLU())

    def forward(self, x):
        return self.second(self.first(x))


def loss_value():
    return nn.MSELoss()(X, np.zeros_like(X))


WORKS = r"""
str(small()[0]) == "Conv2d(1, 4, (3, 3), padding=(1, 1), bias=False)"
str(nn.ReLU()) == "ReLU()"
str(nn.LeakyReLU()) == "LeakyReLU()"
str(nn.Dropout(0.2, rng=rng())) == "Dropout(p=0.2)"
str(nn.LSTM(8, 4, rng=rng())) == "LSTM(8, 4)"
str(nn.BatchNorm2d(8, eps=0.1)) == "BatchNorm2d(8, eps=0.1)"
str(nn.MSELoss()) == "MSELoss()"
str(nn.Sequential(nn.Sequential(nn.ReLU()))) ==
    "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n)"
"(first): Sequential(\n    (0): Conv2d(" in str(Net())
len(small()) == 4
isinstance(small()[-1], nn.Linear)
small()[:2](X).shape == (2, 4, 4, 4)
(net := small())[:2][0] is net[0]
len((net := small())[:2].append(nn.Tanh())) == 3 and len(net) == 4
[type(layer).__name__ for layer in small()][1:3] == ["ReLU", "Flatten"]
len(small().append(nn.ReLU()).append(nn.Tanh())) == 6
len(small().extend([nn.ReLU(), nn.Tanh()])) == 6
isinstance(small().insert(1, nn.Tanh())[1], nn.Tanh)
(net := small()).__setitem__(1, nn.Tanh()) or str(net[1]) == "Tanh()"
(net := small()).__delitem__(1) or len(net) == 3
nn.Sequential()(X) is X
[type(child) for child in Net().children()] == [nn.Sequential, nn.ReLU]
[child(X).shape for child in small()[:2].children()] == [(2, 4, 4, 4), (2, 1, 4, 4)]
[name for name, _ in Net().named_children()] == ["first", "second"]
len([*Net().modules()]) == 7
len([*small().modules()]) == 5
[name for name, _ in Net().named_modules()][:3] == ["", "first", "first.0"]
[name for name, _ in Inception(4, 1, 1, 1, 1, 1, 1, rng=rng()).named_children()] ==
    ["branch1", "branch2", "branch3", "branch4"]
small().apply((seen := []).append) and [type(module).__name__ for module in seen] ==
    ["Conv2d", "ReLU", "Flatten", "Linear", "Sequential"]
isinstance(small().apply(repr), nn.Sequential)
[p.shape for p in small().parameters()] == [(4, 1, 3, 3), (3, 64), (3,)]
sum(p.numel() for p in small().parameters()) == 36 + 192 + 3
small().zero_grad(set_to_none=True) is None
isinstance(small().to("cpu"), nn.Sequential)
small().cpu()(X).shape == (2, 3)
small().double()(X.astype(np.float64)).dtype == np.float64
small().double().float()[3].weight.data.dtype == np.float32
small().half()[3].weight.data.dtype == np.float16
small().load_state_dict({"3.bias": np.ones(3), "4.weight": np.ones(1)}, strict=False) is None
nn.Linear(2, 1, rng=rng()).load_state_dict({"weight": [[1, 2]], "bias": [0]}) is None
nn.Conv2d(1, 2, np.int64(3), rng=rng()).kernel_size == (3, 3)
nn.MaxPool2d([2, 1]).kernel_size == (2, 1)
nn.Conv2d(2, 2, 3, groups=np.int64(2), rng=rng()).groups == 2
nn.Conv2d(1, 2, (3, 5), padding="same", dilation=2, rng=rng())(X).shape == (2, 2, 4, 4)
nn.Conv2d(1, 2, 3, padding="valid", rng=rng())(X).shape == (2, 2, 2, 2)
((c := nn.Conv2d(1, 2, 3, 2, 1, rng=rng())).kernel_size, c.stride, c.padding, c.dilation) ==
    ((3, 3), (2, 2), (1, 1), (1, 1))
nn.Linear(4, 3, rng=rng())(X).shape == (2, 1, 4, 3)
type(loss_value().item()) is float
isinstance(loss_value(), float) and loss_value() / 2 > 0
f"{loss_value():.2f}" == f"{float(loss_value()):.2f}"
pickle.loads(pickle.dumps(loss_value())) == loss_value()
sum([loss_value(), 2 * loss_value()]).item() > 0
(loss_value() / 2).item() == loss_value().item() / 2
np.allclose(nn.softmax(X[:, 0], dim=1).sum(axis=1), 1)
nn.functional.softmax is nn.softmax
str(copy.deepcopy(small())) == str(small())
copy.deepcopy(nn.Parameter(X)).shape == X.shape
"""


@pytest.mark.parametrize("code", told.blocks(WORKS))
def test_works(code):
    assert eval(code, dict(globals()))


class Unready(nn.Module):
    def __init__(self):
        self.layer = nn.ReLU()


TOLD = r"""
nn.Conv2d(1, 16, 3)
    TypeError: Conv2d draws its initial weights: pass a generator, Conv2d(1, 16, 3,
    rng=np.random.default_rng(0))
DeepConvNet(dropout=0.3)
    TypeError: DeepConvNet draws its initial weights: pass a generator, DeepConvNet(dropout=0.3,
    rng=np.random.default_rng(0))
LeNet5(rng=0)  # TypeError: in place of 0
nn.Dropout(rng=np.random)  # TypeError: Dropout(rng=np.
small().set_generator(0)  # TypeError: default_rng(0)
nn.Conv2d(1, 2, 3, 1, 1, rng())
    TypeError: pass a generator, Conv2d(1, 2, 3, 1, 1, rng=np.random.default_rng(0))
nn.CrossEntropyLoss(X, X)  # TypeError: criterion = CrossEntropyLoss(), then call it
nn.MSELoss()(input=X, target=X)  # TypeError: write criterion(outputs, targets)
nn.MSELoss().backward()  # AttributeError: call the loss first
nn.MSELoss().cuda()  # AttributeError: nothing to move
(net := small())(X), net.backward(loss_value())  # TypeError: a loss has it, criterion.backward()
(loss_value() / 2).backward()  # AttributeError: model.backward(criterion.backward())
nn.Parameter(X, requires_grad=False)  # TypeError: write parameter.requires_grad = False
nn.Parameter(X).fill_(0)  # AttributeError: parameter.data[...] =
nn.Parameter(X).size()  # AttributeError: write parameter.shape
nn.Parameter(X).view(-1)  # AttributeError: data.reshape(shape)
nn.Parameter(X) + 1  # TypeError: a Parameter is no array: its values are one, write parameter.d
X @ nn.Parameter(X)  # TypeError: a Parameter is no array: its values are one, write parameter.d
X * nn.Parameter(X)  # TypeError: a Parameter is no array: its values are one, write parameter.d
nn.Parameter(X)[0]  # TypeError: a Parameter is no array: its values are one, write parameter.d
np.asarray(nn.Parameter(X))
    TypeError: a Parameter is no array: its values are one, write parameter.d
float(nn.Parameter(X))  # TypeError: a Parameter is no array: its values are one, write parameter.d
small().load_state_dict(dict(small().named_parameters()))
    TypeError: a Parameter is no array: its values are one, write parameter.d
nn.functional.gelu  # AttributeError: write ReLU
nn.functional.batch_norm  # AttributeError: nn.BatchNorm2d(...)
nn.functional.log_softmax  # AttributeError: softmax is inside
nn.DataParallel  # AttributeError: workers=2
nn.Linear(0, 3, rng=rng())  # ValueError: in_features must be at lea
nn.Conv2d(3, "8", 3, rng=rng())  # ValueError: out_channels must be a whole number, found '8'
nn.LSTM(8, 4.0, rng=rng())  # ValueError: hidden_size must be a whole
nn.Concat(nn.Flatten())(X)  # ValueError: Concat expects branches that give (N, C, H, W)
nn.Residual(nn.MaxPool2d(4))(X)  # ValueError: one shape, found (2, 1, 1, 1) and (2, 1, 4, 4)
nn.init.he_normal((2, 3), 0)  # TypeError: he_normal((2, 3), rng=np.random.default_rng(0))
nn.ReLU(inplace=True)  # TypeError: write ReLU()
nn.ReLU(True)  # TypeError: ReLU takes nothing by position, found 1
nn.Dropout(0.5, True)  # TypeError: Dropout takes p by position
nn.BatchNorm2d(3, affine=False)
    TypeError: BatchNorm2d has no affine=: leave it out and write BatchNorm2d(3)
nn.Conv2d(1, 2, 3, device="cuda", rng=rng())  # TypeError: write model.to("cuda")
nn.Flatten(start_dim=1)  # TypeError: write Flatten()
nn.LSTM(8, 4, num_layers=2, batch_first=True, rng=rng())
    TypeError: LSTM has no num_layers=: write Sequential(
nn.LSTM(8, 4, 2, rng=rng())  # TypeError: LSTM takes input_size, h
nn.CrossEntropyLoss(reduction="sum")  # TypeError: mean over the batch
nn.CrossEntropyLoss(np.ones(3))  # TypeError: CrossEntropyLoss takes nothing by position
nn.MSELoss(reduction="none")  # TypeError: no reduction=
nn.BatchNorm2d(3, momentum=None)  # ValueError: write BatchNorm2d(3, momentum=0.1)
nn.Conv2d(1, 2, 3.0, rng=rng())
    ValueError: kernel_size must be a whole number of at least 1, or two of them, found 3.0
nn.Conv2d(1, 2, 3, 2, padding="same", rng=rng())  # ValueError: write the padding as a number
nn.Conv2d(1, 2, 3, padding="reflect", rng=rng())  # ValueError: padding must be a whole number
small()(X[0])  # ValueError: a single image is x[None]
small()[3](X[0, 0, 0])  # ValueError: a single row is x[None]
nn.Sequential([nn.ReLU()])  # TypeError: Sequential(*modules)
nn.Sequential(OrderedDict(a=nn.ReLU()))  # TypeError: derives from Chain
nn.Sequential(nn.ReLU)  # TypeError: Sequential(ReLU())
nn.Sequential(np.tanh)  # TypeError: derive a class from Mod
small().append(None)  # TypeError: one by one, found NoneType
small().__setitem__(0, 1)  # TypeError: found int
small().pop()  # AttributeError: write del net[-1]
Net().backward(X)  # NotImplementedError: derive from Chain
Unready().state_dict()  # AttributeError: call super().__init__()
small().register_forward_hook(print)  # AttributeError: for layer in model: x = layer(x)
small().get_parameter("0.weight")  # AttributeError: dict(model.named_parameters())
small().to(np.float64)  # ValueError: model.astype(np.float64)
small().load_state_dict("model.npz")  # TypeError: load_weights(model, path)
small().load_state_dict({1: X})  # ValueError: unknown 1
small().load_state_dict({})  # ValueError: missing 0.weight
small().load_state_dict({"3.bias": np.ones(4)}, strict=False)
    ValueError: 3.bias has shape (4,), expected (3,)
nn.Parameter(X).mean()  # AttributeError: write parameter.data.mean
nn.Parameter(X).requires_grad_(False)  # AttributeError: write parameter.requires_grad = False
nn.Parameter(X).detach()  # AttributeError: write parameter.data
nn.Parameter([1.0])  # TypeError: expects an array, found list
loss_value().backward()  # AttributeError: write model.backward(criterion.backward())
loss_value().detach()  # AttributeError: a float already
nn.CrossEntropyLoss()(X[:, 0, 0], [0, 1])
    ValueError: labels must be whole numbers, found list, not an array: write np.asarray(labels
nn.CrossEntropyLoss()(X[:, 0, 0], np.eye(4)[:2])  # ValueError: write targets.argmax(axis=1)
nn.CrossEntropyLoss()(X[:, 0, 0], np.array([0.0, 1.0]))
    ValueError: found dtype float64: write np.asarray(labels, np.int64)
nn.MSELoss()(X, 1.0)  # ValueError: np.asarray(targets, np.float32)
nn.functional.relu(X)  # AttributeError: self.relu = nn.ReLU(...)
nn.functional.max_pool2d(X, 2)  # AttributeError: nn.MaxPool2d(...)
nn.functional.cross_entropy(X, X)  # AttributeError: nn.CrossEntropyLoss(...)
nn.functional.binary_cross_entropy_with_logits(X, X)  # AttributeError: nn.BCEWithLogitsLoss(...)
nn.functional.one_hot(X)  # AttributeError: np.eye(classes
nn.init.kaiming_normal_(small()[0].weight)
    AttributeError: layer.weight.data[...] = he_normal(layer.weight.shape, rng)
nn.utils.clip_grad_norm_([], 1)  # AttributeError: clip_grad_norm_(model
nn.Identity()  # AttributeError: write Sequential()
nn.Softmax(dim=1)  # AttributeError: softmax(x, dim=1)
nn.Transformer()  # AttributeError: derive from Module
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)


def test_unstrict_loading_copies_what_both_sides_have():
    net = small()
    before = net[3].weight.data.copy()
    net.load_state_dict({"3.bias": np.arange(3), "9.bias": np.ones(1)}, strict=False)
    assert net[3].bias.data.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(net[3].weight.data, before)


def test_zero_grad_with_zeros():
    net = small()
    net.backward(net(X))
    net.zero_grad(set_to_none=False)
    assert not any(p.grad.any() for p in net.parameters())


def test_linear_takes_more_axes_as_so_many_rows():
    x, dy = rng().random((2, 5, 4), np.float32), rng().random((2, 5, 3), np.float32)
    deep, flat = nn.Linear(4, 3, rng=rng()), nn.Linear(4, 3, rng=rng())
    np.testing.assert_array_equal(deep(x).reshape(10, 3), flat(x.reshape(10, 4)))
    dx = deep.backward(dy)
    np.testing.assert_array_equal(dx.reshape(10, 4), flat.backward(dy.reshape(10, 3)))
    np.testing.assert_array_equal(deep.weight.grad, flat.weight.grad)


def test_a_memory_has_no_step_twice():
    memory = ReplayMemory(3, (1,))
    for i in range(7):
        memory.add([i], 0, 1.0, [i + 1], terminated=False)
    assert memory.latest(5).observations[:, 0].tolist() == [4, 5, 6]
