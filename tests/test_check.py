"""The checks of exercises: right passes, and what is wrong is named."""

import numpy as np
import pytest

from dlcourse import check
from dlcourse.check import CheckFailed

RIGHT = np.random.default_rng(0).standard_normal((2, 3, 4, 4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: None, "Instead of y there is None; is a return missing"),
        (lambda y: y.tolist(), "should be a NumPy array, and not a list"),
        (lambda y: y.transpose(0, 2, 3, 1), "two axes seem to be swapped"),
        (lambda y: y[..., None], "only an axis of length 1"),
        (lambda y: y.reshape(2, -1), "a reshape may be missing"),
        (lambda y: y[:, :, 1:], "height and width: kernel, stride, padding, dilation"),
        (lambda y: y[:1], r"should have the shape \(2, 3, 4, 4\), and not \(1, 3, 4, 4\)\."),
        (lambda y: y * (1 + 1j), "real numbers"),
        (lambda y: -y, "Only the sign of y is wrong"),
    ],
)
def test_difference_is_explained(change, message):
    with pytest.raises(CheckFailed, match=message):
        check.close(change(RIGHT.copy()), RIGHT, "y")


def test_close_allows_rounding_only():
    check.close(RIGHT.astype(np.float32), RIGHT, "y")
    check.close(2.0, 2.0, "a number")
    with pytest.raises(CheckFailed):
        check.close(RIGHT + 1e-3 * np.random.default_rng(1).random(RIGHT.shape), RIGHT, "y")


def test_named_mistake_comes_before_all_else():
    with pytest.raises(CheckFailed, match="The batch is missing"):
        check.close(RIGHT[0], RIGHT, "y", mistakes={"The batch is missing.": RIGHT[0]})
    # One that happens to be right is no mistake.
    check.close(RIGHT, RIGHT, "y", mistakes={"Never.": RIGHT, "Nor this.": None})


def test_gradient_moves_each_value_and_puts_it_back():
    x = RIGHT.copy()
    check.gradient(lambda: np.sin(x), x, np.cos(x) * RIGHT, RIGHT, "dx")
    np.testing.assert_array_equal(x, RIGHT)
    with pytest.raises(CheckFailed, match="dx"):
        check.gradient(lambda: np.sin(x), x, np.cos(x), RIGHT, "dx")


def test_own_work_sees_every_detour():
    from dlcourse import nn

    class Mine(nn.Conv2d):
        pass

    x = np.zeros((1, 1, 4, 4), np.float32)
    layers = [kind(1, 1, 3, rng=np.random.default_rng(0)) for kind in (nn.Conv2d, Mine)]
    hidden = nn.Sequential(layers[0])
    for call in (layers[0], layers[1].forward, hidden, nn.init.fan_in_and_fan_out):
        with pytest.raises(CheckFailed, match="finished code of dlcourse.nn"), check.own_work():
            call(x)


def test_own_work_may_leave_out_a_part_of_what_is_allowed():
    from dlcourse import nn

    class Mine(nn.Concat):
        pass

    x = np.ones((1, 2, 3, 3))
    concat = "dlcourse.nn.containers.Concat"
    with check.own_work(("dlcourse.nn",), but_not=(concat,)):
        nn.Sequential(nn.ReLU(), nn.Residual(nn.Tanh()))(x)
    for kind in (nn.Concat, Mine):
        with pytest.raises(CheckFailed, match=concat), check.own_work(but_not=(concat,)):
            kind()(x)


def test_own_work_sees_the_threads_of_ranks():
    from dlcourse.distributed import Threads
    from dlcourse.lessons.all_reduce import ring_all_reduce

    def messages(peer):
        other = 1 - peer.rank
        x, got = np.ones(3), np.empty(3)
        peer.sendrecv(x, other, got, other)
        if peer.rank:
            peer.send(x, other)
        else:
            peer.recv(got)
        return got.sum()

    with check.own_work():
        assert Threads.run(2, messages) == [3, 3]
    finished = {
        "lessons.all_reduce.ring.ring_all_reduce": lambda peer: ring_all_reduce(peer, np.ones(3)),
        "distributed.communicator.Communicator.allreduce": lambda peer: peer.allreduce(np.ones(3)),
        "distributed.communicator.Communicator.broadcast": lambda peer: peer.broadcast(np.ones(3)),
    }
    for name, work in finished.items():
        with pytest.raises(CheckFailed, match=f"dlcourse.{name};"), check.own_work():
            Threads.run(2, work)
    Threads.run(2, finished.popitem()[1])  # outside of the block nobody looks


def test_own_work_leaves_a_thread_that_outlives_it():
    import sys
    import threading

    inside, outside = threading.Event(), threading.Event()
    profiles = []

    def work():
        profiles.append(sys.getprofile())
        inside.set()
        outside.wait()
        profiles.append(sys.getprofile())

    thread = threading.Thread(target=work)
    with check.own_work():
        thread.start()
        inside.wait()
    outside.set()
    thread.join()
    assert profiles[0] is not None
    assert profiles[1] is None
    assert threading.getprofile() is None


def test_own_work_leaves_nothing_where_blocks_on_two_threads_overlap():
    import threading

    def other():
        with check.own_work():
            inside.set()
            outside.wait()

    inside, outside = threading.Event(), threading.Event()
    thread = threading.Thread(target=other)
    with check.own_work():
        thread.start()
        inside.wait()
    outside.set()
    thread.join()
    assert threading.getprofile() is None


def test_own_work_lets_the_rest_pass():
    from dlcourse import nn

    with check.own_work():
        p = nn.Parameter(np.zeros(3))
        p.accumulate(np.ones(3))
    with check.own_work(allowed=("dlcourse.nn",)):
        nn.ReLU()(np.ones(3))
    with pytest.raises(ZeroDivisionError), check.own_work():
        1 / 0  # noqa: B018


def test_own_work_lets_imports_pass():
    import sys

    from dlcourse import nn

    module = sys.modules.pop("dlcourse.nn.loss")
    try:
        with check.own_work():
            import dlcourse.nn.loss  # noqa: F401
    finally:
        sys.modules["dlcourse.nn.loss"] = module
        nn.loss = module


def test_own_work_does_not_look_after_the_block():
    from dlcourse import nn

    with check.own_work():
        pass
    nn.ReLU()(np.ones(3))


class Clock:
    """Seconds that pass only when a function says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def function(self, *seconds):
        """Return a function that takes so long, call by call, the last from then on."""
        times = list(seconds)

        def run():
            self.now += times.pop(0) if len(times) > 1 else times[0]

        return run


def test_faster_compares_times():
    clock = Clock()
    loops, product = clock.function(50.0), clock.function(1.0)
    words = dict(name="y", than="plain loops", cause="a loop over pixels", clock=clock)
    check.faster(product, loops, 0.2, **words)
    check.faster(loops, product, 50, **words)  # as slow as allowed
    message = (
        r"^y takes 50 times as long as plain loops, and should take at most 0\.2 times as long; "
        r"the likely cause is a loop over pixels\.$"
    )
    with pytest.raises(CheckFailed, match=message):
        check.faster(loops, product, 0.2, **words)


def test_faster_takes_the_shortest_of_interleaved_times():
    clock = Clock()
    order = []

    def noisy(name, *seconds):
        function = clock.function(*seconds)
        return lambda: (order.append(name), function())

    words = dict(name="y", than="x", cause="a loop", clock=clock)
    # Another process takes the processor away in two of three calls, of the one or of the other.
    check.faster(noisy("y", 9.0, 1.0, 9.0), noisy("x", 2.0), 0.5, **words)
    assert order == ["y", "x"] * 3
    with pytest.raises(CheckFailed, match="0.5 times as long as x"):
        check.faster(noisy("y", 1.0), noisy("x", 9.0, 9.0, 2.0), 0.4, **words)
    with pytest.raises(CheckFailed, match="y takes 1,300 times"):
        check.faster(noisy("y", 1.0), noisy("x", 0.0008), 0.4, **words)
    with pytest.raises(CheckFailed, match="times as long"):  # a clock too coarse for the other
        check.faster(noisy("y", 1.0), noisy("x", 0.0), 0.4, **words)


def test_faster_on_real_code():
    x = np.ones(100_000)

    def loop():
        return sum(float(value) for value in x)

    check.faster(x.sum, loop, 0.5, "your sum", "a loop", "a loop")  # takes about 1/300
    with pytest.raises(CheckFailed, match="the likely cause is a Python loop"):
        check.faster(loop, x.sum, 2, "your sum", "x.sum()", "a Python loop")


def test_unchanged():
    x = np.array([np.nan, 1.0])
    with check.unchanged(x=x):
        x + 1
    with pytest.raises(CheckFailed, match="x was changed"), check.unchanged(x=x):
        x[0] = 2


def test_that_and_raises():
    with pytest.raises(CheckFailed, match="so it is"):
        check.that([], "so it is")
    with pytest.raises(CheckFailed, match="refuse"):
        check.raises(ValueError, lambda: None, "please refuse")


def test_ipython_shows_the_sentence_alone():
    assert CheckFailed("dx is wrong.")._render_traceback_() == ["Not right yet: dx is wrong."]
