"""`cupy.cuda` in so far as the package uses it: streams, events, pinned memory, the pool.

Work is done at once, in the order of the program. What a real device does later is tracked: memory
knows the stream and the moment of its last write and of the reads since. Using it on another
stream, or on the host, before anything has waited for that moment raises `DataRace`. So a
forgotten ``wait_event`` fails here, as it would now and then on a GPU.
"""

import time
import types

import numpy as np

_ALIGNMENT = 512  # the real pool rounds up to it


class DataRace(AssertionError):
    """An array is used while another stream may still be writing it."""


class Address(int):
    """An address for functions in C, which still knows what lies there."""

    def __new__(cls, number, owner):
        address = super().__new__(cls, number)
        address.owner = owner
        return address


class Stream:
    """A queue of work. `moment` counts what was put into it, `seen` what it has waited for."""

    null: "Stream"

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.moment = 0
        self.seen = {}

    def __enter__(self):
        _stack.append(self)
        return self

    def __exit__(self, *exception):
        _stack.pop()

    def use(self):
        _stack[-1] = self
        return self

    def record(self, event=None):
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event):
        for stream, moment in event.after.items():
            self.seen[stream] = max(moment, self.seen.get(stream, 0))

    def synchronize(self):
        host_waits_for({**self.seen, self: self.moment})

    @property
    def ptr(self):
        return Address(id(self), self)

    @property
    def done(self):
        return True


class Event:
    """A mark in a stream. Its time is that of the host: the work before it is already done."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.disable_timing = disable_timing
        self.after = {}
        self.time = None

    def record(self, stream=None):
        stream = get_current_stream() if stream is None else stream
        self.after = {**stream.seen, stream: stream.moment}
        self.time = time.perf_counter()

    def synchronize(self):
        host_waits_for(self.after)

    @property
    def done(self):
        return True


def get_elapsed_time(start_event, end_event):
    """Milliseconds; like the real one it refuses events that were not recorded or do not time."""
    for event in (start_event, end_event):
        if event.time is None or event.disable_timing:
            raise RuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
        if any(_host.get(stream, 0) < moment for stream, moment in event.after.items()):
            raise RuntimeError("cudaErrorNotReady: device not ready")
    return (end_event.time - start_event.time) * 1000


def get_current_stream(device_id=-1):
    return _stack[-1]


def written(memory):
    """Note that the current stream writes some memory now, and check that it may."""
    stream = get_current_stream()
    for reader, moment in memory.readers.items():
        if reader is not stream and not _waited_for(stream, reader, moment):
            raise DataRace("an array is overwritten while another stream may still be reading it")
    stream.moment += 1
    memory.stream, memory.moment, memory.readers = stream, stream.moment, {}


def used(memory):
    """Note that the current stream reads some memory now, and check that it may."""
    stream = get_current_stream()
    if memory.stream not in (None, stream) and not _waited_for(
        stream, memory.stream, memory.moment
    ):
        raise DataRace("an array is used on a stream that did not wait for its last write")
    stream.moment += 1
    memory.readers[stream] = stream.moment


def _waited_for(stream, other, moment):
    return max(stream.seen.get(other, 0), _host.get(other, 0)) >= moment


def read_by_host(memory, stream):
    """The host waits for one stream, and reads what it must have written or waited for."""
    stream.synchronize()
    if memory.stream is not None and _host.get(memory.stream, 0) < memory.moment:
        raise DataRace("the host reads an array whose last write it did not wait for")


def host_waits_for(moments):
    for stream, moment in moments.items():
        _host[stream] = max(moment, _host.get(stream, 0))


class Memory:
    """Bytes on the device, counted in the pool until the last array on them is gone."""

    def __init__(self, size):
        self.size = -(-size // _ALIGNMENT) * _ALIGNMENT
        self.stream, self.moment, self.readers = None, 0, {}
        _pool.taken += self.size
        _pool.largest = max(_pool.largest, _pool.taken)

    def __del__(self):
        if _pool is not None:  # it is when the interpreter goes down
            _pool.taken -= self.size


class MemoryPool:
    """The real pool keeps what was freed; so `total_bytes` is the most that was taken."""

    def __init__(self):
        self.taken = self.largest = 0

    def used_bytes(self):
        return self.taken

    def total_bytes(self):
        return self.largest

    def free_bytes(self):
        return self.largest - self.taken

    def free_all_blocks(self, stream=None):
        self.largest = self.taken


def get_default_memory_pool():
    return _pool


class PinnedMemoryPointer(bytearray):
    """Host memory that the device can copy from while the processor goes on."""


def alloc_pinned_memory(size):
    return PinnedMemoryPointer(size)


def is_pinned(array):
    """Whether a NumPy array lies in pinned memory."""
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return isinstance(array, PinnedMemoryPointer)


class Device:
    def __init__(self, device=None):
        self.id = 0 if device is None else device
        self.compute_capability = "00"

    def synchronize(self):
        host_waits_for({_stack[-1]: _stack[-1].moment})


def _properties(device):
    return {"name": b"a double on the processor", "totalGlobalMem": 2**32, "major": 0, "minor": 0}


runtime = types.SimpleNamespace(
    getDeviceProperties=_properties,
    getDeviceCount=lambda: 1,
    runtimeGetVersion=lambda: 12090,
    driverGetVersion=lambda: 12090,
    memGetInfo=lambda: (2**32 - _pool.largest, 2**32),
)


def is_available():
    return True


_pool = MemoryPool()
Stream.null = Stream(null=True)
_stack = [Stream.null]
_host = {}  # what the host has waited for, by stream


def restart():
    """Begin with an empty stream, and nothing waited for."""
    Stream.null.__init__(null=True)
    _stack[:] = [Stream.null]
    _host.clear()
