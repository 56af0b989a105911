"""How fast training on many workers would be: closed formulas, and a simulation by events.

Both know latency, bandwidth and computing time. The simulation runs what an algorithm really sends
and receives, message by message; in tests the two agree.
"""

from dlcourse.lessons.simulator.formulas import (
    SECONDS,
    parameter_server_seconds,
    recursive_doubling_seconds,
    ring_seconds,
    tree_seconds,
)
from dlcourse.lessons.simulator.network import Network
from dlcourse.lessons.simulator.recording import Call, Half, Recorder, record
from dlcourse.lessons.simulator.replay import Message, Replay, replay
from dlcourse.lessons.simulator.scaling import Training, amdahl, gustafson, linear_scaling

__all__ = [
    "SECONDS",
    "Call",
    "Half",
    "Message",
    "Network",
    "Recorder",
    "Replay",
    "Training",
    "amdahl",
    "gustafson",
    "linear_scaling",
    "parameter_server_seconds",
    "record",
    "recursive_doubling_seconds",
    "replay",
    "ring_seconds",
    "tree_seconds",
]
