"""What a record says of a training in steps."""

import numpy as np

from dlcourse.nn import Linear, MSELoss
from dlcourse.zoo.steps import train_in_steps


def test_seconds_are_those_of_the_whole_training(tmp_path):
    def trained():
        line, loss = Linear(1, 1, rng=np.random.default_rng(0)), MSELoss()

        def gradients(number):
            value = loss(line(np.ones((2, 1))), np.zeros((2, 1)))
            line.backward(loss.backward())
            return value

        return train_in_steps(
            line, {}, gradients, 3, tmp_path, lr=0.1, recipe={}, seed=0, progress=False
        )

    first, again = trained(), trained()
    # It found all steps done, and tells how long they took then.
    assert first.seconds == again.seconds >= 0 and first.training == again.training
