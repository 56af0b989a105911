"""To look at a network (scores, samples, captions, a summary) leaves it as it was.

Its modes stay, part by part, and a backward pass that is still to come gives the same bits. So do
the modes of parts when a step of a training is made.
"""

import numpy as np
import pytest
from states import copied
from threadpoolctl import threadpool_limits

from dlcourse import models, nn, precision
from dlcourse.applications.captioning import (
    Vocabulary,
    beam_search,
    evaluate_nic,
    greedy,
    nic_steps,
)
from dlcourse.applications.captioning.training import speaking_steps
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_detect, fast_rcnn_steps
from dlcourse.applications.detection.rcnn import fine_tuning_steps, region_features
from dlcourse.applications.detection.regions import label_regions
from dlcourse.applications.driving.pictures import RoadPictures
from dlcourse.applications.driving.training import segment_with, segnet_steps
from dlcourse.applications.generation.adversarial import AdversarialLoop
from dlcourse.applications.generation.diffusion import (
    cosine_schedule,
    ddpm_path,
    diffusion_steps,
    sample_diffusion,
)
from dlcourse.applications.generation.latent import generate, latent_vectors
from dlcourse.applications.generation.scores import look
from dlcourse.applications.generation.vae import reconstruct, sample_vae, vae_steps
from dlcourse.applications.segmentation import evaluate_fcn, fcn_steps
from dlcourse.data.scenes import CLASSES, WORDS, load_scenes
from dlcourse.models.summary import summary
from dlcourse.training import profile


def rng(seed=0):
    return np.random.default_rng(seed)


def images(*shape):
    return rng(3).random(shape, dtype=np.float32)


SCENES = load_scenes("test", 3)
DIGITS, LABELS = images(23, 1, 28, 28), rng(2).integers(0, 10, 23)
VOCABULARY = Vocabulary(WORDS)
BOXES = np.array([[0, 0, 30, 30], [10, 20, 60, 50]], np.float32)
REGIONS = [label_regions(scene, np.concatenate([scene.boxes, BOXES])) for scene in SCENES]
SCHEDULE = cosine_schedule(5)
ROAD = RoadPictures(np.full((2, 96, 96, 3), 9, np.uint8), np.zeros((2, 96, 96), np.uint8))

#: How to build each network, and what it learns from.
NETWORKS = {
    "convnet": (
        lambda: models.StackedConvNet([(4,), (4,)], batch_norm=True, rng=rng()),
        (images(6, 1, 28, 28),),
    ),
    "judge": (lambda: models.DeepConvNet(rng=rng()), (images(6, 1, 28, 28),)),
    "layers": (
        lambda: precision.with_binary_weights(models.DeepConvNet(rng=rng())),
        (images(6, 1, 28, 28),),
    ),
    "googlenet": (
        lambda: models.GoogLeNet(10, aux_logits=False, rng=rng()),
        (images(2, 3, 64, 64),),
    ),
    "fcn": (lambda: models.FCN(len(CLASSES), rng=rng()), (images(2, 3, 64, 64),)),
    "segnet": (lambda: models.SegNet(5, ((6,), (8,)), rng=rng()), (images(2, 3, 8, 8),)),
    "vae": (lambda: models.VAE(3, rng=rng()), (images(4, 1, 28, 28),)),
    "generator": (lambda: models.DCGANGenerator(8, 4, rng=rng()), (images(3, 8, 1, 1),)),
    "unet": (
        lambda: models.UNet((8, 16), time_features=8, rng=rng()),
        (images(3, 1, 8, 8), np.arange(3)),
    ),
    "nic": (
        lambda: models.NIC(len(VOCABULARY), rng=rng()),
        (images(2, 3, 96, 96), rng().integers(0, 5, (4, 2))),
    ),
    "region net": (lambda: models.RegionNet(len(CLASSES), rng=rng()), (images(4, 3, 64, 64),)),
    "fast rcnn": (
        lambda: models.FastRCNN(len(CLASSES), rng=rng()),
        (images(2, 3, 64, 64), np.array([[0, 0, 0, 20, 30], [1, 5, 9, 60, 60]], np.float32)),
    ),
}

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
        lambda net: speaking_steps(net, SCENES, VOCABULARY, batch_size=2, seed=0),
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
    return [net.backward(dy), *(parameter.grad for parameter in net.parameters())]


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


STEPS = {
    "fcn": lambda net: fcn_steps(net, SCENES, 2, seed=0),
    "segnet": lambda net: segnet_steps(net, ROAD, 2, seed=0),
    "vae": lambda net: vae_steps(net, DIGITS, 4, seed=0),
    "unet": lambda net: diffusion_steps(net, images(4, 1, 8, 8), SCHEDULE, 2, seed=0),
    "nic": lambda net: nic_steps(net, SCENES, VOCABULARY, 2, seed=0),
    "region net": lambda net: fine_tuning_steps(net, REGIONS, seed=0, things=4, ground=4),
    "fast rcnn": lambda net: fast_rcnn_steps(net, REGIONS, seed=0, images=2, each=4),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_of_a_training_leaves_what_is_frozen_frozen(name):
    net = freeze_a_part(NETWORKS[name][0]())
    before, modes = copied(net), net.modes()
    STEPS[name](net)(0)
    assert net.modes() == modes
    frozen = [key for key, module in net.named_modules() if not module.training]
    for key in frozen:
        for part, array in dict(net.named_modules())[key].state_dict().items():
            np.testing.assert_array_equal(array, before[f"{key}.{part}"])
    net.eval()
    STEPS[name](net)(1)  # a network in evaluation is trained as a whole
    assert all(net.modes())


def test_two_networks_in_turns_leave_what_is_frozen_frozen():
    networks = models.DCGANGenerator(8, 4, rng=rng()), models.DCGANDiscriminator(4, rng=rng())
    for net in networks:
        freeze_a_part(net)
    modes = [net.modes() for net in networks]
    AdversarialLoop(*networks, 2 * DIGITS - 1, batch_size=4, progress=False).run(1)
    assert [net.modes() for net in networks] == modes
