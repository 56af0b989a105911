"""To look at a network (scores, samples, captions, a summary) leaves it as it was.

Its modes stay, part by part, and a backward pass that is still to come gives the same bits. So do
the modes of parts when a step of a training is made.
"""

import numpy as np
import pytest
from small_networks import (
    BOXES,
    DIGITS,
    GRADIENTS,
    LABELS,
    NETWORKS,
    ROAD,
    SCENES,
    SCHEDULE,
    VOCABULARY,
    game,
    images,
    rng,
)
from states import copied
from threadpoolctl import threadpool_limits

from dlcourse import models, nn
from dlcourse.applications.captioning import beam_search, evaluate_nic, greedy
from dlcourse.applications.captioning.training import speaking_gradients
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_detect
from dlcourse.applications.detection.rcnn import region_features
from dlcourse.applications.driving.training import segment_with
from dlcourse.applications.generation.denoising import ddpm_path, sample_diffusion
from dlcourse.applications.generation.latent import generate, latent_vectors
from dlcourse.applications.generation.scores import look
from dlcourse.applications.generation.vae import reconstruct, sample_vae
from dlcourse.applications.segmentation import evaluate_fcn
from dlcourse.models.summary import summary
from dlcourse.training import profile

LOOKS = {
    "predict": ("convnet", lambda net: net.predict(DIGITS)),
    "predict one": ("convnet", lambda net: net.predict(DIGITS[:1])),
    "accuracy": ("convnet", lambda net: net.accuracy(DIGITS, LABELS)),
    "accuracy of layers": ("layers", lambda net: net.accuracy(DIGITS, LABELS)),
    "predict with branches": ("googlenet", lambda net: net.predict(images(3, 3, 64, 64))),
    "ensemble": ("convnet", lambda net: models.Ensemble([net, net]).accuracy(DIGITS, LABELS)),
    "summary": ("convnet", lambda net: summary(net, (1, 28, 28))),
    "profile": ("convnet", lambda net: profile(net, DIGITS, repeats=1)),
    "profile in evaluation": (
        "convnet",
        lambda net: profile(net, DIGITS, repeats=1, training=False),
    ),
    "judge": ("judge", lambda net: look(DIGITS, net)),
    "fcn": ("fcn", lambda net: net.predict(images(1, 3, 64, 32))),
    "evaluate fcn": ("fcn", lambda net: evaluate_fcn(net, SCENES)),
    "segnet": ("segnet", lambda net: net.predict(images(1, 3, 8, 8))),
    "segment": ("segnet", lambda net: segment_with(net)(ROAD.frames)),
    "sample vae": ("vae", lambda net: sample_vae(net, 2, rng())),
    "reconstruct": ("vae", lambda net: reconstruct(net, DIGITS)),
    "generate": ("generator", lambda net: generate(net, latent_vectors(3, 8, rng()))),
    "sample diffusion": (
        "unet",
        lambda net: sample_diffusion(net, SCHEDULE, 2, rng(), steps=2, shape=(1, 8, 8)),
    ),
    "ddpm": ("unet", lambda net: [*ddpm_path(net, images(1, 1, 8, 8), SCHEDULE, rng())]),
    "greedy": ("nic", lambda net: greedy(net, SCENES[0].image, most=3)),
    "beam search": ("nic", lambda net: beam_search(net, SCENES[0].image, width=2, most=3)),
    "evaluate nic": ("nic", lambda net: evaluate_nic(net, SCENES, VOCABULARY, width=1)),
    "stages of nic": (
        "nic",
        lambda net: speaking_gradients(net, SCENES, VOCABULARY, batch_size=2, seed=0),
    ),
    "features of regions": ("region net", lambda net: region_features(net, SCENES[0].image, BOXES)),
    "detect": ("fast rcnn", lambda net: fast_rcnn_detect(net, SCENES[0].image, BOXES)),
}


def freeze_a_part(net):
    """Put the first part that a mode changes into evaluation, and return the network."""
    frozen = next(
        (m for _, m in net.named_modules() if isinstance(m, nn.BatchNorm2d | nn.Dropout)), None
    )
    (frozen or [*net.named_modules()][-1][1]).eval()
    return net


def gradients(net, inputs, look=None):
    net.zero_grad()
    net.set_generator(rng(1))
    y = net(*inputs)
    if look is not None:
        modes = net.modes()
        look(net)
        assert net.modes() == modes and not all(modes)
    dy = type(y)(*map(np.ones_like, y)) if isinstance(y, tuple) else np.ones_like(y)
    dx = net.backward(dy)
    several = dx if isinstance(dx, tuple) else (dx,)
    return [*several, *(parameter.grad for parameter in net.parameters())]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", LOOKS)
def test_looking_changes_no_mode_and_no_backward_pass(name, threads):
    kind, look = LOOKS[name]
    build, inputs = NETWORKS[kind]
    with threadpool_limits(threads, user_api="blas"):
        right = gradients(freeze_a_part(build()), inputs)
        found = gradients(freeze_a_part(build()), inputs, look)
    for a, b in zip(found, right, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_step_of_a_training_leaves_what_is_frozen_frozen(name):
    net = freeze_a_part(NETWORKS[name][0]())
    before, modes = copied(net), net.modes()
    GRADIENTS[name](net)(0)
    assert net.modes() == modes
    frozen = [key for key, module in net.named_modules() if not module.training]
    for key in frozen:
        for part, array in dict(net.named_modules())[key].state_dict().items():
            np.testing.assert_array_equal(array, before[f"{key}.{part}"])
    net.eval()
    GRADIENTS[name](net)(1)  # a network in evaluation is trained as a whole
    assert all(net.modes())


def test_two_networks_in_turns_leave_what_is_frozen_frozen():
    loop, *networks = game(2 * DIGITS - 1, batch_size=4)
    for net in networks:
        freeze_a_part(net)
    modes = [net.modes() for net in networks]
    loop.run(1)
    assert [net.modes() for net in networks] == modes
