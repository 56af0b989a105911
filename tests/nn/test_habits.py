"""What a user of PyTorch writes by habit about layers: it works, or the line to write is named."""

import copy
import pickle
import re
from collections import OrderedDict

import numpy as np
import pytest

import dlcourse.nn.functional
from dlcourse import nn
from dlcourse.applications.rl.replay import ReplayMemory
from dlcourse.models import DeepConvNet, Inception, LeNet5
from dlcourse.nn import init


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


WORKS = {
    "print(layer)": lambda: str(small()[0]) == "Conv2d(1, 4, (3, 3), padding=(1, 1), bias=False)",
    "print of a layer without arguments": lambda: str(nn.ReLU()) == "ReLU()",
    "print of what is at its default": lambda: str(nn.LeakyReLU()) == "LeakyReLU()",
    "print of what is not": lambda: str(nn.Dropout(0.2, rng=rng())) == "Dropout(p=0.2)",
    "print of an LSTM": lambda: str(nn.LSTM(8, 4, rng=rng())) == "LSTM(8, 4)",
    "print of a norm": lambda: str(nn.BatchNorm2d(8, eps=0.1)) == "BatchNorm2d(8, eps=0.1)",
    "print of a loss": lambda: str(nn.MSELoss()) == "MSELoss()",
    "print of part by part": lambda: (
        str(nn.Sequential(nn.Sequential(nn.ReLU())))
        == "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n)"
    ),
    "print(net)": lambda: "(first): Sequential(\n    (0): Conv2d(" in str(Net()),
    "len(net)": lambda: len(small()) == 4,
    "net[-1]": lambda: isinstance(small()[-1], nn.Linear),
    "net[:2](x)": lambda: small()[:2](X).shape == (2, 4, 4, 4),
    "net[:2] shares": lambda: (lambda net: net[:2][0] is net[0])(small()),
    "net[:2].append": lambda: (lambda net: len(net[:2].append(nn.Tanh())) == 3 and len(net) == 4)(
        small()
    ),
    "for layer in net": lambda: (
        [type(layer).__name__ for layer in small()][1:3] == ["ReLU", "Flatten"]
    ),
    "net.append": lambda: len(small().append(nn.ReLU()).append(nn.Tanh())) == 6,
    "net.extend": lambda: len(small().extend([nn.ReLU(), nn.Tanh()])) == 6,
    "net.insert": lambda: isinstance(small().insert(1, nn.Tanh())[1], nn.Tanh),
    "net[1] = layer": lambda: (
        (lambda net: (net.__setitem__(1, nn.Tanh()), str(net[1])))(small())[1] == "Tanh()"
    ),
    "del net[1]": lambda: (lambda net: (net.__delitem__(1), len(net)))(small())[1] == 3,
    "Sequential() is the identity": lambda: nn.Sequential()(X) is X,
    "children": lambda: [type(child) for child in Net().children()] == [nn.Sequential, nn.ReLU],
    "children of children": lambda: (
        [child(X).shape for child in small()[:2].children()] == [(2, 4, 4, 4), (2, 1, 4, 4)]
    ),
    "named_children": lambda: [name for name, _ in Net().named_children()] == ["first", "second"],
    "modules": lambda: len([*Net().modules()]) == 7,
    "modules of a container": lambda: len([*small().modules()]) == 5,
    "named_modules": lambda: (
        [name for name, _ in Net().named_modules()][:3] == ["", "first", "first.0"]
    ),
    "branches of Inception": lambda: (
        [name for name, _ in Inception(4, 1, 1, 1, 1, 1, 1, rng=rng()).named_children()]
        == ["branch1", "branch2", "branch3", "branch4"]
    ),
    "apply": lambda: (
        (lambda seen: (small().apply(lambda m: seen.append(type(m).__name__)), seen))([])[1]
        == ["Conv2d", "ReLU", "Flatten", "Linear", "Sequential"]
    ),
    "apply returns the module": lambda: isinstance(small().apply(repr), nn.Sequential),
    "p.shape": lambda: [p.shape for p in small().parameters()] == [(4, 1, 3, 3), (3, 64), (3,)],
    "p.numel()": lambda: sum(p.numel() for p in small().parameters()) == 36 + 192 + 3,
    "zero_grad(set_to_none=True)": lambda: small().zero_grad(set_to_none=True) is None,
    "to(device)": lambda: isinstance(small().to("cpu"), nn.Sequential),
    "cpu()": lambda: small().cpu()(X).shape == (2, 3),
    "double()": lambda: small().double()(X.astype(np.float64)).dtype == np.float64,
    "float()": lambda: small().double().float()[3].weight.data.dtype == np.float32,
    "half()": lambda: small().half()[3].weight.data.dtype == np.float16,
    "load_state_dict(strict=False)": lambda: (
        small().load_state_dict({"3.bias": np.ones(3), "4.weight": np.ones(1)}, strict=False)
        is None
    ),
    "load_state_dict of lists": lambda: (
        nn.Linear(2, 1, rng=rng()).load_state_dict({"weight": [[1, 2]], "bias": [0]}) is None
    ),
    "kernel np.int64": lambda: nn.Conv2d(1, 2, np.int64(3), rng=rng()).kernel_size == (3, 3),
    "kernel as a list": lambda: nn.MaxPool2d([2, 1]).kernel_size == (2, 1),
    "groups np.int64": lambda: nn.Conv2d(2, 2, 3, groups=np.int64(2), rng=rng()).groups == 2,
    "padding='same'": lambda: (
        nn.Conv2d(1, 2, (3, 5), padding="same", dilation=2, rng=rng())(X).shape == (2, 2, 4, 4)
    ),
    "padding='valid'": lambda: (
        nn.Conv2d(1, 2, 3, padding="valid", rng=rng())(X).shape == (2, 2, 2, 2)
    ),
    "attributes of Conv2d": lambda: (
        (lambda c: (c.kernel_size, c.stride, c.padding, c.dilation))(
            nn.Conv2d(1, 2, 3, 2, 1, rng=rng())
        )
        == ((3, 3), (2, 2), (1, 1), (1, 1))
    ),
    "Linear on (N, T, F)": lambda: nn.Linear(4, 3, rng=rng())(X).shape == (2, 1, 4, 3),
    "loss.item()": lambda: type(loss_value().item()) is float,
    "a loss is a float": lambda: isinstance(loss_value(), float) and loss_value() / 2 > 0,
    "a loss is printed": lambda: f"{loss_value():.2f}" == f"{float(loss_value()):.2f}",
    "a loss is copied": lambda: pickle.loads(pickle.dumps(loss_value())) == loss_value(),
    "the sum of losses": lambda: sum([loss_value(), 2 * loss_value()]).item() > 0,
    "loss / 2": lambda: (loss_value() / 2).item() == loss_value().item() / 2,
    "nn.softmax(x, dim=1)": lambda: np.allclose(nn.softmax(X[:, 0], dim=1).sum(axis=1), 1),
    "F.softmax": lambda: nn.functional.softmax is nn.softmax,
    "a module is copied": lambda: str(copy.deepcopy(small())) == str(small()),
    "a parameter is copied": lambda: copy.deepcopy(nn.Parameter(X)).shape == X.shape,
}


@pytest.mark.parametrize("attempt", WORKS.values(), ids=WORKS)
def test_works(attempt):
    assert attempt()


class Unready(nn.Module):
    def __init__(self):
        self.layer = nn.ReLU()


TOLD = {
    "Conv2d(1, 16, 3)": (
        lambda: nn.Conv2d(1, 16, 3),
        TypeError,
        "Conv2d draws its initial weights: pass a generator, "
        "Conv2d(1, 16, 3, rng=np.random.default_rng(0))",
    ),
    "a network without a generator": (
        lambda: DeepConvNet(dropout=0.3),
        TypeError,
        "DeepConvNet draws its initial weights: pass a generator, "
        "DeepConvNet(dropout=0.3, rng=np.random.default_rng(0))",
    ),
    "LeNet5(rng=0)": (lambda: LeNet5(rng=0), TypeError, "in place of 0"),
    "Dropout(rng=np.random)": (lambda: nn.Dropout(rng=np.random), TypeError, "Dropout(rng=np."),
    "set_generator(0)": (lambda: small().set_generator(0), TypeError, "default_rng(0)"),
    "Conv2d(1, 2, 3, 1, 1, rng)": (
        lambda: nn.Conv2d(1, 2, 3, 1, 1, rng()),
        TypeError,
        "pass a generator, Conv2d(1, 2, 3, 1, 1, rng=np.random.default_rng(0))",
    ),
    "CrossEntropyLoss(outputs, targets)": (
        lambda: nn.CrossEntropyLoss(X, X),
        TypeError,
        "criterion = CrossEntropyLoss(), then call it",
    ),
    "criterion(input=, target=)": (
        lambda: nn.MSELoss()(input=X, target=X),
        TypeError,
        "write criterion(outputs, targets)",
    ),
    "criterion.backward() first": (
        lambda: nn.MSELoss().backward(),
        AttributeError,
        "call the loss first",
    ),
    "criterion.cuda()": (lambda: nn.MSELoss().cuda(), AttributeError, "nothing to move"),
    "net.backward(loss)": (
        lambda: (lambda net: (net(X), net.backward(loss_value())))(small()),
        TypeError,
        "a loss has it, criterion.backward()",
    ),
    "(loss / 2).backward()": (
        lambda: (loss_value() / 2).backward(),
        AttributeError,
        "model.backward(criterion.backward())",
    ),
    "Parameter(requires_grad=False)": (
        lambda: nn.Parameter(X, requires_grad=False),
        TypeError,
        "write parameter.requires_grad = False",
    ),
    "p.fill_(0)": (lambda: nn.Parameter(X).fill_(0), AttributeError, "parameter.data[...] = "),
    "p.size()": (lambda: nn.Parameter(X).size(), AttributeError, "write parameter.shape"),
    "p.view(-1)": (lambda: nn.Parameter(X).view(-1), AttributeError, "data.reshape(shape)"),
    **{
        name: (attempt, TypeError, "a Parameter is no array: its values are one, write parameter.d")
        for name, attempt in {
            "p + 1": lambda: nn.Parameter(X) + 1,
            "x @ p": lambda: X @ nn.Parameter(X),
            "x * p": lambda: X * nn.Parameter(X),
            "p[0]": lambda: nn.Parameter(X)[0],
            "np.asarray(p)": lambda: np.asarray(nn.Parameter(X)),
            "float(p)": lambda: float(nn.Parameter(X)),
            "load_state_dict of parameters": lambda: small().load_state_dict(
                dict(small().named_parameters())
            ),
        }.items()
    },
    "F.gelu": (lambda: nn.functional.gelu, AttributeError, "write ReLU"),
    "F.batch_norm": (lambda: nn.functional.batch_norm, AttributeError, "nn.BatchNorm2d(...)"),
    "F.log_softmax": (lambda: nn.functional.log_softmax, AttributeError, "softmax is inside"),
    "DataParallel": (lambda: nn.DataParallel, AttributeError, "workers=2"),
    "Linear(0, 3)": (lambda: nn.Linear(0, 3, rng=rng()), ValueError, "in_features must be at lea"),
    "Conv2d(3, '8', 3)": (
        lambda: nn.Conv2d(3, "8", 3, rng=rng()),
        ValueError,
        "out_channels must be a whole number, found '8'",
    ),
    "LSTM(8, 4.0)": (lambda: nn.LSTM(8, 4.0, rng=rng()), ValueError, "hidden_size must be a whole"),
    "Concat of rows": (
        lambda: nn.Concat(nn.Flatten())(X),
        ValueError,
        "Concat expects branches that give (N, C, H, W)",
    ),
    "Residual of another shape": (
        lambda: nn.Residual(nn.MaxPool2d(4))(X),
        ValueError,
        "one shape, found (2, 1, 1, 1) and (2, 1, 4, 4)",
    ),
    "init.he_normal(shape, 0)": (
        lambda: init.he_normal((2, 3), 0),
        TypeError,
        "he_normal((2, 3), rng=np.random.default_rng(0))",
    ),
    "ReLU(inplace=True)": (lambda: nn.ReLU(inplace=True), TypeError, "write ReLU()"),
    "ReLU(True)": (lambda: nn.ReLU(True), TypeError, "ReLU takes nothing by position, found 1"),
    "Dropout(0.5, True)": (lambda: nn.Dropout(0.5, True), TypeError, "Dropout takes p by position"),
    "BatchNorm2d(affine=False)": (
        lambda: nn.BatchNorm2d(3, affine=False),
        TypeError,
        "BatchNorm2d has no affine=: leave it out and write BatchNorm2d(3)",
    ),
    "Conv2d(device=)": (
        lambda: nn.Conv2d(1, 2, 3, device="cuda", rng=rng()),
        TypeError,
        'write model.to("cuda")',
    ),
    "Flatten(start_dim=1)": (lambda: nn.Flatten(start_dim=1), TypeError, "write Flatten()"),
    "LSTM(num_layers=2)": (
        lambda: nn.LSTM(8, 4, num_layers=2, batch_first=True, rng=rng()),
        TypeError,
        "LSTM has no num_layers=: write Sequential(",
    ),
    "LSTM(8, 4, 2)": (lambda: nn.LSTM(8, 4, 2, rng=rng()), TypeError, "LSTM takes input_size, h"),
    "CrossEntropyLoss(reduction=)": (
        lambda: nn.CrossEntropyLoss(reduction="sum"),
        TypeError,
        "mean over the batch",
    ),
    "CrossEntropyLoss(weights)": (
        lambda: nn.CrossEntropyLoss(np.ones(3)),
        TypeError,
        "CrossEntropyLoss takes nothing by position",
    ),
    "MSELoss(reduction=)": (lambda: nn.MSELoss(reduction="none"), TypeError, "no reduction="),
    "BatchNorm2d(momentum=None)": (
        lambda: nn.BatchNorm2d(3, momentum=None),
        ValueError,
        "write BatchNorm2d(3, momentum=0.1)",
    ),
    "Conv2d(kernel_size=3.0)": (
        lambda: nn.Conv2d(1, 2, 3.0, rng=rng()),
        ValueError,
        "kernel_size must be a whole number of at least 1, or two of them, found 3.0",
    ),
    "padding='same' with a stride": (
        lambda: nn.Conv2d(1, 2, 3, 2, padding="same", rng=rng()),
        ValueError,
        "write the padding as a number",
    ),
    "padding='reflect'": (
        lambda: nn.Conv2d(1, 2, 3, padding="reflect", rng=rng()),
        ValueError,
        "padding must be a whole number",
    ),
    "a single image": (lambda: small()(X[0]), ValueError, "a single image is x[None]"),
    "a single row": (lambda: small()[3](X[0, 0, 0]), ValueError, "a single row is x[None]"),
    "Sequential([...])": (lambda: nn.Sequential([nn.ReLU()]), TypeError, "Sequential(*modules)"),
    "Sequential(OrderedDict)": (
        lambda: nn.Sequential(OrderedDict(a=nn.ReLU())),
        TypeError,
        "derives from Chain",
    ),
    "Sequential(ReLU)": (lambda: nn.Sequential(nn.ReLU), TypeError, "Sequential(ReLU())"),
    "Sequential(np.tanh)": (lambda: nn.Sequential(np.tanh), TypeError, "derive a class from Mod"),
    "net.append(None)": (lambda: small().append(None), TypeError, "one by one, found NoneType"),
    "net[0] = 1": (lambda: small().__setitem__(0, 1), TypeError, "found int"),
    "net.pop()": (lambda: small().pop(), AttributeError, "write del net[-1]"),
    "only a forward": (lambda: Net().backward(X), NotImplementedError, "derive from Chain"),
    "no super().__init__()": (
        lambda: Unready().state_dict(),
        AttributeError,
        "call super().__init__()",
    ),
    "register_forward_hook": (
        lambda: small().register_forward_hook(print),
        AttributeError,
        "for layer in model: x = layer(x)",
    ),
    "get_parameter": (
        lambda: small().get_parameter("0.weight"),
        AttributeError,
        "dict(model.named_parameters())",
    ),
    "to(np.float64)": (lambda: small().to(np.float64), ValueError, "model.astype(np.float64)"),
    "load_state_dict(path)": (
        lambda: small().load_state_dict("model.npz"),
        TypeError,
        "load_weights(model, path)",
    ),
    "load_state_dict of numbered arrays": (
        lambda: small().load_state_dict({1: X}),
        ValueError,
        "unknown 1",
    ),
    "load_state_dict of other names": (
        lambda: small().load_state_dict({}),
        ValueError,
        "missing 0.weight",
    ),
    "strict=False of another shape": (
        lambda: small().load_state_dict({"3.bias": np.ones(4)}, strict=False),
        ValueError,
        "3.bias has shape (4,), expected (3,)",
    ),
    "p.mean()": (
        lambda: nn.Parameter(X).mean(),
        AttributeError,
        "write parameter.data.mean",
    ),
    "p.requires_grad_(False)": (
        lambda: nn.Parameter(X).requires_grad_(False),
        AttributeError,
        "write parameter.requires_grad = False",
    ),
    "p.detach()": (lambda: nn.Parameter(X).detach(), AttributeError, "write parameter.data"),
    "Parameter([1.0])": (lambda: nn.Parameter([1.0]), TypeError, "expects an array, found list"),
    "loss.backward()": (
        lambda: loss_value().backward(),
        AttributeError,
        "write model.backward(criterion.backward())",
    ),
    "loss.detach()": (lambda: loss_value().detach(), AttributeError, "a float already"),
    "labels in a list": (
        lambda: nn.CrossEntropyLoss()(X[:, 0, 0], [0, 1]),
        ValueError,
        "labels must be whole numbers, found list, not an array: write np.asarray(labels",
    ),
    "one-hot labels": (
        lambda: nn.CrossEntropyLoss()(X[:, 0, 0], np.eye(4)[:2]),
        ValueError,
        "write targets.argmax(axis=1)",
    ),
    "labels that are not whole": (
        lambda: nn.CrossEntropyLoss()(X[:, 0, 0], np.array([0.0, 1.0])),
        ValueError,
        "found dtype float64: write np.asarray(labels, np.int64)",
    ),
    "a number as target": (
        lambda: nn.MSELoss()(X, 1.0),
        ValueError,
        "np.asarray(targets, np.float32)",
    ),
    "F.relu": (lambda: nn.functional.relu(X), AttributeError, "self.relu = nn.ReLU(...)"),
    "F.max_pool2d": (
        lambda: dlcourse.nn.functional.max_pool2d(X, 2),
        AttributeError,
        "nn.MaxPool2d(...)",
    ),
    "F.cross_entropy": (
        lambda: nn.functional.cross_entropy(X, X),
        AttributeError,
        "nn.CrossEntropyLoss(...)",
    ),
    "F.binary_cross_entropy_with_logits": (
        lambda: nn.functional.binary_cross_entropy_with_logits(X, X),
        AttributeError,
        "nn.BCEWithLogitsLoss(...)",
    ),
    "F.one_hot": (lambda: nn.functional.one_hot(X), AttributeError, "np.eye(classes"),
    "nn.init.kaiming_normal_": (
        lambda: nn.init.kaiming_normal_(small()[0].weight),
        AttributeError,
        "layer.weight.data[...] = he_normal(layer.weight.shape, rng)",
    ),
    "nn.utils": (lambda: nn.utils.clip_grad_norm_([], 1), AttributeError, "clip_grad_norm_(model"),
    "nn.Identity": (lambda: nn.Identity(), AttributeError, "write Sequential()"),
    "nn.Softmax": (lambda: nn.Softmax(dim=1), AttributeError, "softmax(x, dim=1)"),
    "nn.Transformer": (lambda: nn.Transformer(), AttributeError, "derive from Module"),
}


@pytest.mark.parametrize(("attempt", "kind", "line"), TOLD.values(), ids=TOLD)
def test_is_told(attempt, kind, line):
    with pytest.raises(kind, match=re.escape(line)) as caught:
        attempt()
    assert "\n" not in str(caught.value)


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
