"""Messages between judge and worker: JSON for the structure, raw bytes for arrays, no pickle.

A message is two numbers of eight bytes (how long the JSON and the raw bytes are), the JSON, and the
raw bytes. The JSON is a list; its first entry says of which thread the message is, since several
calls can be under way at once.
"""

from __future__ import annotations

import json
import os
import select
import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

#: Bytes of structure, and of arrays, that one message may have.
STRUCTURE, ARRAYS = 8 * 2**20, 256 * 2**20
#: Where messages wait that any thread may serve.
ANYBODY = -1
#: Messages that may wait for one thread, or for anybody.
_WAITING = 16
_HEAD = struct.Struct("<QQ")
#: Bytes to read or write at once: at most, and where a message is small.
_PIECE, _USUAL = 2**20, 2**16

_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_DECODE = json.JSONDecoder().decode

Message = list[Any]


class Closed(Exception):
    """The other side is not there any more."""


class Malformed(ValueError):
    """What arrived is no message of ours."""


class Channel:
    """Two pipes, on which each of several threads waits for the messages that are its own.

    Whoever waits first reads for all, so that no thread is needed that only reads.

    Parameters
    ----------
    inlet, outlet : int
        File descriptors to read from and to write to.
    open : callable
        Called with each message and its raw bytes, in the order of arrival; returns the message
        with its values.
    deliver : callable
        Called with each message that is not for the thread that read it; returns the number of the
        thread that it is for, `ANYBODY`, or None if it has been taken care of.
    wait : callable, optional
        Called with the descriptors to read from and to write to, whenever neither is possible;
        raises what should end the wait. Without it, reading and writing block.
    """

    def __init__(
        self,
        inlet: int,
        outlet: int,
        open: Callable[[Message, memoryview], Message],
        deliver: Callable[[Message], int | None],
        wait: Callable[[list[int], list[int]], None] | None = None,
    ) -> None:
        self._inlet, self._outlet = inlet, outlet
        self._open, self._deliver = open, deliver
        if wait:
            os.set_blocking(inlet, False)
            os.set_blocking(outlet, False)
        self._wait = wait or _select
        self._buffer = bytearray()
        self._turn = threading.Condition()
        self._reading = False
        self._arrived: dict[int, deque[Message]] = {}

    def send(self, message: Message, raw: list[bytes]) -> None:
        """Write a message; `raw` are the bytes of its arrays, one after another."""
        body = _ENCODE(message).encode()
        size = sum(map(len, raw))
        if len(body) > STRUCTURE or size > ARRAYS:
            raise ValueError("more data than one call may hand over")
        rest = memoryview(b"".join([_HEAD.pack(len(body), size), body, *raw]))
        while rest:
            try:
                rest = rest[os.write(self._outlet, rest[:_PIECE]) :]
            except BlockingIOError:
                self._wait_to_write()
            except OSError as error:
                raise Closed from error

    def receive(self, thread: int) -> Message:
        """Wait for the next message of a thread, or of one that anybody may serve."""
        while True:
            with self._turn:
                while self._reading and not self._has(thread):
                    self._turn.wait()
                if self._has(thread):
                    return self._arrived[thread if self._arrived.get(thread) else ANYBODY].popleft()
                self._reading = True
            others: Message | None = None
            try:
                message = self._open(*self._read_one())
                mine = message[0] == thread
                others = None if mine else message
            finally:
                # In one step: who looks for a message finds it, or reads on.
                with self._turn:
                    self._reading = False
                    self._turn.notify_all()
                    if others is not None:
                        self._hand_over(others)
            if mine:
                return message

    def _hand_over(self, message: Message) -> None:
        number = self._deliver(message)
        if number is not None:
            waiting = self._arrived.setdefault(number, deque())
            if len(waiting) >= _WAITING:
                raise Malformed("more messages than anybody waits for")
            waiting.append(message)

    def leave(self, thread: int, leaving: Callable[[int], object]) -> Message | None:
        """Return a message that has arrived for a thread; if there is none, call `leaving`."""
        with self._turn:
            if self._arrived.get(thread):
                return self._arrived[thread].popleft()
            leaving(thread)
            return None

    def _has(self, thread: int) -> bool:
        return bool(self._arrived.get(thread) or self._arrived.get(ANYBODY))

    def _read_one(self) -> tuple[Message, memoryview]:
        self._fill(_HEAD.size)
        structure, size = _HEAD.unpack_from(self._buffer)
        if structure > STRUCTURE or size > ARRAYS:
            raise Malformed("a message that is too large")
        middle = _HEAD.size + structure
        self._fill(middle + size)
        with memoryview(self._buffer) as view:
            body, raw = bytes(view[_HEAD.size : middle]), bytes(view[middle : middle + size])
        del self._buffer[: middle + size]
        try:
            message = _DECODE(body.decode())
        except (ValueError, RecursionError) as error:
            raise Malformed("a message that cannot be read") from error
        if not isinstance(message, list) or not message or not isinstance(message[0], int):
            raise Malformed("a message without a thread")
        return message, memoryview(raw)

    def _fill(self, size: int) -> None:
        """Read until this many bytes are there."""
        while len(self._buffer) < size:
            if not self._more(size - len(self._buffer)):
                self._wait([self._inlet], [])

    def _more(self, size: int) -> bool:
        """Read what there is; return whether there was something."""
        try:
            part = os.read(self._inlet, min(_PIECE, max(_USUAL, size)))
        except BlockingIOError:
            return False
        except OSError as error:
            raise Closed from error
        if not part:
            raise Closed
        self._buffer += part
        return True

    def _wait_to_write(self) -> None:
        # The other side may be writing too, and wait for us to read.
        with self._turn:
            mine = not self._reading
            self._reading = True
        try:
            free = mine and len(self._buffer) <= STRUCTURE + ARRAYS
            self._wait([self._inlet] if free else [], [self._outlet])
            if free:
                self._more(_PIECE)
        finally:
            if mine:
                with self._turn:
                    self._reading = False
                    self._turn.notify_all()


def _select(reading: list[int], writing: list[int]) -> None:
    select.select(reading, writing, [])
