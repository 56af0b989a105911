"""Small networks of every kind, with what they are looked at and trained by."""

import numpy as np

from dlcourse import models, precision
from dlcourse.applications.captioning import Vocabulary, nic_gradients
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_gradients
from dlcourse.applications.detection.rcnn import fine_tuning_gradients
from dlcourse.applications.detection.regions import label_regions
from dlcourse.applications.driving.pictures import RoadPictures
from dlcourse.applications.driving.training import segnet_gradients
from dlcourse.applications.generation.adversarial import adversarial_steps
from dlcourse.applications.generation.diffusion import cosine_schedule, diffusion_gradients
from dlcourse.applications.generation.vae import vae_gradients
from dlcourse.applications.segmentation import fcn_gradients
from dlcourse.data.scenes import CLASSES, WORDS, load_scenes
from dlcourse.optim import Adam
from dlcourse.training import Loop


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

#: Each training by gradients: the kind of network, and the function.
GRADIENTS = {
    "fcn": lambda net: fcn_gradients(net, SCENES, 2, seed=0),
    "segnet": lambda net: segnet_gradients(net, ROAD, 2, seed=0),
    "vae": lambda net: vae_gradients(net, DIGITS, 4, seed=0),
    "unet": lambda net: diffusion_gradients(net, images(4, 1, 8, 8), SCHEDULE, 2, seed=0),
    "nic": lambda net: nic_gradients(net, SCENES, VOCABULARY, 2, seed=0),
    "region net": lambda net: fine_tuning_gradients(net, REGIONS, seed=0, things=4, ground=4),
    "fast rcnn": lambda net: fast_rcnn_gradients(net, REGIONS, seed=0, images=2, each=4),
}


def game(images, batch_size, checkpoint=None, seed=0, width=4, **options):
    """Return the loop of a GAN with small networks, and these."""
    G, D = (
        models.DCGANGenerator(8, width, rng=rng(seed)),
        models.DCGANDiscriminator(width, rng=rng(1)),
    )
    state = {"G": G, "D": D}
    state |= {
        f"optimizer of {n}": Adam(m.parameters(), 2e-4, (0.5, 0.999)) for n, m in state.items()
    }
    step = adversarial_steps(*state.values(), images, batch_size, 0)
    return Loop(step, state, checkpoint=checkpoint, progress=False, **options), G, D
