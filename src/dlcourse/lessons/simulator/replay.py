"""A simulation by events: when each message of a recorded algorithm begins and ends."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from dlcourse.lessons.simulator.network import Network
from dlcourse.lessons.simulator.recording import Call, Half

#: From (source, dest) to the halves that wait there, each with the time it was posted at.
Posts = defaultdict[tuple[int, int], deque[tuple[float, Half]]]


@dataclass(frozen=True)
class Message:
    """A message of a replay.

    Attributes
    ----------
    source, dest : int
        Its ranks.
    start, stop : int
        Which elements it carries.
    adds : bool
        Whether they are added to what the receiver has; they replace it otherwise.
    begin, end : float
        Seconds since the start.
    """

    source: int
    dest: int
    start: int
    stop: int
    adds: bool
    begin: float
    end: float


@dataclass(frozen=True)
class Replay:
    """What a simulation found: messages in the order in which they end, and when ranks finish.

    Attributes
    ----------
    messages : list of Message
    finish : list of float
        For each rank, in seconds.
    """

    messages: list[Message]
    finish: list[float]

    @property
    def seconds(self) -> float:
        """When the last rank is done."""
        return max(self.finish)


def replay(
    recordings: Sequence[Sequence[Call]],
    network: Network,
    bytes_per_element: float = 4,
    start: Sequence[float] | None = None,
) -> Replay:
    """Run recorded ranks against a clock.

    A message begins when its sender has come to its call and its receiver to its own, and takes
    ``network.seconds(...)``. A call ends when its messages do; then the rank goes on.

    Parameters
    ----------
    recordings : sequence of sequences of Call
        From `record`.
    network : Network
        How long messages take.
    bytes_per_element : float
        Bytes per element. A large number lets a short array stand for a large one.
    start : sequence of float, optional
        When each rank begins, in seconds; all at 0 when left out. A slow one makes all wait.

    Raises
    ------
    ValueError
        If ranks wait for each other forever, or do not agree on the length of a message.

    Examples
    --------
    >>> from dlcourse.lessons.all_reduce import ring_all_reduce
    >>> from dlcourse.lessons.simulator.recording import record
    >>> network = Network(latency=1.0, bandwidth=1.0)
    >>> replay(record(ring_all_reduce, size=4, length=4), network, bytes_per_element=2).seconds
    18.0
    """
    clocks = [0.0] * len(recordings) if start is None else [float(s) for s in start]
    if len(clocks) != len(recordings):
        raise ValueError(
            f"expected a start for each of {len(recordings)} ranks, found {len(clocks)}"
        )
    places = [0] * len(recordings)  # which call each rank has come to
    missing = [0] * len(recordings)  # how many messages of that call are not done
    sends: Posts = defaultdict(deque)
    recvs: Posts = defaultdict(deque)
    messages: list[Message] = []
    ready = deque(range(len(recordings)))

    def match(channel: tuple[int, int]) -> None:
        """Carry the next message of a channel, once both ends have come to it."""
        if not (sends[channel] and recvs[channel]):
            return
        (sent, out), (asked, into) = sends[channel].popleft(), recvs[channel].popleft()
        if out.stop - out.start != into.stop - into.start:
            raise ValueError(
                f"rank {channel[0]} sends {out.stop - out.start} elements to rank {channel[1]}, "
                f"which expects {into.stop - into.start}"
            )
        begin = max(sent, asked)
        end = begin + network.seconds((out.stop - out.start) * bytes_per_element)
        messages.append(Message(*channel, out.start, out.stop, into.adds, begin, end))
        for rank in channel:
            missing[rank] -= 1
            ends[rank] = max(ends[rank], end)
            if missing[rank] == 0:
                clocks[rank] = ends[rank]
                places[rank] += 1
                ready.append(rank)

    ends = list(clocks)
    while ready:
        rank = ready.popleft()
        if places[rank] == len(recordings[rank]):
            continue
        call = recordings[rank][places[rank]]
        missing[rank] = (call.send is not None) + (call.recv is not None)
        if call.send is not None:
            sends[rank, call.send.other].append((clocks[rank], call.send))
            match((rank, call.send.other))
        if call.recv is not None:
            recvs[call.recv.other, rank].append((clocks[rank], call.recv))
            match((call.recv.other, rank))

    stuck = [r for r, place in enumerate(places) if place < len(recordings[r])]
    if stuck:
        raise ValueError(
            f"ranks {', '.join(map(str, stuck))} wait forever for each other's messages: "
            "where two send to each other, one must receive first, or both use sendrecv"
        )
    messages.sort(key=lambda m: (m.end, m.source, m.dest))
    return Replay(messages, clocks)
