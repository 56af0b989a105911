import copy

import numpy as np
import pytest
from small_networks import game

from dlcourse.applications.generation import (
    adversarial_steps,
    discriminator_loss,
    generator_loss,
)
from dlcourse.models import DCGANDiscriminator, DCGANGenerator
from dlcourse.optim import Adam, StepLR
from dlcourse.training import TrainingDiverged

IMAGES = np.random.default_rng(1).uniform(-1, 1, (20, 1, 28, 28)).astype(np.float32)


def arrays(*networks):
    return [array for network in networks for array in network.state_dict().values()]


def test_gradients_of_the_losses():
    scores = np.random.default_rng(0).standard_normal(5)

    def slopes(loss):
        moved = (scores + 1e-6 * np.eye(5), scores - 1e-6 * np.eye(5))
        return [(loss(a)[0] - loss(b)[0]) / 2e-6 for a, b in zip(*moved, strict=True)]

    for loss in (
        lambda s: discriminator_loss(s, real=True),
        lambda s: discriminator_loss(s, real=False),
        generator_loss,
        lambda s: generator_loss(s, saturating=True),
    ):
        np.testing.assert_allclose(loss(scores)[1], slopes(loss), atol=1e-8)


def test_the_losses_are_those_of_the_game():
    scores = np.array([-1.0, 0.5])
    d = 1 / (1 + np.exp(-scores))
    assert discriminator_loss(scores, real=True)[0] == pytest.approx(-np.log(d).mean())
    assert discriminator_loss(scores, real=False)[0] == pytest.approx(-np.log(1 - d).mean())
    assert generator_loss(scores)[0] == pytest.approx(-np.log(d).mean())
    assert generator_loss(scores, saturating=True)[0] == pytest.approx(np.log(1 - d).mean())


def test_each_player_improves_against_the_other_standing_still():
    """With the other's learning rate at zero, a player's own loss falls on the same batch."""
    for still, learning in (("G", "discriminator_loss"), ("D", "generator_loss")):
        loop, *networks = game(IMAGES, 8)
        for name in "GD":
            loop.state[f"optimizer of {name}"].lr = 0.0 if name == still else 0.01
        before = copy.deepcopy(arrays(*networks))
        losses = [loop.step(0)[learning] for _ in range(8)]
        assert losses[-1] < losses[0]
        parameters = {id(p.data) for p in loop.state[still].parameters()}
        for old, array in zip(before, arrays(*networks), strict=True):
            assert np.array_equal(old, array) or id(array) not in parameters


def test_every_image_comes_once_an_epoch():
    seen = []

    class Discriminator(DCGANDiscriminator):
        def forward(self, x):
            seen.append(x)
            return super().forward(x)

    _, G, _ = game(IMAGES, 8)
    D = Discriminator(4, rng=np.random.default_rng(0))
    step = adversarial_steps(G, D, *(Adam(net.parameters()) for net in (G, D)), IMAGES, 8, 0)
    for number in range(4):
        step(number)
    real = seen[::3]  # in each step it sees real images, and twice the made ones
    first, second = np.concatenate(real[:2]), np.concatenate(real[2:])
    known = {image.tobytes() for image in IMAGES}
    for epoch in (first, second):
        shown = {image.tobytes() for image in epoch}
        assert len(shown) == 16 and shown <= known
    assert not np.array_equal(first, second)


def test_schedules_move_with_the_steps():
    rng = np.random.default_rng(0)
    networks = DCGANGenerator(6, 2, rng=rng), DCGANDiscriminator(2, rng=rng)
    adams = [Adam(net.parameters(), 0.1) for net in networks]
    schedules = [StepLR(adam, step_size=k) for k, adam in enumerate(adams, 1)]
    adversarial_steps(*networks, *adams, IMAGES, 8, 0, schedules=schedules)(1)
    assert [adam.lr for adam in adams] == [pytest.approx(0.01), 0.1]


def test_wrong_images_and_bad_losses_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"at least 64 of them, found \(20, 1, 28, 28\)"):
        game(IMAGES, 64)
    with pytest.raises(ValueError, match=r"from 0 to 1 take 2 \* images - 1"):
        game(abs(IMAGES), 2)
    loop, G, _ = game(IMAGES, 8)
    G.main[0].weight.data[:] = np.nan
    rates = "at a learning rate of 0.0002 and 0.0002"
    with pytest.raises(TrainingDiverged, match=f"discriminator loss became nan in step 1, {rates}"):
        loop.run(1)
