"""An error inside a learner's function becomes a sentence, and stays an error of its kind."""

import re

import pytest

from dlcourse.check import CheckFailed

SETUP = "import numpy as np\nfrom dlcourse import check\nfrom dlcourse.nn import Linear, Module\n"


def failure(answer, test):
    """Run a learner's cell and a test cell as a notebook does; return what the test raised."""
    names = {"__name__": "__main__"}
    for number, source in enumerate((SETUP, answer)):
        exec(compile(source, f"<cell {number}>", "exec"), names)
    try:
        exec(compile(test, "<test>", "exec"), names)
    except Exception as error:
        return error
    pytest.fail("the test passes")


#: What a learner wrote, what a test does with it, what it says, and what it still is.
TOLD = {
    "NumPy's own error": (
        "def f(x, b, stride=1):\n    x = x[:, :2]\n    return x + b",
        "with check.own_work(): f(np.zeros((4, 3)), np.zeros(5, np.float32))",
        r"^f\(x \(4, 3\) float64, b \(5,\) float32, stride 1\) ended with a ValueError in line 3 "
        r"of its cell: operands could not be broadcast together with shapes \(4,2\) \(5,\)\.$",
        ValueError,
    ),
    "a product": (
        "def f(x, w): return x @ w",
        "with check.own_work(): f(np.zeros((4, 3)), np.zeros((5, 2)))",
        "the left array has rows of 3 values, and the right one columns of 5",
        ValueError,
    ),
    "deep in a helper": (
        "def g(x): return x[9]\ndef f(x): return g(x)",
        "with check.own_work(): f(np.zeros(3))",
        r"^f\(x \(3,\) float64\) ended with an IndexError in line 1 of its cell: index 9",
        IndexError,
    ),
    "by a lambda of the test": (
        "def f(x): return {}[x]",
        "with check.own_work(): (lambda: f('a'))()",
        r"^f\(x 'a'\) ended with a KeyError in line 1 of its cell: 'a'\.$",
        KeyError,
    ),
    "a method": (
        "class F:\n    def step(self, by): self.t += by",
        "with check.own_work(): F().step(2)",
        r"^F\.step\(by 2\) ended with an AttributeError in line 2 .*no attribute 't'",
        AttributeError,
    ),
    "called by the library": (
        "class F(Module):\n    def forward(self, x): return x + np.zeros(7)",
        "with check.own_work(): F()(np.zeros(3))",
        r"^F\.forward\(x \(3,\) float64\) ended with a ValueError",
        ValueError,
    ),
    "a return forgotten": (
        "def f(x): x + 1",
        "with check.own_work(): a, b = f(1)",
        r"^f returned None; is a return missing\?$",
        TypeError,
    ),
    "too few results": (
        "def f(x): return x, x",
        "with check.own_work(): a, b, c = f(np.zeros(2))",
        r"^What f returned does not fit: it is \(\(2,\) float64, \(2,\) float64\), and not enough",
        ValueError,
    ),
    "a sentence of the library": (
        "class F(Module):\n    def forward(self, x): return x\n    def backward(self, dy): pass",
        "with check.own_work():\n    y = F()\n    y(np.ones(2))\n    y.backward(np.ones(2))",
        "^backward of F returned None: end it with `return`",
        RuntimeError,
    ),
}


@pytest.mark.parametrize("what", TOLD)
def test_an_error_becomes_a_sentence(what):
    answer, test, told, kind = TOLD[what]
    error = failure(answer, test)
    assert isinstance(error, CheckFailed)
    assert isinstance(error, kind)
    assert re.search(told, str(error))
    assert error.__cause__ is not None


def test_what_is_no_error_of_theirs_stays_as_it_is():
    stub = failure("def f(): raise NotImplementedError()", "with check.own_work(): f()")
    assert type(stub) is NotImplementedError
    said = failure("def f(): return 1", "with check.own_work(): check.that(f() == 2, 'two')")
    assert str(said) == "two"
    own = failure("def f(): pass", "with check.own_work():\n    f()\n    1 / 0")
    assert type(own) is ZeroDivisionError


def test_it_can_be_caught_as_what_it_was():
    test = (
        "try:\n    with check.own_work(): f()\nexcept KeyError as error:\n"
        "    raise check.CheckFailed('caught') from None"
    )
    assert str(failure("def f(): raise KeyError('x')", test)) == "caught"
