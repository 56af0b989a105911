"""What the lessons say of a setting or an input that cannot be."""

import numpy as np
import pytest
import told

from dlcourse.lessons.schemes import TopK, accumulated, asynchronous_sgd, local_sgd, synchronous_sgd
from dlcourse.lessons.simulator import Network, Training, amdahl, gustafson, linear_scaling
from dlcourse.nn import Parameter
from dlcourse.optim import SGD

W = Parameter(np.zeros(2, np.float32))
NETWORK = Network(latency=3e-5, bandwidth=1.25e9)


def training(seconds_per_image=1e-3, **options):
    return Training(seconds_per_image, 1e8, NETWORK, **options)


TOLD = """
synchronous_sgd(None, [W], SGD([W]), lambda step: 0.0, 1)
    ValueError: 1 of 1 parameters have no gradient
local_sgd(None, [], None, None, 10, 3)  # ValueError: found 10 steps with a period of 3
local_sgd(None, [], None, None, 10, 0)  # ValueError: found 10 steps with a period of 0
accumulated([], lambda i: 0.0, 0)  # ValueError: parts must be at least 1, found 0
asynchronous_sgd(None, [W], None, 0, 1, None)  # ValueError: workers must be at least 1, found 0
TopK(0)  # ValueError: share must be above 0 and at most 1
TopK(1.5)  # ValueError: share must be above 0 and at most 1
TopK(np.nan)  # ValueError: share must be above 0 and at most 1
Network(-1, 1)  # ValueError: latency of 0 seconds or more
Network(0, 0)  # ValueError: latency of 0 seconds or more
Network(np.nan, 1)  # ValueError: latency of 0 seconds or more
Network(0, np.nan)  # ValueError: latency of 0 seconds or more
training(all_reduce="star")
    ValueError: must be one of parameter server, tree, recursive doubling, ring; found 'star'
training(overlap=1.5)  # ValueError: overlap must lie from 0 to 1, found 1.5
training(seconds_per_image=0)  # ValueError: seconds_per_image above 0
amdahl(1.1, 2)  # ValueError: from 0 to 1, found 1.1
gustafson(-0.1, 2)  # ValueError: from 0 to 1, found -0.1
linear_scaling(0.1, 0)  # ValueError: at least 1 image, found 0 and 256
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)
