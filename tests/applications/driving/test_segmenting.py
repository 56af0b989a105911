import numpy as np

from dlcourse.applications.driving import (
    RoadPictures,
    as_input,
    confusion,
    draw_batch,
    segment_with,
    segnet_gradients,
)
from dlcourse.models import SegNet
from dlcourse.optim import Adam
from dlcourse.training import Loop, descent


def pictures():
    """Two classes that differ in brightness, in blocks."""
    classes = np.zeros((4, 96, 96), np.uint8)
    classes[:, 20:70, 30:60] = 1
    frames = np.repeat(np.where(classes, 200, 60)[..., None], 3, axis=3).astype(np.uint8)
    return RoadPictures(frames, classes)


def test_batches_go_by_their_generator_and_leave_the_pictures_alone():
    made = pictures()
    before = made.frames.copy()
    a = draw_batch(made, 6, np.random.default_rng(2))
    b = draw_batch(made, 6, np.random.default_rng(2))
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])
    np.testing.assert_array_equal(made.frames, before)
    left = {int(np.flatnonzero(classes[40])[0]) for classes in a[1]}
    assert left == {30, 36}  # some are mirrored


def test_a_few_steps_teach_it():
    made = pictures()
    model = SegNet(5, ((8,), (8,)), rng=np.random.default_rng(0))
    step = descent(segnet_gradients(model, made, 4, seed=0), Adam(model.parameters(), lr=0.01))
    losses = Loop(step, {"model": model}, progress=False).run(25)["loss"]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    counts = confusion(segment_with(model), made.frames, made.classes)
    assert counts.sum() == made.classes.size
    assert counts[1, 1] > 0.7 * counts[1].sum()
    assert as_input(made.frames).dtype == np.float32
