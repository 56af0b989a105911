"""Numbers that questions of the bank give as right answers, computed once more."""

import math

import numpy as np
import pytest

from dlcourse.applications.captioning import corpus_bleu
from dlcourse.applications.detection import box_iou
from dlcourse.explore.lib.bank import pages, questions
from dlcourse.lessons.simulator import Network
from dlcourse.models import alexnet, summary, vgg16
from dlcourse.nn import BatchNorm2d, Conv2d, ConvTranspose2d, MaxPool2d, Sequential
from dlcourse.precision import BFLOAT16, FLOAT16

RNG = np.random.default_rng(0)
ALL = {question.name: question for page in pages() for question in questions(page)}


def conv(kernel=3, channels=1, **settings):
    return Conv2d(channels, channels, kernel, rng=RNG, **settings)


def side(*layers, size=28):
    return f"{Sequential(*layers)(np.zeros((1, 1, size, size), np.float32)).shape[2]}"


def fields(*layers):
    return summary(Sequential(*layers), (layers[0].in_channels, 64, 64)).rows[-1].field


def weights(*layers):
    return sum(layer.weight.data.size for layer in layers)


def strided_size():
    size = side(conv(7, stride=2, padding=3))
    return f"{size} x {size}"


def unpadded():
    size = side(*[conv() for _ in range(5)])
    return f"{size} x {size}"


def stack_or_seven():
    three = weights(*[conv(channels=16, bias=False) for _ in range(3)])
    return f"{three:,} against {weights(conv(7, channels=16, bias=False)):,}"


def stacked_view():
    return str(fields(*[conv() for _ in range(4)], MaxPool2d(2), conv()).size[0])


def same_view():
    four = [conv(bias=False) for _ in range(4)]
    assert fields(*four).size[0] == 9
    one = weights(conv(9, bias=False))
    return f"Four layers, and {weights(*four)} of its {one} weights: {weights(*four) / one:.0%}"


def depthwise():
    both = Conv2d(100, 100, 3, groups=100, bias=False, rng=RNG), conv(1, 100, bias=False)
    return f"{weights(*both):,}"


def jump():
    found = fields(conv(5), MaxPool2d(2), conv(3), conv(stride=2))
    before = fields(conv(5), MaxPool2d(2), conv(3))
    assert before.size[0] == 10 and before.jump[0] == 2
    return f"{found.size[0]} and {found.jump[0]}"


def transposed():
    y = ConvTranspose2d(1, 1, 4, stride=2, padding=1, rng=RNG)(np.zeros((1, 1, 8, 8), np.float32))
    return str(y.shape[2])


def of_alexnet():
    rows = summary(alexnet(rng=RNG), (3, 224, 224)).rows
    work = {
        kind: sum(r.multiply_adds for r in rows if r.kind == kind) for kind in ("Conv2d", "Linear")
    }
    return f"On the five convolutions, with {work['Conv2d'] / sum(work.values()):.0%} of the work"


def global_average():
    values = next(r for r in summary(vgg16(rng=RNG), (3, 224, 224)).rows if r.kind == "Linear")
    assert values.parameters == (25_088 + 1) * 4096
    return f"1 to {25_088 // 512}: the mean leaves 512 values where 25,088 were"


def iou():
    found = box_iou(np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0]]))[0, 0]
    assert found == pytest.approx(1 / 3)
    return "1/3"


def bleu():
    right, said = "a seven above a small three", "a small three above a seven"
    assert corpus_bleu([said], [[right]], 1) == 1 > corpus_bleu([said], [[right]], 4)
    return "1, as"


def stops_at():
    def of(form):
        return next(n for n in range(1, 4096) if form.round(n + 1) == n)

    assert of(BFLOAT16) == 256
    return f"At {of(FLOAT16)},"


def messages():
    network = Network(latency=50e-6, bandwidth=1e9)
    single, many = network.seconds(100_000), 100 * network.seconds(1000)
    return f"{1e3 * many:.1f} ms one by one, and {1e3 * single:.2f} ms in a single message"


def times_ten():
    layer, x = BatchNorm2d(3), RNG.standard_normal((8, 3, 5, 5), dtype=np.float32)
    assert np.abs(layer(x) - layer(10 * x)).max() < 1e-4
    return "The same values as before"


COMPUTED = {
    "1-deeper/towards-deeper#strided-size": strided_size,
    "1-deeper/towards-deeper#unpadded-layers": unpadded,
    "1-deeper/towards-deeper#stack-or-seven": stack_or_seven,
    "1-deeper/towards-deeper#work-or-weights": lambda: f"at {28 * 28} places",
    "1-deeper/training-well#first-loss-100-classes": lambda: f"{math.log(100):.2f}",
    "1-deeper/training-well#times-ten": times_ten,
    "1-deeper/why-depth#stacked-view": stacked_view,
    "1-deeper/why-depth#same-view-cost": same_view,
    "2-history/imagenet#smaller-or-faster": of_alexnet,
    "2-history/imagenet#random-top-5": lambda: f"{1 - 5 / 1000:.1%}",
    "2-history/pretrained#depthwise-weights": depthwise,
    "2-history/vgg#jump": jump,
    "2-history/vgg#global-average": global_average,
    "3-speed/fewer-bits#count-in-float16": stops_at,
    "3-speed/fewer-bits#zero-point": lambda: f"{0.1 * (-118 + 128):.1f}",
    "3-speed/kernel#loads-a-product": lambda: f"{round(3 * (6 + 2) / (6 * 2))}/3:",
    "3-speed/measuring#amdahl": lambda: f"{1 / (0.2 + 0.8 / 4):.1f} times",
    "3-speed/measuring#small-share": lambda: f"{1 - (0.98 + 0.02 / 10):.1%} of the time",
    "4-distributed/all-reduce#ring-bytes": lambda: (
        f"{200 * 15 / 16:.0f} MB in place of {200 * 7 / 8:.0f} MB"
    ),
    "4-distributed/all-reduce#steps-of-algorithms": lambda: f"{2 * 63} and {math.log2(64):.0f}",
    "4-distributed/scaling-out#amdahl-workers": lambda: f"{1 / 0.05:.0f} times",
    "4-distributed/scaling-out#linear-rule": lambda: f"{0.1 * 256 / 32:.1f},",
    "4-distributed/scaling-out#sixteen-workers": lambda: f"{12.5 / 2 + 12.5} ms",
    "4-distributed/why-hard#small-messages": messages,
    "5-applications/captioning#upside-down": bleu,
    "5-applications/detection#iou-number": iou,
    "5-applications/segmentation#transposed-size": transposed,
    "6-future/diffusion#share-left": lambda: f"{math.sqrt(0.36):.1f} and {math.sqrt(0.64):.1f}",
    "6-future/q-learning#discounted": lambda: f"{0.9**3:.3f}",
    "6-future/q-learning#one-update": lambda: f"{0.4 + 0.5 * (0.9 * 1 - 0.4):.2f}",
    "6-future/q-learning#truncated": lambda: f"{0.9 * 0.8:.2f},",
    "6-future/self-driving#ten-drives": lambda: f"About {1 - 0.05 ** (1 / 10):.0%},",
}


@pytest.mark.parametrize("name", COMPUTED)
def test_the_right_answer_is_what_comes_out(name):
    found = COMPUTED[name]()
    choices = ALL[name].choices
    assert found in next(choice.text for choice in choices if choice.right)
    assert not any(found == choice.text for choice in choices if not choice.right)


def test_the_last_of_sixty_four_ranks_is_late():
    """As `4-distributed/why-hard#slowest` says."""
    times = np.random.default_rng(0).normal(100, 10, (20_000, 64)).max(axis=1)
    assert times.mean() > 120


def test_nothing_gets_through_sixteen_layers_of_small_weights():
    """As `2-history/vgg#fixed-spread` says."""
    x = np.random.default_rng(0).standard_normal((1, 16, 16, 16), dtype=np.float32)
    rng = np.random.default_rng(1)
    for _ in range(16):
        layer = Conv2d(16, 16, 3, padding=1, bias=False, rng=rng)
        layer.weight.data[...] = 0.01 * rng.standard_normal(layer.weight.data.shape)
        x = np.maximum(layer(x), 0)
    assert x.std() < 1e-12
