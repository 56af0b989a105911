"""Run by test_bits.py in processes of their own: prints the bits of every kind of network.

A line each: a name and the hash of what came out. How many threads there are is for the
environment and the first argument to say, and no line may depend on it.
"""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from small_networks import DIGITS, GRADIENTS, LABELS, NETWORKS, game, images, rng

from dlcourse import models, nn, zoo
from dlcourse.applications.generation.scores import frechet_distance
from dlcourse.applications.rl.dqn import DQN
from dlcourse.applications.rl.replay import Transitions
from dlcourse.applications.style import StyleTransfer, gram_matrix, load_features, transfer_style
from dlcourse.blas import blas_threads
from dlcourse.data import Dataset
from dlcourse.data.augment import Elastic
from dlcourse.models.q_networks import MinAtarQNetwork, MLPQNetwork
from dlcourse.optim import Adam, clip_grad_norm_
from dlcourse.training import Trainer
from dlcourse.zoo.networks import MODELS


def digest(*arrays):
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()[:16]


def passes(net, inputs):
    """The outputs, the gradient of the input, and those of the parameters."""
    net.set_generator(rng(1))
    y = net(*inputs)
    ys = y if isinstance(y, tuple) else (y,)
    dy = type(y)(*map(np.ones_like, y)) if isinstance(y, tuple) else rng(4).random(y.shape, y.dtype)
    dx = net.backward(dy)
    dxs = [part for part in (dx if isinstance(dx, tuple) else (dx,)) if part is not None]
    grads = [p.grad for p in net.parameters() if p.grad is not None]
    norm = clip_grad_norm_(net.parameters(), 1.0)
    return digest(*ys, *dxs, *grads, np.float64(norm))


def classifier(name):
    return zoo.build(MODELS[name], rng())


def trained(net, workers=None, count=60, **options):
    data = Dataset(images(count, 1, 28, 28), rng(2).integers(0, 10, count), tuple("0123456789"))
    optimizer = Adam(net.parameters(), lr=0.01)
    options |= dict(workers=workers, batch_size=50, progress=False)
    Trainer(net, optimizer, **options).fit(data, epochs=1)
    return digest(*net.state_dict().values())


def steps(name):
    net = NETWORKS[name][0]()
    run = GRADIENTS[name](net)
    return digest(*(np.float64(run(i)) for i in range(2)), *net.state_dict().values())


def gan():
    loop, *networks = game(2 * images(40, 1, 28, 28) - 1, 40, width=16)
    loop.run(2)
    return digest(*(array for net in networks for array in net.state_dict().values()))


def q_network(net, shape):
    agent = DQN(net, Adam(net.parameters(), lr=0.01), target_every=2)
    for seed in range(3):
        draw = rng(seed)
        first, second = draw.integers(0, 2, (2, 32, *shape), np.uint8)
        actions, ended = draw.integers(0, 2, 32), draw.random(32) < 0.2
        agent.learn(Transitions(first, actions, draw.random(32), second, ended))
    return digest(*net.state_dict().values())


def style(optimizer):
    content, painting = images(1, 3, 64, 48), rng(9).random((1, 3, 48, 48), np.float32)
    loss = StyleTransfer(load_features("random"), content, painting)
    return digest(transfer_style(loss, content, 2, optimizer=optimizer, progress=False)[0])


CONVOLUTIONS = {  # large enough to be cut: with strides, groups, few channels, few windows
    "3x3": ((64, 64, 3, 1, 1), (8, 64, 20, 20)),
    "stride": ((32, 64, 3, 2, 1), (12, 32, 40, 38)),
    "groups": ((64, 64, 3, 1, 1, 1, 4), (20, 64, 33, 30)),
    "stride and groups": ((64, 64, 3, 2, 1, 1, 2), (20, 64, 40, 40)),
    "depthwise": ((64, 64, 3, 1, 1, 1, 64), (8, 64, 33, 30)),
    "few channels": ((3, 64, 7, 2, 3), (10, 3, 90, 94)),
    "one image": ((64, 64, 3, 1, 1), (1, 64, 56, 50)),
    "few windows": ((256, 512, 3, 1, 1), (1, 256, 9, 9)),
    "dilation": ((32, 48, 3, 1, 4, 2), (8, 32, 40, 40)),
}


def lines(workers):
    """Yield each name, and how to compute its hash."""
    for name in MODELS:
        yield f"training of {name}", lambda name=name: trained(classifier(name), workers)
    for name, (args, shape) in CONVOLUTIONS.items():
        layer = nn.Conv2d(*args, rng=rng())
        yield f"Conv2d, {name}", lambda layer=layer, shape=shape: passes(layer, [images(*shape)])
    up = nn.ConvTranspose2d(64, 32, 4, 2, 1, rng=rng())
    yield "ConvTranspose2d", lambda: passes(up, [images(20, 64, 24, 24)])
    linear = nn.Linear(3000, 500, rng=rng())
    yield "Linear", lambda: passes(linear, [images(100, 3000)])
    yield "BatchNorm2d", lambda: passes(nn.BatchNorm2d(32), [images(40, 32, 32, 32)])
    lstm = nn.LSTM(256, 256, rng=rng())
    yield "LSTM", lambda: passes(lstm, [images(5, 64, 256)])
    for name, (build, inputs) in NETWORKS.items():
        yield f"passes of {name}", lambda build=build, i=inputs: passes(build(), i)
    for name in GRADIENTS:
        yield f"steps of {name}", lambda name=name: steps(name)
    for name, build in {
        "alexnet": models.AlexNet,
        "resnet18": models.resnet18,
        "efficientnet": models.efficientnet_lite0,
    }.items():
        net = build(num_classes=10, rng=rng())
        yield f"passes of {name}", lambda net=net: passes(net, [images(4, 3, 96, 96)])
    points = rng().standard_normal((2, 300, 150))
    yield "steps of a GAN", gan
    q_networks = MLPQNetwork(300, 4, hidden=(500,), rng=rng()), MinAtarQNetwork(4, 4, rng=rng())
    yield "steps of an MLP by rewards", lambda: q_network(q_networks[0], (300,))
    yield "steps of a CNN by rewards", lambda: q_network(q_networks[1], (10, 10, 4))
    for optimizer in ("adam", "lbfgs"):
        yield f"style by {optimizer}", lambda optimizer=optimizer: style(optimizer)
    deep = models.DeepConvNet(rng=rng())
    residual = models.resnet18(num_classes=10, rng=rng())
    yield "predict", lambda: digest(deep.predict(DIGITS))
    yield "predict of large images", lambda: digest(residual.predict(images(3, 3, 112, 112)))
    yield "gradient", lambda: digest(*deep.gradient(DIGITS, LABELS).values())
    yield "Gram matrix", lambda: digest(gram_matrix(images(1, 128, 60, 60)))
    yield "Frechet distance", lambda: digest(np.float64(frechet_distance(*points)))
    elastic = Elastic(alpha=34, sigma=4)
    yield "elastic", lambda: digest(elastic(images(20, 1, 96, 96), rng()))
    yield (
        "augmented",
        lambda: trained(classifier("small-convnet"), workers, augment=elastic, max_norm=0.1),
    )
    with ThreadPoolExecutor(2) as pool:  # two trainings at once are as two alone
        for name in ("deep-convnet", "small-convnet"):
            twice = [pool.submit(trained, classifier(name), workers, 100) for _ in range(2)]
            alone = {run.result() for run in twice} | {trained(classifier(name), workers, 100)}
            yield f"two trainings of {name} at once", lambda alone=alone: " ".join(sorted(alone))


if __name__ == "__main__":
    before = blas_threads()
    for name, compute in lines(int(sys.argv[1]) if sys.argv[1:] else None):
        print(name, "|", compute(), flush=True)
    assert blas_threads() == before
