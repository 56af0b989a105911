"""One end of the pipe between judge and worker: calls that go out, and calls that come in."""

from __future__ import annotations

import itertools
import threading
import types
from typing import Any

import numpy as np

from dlcourse.grading.crossing import Crossing
from dlcourse.grading.errors import error_in, error_out
from dlcourse.grading.stand import METHOD, Bound
from dlcourse.grading.wire import Channel, Closed, Malformed, Message

#: What is called and has no attributes to look at.
_CALLED = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
    np.ufunc,
    Bound,
)


class Endpoint:
    """Asks the other side, and serves what it asks meanwhile.

    A message is ``[thread, verb, target, name, values, news, more]``: the verb is one of ``call``,
    ``get``, ``set``, and ``back`` or ``error`` for an answer. The judge's threads have numbers from
    0 up, the same on both sides; a thread that the learner's code starts has one below 0.

    Parameters
    ----------
    first : int
        See `Crossing`.
    """

    #: Errors that end the conversation; others are answers.
    passing: tuple[type[BaseException], ...] = (Closed, Malformed)

    def __init__(self, first: int) -> None:
        self.crossing = Crossing(first, self)
        self._lock, self._sending = threading.RLock(), threading.RLock()
        self._threads = threading.local()
        self._numbers = itertools.count(1)
        self.channel: Channel

    # -- asking --------------------------------------------------------------------------

    def call(self, number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of the other side's object."""
        return self.ask("call", number, name, args, kwargs)

    def get(self, number: int, name: str) -> Any:
        """Return an attribute of it; `METHOD` if it is one to be called."""
        found = self.ask("get", number, name)
        return METHOD if found is ... else found

    def set(self, number: int, name: str, value: Any) -> None:
        """Set an attribute of it."""
        self.ask("set", number, name, value)

    def ask(self, verb: str, target: Any, name: str, *values: Any) -> Any:
        """Send a request and wait for its answer."""
        thread = self.thread()
        self._send(thread, verb, target, name, values, self.before(verb))
        while True:
            message = self.channel.receive(thread)
            if message[1] not in ("back", "error"):
                self.serve(message)
                continue
            _, verb, _, _, values, _, more = message
            if len(values) != 1:
                raise Malformed("an answer that is none")
            self.after(more)
            if verb == "error":
                error = error_in(values[0])
                if isinstance(error, StopIteration) and name != "__next__":
                    raise RuntimeError("StopIteration was raised")  # it would end a loop in silence
                raise error
            return values[0]

    def before(self, verb: str) -> Any:
        """Return what a request brings along: nothing, unless overridden."""
        return None

    def after(self, more: Any) -> None:
        """Take over what an answer brought along."""

    def thread(self) -> int:
        """Return the number of the running thread."""
        if not hasattr(self._threads, "number"):
            self._threads.number = self.new_thread()
        number: int = self._threads.number
        return number

    def new_thread(self) -> int:
        """Return a number for a thread that has none."""
        return next(self._numbers)

    # -- serving -------------------------------------------------------------------------

    def serve(self, message: Message) -> None:
        """Do what the other side asks, and answer."""
        thread, verb, target, name, values, _, more = message
        mine, self._threads.number = self.thread(), thread
        try:
            self.begin(more)
            try:
                result = self.answer(verb, target, name, values)
                verb = "back"
            except self.passing:
                raise
            except BaseException as error:
                verb, result = "error", error_out(error)
            # What is not kept by anybody is forgotten with this answer.
            message[:] = values[:] = ()
            more = self.end()
            try:
                self._send(thread, verb, None, None, [result], more)
            except self.passing:
                raise
            except Exception as error:  # what was returned cannot be handed over
                self._send(thread, "error", None, None, [error_out(error)], more)
        finally:
            self._threads.number = mine

    def begin(self, more: Any) -> None:
        """Take over what a request brought along."""

    def end(self) -> Any:
        """Return what an answer brings along."""
        return None

    def answer(self, verb: str, target: Any, name: Any, values: list[Any]) -> Any:
        """Return what a request asks for."""
        owner = self.target(target)
        if not isinstance(name, str):
            raise Malformed("a name that is no text")
        self.allow(owner, verb, name)
        return self.do(owner, verb, name, values)

    def do(self, owner: Any, verb: str, name: str, values: list[Any]) -> Any:
        """Return what a request asks of an object, which it may."""
        if verb == "get":
            found = getattr(owner, name)
            return ... if isinstance(found, _CALLED) else found
        if verb == "set":
            setattr(owner, name, values[0])
            return None
        if verb != "call" or len(values) != 2:
            raise Malformed("a request that is not known")
        args, kwargs = values
        values[:] = ()
        if name == "__call__":
            return owner(*args, **kwargs)
        if name == "__array_ufunc__":
            args = (_ufunc(args[0]), *args[1:])
        elif name == "__array_function__":
            args = (_Named(args[0]),)
        return getattr(owner, name)(*args, **kwargs)

    def target(self, target: Any) -> Any:
        """Return what a request is about."""
        return self.crossing.own(target)

    def allow(self, owner: Any, verb: str, name: str) -> None:
        """Raise an error for what the other side may not ask."""

    # -- messages ------------------------------------------------------------------------

    def _send(self, thread: int, verb: str, target: Any, name: Any, values: Any, more: Any) -> None:
        # In the order in which they are packed; but what arrives must not wait until it is sent.
        with self._sending:
            with self._lock:
                coded, news, raw = self.crossing.pack(*values)
            self.channel.send([thread, verb, target, name, coded, news, more], raw)

    def opened(self, message: Message, raw: memoryview) -> Message:
        """Return a message with its values, for the channel."""
        if len(message) != 7 or not isinstance(message[4], list):
            raise Malformed("a message of another form")
        with self._lock:
            message[4] = self.crossing.unpack(message[4], message[5], raw)
        return message


class _Named:
    """A function of NumPy, as far as a message about it needs it."""

    def __init__(self, name: str) -> None:
        self.__name__ = name


def _ufunc(name: Any) -> np.ufunc:
    found = getattr(np, name) if isinstance(name, str) else None
    if not isinstance(found, np.ufunc):
        raise Malformed("a function that NumPy does not have")
    return found
