import copy

import numpy as np
import pytest

from dlcourse.applications.generation import AdversarialLoop, discriminator_loss, generator_loss
from dlcourse.models import DCGANDiscriminator, DCGANGenerator
from dlcourse.training import TrainingDiverged

IMAGES = np.random.default_rng(1).uniform(-1, 1, (20, 1, 28, 28)).astype(np.float32)


def make(checkpoint=None, stop_at=None, **options):
    rng = np.random.default_rng(0)
    networks = DCGANGenerator(6, 2, rng=rng), DCGANDiscriminator(2, rng=rng)

    class Interrupted(AdversarialLoop):
        def step(self, number):
            if number == stop_at:
                raise KeyboardInterrupt
            return super().step(number)

    return Interrupted(
        *networks, IMAGES, checkpoint=checkpoint, progress=False,
        **{"batch_size": 8, "watch_every": 2, **options},
    )  # fmt: skip


def arrays(loop):
    return [*loop.generator.state_dict().values(), *loop.discriminator.state_dict().values()]


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
    for still, falling in (("generator", 0), ("discriminator", 1)):
        loop = make(lr=0.01)
        loop.optimizers[still].lr = 0.0
        before = copy.deepcopy(arrays(loop))
        losses = [loop.step(0)[falling] for _ in range(8)]
        assert losses[-1] < losses[0]
        changed = [not np.array_equal(a, b) for a, b in zip(before, arrays(loop), strict=True)]
        parameters = {id(p.data) for p in getattr(loop, still).parameters()}
        for array, has_changed in zip(arrays(loop), changed, strict=True):
            assert not (has_changed and id(array) in parameters)


def test_every_image_comes_once_an_epoch():
    loop = make()
    first = np.concatenate([loop._chosen(k) for k in range(2)])
    second = np.concatenate([loop._chosen(k) for k in range(2, 4)])
    assert len(set(first)) == len(set(second)) == 16
    assert first.tolist() != second.tolist()


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path):
    def watch(makes, step):
        return {"mean": float(makes.main[0].weight.data.mean())}

    whole = make(watch=watch)
    history = whole.run(5)
    assert [look["step"] for look in whole.watched] == [0, 2, 4, 5]
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "gan.npz", stop_at=3, watch=watch).run(5)
    resumed = make(tmp_path / "gan.npz", watch=watch)
    assert resumed.run(5) == history
    assert resumed.watched == whole.watched
    for a, b in zip(arrays(resumed), arrays(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    make(tmp_path / "gan.npz").run(2)
    with pytest.raises(ValueError, match="with seed 0, expected 1"):
        make(tmp_path / "gan.npz", seed=1).run(2)


def test_wrong_images_and_bad_losses_say_what_is_wrong():
    rng = np.random.default_rng(0)
    networks = DCGANGenerator(6, 2, rng=rng), DCGANDiscriminator(2, rng=rng)
    with pytest.raises(ValueError, match=r"at least 64 of them, found \(20, 1, 28, 28\)"):
        AdversarialLoop(*networks, IMAGES)
    with pytest.raises(ValueError, match=r"from 0 to 1 take 2 \* images - 1"):
        AdversarialLoop(*networks, abs(IMAGES), batch_size=2)
    loop = make()
    loop.generator.main[0].weight.data[:] = np.nan
    with pytest.raises(TrainingDiverged, match="in step 1: try a smaller learning rate"):
        loop.run(1)
