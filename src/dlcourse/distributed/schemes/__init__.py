"""Ways to train one network on many workers, written as messages: to read, to run, to compare."""

from dlcourse.distributed.schemes.accumulation import accumulated
from dlcourse.distributed.schemes.asynchronous import (
    Server,
    Update,
    asynchronous_sgd,
    asynchronous_threads,
)
from dlcourse.distributed.schemes.compression import Float16, TopK
from dlcourse.distributed.schemes.gradients import (
    Average,
    Compute,
    Stepper,
    gradients,
    join,
    ring_average,
    split,
)
from dlcourse.distributed.schemes.local_sgd import local_sgd
from dlcourse.distributed.schemes.synchronous import synchronous_sgd

__all__ = [
    "Average",
    "Compute",
    "Float16",
    "Server",
    "Stepper",
    "TopK",
    "Update",
    "accumulated",
    "asynchronous_sgd",
    "asynchronous_threads",
    "gradients",
    "join",
    "local_sgd",
    "ring_average",
    "split",
    "synchronous_sgd",
]
