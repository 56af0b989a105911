"""A worker as the judge sees it: asked, served, watched, ended."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.check.calls import call, described, ended
from dlcourse.check.failure import CheckFailed
from dlcourse.check.speed import COMPUTED
from dlcourse.check.work import own_work
from dlcourse.grading.crossing import Crossing
from dlcourse.grading.endpoint import Endpoint
from dlcourse.grading.errors import CannotCross
from dlcourse.grading.hollow import ALL, Allowed
from dlcourse.grading.limits import Limits
from dlcourse.grading.patience import Patience, Watch
from dlcourse.grading.policy import may_ask
from dlcourse.grading.sandbox import Sandbox
from dlcourse.grading.shared import whole
from dlcourse.grading.states import GlobalStates
from dlcourse.grading.wire import ANYBODY, Channel, Closed, Malformed, Message


class Ended(Exception):
    """The worker is there no more; the text says why."""


class _Lent(Crossing):
    """The judge's tables, which know what the learner's code may change."""

    def __init__(self, asks: Endpoint, tuples: dict[str, type]) -> None:
        super().__init__(0, asks)
        self.tuples = tuples
        self.calls = threading.local()  # .arrays: numbers of arrays in the arguments of a call
        self.lent: Counter[int] = Counter()
        self.trespassed = False

    def method(self, number: Any, name: Any) -> Any:
        owner = self.own(number)
        if not isinstance(name, str) or not may_ask(owner, "get", name):
            raise Malformed("a method that is not its own")
        return getattr(owner, name)

    def handed(self, number: int) -> None:
        self.calls.arrays.append(number)
        self.lent[number] += 1

    def may_change(self, number: int) -> bool:
        """Return whether an array is the worker's, or in a call under way, or of a parameter."""
        owner = self._blocks[number].owner
        allowed = owner is None or self.lent[number] > 0 or self._of_parameter(owner)
        self.trespassed = self.trespassed or not allowed
        return allowed

    def _of_parameter(self, owner: np.ndarray) -> bool:
        arrays = (
            a for p in self._parameters.values() for a in (p.parameter.data, p.parameter.grad)
        )
        return any(isinstance(a, np.ndarray) and whole(a) is owner for a in arrays)

    def forget_objects(self) -> None:
        """Take back the objects of a test that is over."""
        self._own.clear()
        self._own_numbers.clear()


class Learner(Endpoint):
    """A worker, as the judge sees it.

    Parameters
    ----------
    sandbox : Sandbox
        How it is started.
    folder : Path
        Where its package lies.
    allowed : Allowed
        What of the finished code it may call.
    tuples : dict
        See `Crossing`.
    limits, patience
        What it may take.
    """

    passing = (Ended, Malformed, Closed, KeyboardInterrupt)

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        allowed: Allowed,
        tuples: dict[str, type],
        limits: Limits,
        patience: Patience,
    ) -> None:
        super().__init__(0)
        self._allowed = allowed
        self._threads.number = 0
        self._serving: set[int] = set()
        self.seconds = 0.0  # of this thread, to bring calls over and answers back
        self._served = 0.0  # of this thread, for what the learner's code asked
        self._asking: dict[int, int] = {}
        #: What the last call returned: when, the name of what was called, and what it was.
        self.returned: tuple[float, str, str] | None = None
        self._ended = ""
        self._states = GlobalStates()
        there, outlet = os.pipe()
        inlet, back = os.pipe()
        inside = Path("/package") if sandbox.name == "bubblewrap" else folder
        start = f"import sys; sys.path.insert(0, {str(inside)!r}); "
        start += "from dlcourse.grading.worker import main; main()"
        try:
            self._running = sandbox.start(
                [sys.executable, "-I", "-c", start],
                inlet=there,
                outlet=back,
                read_only={folder: inside},
                limits=limits,
            )
        finally:
            os.close(there)
            os.close(back)
        self._pipes = (inlet, outlet)
        self.channel = Channel(inlet, outlet, self.opened, self._deliver, self._wait)
        self.crossing: _Lent = _Lent(self, tuples)
        self._watch = Watch(patience, self.computed, self._running.runs)
        self.begin_time()

    def begin_notebook(self, tuples: dict[str, type]) -> None:
        """Begin another notebook, with no names in it."""
        self.ask("begin", None, "")
        self.crossing = _Lent(self, tuples)

    # -- time ----------------------------------------------------------------------------

    def begin_time(self) -> None:
        """Begin a cell or a test: its time starts now."""
        self._looked = time.monotonic()
        self._watch.begin()

    def computed(self) -> float:
        """Return the processor time of the worker so far, in seconds."""
        return self._running.computed()

    def _wait(self, reading: list[int], writing: list[int]) -> None:
        while not self._ended:
            # Also if there is always something to read: a byte now and then is no answer.
            if time.monotonic() - self._looked > 0.5:
                self._look()
            elif any(select.select(reading, writing, [], 0.5)):
                return
        raise Ended(self._ended)

    def _look(self) -> None:
        """End the worker if it has taken too long."""
        self._looked = time.monotonic()
        if reason := self._watch.look():
            self.stop(reason)

    def stop(self, why: str = "the marking is over") -> None:
        """End the worker and everything that it has started."""
        if not self._ended:
            self._ended = why
            self._running.end()

    def close(self) -> None:
        """End it, and close its pipes."""
        self.stop()
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                os.close(pipe)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ended

    # -- asking and serving --------------------------------------------------------------

    def ask(self, verb: str, target: Any, name: str, *values: Any) -> Any:
        """Ask the worker; whatever is no answer ends it."""
        if self._ended:
            raise Ended(self._ended)
        thread, crossing = self.thread(), self.crossing
        before, crossing.calls.arrays = getattr(crossing.calls, "arrays", []), []
        self._asking[thread] = self._asking.get(thread, 0) + 1
        self._watch.wait()
        try:
            start, served = COMPUTED(), self._served
            found = super().ask(verb, target, name, *values)
            self.seconds += COMPUTED() - start - (self._served - served)
            if verb == "call":
                self.returned = time.monotonic(), name, described(found)
            if crossing.trespassed:
                crossing.trespassed = False
                raise CheckFailed(
                    "An array of an earlier call was changed; work on a copy, because the array is "
                    "the caller's."
                )
            return found
        except CannotCross:
            raise
        except Malformed as error:
            self.stop(f"it answered with {error}")
        except (Closed, OSError):
            reason = self._running.how_it_ended()
            self.stop("the program ended" if "is running" in reason else reason)
        except Exception as error:
            if verb != "call":
                raise
            args, kwargs = values
            given = [*(("", value) for value in args), *kwargs.items()]
            told = ended(error, call(name, given))
            if told is error:
                raise
            raise told from error
        finally:
            self._asking[thread] -= 1
            crossing.lent.subtract(crossing.calls.arrays)
            crossing.calls.arrays = before
        raise Ended(self._ended)

    def _deliver(self, message: Message) -> int:
        number: int = message[0]
        if self._asking.get(number) or number in self._serving:
            return number
        if number >= 0 or message[1] in ("back", "error"):
            raise Malformed("a message that nobody waits for")
        return ANYBODY

    def serve(self, message: Message) -> None:
        """Do what the learner's code asks of an object of the tests."""
        number = message[0]
        self._serving.add(number)
        try:
            super().serve(message)
        finally:
            self._serving.discard(number)

    def answer(self, verb: str, target: Any, name: Any, values: list[Any]) -> Any:
        """Return what is asked, and note how long that took."""
        start = COMPUTED()
        try:
            return super().answer(verb, target, name, values)
        finally:
            self._served += COMPUTED() - start
            self._watch.wait()

    def do(self, owner: Any, verb: str, name: str, values: list[Any]) -> Any:
        """Return what is asked; what this code may not call, it may not let the judge call."""
        allowed = self._allowed
        if allowed == ALL:
            return super().do(owner, verb, name, values)
        with own_work(allowed.allowed, allowed.but_not):
            return super().do(owner, verb, name, values)

    def allow(self, owner: Any, verb: str, name: str) -> None:
        """Allow what is public, and of the operators only those of arrays."""
        if not may_ask(owner, verb, name):
            raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")

    # -- what is not an argument and yet is part of a call ------------------------------

    def before(self, verb: str) -> Any:
        """Bring along the random states, and what NumPy is to say of overflows."""
        if verb != "call" or self._threads.number != 0 or 0 in self._serving:
            return None
        changed = self._states.changed()
        errors = np.geterr()
        return [None if errors == _USUAL_ERRORS else errors, changed]

    def after(self, more: Any) -> None:
        """Take over the random states, and warn as the learner's code did."""
        if more is None:
            return
        try:
            changed, warned = more
            self._states.take(changed)
            found = [(_WARNINGS.get(kind, UserWarning), str(text)) for kind, text in warned[:20]]
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise Malformed("random states that are none") from error
        for kind, text in found:
            warnings.warn(text, kind, stacklevel=2)


_USUAL_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_WARNINGS = {
    kind.__name__: kind
    for kind in (UserWarning, RuntimeWarning, DeprecationWarning, FutureWarning, SyntaxWarning)
}
