"""Ways to train one network on many workers, written as messages: to read, to run, to compare."""

from dlcourse.lessons.schemes.accumulation import accumulated
from dlcourse.lessons.schemes.asynchronous import (
    Server,
    Update,
    asynchronous_sgd,
    asynchronous_threads,
)
from dlcourse.lessons.schemes.compression import Float16, TopK
from dlcourse.lessons.schemes.gradients import (
    Average,
    Compute,
    Stepper,
    gradients,
    join,
    ring_average,
    split,
)
from dlcourse.lessons.schemes.local_sgd import local_sgd
from dlcourse.lessons.schemes.synchronous import synchronous_sgd

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
