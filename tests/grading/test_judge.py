"""Tests on one side of a pipe, the learner's code on the other: what crosses, and what does not."""

import importlib
import subprocess
import sys

import pytest

from dlcourse.grading.hollow import ALL, PACKAGE, Allowed, Reader, package
from dlcourse.grading.job import cache
from dlcourse.grading.judge import Judge
from dlcourse.grading.patience import Patience
from dlcourse.grading.plan import Step
from dlcourse.grading.sandbox import choose

SETUP = """
import random
import warnings
from typing import NamedTuple
import numpy as np
from dlcourse import check
from dlcourse.check import strict
from dlcourse.nn import Linear, Module, Parameter, Sequential, ReLU
class Conv(NamedTuple):
    channels: int
class Spy:
    def __init__(self): self.seen, self._secret = [], 42
    def see(self, value):
        self.seen.append(value)
        return len(self.seen)
"""
NAMES = ("f", "Thing", "Layer")


@pytest.fixture(scope="module")
def judge():
    one = Judge(NAMES, choose(without=True), cache(), patience=Patience(3.0, 20.0, 4.0))
    yield one
    one.close()


def marked(judge, answer, *tests):
    """Return what each test said, empty where it passed."""
    steps = [Step("setup", "setup", SETUP), Step("theirs", "f", answer)]
    steps += [Step("test", f"t{i}", test, 1.0) for i, test in enumerate(tests)]
    marks = judge.mark(steps)
    return [mark.message for mark in marks.tests]


#: The learner's cell, and a test that holds in one process and has to hold in two.
HOLDS = {
    "data": (
        "def f(x): return x",
        "for x in (None, True, 3, 2.5, 'é', (1, [2]), {'a': {1}}, {1: 2}, 1j, b'x', range(3), ...,"
        " np.float32(0.5), np.dtype('f4'), np.float16, int, slice(1, None), 10**30, Conv(3)):\n"
        "    y = f(x)\n"
        "    assert y == x and type(y) is type(x), (x, y)",
    ),
    "a named tuple": (
        "def f(c): return isinstance(c, Conv) and c.channels",
        "assert f(Conv(3)) == 3",
    ),
    "layout": (
        "def f(x): return x.strides, x.flags.writeable, x.tolist()",
        "x = np.arange(24.0).reshape(2, 3, 4)[::-1, :, ::2]\n"
        "x.flags.writeable = False\n"
        "assert f(x) == (x.strides, False, x.tolist())\n"
        "b = np.broadcast_to(np.ones(3), (2, 3))\n"
        "assert f(b)[0] == (0, 8)",
    ),
    "a view stays a view": (
        "def f(x): return x[1:], x.copy()",
        "x = np.zeros(4)\na, b = f(x)\na[0] = 1\nassert x[1] == 1\n"
        "assert np.shares_memory(a, x) and not np.shares_memory(b, x)",
    ),
    "records": (
        "def f(x):\n    x['a'] += 1\n    return x[::-1]",
        "x = np.zeros(3, [('a', 'i4'), ('b', 'f4')])\ny = f(x)\n"
        "assert x['a'].sum() == 3 and y.dtype == x.dtype and np.shares_memory(x, y)",
    ),
    "a view of another shape": (
        "def f(x): return np.lib.stride_tricks.as_strided(x, (3, 2), (8, 8), writeable=False)",
        "x = np.arange(4.0)\ny = f(x)\nassert np.shares_memory(x, y) and not y.flags.writeable",
    ),
    "what changes in an argument": (
        "def f(x): x += 1",
        "x = np.zeros(3)\nf(x)\nassert x.sum() == 3",
    ),
    "what is kept and changed by the test": (
        "class Thing:\n    def __init__(self, x): self.x = x\n    def sum(self): return self.x.sum()",
        "x = np.zeros(3)\nt = Thing(x)\nx[0] = 5\nassert t.sum() == 5",
    ),
    "what is returned and changed later": (
        "class Thing:\n    def __init__(self): self.x = np.zeros(3)\n"
        "    def get(self): return self.x\n    def add(self): self.x += 1",
        "t = Thing()\nx = t.get()\nt.add()\nassert x.sum() == 3 and t.get() is x\n"
        "x[0] = 9\nassert t.x.sum() == 11",
    ),
    "a generator goes on": (
        "class Thing:\n    def __init__(self, rng): self.rng = rng\n"
        "    def draw(self): return self.rng.random()",
        "a, b = np.random.default_rng(3), np.random.default_rng(3)\nt = Thing(a)\n"
        "assert [t.draw(), a.random(), t.draw()] == list(b.random(3))",
    ),
    "a parameter is one": (
        "class Thing:\n    def __init__(self, ps): self.ps = list(ps)\n"
        "    def step(self):\n        for p in self.ps: p.data -= p.grad",
        "p = Parameter(np.zeros(2, np.float32))\ndata = p.data\nt = Thing([p])\n"
        "p.grad = np.ones(2, np.float32)\nt.step()\nassert p.data is data and data.sum() == -2\n"
        "p.data = np.zeros(2, np.float32)\nt.step()\nassert p.data.sum() == -2 and data.sum() == -2",
    ),
    "a layer": (
        "class Layer(Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inner = Linear(2, 3, rng=np.random.default_rng(0))\n"
        "        self.register_buffer('mean', np.zeros(3))\n"
        "    def forward(self, x): return self.inner(x)\n"
        "    def backward(self, dy): return self.inner.backward(dy)",
        "net = Layer()\nassert isinstance(net, Module)\nright = Linear(2, 3, rng=np.random.default_rng(1))\n"
        "for p, q in zip(net.parameters(), right.parameters(), strict=True): p.data[...] = q.data\n"
        "x = np.ones((4, 2), np.float32)\nassert np.array_equal(net(x), right(x))\n"
        "assert [n for n, m in net.named_modules() if isinstance(m, Linear)] == ['inner']\n"
        "assert net.mean is net.mean and sorted(net.state_dict()) == ['inner.bias', 'inner.weight', 'mean']\n"
        "net.eval()\nassert net.training is False\n"
        "dx = net.backward(np.ones((4, 3), np.float32))\nright.backward(np.ones((4, 3), np.float32))\n"
        "assert np.array_equal(net.inner.weight.grad, right.weight.grad)",
    ),
    "a network of the test": (
        "def f(net, x):\n    net.train()\n    y = net(x)\n    net.backward(y)\n    return y",
        "net = Sequential(Linear(2, 2, rng=np.random.default_rng(0)), ReLU()).eval()\n"
        "y = f(net, np.ones((1, 2), np.float32))\nassert net.training and net[0].weight.grad is not None",
    ),
    "another library's arrays": (
        "def f(x, xp): return xp.exp(x) * 2 + x[0]",
        "xp = strict.xp\ny = f(xp.asarray([0.0, 1.0]), xp)\n"
        "assert isinstance(y, strict.StrictArray) and xp.asnumpy(y)[0] == 2",
    ),
    "errors by their class": (
        "def f(x): raise {1: ValueError, 2: KeyError, 3: np.linalg.LinAlgError}[x]('why')",
        "for x, kind in ((1, ValueError), (2, KeyError), (3, ValueError)):\n"
        "    try: f(x)\n    except kind as error: assert 'why' in str(error)\n    else: assert False",
    ),
    "global random states": (
        "def f(x): return np.random.random() if x else random.random()",
        "a = np.random.get_state()[1:3], random.getstate()\nf(0)\nassert random.getstate() != a[1]\n"
        "assert np.random.get_state()[2] == a[0][1]\nf(1)\nassert np.random.get_state()[2] != a[0][1]\n"
        "np.random.seed(3)\nx = f(1)\nnp.random.seed(3)\nassert np.random.random() == x",
    ),
    "warnings": (
        "def f(x):\n    warnings.warn('careful')\n    return np.log(x)",
        "with warnings.catch_warnings(record=True) as caught:\n    warnings.simplefilter('always')\n"
        "    f(np.zeros(2))\nassert sorted(w.category.__name__ for w in caught) == ['RuntimeWarning', 'UserWarning']",
    ),
    "errstate": (
        "def f(x): return np.log(x)",
        "with warnings.catch_warnings(), np.errstate(all='ignore'):\n    warnings.simplefilter('error')\n    f(np.zeros(2))",
    ),
    "objects and threads": (
        "def f(spy, n):\n    import threading\n"
        "    threads = [threading.Thread(target=spy.see, args=(i,)) for i in range(n)]\n"
        "    for t in threads: t.start()\n    for t in threads: t.join()\n    return spy.see('end')",
        "spy = Spy()\nassert f(spy, 5) == 6 and sorted(spy.seen[:5]) == [0, 1, 2, 3, 4]",
    ),
    "calls from several threads": (
        "def f(spy, x):\n    for i in range(20): spy.see(x)\n    return x + 1",
        "from concurrent.futures import ThreadPoolExecutor\nspies = [Spy() for _ in range(6)]\n"
        "with ThreadPoolExecutor(6) as pool:\n    got = list(pool.map(f, spies, [np.full(3, float(i)) for i in range(6)]))\n"
        "assert all((y == i + 1).all() for i, y in enumerate(got))\nassert all(len(s.seen) == 20 for s in spies)",
    ),
    "what is printed": (
        "import sys\ndef f(x):\n    print('x' * 9999, file=sys.stderr)\n    return x",
        "assert f(1) == 1",
    ),
    "large arrays both ways": (
        "def f(x): return x + 1",
        "x = np.zeros((2000, 1000))\nassert f(x).sum() == x.size",
    ),
}


@pytest.mark.parametrize("what", HOLDS)
def test_it_holds_as_in_one_process(judge, what):
    answer, test = HOLDS[what]
    names = {"__name__": "__main__"}
    exec(SETUP + answer, names)
    exec(test, names)
    assert marked(judge, answer, test) == [""]


#: The learner's cell, a test, and what it has to say.
FAILS = {
    "true for everything": (
        "class Thing:\n    def __eq__(self, other): return True\n    def __bool__(self): return True\n"
        "    def __array__(self, *a, **k): return np.zeros(3)\n    def __float__(self): return 0.0\n"
        "def f(x): return Thing()",
        "check.close(f(1), np.zeros(3), 'y')",
        "is no number, array or text",
    ),
    "equal to everything": (
        "class Thing:\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        "def f(x): return [Thing()]",
        "assert f(1) == [3]",
        "AssertionError",
    ),
    "a private attribute": (
        "def f(spy): return spy._secret",
        "f(Spy())",
        "has no attribute '_secret'",
    ),
    "a function's globals": ("def f(g): return g.__globals__", "f(lambda: 1)", "__globals__"),
    "what a test writes down": (
        "def f(spy): spy.seen = [1]",
        "f(Spy())",
        "has no attribute 'seen'",
    ),
    "a method in place of another": (
        "def f(net): net.forward = lambda x: x",
        "f(Linear(2, 2, rng=np.random.default_rng(0)))",
        "has no attribute 'forward'",
    ),
    "the array of an earlier call": (
        "kept = []\ndef f(x):\n    for old in kept: old[...] = 0\n    kept.append(x)\n    return x.sum()",
        "x, z = np.ones(3), np.ones(3)\nf(x)\nf(z)",
        "An array of an earlier call was changed",
    ),
    "exit": ("def f(x): exit()", "f(1)", "SystemExit"),
    "the end": ("import os\ndef f(x): os._exit(0)", "f(1)", "Your code was ended"),
    "a loop without end": (
        "def f(x):\n    while True: pass",
        "f(1)",
        "computed for more than 3 seconds",
    ),
    "a loop that catches all": (
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "f(1)",
        "computed for more than 3 seconds",
    ),
    "sleep": ("import time\ndef f(x): time.sleep(99)", "f(1)", "did nothing for 4 seconds"),
    "a stub": ("def f(x): raise NotImplementedError()", "f(1)", "NotImplementedError"),
    "NumPy's own error": (
        "def f(x, b): return x + b",
        "f(np.zeros((4, 2)), b=np.zeros(5, np.float32))",
        "f((4, 2) float64, b (5,) float32) ended with a ValueError: operands could not be broadcast",
    ),
    "an error of a method": (
        "class Thing:\n    def step(self, x): return x[9]",
        "Thing().step(np.zeros(3))",
        "step((3,) float64) ended with an IndexError: index 9 is out of bounds",
    ),
    "a forgotten return": (
        "def f(x): x + 1",
        "a, b = f(1)",
        "f returned None; is a return missing?",
    ),
    "too few results": (
        "def f(x): return x, x",
        "a, b, c = f(1)",
        "What f returned does not fit: it is (1, 1), and not enough values to unpack",
    ),
    "an object that does not fit": (
        "class Thing: pass\ndef f(x): return Thing()",
        "f(1) + 1",
        "What f returned does not fit: it is ",
    ),
    "no definition": ("g = 1", "f(1)", "name 'f' is not defined"),
    "itself": ("def f(x):\n    a = []\n    a.append(a)\n    return a", "f(1)", "RecursionError"),
    "a module": ("def f(x): return np.linalg", "f(1)", "cannot be handed over"),
    "an array of objects": ("def f(x): return np.array([None])", "f(1)", "cannot be handed over"),
    "a billion numbers": (
        "def f(x): return np.broadcast_to(1.0, 10**9)",
        "f(1) + 1",
        "cannot be read",
    ),
    "StopIteration": (
        "def f(x): raise StopIteration",
        "assert len([y for y in map(f, [1, 2])]) == 2",
        "StopIteration was raised",
    ),
    "the finished code": (
        "from dlcourse.nn import ReLU\ndef f(x): return ReLU()(x)",
        "with check.own_work(): f(np.ones(2))",
        "This calls the finished code of dlcourse.nn.activation.ReLU",
    ),
    "the finished code through the test's own": (
        "def f(net, x): return net(x)",
        "with check.own_work(): f(ReLU(), np.ones(2))",
        "This calls the finished code of dlcourse.nn.activation.ReLU.forward",
    ),
    "a frame": (
        "import sys\ndef f(x): return sys._getframe(1).f_globals",
        "f(1)",
        "cannot be handed over",
    ),
}


@pytest.mark.parametrize("what", FAILS)
def test_it_does_not_pass(judge, what):
    answer, test, said = FAILS[what]
    after = marked(judge, answer + "\ndef g(): pass", test, "assert 1 + 1 == 2")
    assert said in after[0]
    assert after[1] == ""


def test_a_cell_that_ends_the_program_is_left_out(judge):
    steps = [Step("setup", "setup", SETUP), Step("theirs", "a", "import os\nos._exit(0)")]
    steps += [Step("theirs", "f", "def f(): return 1"), Step("test", "t", "assert f() == 1", 2.0)]
    marks = judge.mark(steps)
    assert marks.tests[0].points == 2
    assert "The cell was left out: the program ended" in marks.cells["a"]


def test_a_cell_that_fails_is_told_with_its_line(judge):
    steps = [Step("setup", "setup", SETUP), Step("theirs", "a", "x = 1\ny = x.z")]
    marks = judge.mark([*steps, Step("test", "t", "pass", 1.0)])
    assert (
        marks.cells["a"] == "AttributeError: 'int' object has no attribute 'z' (line 2 of the cell)"
    )


def test_what_a_test_lends_is_taken_back(judge):
    answer = "kept = []\ndef f(spy):\n    kept.append(spy)\n    return kept[0].see(1)"
    first = "spy = Spy()\nassert f(spy) == 1"
    assert "an object that is not here" in marked(judge, answer, first, "f(Spy())")[1]


def test_the_library_can_be_imported_though_it_is_hollow():
    folder = package(Allowed(), cache())
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
        if (folder / path.relative_to(PACKAGE.parent)).is_file() and path.stem != "__main__"
    }
    # Tools of a teacher need packages that a worker does not have.
    mine = sorted(m for m in modules if not m.startswith("dlcourse.grading"))
    assert "dlcourse.nn.linear" in mine
    code = f"import sys, importlib; sys.path.insert(0, {str(folder)!r})\n"
    code += f"for name in {mine}: importlib.import_module(name)\n"
    code += "from dlcourse.nn import ReLU; print(ReLU.__doc__)\nimport numpy; ReLU().forward(numpy.ones(1))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert "This calls the finished code of dlcourse.nn" in done.stderr
    assert importlib.import_module("dlcourse.nn").ReLU.__doc__ in done.stdout


def test_what_tests_allow_is_read_from_them():
    tests = Reader()
    tests.add(
        "PARTS = ('dlcourse.nn',)\ndef own(): return check.own_work(PARTS, but_not=('dlcourse.nn.x',))"
    )
    assert tests.add("def t():\n    with own(): g()\nt()") == [
        Allowed(("dlcourse.nn",), ("dlcourse.nn.x",))
    ]
    assert tests.add("h()") == [ALL]
    with pytest.raises(ValueError, match="expects a tuple of names"):
        tests.add("check.own_work(unknown())")
