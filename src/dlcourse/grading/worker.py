"""Inside the sandbox: runs the learner's cells, and answers the calls of the judge.

Tests never come here. Whatever happens in this process, the judge decides what it is worth.
"""

from __future__ import annotations

import sys
import threading
import warnings
from typing import Any

import numpy as np

from dlcourse.check import work
from dlcourse.grading import messages, shell
from dlcourse.grading.crossing import Crossing
from dlcourse.grading.endpoint import Endpoint
from dlcourse.grading.states import GlobalStates
from dlcourse.grading.wire import Channel, Closed, Malformed, Message

#: File descriptors that the sandbox leaves open.
INLET, OUTLET = 3, 4
#: How many warnings of one call are told.
_WARNINGS = 20


class _Names(Crossing):
    """The worker's tables, which know the names of the learner's notebook."""

    names: dict[str, Any]

    def variable(self, name: Any) -> Any:
        return self.names[name]


class Worker(Endpoint):
    """The learner's notebook, without its tests."""

    def __init__(self, inlet: int, outlet: int) -> None:
        super().__init__(1)
        self.channel = Channel(inlet, outlet, self.opened, self._deliver)
        self._threads.number = 0
        self._active = {0}
        self._warned: list[list[str]] = []
        self._states = GlobalStates()
        warnings.simplefilter("always")
        warnings.showwarning = self._warn
        self._begin_notebook()

    def run(self) -> None:
        """Serve until the judge is gone."""
        while True:
            self.serve(self.channel.receive(0))

    def _begin_notebook(self) -> None:
        self.names = shell.begin()
        self.crossing = _Names(1, self)
        self.crossing.names = self.names

    def answer(self, verb: str, target: Any, name: Any, values: list[Any]) -> Any:
        """Run a cell, call what it defined, or do what a request asks of an object."""
        work.called = verb != "cell"
        if verb == "cell":
            return self._cell(name, *values)
        if verb == "begin":
            return self._begin_notebook()
        if verb == "call" and target is None:
            if name not in self.names:
                raise NameError(f"name {name!r} is not defined")
            args, kwargs = values
            values[:] = ()
            return self.names[name](*args, **kwargs)
        return super().answer(verb, target, name, values)

    def _cell(self, name: str, source: str) -> None:
        before = set(self.names)
        try:
            exec(compile(source, messages.CELL, "exec"), self.names)
        except BaseException as error:
            raise _CellFailed(messages.of_cell(error)) from None
        finally:
            for new in set(self.names) - before:
                value = self.names[new]
                if isinstance(value, type) and issubclass(value, tuple):
                    self.crossing.tuples[value.__name__] = value

    def new_thread(self) -> int:
        """Return the number of a thread that the learner's code has started."""
        number = -1 - next(self._numbers)
        self._active.add(number)
        return number

    def _deliver(self, message: Message) -> int | None:
        number: int = message[0]
        if number in self._active or message[1] in ("back", "error"):
            return number
        self._active.add(number)
        threading.Thread(target=self._serve_thread, args=(message,), daemon=True).start()
        return None

    def _serve_thread(self, message: Message | None) -> None:
        assert message is not None
        self._threads.number = number = message[0]
        while message is not None:
            self.serve(message)
            message = self.channel.leave(number, self._active.discard)

    # -- what is not an argument and yet is part of a call ------------------------------

    def begin(self, more: Any) -> None:
        """Take over the judge's random states, and what NumPy says of overflows there."""
        if more is not None:
            errors, states = more
            np.seterr(**(errors or {"all": "warn", "under": "ignore"}))
            self._states.take(states)

    def end(self) -> Any:
        """Return the random states if they have changed, and the warnings."""
        if self._threads.number != 0:
            return None
        warned, self._warned = self._warned, []
        changed = self._states.changed()
        return [changed, warned] if changed or warned else None

    def _warn(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if len(self._warned) < _WARNINGS:
            self._warned.append([category.__name__, str(message)[:500]])


class _CellFailed(Exception):
    """A cell of the learner's failed; the text says how."""


def main() -> None:
    """Serve the judge on the two descriptors that the sandbox leaves open."""
    try:
        Worker(INLET, OUTLET).run()
    except (Closed, Malformed):
        sys.exit(0)


if __name__ == "__main__":
    main()
