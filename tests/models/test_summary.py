import numpy as np

from dlcourse.models import summary
from dlcourse.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Concat,
    Conv2d,
    GlobalAvgPool,
    Linear,
    ReLU,
    Residual,
    Sequential,
)


def conv(c_in, c_out, kernel, **options):
    return Conv2d(c_in, c_out, kernel, **options, rng=np.random.default_rng(0))


def test_branches_see_as_much_as_the_widest():
    net = Sequential(
        Concat(conv(3, 2, 1), conv(3, 2, 5, padding=2), conv(3, 2, 3, padding=1)),
        conv(6, 1, 3),
    )
    rows = summary(net, (3, 8, 8)).rows
    assert [row.field.size[0] for row in rows] == [1, 5, 3, 7]


def test_shortcut_does_not_shrink_the_field():
    body = Sequential(conv(3, 3, 3, padding=1), ReLU(), conv(3, 3, 3, padding=1))
    rows = summary(Sequential(Residual(body), conv(3, 1, 3)), (3, 8, 8)).rows
    assert [row.field.size[0] for row in rows] == [3, 3, 5, 7]


def test_strides_and_dilation_widen_what_follows():
    net = Sequential(conv(1, 1, 3, stride=2), AvgPool2d(2), conv(1, 1, 3, dilation=2))
    rows = summary(net, (1, 64, 64)).rows
    # 3; 3 + 1*2; 5 + 2*2*4
    assert [row.field.size for row in rows] == [(3, 3), (5, 5), (21, 21)]


def test_adaptive_average_sees_its_windows():
    net = Sequential(conv(1, 1, 3, stride=2, padding=1), AdaptiveAvgPool2d(4), conv(1, 1, 3))
    # The pooling has windows of 2 in steps of 2 on 8x8, of up to 3 in steps of 1 or 2 on 7x7, and
    # of single pixels on 4x4; a step is 2 pixels of the image.
    for size, fields in ((16, [3, 5, 13]), (14, [3, 7, 11]), (8, [3, 3, 7])):
        rows = summary(net, (1, size, size)).rows
        assert [row.field.size[0] for row in rows] == fields
    rows = summary(Sequential(AdaptiveAvgPool2d(1), conv(1, 1, 1)), (1, 8, 8)).rows
    assert [row.field.size for row in rows] == [None, None]


def test_groups_and_linear_layers_are_counted():
    net = Sequential(
        conv(4, 4, 3, padding=1, groups=4),
        GlobalAvgPool(),
        Linear(4, 2, rng=np.random.default_rng(0)),
    )
    report = summary(net, (4, 5, 5))
    assert [row.multiply_adds for row in report.rows] == [5 * 5 * 4 * 9, 0, 8]
    assert [row.parameters for row in report.rows] == [40, 0, 10]
    assert report.rows[0].output_shape == (4, 5, 5)


def test_the_network_is_left_as_it_was():
    net = Sequential(conv(1, 1, 3), ReLU())
    before = [vars(m).keys() - {"_x", "_columns", "_mask"} for _, m in net.named_modules()]
    summary(net, (1, 5, 5))
    after = [vars(m).keys() - {"_x", "_columns", "_mask"} for _, m in net.named_modules()]
    assert after == before and net.training


def test_a_layer_that_runs_twice_has_a_row_each_time_and_is_counted_once():
    shared = conv(3, 3, 3, padding=1)
    report = summary(Sequential(shared, ReLU(), shared), (3, 8, 8))
    assert [(row.name, row.parameters) for row in report.rows] == [("0", 84), ("1", 0), ("0", 0)]
    assert [row.field.size[0] for row in report.rows] == [3, 3, 5]
    assert (report.parameters, report.idle) == (84, 0)
    assert report.rows[0].multiply_adds == report.rows[2].multiply_adds > 0
