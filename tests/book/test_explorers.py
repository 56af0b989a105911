"""Explorers and quizzes in the built book: mouse and keyboard, no kernel, no network."""

import functools
import re
from dataclasses import asdict

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.applications.detection import box_iou, nms
from dlcourse.applications.rl import epsilon_greedy, q_learning
from dlcourse.applications.rl.grid_world import GridWorld
from dlcourse.data import load_mnist
from dlcourse.explore.all_reduce import RANKS, schedule
from dlcourse.explore.calculator import calculator
from dlcourse.explore.inception import PUBLISHED, inception
from dlcourse.explore.lib.widget import FOLDER, bundle, pack
from dlcourse.explore.qtable import qtable
from dlcourse.explore.roofline import Layer
from dlcourse.lessons.all_reduce import ALL_REDUCE
from dlcourse.lessons.ladder.tiles import Core, bound
from dlcourse.lessons.simulator import SECONDS, Network
from dlcourse.machine import Machine
from dlcourse.models import summary
from dlcourse.nn import Concat, Conv2d, Linear, MaxPool2d, ReLU, Sequential
from dlcourse.precision import FORMATS
from dlcourse.training import profile

KINDS = sorted(path.stem for path in FOLDER.glob("*.js"))


# -- the arithmetic of the browser is that of the package ----------------------------------


def stop_the_clock(page):
    """From now on, time passes in a page by `run_for` alone."""
    page.clock.install(time="2026-01-01T00:00:00")
    page.clock.pause_at("2026-01-01T01:00:00")


@pytest.fixture(scope="module")
def module(browser):
    """Return a function that calls an exported function of a JavaScript module."""
    page = browser.new_page()

    def call(name, function, *arguments):
        return page.evaluate(
            """async ([code, name, values]) => {
              const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
              const result = (await import(url))[name](...values);
              return JSON.parse(JSON.stringify(result, (_, v) =>
                ArrayBuffer.isView(v) ? Array.from(v) : v));
            }""",
            [(FOLDER / "lib" / name).read_text(), function, arguments],
        )

    yield call
    page.close()


def random_network(rng):
    """Return a few layers whose windows fit 28x28."""
    layers, channels = [], 1
    for _ in range(rng.integers(1, 6)):
        if rng.random() < 0.25:
            layers.append(MaxPool2d(int(rng.integers(1, 4)), stride=int(rng.integers(1, 3))))
            continue
        width = int(rng.integers(1, 20))
        kernel, stride, dilation = (int(v) for v in rng.integers(1, [6, 3, 3]))
        padding = (kernel - 1) * dilation // 2 + int(rng.integers(0, 3))
        layers.append(Conv2d(channels, width, kernel, stride, padding, dilation=dilation, rng=rng))
        channels = width
    return Sequential(*layers)


@pytest.mark.parametrize("seed", range(12))
def test_calculator_counts_as_summary_does(module, seed):
    network = random_network(np.random.default_rng(seed))
    explorer = calculator(np.zeros((1, 28, 28), np.float32), {"it": network})
    layers = explorer.data["networks"]["it"]
    try:
        report = summary(network, (1, 28, 28))
    except ValueError:  # shrunk below the window
        with pytest.raises(Exception, match="Make the window smaller or pad more"):
            module("arithmetic.js", "follow", 1, 28, layers)
        return
    found = module("arithmetic.js", "follow", 1, 28, layers)
    assert found["parameters"] == report.parameters
    assert found["multiplyAdds"] == report.multiply_adds
    for ours, row in zip(found["rows"], report.rows, strict=True):
        assert (ours["channels"], ours["size"], ours["size"]) == row.output_shape
        assert (ours["parameters"], ours["multiplyAdds"]) == (row.parameters, row.multiply_adds)
        assert (ours["field"], ours["field"]) == row.field.size
        assert (ours["jump"], ours["jump"]) == row.field.jump


def branches(block, reduced):
    """Return an Inception block from the layers of the package, with or without reductions."""
    rng = np.random.default_rng(0)

    def conv(c_in, c_out, kernel):
        return Conv2d(c_in, c_out, kernel, padding=kernel // 2, rng=rng)

    def reduce(c_out):
        return [conv(b["in_channels"], c_out, 1), ReLU()] if reduced else []

    b = block
    before3, before5 = (
        (b["ch3x3red"], b["ch5x5red"]) if reduced else (b["in_channels"], b["in_channels"])
    )
    return Concat(
        Sequential(conv(b["in_channels"], b["ch1x1"], 1)),
        Sequential(*reduce(b["ch3x3red"]), conv(before3, b["ch3x3"], 3)),
        Sequential(*reduce(b["ch5x5red"]), conv(before5, b["ch5x5"], 5)),
        Sequential(MaxPool2d(3, stride=1, padding=1), *reduce(b["pool_proj"])),
    )


@pytest.mark.parametrize("reduced", [True, False])
@pytest.mark.parametrize("name", PUBLISHED)
def test_inception_counts_as_summary_does(module, name, reduced):
    block = inception().data["blocks"][name]
    network = branches(block, reduced)
    shape = (block["in_channels"], block["size"], block["size"])
    report = summary(network, shape)
    found = module("arithmetic.js", "inception", block, reduced)
    assert found["parameters"] == report.parameters
    assert found["multiplyAdds"] == report.multiply_adds
    for ours, branch in zip(found["branches"], network, strict=True):
        expected = summary(branch, shape)
        assert ours["channels"] == expected.rows[-1].output_shape[0]
        assert ours["parameters"] == expected.parameters
        assert ours["multiplyAdds"] == expected.multiply_adds


class Drawn(np.random.Generator):
    """Gives the numbers of a list in turn."""

    def __init__(self, numbers):
        super().__init__(np.random.PCG64())
        self.random = iter(numbers).__next__


@pytest.mark.parametrize(
    ("epsilon", "discount", "max_steps"), [(0.2, 0.9, 50), (1.0, 1.0, 3), (0.0, 0.5, 50)]
)
def test_the_browser_learns_the_table_that_the_package_learns(module, epsilon, discount, max_steps):
    world = GridWorld(["S.#.", "..O.", "#..G"], max_steps)
    numbers = np.random.default_rng(0).random(20_000)
    rng = Drawn(numbers)
    table = np.zeros((12, 4))
    settings = dict(learning_rate=0.5, discount=discount)
    lengths = [
        len(
            list(
                q_learning(
                    table, world, lambda s: epsilon_greedy(table[s], epsilon, rng), **settings
                )
            )
        )
        for _ in range(40)
    ]
    found = module(
        "qlearning.js",
        "qLearn",
        qtable(world).data["world"],
        {"epsilon": epsilon, "discount": discount, "learning_rate": 0.5},
        40,
        numbers.tolist(),
    )
    assert found["lengths"] == lengths
    assert found["table"] == table.tolist()
    assert table.any()


def test_the_path_of_the_largest_values(module):
    world = qtable(GridWorld(["S.G", ".#O"])).data["world"]
    table = np.zeros((6, 4))
    assert module("qlearning.js", "greedyPath", world, table.tolist())["reward"] is None
    table[:2, 1] = 0.9, 1.0
    assert module("qlearning.js", "greedyPath", world, table.tolist()) == {
        "path": [0, 1, 2],
        "reward": 1,
    }


SETTING = dict(repeats=1, cpu=1e11, gpu=1e13, bus=1.6e10, launch=1e-5)


def test_offload_adds_up_launches_copies_and_products(module):
    found = module("arithmetic.js", "offload", {**SETTING, "size": 1000, "repeats": 4})
    assert found["cpu"] == pytest.approx(8e9 / 1e11)
    assert found["launch"] == pytest.approx(4e-5)
    assert found["copy"] == pytest.approx(12e6 / 1.6e10)  # three matrices of 4 MB, once
    assert found["compute"] == pytest.approx(8e9 / 1e13)
    assert found["gpu"] == pytest.approx(found["launch"] + found["copy"] + found["compute"])


@pytest.mark.parametrize("repeats", [1, 1000])
@pytest.mark.parametrize("cpu", [1e9, 1e11, 5e12])
def test_from_the_break_even_on_the_gpu_is_faster(module, repeats, cpu):
    setting = {**SETTING, "repeats": repeats, "cpu": cpu}
    size = module("arithmetic.js", "breakEven", setting)
    for here, faster in ((size - 1, False), (size, True), (10 * size, True)):
        found = module("arithmetic.js", "offload", {**setting, "size": here})
        assert (found["gpu"] < found["cpu"]) == faster


def test_a_gpu_slower_than_the_processor_never_pays(module):
    assert module("arithmetic.js", "breakEven", {**SETTING, "cpu": 2e13}) is None


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_statistics_are_those_of_numpy(module, size):
    values = np.random.default_rng(size).lognormal(size=size)
    ordered = np.sort(values).tolist()
    for share in (0, 0.05, 0.5, 0.9, 1):
        found = module("statistics.js", "quantile", ordered, share)
        assert found == pytest.approx(np.quantile(values, share))
    for name, function in (("minimum", np.min), ("median", np.median), ("mean", np.mean)):
        found = module("statistics.js", "statistic", name, values.tolist())
        assert found == pytest.approx(function(values))


@pytest.mark.parametrize("neighbours", [True, False])
def test_answers_come_from_the_timings(module, neighbours):
    values = np.random.default_rng(0).lognormal(size=200)

    def answers(count, name):
        found = module("statistics.js", "answers", values.tolist(), count, name, neighbours)
        assert len(found) == 400 and found == sorted(found)
        return np.array(found)

    assert np.isin(answers(1, "median"), values).all()
    # What theory says of the mean and the minimum of 20 independent values.
    means, minima = answers(20, "mean"), answers(20, "minimum")
    assert means.mean() == pytest.approx(values.mean(), rel=0.05)
    assert means.std() == pytest.approx(values.std() / 20**0.5, rel=0.25)
    assert minima.max() < np.median(values)


def test_a_slow_spell_hits_neighbours_together(module):
    values = [1.0] * 150 + [2.0] * 50
    spread, neighbours = (
        np.ptp(np.quantile(module("statistics.js", "answers", values, 10, "mean", n), [0.05, 0.95]))
        for n in (False, True)
    )
    assert neighbours == 1 and spread < 0.6


def test_histogram_counts_everything(module):
    found = module("statistics.js", "histogram", [0, 1, 1.5, 2, 9, -3], 0, 2, 4)
    assert found == [2, 0, 1, 3]
    assert module("statistics.js", "histogram", [1, 1], 1, 1, 3) == [2, 0, 0]


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("name", ALL_REDUCE)
def test_all_reduce_ends_with_the_sum_and_costs_what_the_model_says(module, name, ranks):
    steps = schedule(ALL_REDUCE[name], ranks)
    states = module("messages.js", "reduction", ranks, steps)
    assert len(states) == len(steps) + 1
    assert states[0] == [[2**rank] * ranks for rank in range(ranks)]
    assert states[-1] == [[2**ranks - 1] * ranks] * ranks
    network = Network(3e-5, 1.25e9)
    found = module("messages.js", "messageCost", ranks, steps, 1e8, 3e-5, 1.25e9)
    assert found["steps"] == len(steps)
    assert found["seconds"] == pytest.approx(SECONDS[name](ranks, 1e8, network))
    expected = {"ring": 2 * (ranks - 1), "parameter server": 2 * (ranks - 1)}
    if name in expected:
        assert found["total"] == pytest.approx(expected[name] * 1e8)
    if name == "ring":
        assert found["busiest"] == pytest.approx(2 * (ranks - 1) / ranks * 1e8)


MACHINE = Machine(1, "float32", 40e9, 10e9)


@pytest.mark.parametrize(
    "layer",
    [
        Layer(4, 3, 16, size=28, kernel=11, stride=4, padding=2),
        Layer(2, 16, 32, size=14, kernel=3, padding=1),
        Layer(3, 8, 4, size=7, kernel=1, stride=2),
        Layer(8, 64, 10),
    ],
)
def test_roofline_counts_as_the_profiler_does(module, layer):
    rng = np.random.default_rng(0)
    if layer.size == 1:
        measured, shape = Linear(layer.inside, layer.outside, rng=rng), (layer.inside,)
    else:
        window = (layer.kernel, layer.stride, layer.padding)
        measured = Conv2d(layer.inside, layer.outside, *window, rng=rng)
        shape = (layer.inside, layer.size, layer.size)
    x = np.ones((layer.batch, *shape), np.float32)
    report = profile(measured, x, training=False, repeats=1, machine=MACHINE)
    cost = report.rows[0].forward
    found = module("arithmetic.js", "layerCost", asdict(layer))
    assert (found["multiplyAdds"], found["moved"]) == (cost.multiply_adds, cost.nbytes)
    assert found["intensity"] == pytest.approx(cost.intensity)
    limits = {"multiply_adds": MACHINE.multiply_adds, "bandwidth": MACHINE.bandwidth}
    assert module("arithmetic.js", "roof", limits, found["intensity"]) == pytest.approx(
        MACHINE.roof(cost.intensity)
    )


@pytest.mark.parametrize("core", [Core(), Core(16, 8), Core(16, 4, 1, 3, 5, 2)])
def test_tiles_take_what_the_package_says(module, core):
    for p, q in ((1, 1), (6, 2), (7, 2), (14, 1), (14, 4)):
        found = module("arithmetic.js", "tileBound", p, q, asdict(core))
        assert found == asdict(bound(p, q, core))


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (3, 3, 3)])
def test_convolution_is_that_of_the_layer(module, kernel, stride, padding, dilation):
    rng = np.random.default_rng(0)
    layer = Conv2d(1, 1, kernel, stride, padding, dilation=dilation, bias=False, rng=rng)
    image = rng.random((1, 1, 14, 14), dtype=np.float32)
    window = dict(kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    weights = layer.weight.data.ravel().tolist()
    found = module("arithmetic.js", "convolve", image.ravel().tolist(), 14, weights, window)
    expected = layer(image)[0, 0]
    assert found["size"] == len(expected)
    np.testing.assert_allclose(found["values"], expected.ravel(), rtol=1e-4, atol=1e-5)


def numbers():
    """Return numbers of all sizes, and those at and beside the ends of formats."""
    rng = np.random.default_rng(0)
    found = (rng.standard_normal(40) * 10.0 ** rng.integers(-320, 300, 40)).tolist()
    found += (rng.standard_normal(60) * 10.0 ** rng.integers(-46, 39, 60)).tolist()
    for power in (-1074, -1022, -150, -149, -134, -133, -126, -25, -24, -15, -14, 0, 11, 16, 128):
        middle = np.ldexp(1.0, power)
        found += [middle * (1 + step * 2.0**-12) for step in range(-2, 3)]
    return [*found, 0.0, 65504.0, 65519.99, 65520.0, 16777217.0, 1 / 3, np.inf, -np.inf]


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_formats_are_those_of_the_package(module, format):
    shape = {"exponent_bits": format.exponent_bits, "fraction_bits": format.fraction_bits}
    for value in numbers():
        found = module("floats.js", "fields", value, shape)
        assert tuple(found.values()) == format.fields(value), value
        assert module("floats.js", "outcome", value, shape) == format.outcome(value), value
        neighbours = module("floats.js", "neighbours", value, shape)
        expected = [v if np.isfinite(v) else None for v in format.neighbours(value)]  # as JSON
        # JSON has 152192958408290340 for a float, of which Python makes a whole number.
        assert [v if v is None else float(v) for v in neighbours] == expected, value


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", 0.1), (" -1e-5 ", -1e-5), ("1/3", 1 / 3), ("2^-25", 2.0**-25), ("-2^3", -8),
     ("\N{MINUS SIGN}4.", -4), (".5", 0.5), ("2^-1074", 5e-324), ("1/", None), ("one", None),
     ("", None), ("0x10", None), ("1 2", None)],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(module, text, value):
    assert module("floats.js", "parsed", text) == value


@pytest.mark.parametrize("seed", range(5))
def test_boxes_are_those_of_the_package(module, seed):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.integers(0, 20, (12, 2, 2)), axis=1)  # some without area
    boxes, scores = corners.reshape(12, 4), rng.integers(0, 9, 12) / 9  # some equal
    rows = boxes.tolist()
    expected = box_iou(boxes, boxes)
    for i, j in ((0, 1), (2, 3), (4, 4), (5, 6)):
        found = module("boxes.js", "overlap", rows[i], rows[j])
        assert found["iou"] == pytest.approx(expected[i, j])
    for threshold in (0, 0.3, 1):
        kept = module("boxes.js", "suppress", rows, scores.tolist(), threshold)
        assert kept == nms(boxes, scores, threshold).tolist()


def test_a_thing_is_found_once(module):
    thing = {"box": [0, 0, 10, 10], "label": 3}
    found = [thing, thing, {"box": [0, 0, 10, 10], "label": 4}]
    assert module("boxes.js", "match", found, [thing], 0.5) == [True, False, False]


def test_the_browser_reads_what_python_packed(module):
    values = np.random.default_rng(0).uniform(-3, 5, (2, 3, 4))
    found = module("packed.js", "unpack", pack(values, -3, 5))
    assert found["shape"] == [2, 3, 4]
    np.testing.assert_allclose(found["values"], values.ravel(), atol=4 / 255)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.126, "0.13"), (-1.5, "\N{MINUS SIGN}1.50"), (-0.001, "0.00"), (0, "0.00")],
)
def test_numbers_have_a_real_minus_sign(module, value, text):
    assert module("common.js", "number", value) == text


@pytest.mark.parametrize(
    ("value", "found"), [(2000, [2, "k"]), (1000, [1, "k"]), (999, [999, ""]), (0.5, [0.5, ""])]
)
def test_a_number_gets_the_unit_that_suits_it(module, value, found):
    assert module("units.js", "inUnits", value, [[1000, "k"], [1, ""]]) == found


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_loads(browser, kind):
    page = browser.new_page()
    exported = page.evaluate(
        """async (code) => Object.keys((await import(
          URL.createObjectURL(new Blob([code], { type: "text/javascript" })))).default)""",
        bundle(f"{kind}.js"),
    )
    page.close()
    assert exported == ["render"]


# -- in the pages --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def places(kinds):
    """From a kind of explorer to the address of the first page that has it."""
    return {kind: address for address, of_page in reversed(kinds.items()) for kind in of_page}


@pytest.fixture
def show(visit, places):
    """Return a function that opens the page with an explorer, cuts the network, and returns it."""

    def show(kind):
        assert kind in places, f"no page has an explorer of the kind {kind}"
        page = visit.open(places[kind])
        visit.context.set_offline(True)
        explorer = page.locator(f".dlcourse[data-kind={kind}]").first
        explorer.scroll_into_view_if_needed()
        return explorer

    yield show
    assert not visit.problems, "\n".join(visit.problems)


def said(explorer):
    return explorer.get_by_role("status").inner_text()


def do(explorer, role, name, act, *says):
    """Press a key on a control, click it, or choose an option of it; then read what is said.

    A text with ^ in front is how it begins.
    """
    control = explorer.get_by_role(role, name=name, exact=role == "combobox")
    if act == "click":
        control.click()
    elif role == "combobox" and not act.startswith("Arrow"):
        control.select_option(label=act)
    else:
        control.press(act)
    heard = said(explorer)
    for text in says:
        assert heard.startswith(text[1:]) if text[0] == "^" else text in heard


def click_at(control, x, y):
    """Click at shares of the width and the height of a control."""
    box = control.bounding_box()
    control.click(position={"x": x * box["width"], "y": y * box["height"]})


def pictures(explorer):
    return explorer.locator("canvas").evaluate_all("all => all.map((c) => c.toDataURL())")


def test_convolution_by_keyboard(show):
    explorer = show("convolution")
    output = explorer.locator("canvas").nth(1)
    assert "28 x 28" in output.get_attribute("aria-label")
    explorer.get_by_role("slider", name="Stride").press("ArrowRight")
    assert "14 x 14" in output.get_attribute("aria-label")
    explorer.get_by_role("slider", name="Output row").press("Home")
    do(explorer, "slider", "Output column", "End", "row 0, column 13 is the sum of 9 products")
    explorer.get_by_role("slider", name="Dilation").press("End")  # reaches 7 pixels
    assert "13 x 13" not in said(explorer)
    assert "12 x 12" in output.get_attribute("aria-label")
    before = pictures(explorer)
    explorer.get_by_role("combobox", name="Kernel", exact=True).press("ArrowDown")
    assert pictures(explorer)[1] != before[1]


def test_convolution_by_mouse(show):
    explorer = show("convolution")
    explorer.get_by_role("combobox", name="Kernel", exact=True).select_option(label="mean of 3 x 3")
    explorer.get_by_role("combobox", name="Digit", exact=True).select_option(index=3)
    # The middle of the cell at row 9, column 14 of 28 x 28.
    click_at(explorer.locator("canvas").nth(1), 14.5 / 28, 9.5 / 28)
    train, _ = load_mnist()
    image = train.images[np.flatnonzero(train.labels == 3)[0], 0]
    mean = image[8:11, 13:16].mean()
    assert said(explorer).startswith("The output at row 9, column 14 is the sum of 9 products: ")
    assert float(said(explorer).split()[-1].rstrip(".")) == pytest.approx(mean, abs=0.006)
    weights = explorer.locator("table").nth(1).locator("td").all_inner_texts()
    assert weights == ["0.11"] * 9
    pixels = explorer.locator("table").nth(0).locator("td").all_inner_texts()
    np.testing.assert_allclose([float(p) for p in pixels], image[8:11, 13:16].ravel(), atol=0.006)


def test_calculator_by_keyboard(show):
    explorer = show("calculator")
    explorer.get_by_role("combobox", name="Start from", exact=True).select_option(label="one 7 x 7")
    assert "In total 800 parameters and 614,656 multiply-adds" in said(explorer)
    assert "sees 7 x 7 pixels of the 28 x 28" in said(explorer)
    kernel = explorer.get_by_label("kernel of layer 1")
    kernel.press("ArrowDown")
    assert "In total 592 parameters" in said(explorer)
    assert "sees 6 x 6" in said(explorer)
    do(explorer, "button", "Add a pooling", "Enter", "sees 7 x 7")
    do(explorer, "button", "Remove layer 2", "Space", "sees 6 x 6")
    kernel.fill("99")
    assert said(explorer) == "kernel of layer 1 must be a whole number from 1 to 11."


def test_calculator_by_mouse(show):
    explorer = show("calculator")
    do(explorer, "combobox", "Start from", "three 3 x 3", "In total 4,800 parameters")
    do(explorer, "button", "Add a convolution", "click", "In total 7,120 parameters")
    assert "gives 16 x 28 x 28, 2,320 parameters" in explorer.locator("li").last.inner_text()
    for i in (4, 3, 2):
        explorer.get_by_role("button", name=f"Remove layer {i}").click()
    assert "In total 160 parameters" in said(explorer)
    explorer.get_by_label("kernel of layer 1").fill("11")
    explorer.get_by_label("padding of layer 1").fill("0")
    explorer.get_by_label("dilation of layer 1").fill("3")
    assert "Layer 1 has a window of 31 pixels" in said(explorer)


def test_augmentation(show):
    explorer = show("augmentation")
    strength = explorer.get_by_role("slider", name="Strength")
    strength.press("Home")
    assert said(explorer) == "shift: unchanged."
    plain = pictures(explorer)
    assert plain[::2] == plain[1::2]  # above as it is, below changed
    strength.press("End")
    assert said(explorer) == "shift: up to 8 pixels."
    changed = pictures(explorer)
    assert changed[::2] == plain[::2]
    assert all(a != b for a, b in zip(changed[1::2], plain[1::2], strict=True))

    explorer.get_by_role("combobox", name="Kind", exact=True).select_option(label="rotation")
    click_at(strength, 1 / 2, 1 / 2)
    assert said(explorer) == "rotation: up to 15 degrees."


def test_misclassified(show):
    explorer = show("misclassified")
    images = explorer.locator("li")
    total = images.count()
    assert said(explorer).startswith(f"{total} of the {total} mistakes in 10,000 images")

    cell = explorer.locator("table button").first
    count, label, read = re.fullmatch(
        r"(\d+) of label (\d) read as (\d)", cell.get_attribute("aria-label")
    ).groups()
    cell.click()
    assert images.count() == int(count)
    assert all(text.startswith(f"{label} read as {read}") for text in images.all_inner_texts())
    assert cell.get_attribute("aria-pressed") == "true"

    explorer.get_by_role("button", name="Show all").press("Enter")
    assert images.count() == total
    explorer.get_by_role("combobox", name="Label", exact=True).press("ArrowDown")  # from any to 0
    zeros = explorer.locator("tbody tr").first.locator("button").all_inner_texts()
    assert images.count() == sum(map(int, zeros))
    assert f"{images.count()} of the {total} mistakes" in said(explorer)


def test_feature_maps(show):
    explorer = show("feature_maps")
    assert said(explorer).startswith("convolution 1, channel 0:")
    explorer.get_by_role("combobox", name="Layer", exact=True).press("ArrowDown")
    do(explorer, "slider", "Channel", "End", "^convolution 2, channel 15:")
    montage = explorer.locator("canvas").first
    click_at(montage, 2.5 / 8, 0.75)
    assert said(explorer).startswith("convolution 2, channel 10:")
    before = pictures(explorer)
    explorer.get_by_role("combobox", name="Digit", exact=True).select_option(index=2)
    assert all(a != b for a, b in zip(pictures(explorer), before, strict=True))
    # Fewer channels than before: the choice stays in range.
    explorer.get_by_role("combobox", name="Layer", exact=True).select_option(label="convolution 6")
    explorer.get_by_role("slider", name="Channel").press("End")
    do(explorer, "combobox", "Layer", "convolution 1", "^convolution 1, channel 15:")


def test_timeline(show):
    explorer = show("timeline")
    bars = explorer.locator("button")
    assert said(explorer).startswith("2010, ")
    alexnet = explorer.get_by_role("button", name=re.compile("2012 AlexNet"))
    alexnet.click()
    assert said(explorer).startswith("2012, AlexNet: top-5 error 16.4%, 8 layers with weights. ")
    assert "Source of the error: " in said(explorer)
    assert alexnet.get_attribute("aria-pressed") == "true"
    bars.last.press("Enter")
    assert said(explorer).startswith("2017, ")
    assert explorer.locator("[aria-pressed=true]").count() == 1

    def widths():
        return explorer.locator(".dl-bar").evaluate_all("all => all.map((b) => b.offsetWidth)")

    errors = widths()
    assert errors == sorted(errors, reverse=True) and errors[-1] > 0
    assert "a trained person, 5.1%" in explorer.inner_text()
    explorer.get_by_role("combobox", name="Bars show", exact=True).press("ArrowDown")
    assert "a trained person" not in explorer.inner_text()
    layers = widths()
    assert layers[:2] == [0, 0]  # no deep networks
    assert max(layers) > 15 * min(filter(None, layers))


def test_latent(show):
    explorer = show("latent_walk")
    assert said(explorer).startswith("Column 1 of 13, row 1 of 13: the classifier reads ")
    across = explorer.get_by_role("slider", name="To the right", exact=True)
    across.press("ArrowRight")
    do(explorer, "slider", "Down", "End", "^Column 2 of 13, row 13 of 13: ")
    small, whole = explorer.locator("canvas").all()
    before = small.get_attribute("aria-label")
    assert before.split("; ")[1].rstrip(".") in said(explorer)
    click_at(whole, 0.97, 0.03)
    assert said(explorer).startswith("Column 13 of 13, row 1 of 13: ")
    assert across.input_value() == "12"


def test_inception_by_keyboard(show):
    explorer = show("inception")
    assert said(explorer).startswith(
        "Block 3a: 192 x 28 x 28 becomes 256 x 28 x 28, with 163,696 parameters"
    )
    stack = explorer.get_by_role("img")
    assert "64 from 1 x 1, 128 from 3 x 3, 32 from 5 x 5, 32 from pooling" in stack.get_attribute(
        "aria-label"
    )
    slider = explorer.get_by_role("slider", name="Filters of 1 x 1")
    slider.press("ArrowRight")
    assert said(explorer).startswith("Your block: 192 x 28 x 28 becomes 264 x 28 x 28")
    do(explorer, "slider", "Filters of 1 x 1", "ArrowLeft", "^Block 3a: ")
    explorer.get_by_role("combobox", name="Start from", exact=True).press("ArrowDown")
    assert said(explorer).startswith("Block 3b: 256 x 28 x 28 becomes 480 x 28 x 28")
    explorer.get_by_role("combobox", name="Reductions", exact=True).press("ArrowDown")
    assert "becomes 672 x 28 x 28" in said(explorer)  # 128 + 192 + 96 and the pooled input
    assert explorer.get_by_role("slider", name="1 x 1 after pooling").is_disabled()


def test_inception_by_mouse(show):
    explorer = show("inception")
    do(explorer, "combobox", "Start from", "block 5b", "becomes 1024 x 7 x 7")
    slider = explorer.get_by_role("slider", name="Filters of 5 x 5")
    click_at(slider, 0.99, 1 / 2)
    assert said(explorer).startswith("Your block: 832 x 7 x 7 becomes 1920 x 7 x 7")
    third = explorer.locator("li").nth(2).inner_text()
    assert "1024 channels" in third
    expected = inception().data["blocks"]["5b"] | {"ch5x5": 1024}
    report = summary(branches(expected, True), (832, 7, 7))
    assert f"{report.parameters:,} parameters" in said(explorer)
    assert f"{report.multiply_adds:,} multiply-adds" in said(explorer)


def test_all_reduce_by_keyboard(show):
    explorer = show("all_reduce")
    assert said(explorer).startswith("Before step 1 of 6: every rank has its own array of 4 pieces")
    slider = explorer.get_by_role("slider", name="Step")
    slider.press("ArrowRight")
    assert said(explorer).startswith("Step 1 of 6: 4 messages at the same time, each of ")
    assert "0 to 1: D, added" in said(explorer)
    assert explorer.locator("td.dl-came").count() == 4
    picture = explorer.get_by_role("img")
    assert said(explorer) in picture.get_attribute("aria-label")
    slider.press("End")
    assert said(explorer).endswith("copied. Every rank has the sum of all.")
    shares = explorer.locator(".dl-shares td")
    assert set(shares.all_inner_texts()) == {"all"}
    do(explorer, "button", "Back", "Enter", "^Step 5 of 6")
    do(explorer, "combobox", "Algorithm", "tree", "^Before step 1 of 4")
    do(explorer, "button", "Next", "Space", "1 to 0: all, added; 3 to 2: all, added")


def test_all_reduce_by_mouse(show):
    explorer = show("all_reduce")
    explorer.get_by_role("combobox", name="Ranks", exact=True).select_option(label="8")
    assert explorer.locator(".dl-shares td").count() == 64
    assert explorer.locator("svg .dl-node").count() == 8
    back, following = (explorer.get_by_role("button", name=name) for name in ("Back", "Next"))
    back.click(force=True)  # nothing comes before
    assert said(explorer).startswith("Before step 1 of 14")
    for step in range(1, 15):
        following.click()
        assert said(explorer).startswith(f"Step {step} of 14: 8 messages")
    following.click(force=True)  # nothing comes after
    assert said(explorer).endswith("Every rank has the sum of all.")
    assert following.get_attribute("aria-disabled") == "true"
    row = explorer.locator("tr", has_text="ring").inner_text()
    explorer.get_by_role("combobox", name="Array", exact=True).select_option(index=1)
    assert explorer.locator("tr", has_text="ring").inner_text() != row


def test_all_reduce_plays_and_stands_still_where_motion_is_unwanted(show):
    explorer = show("all_reduce")
    loads = explorer.locator("svg .dl-load").first.locator("..")
    explorer.page.emulate_media(reduced_motion="reduce")
    explorer.get_by_role("button", name="Next").click()
    at_once = loads.get_attribute("transform")
    stop_the_clock(explorer.page)
    explorer.get_by_role("slider", name="Step").press("Home")
    explorer.get_by_role("button", name="Next").click()
    explorer.page.clock.run_for(2000)
    assert loads.get_attribute("transform") == at_once  # it did not move
    explorer.get_by_role("button", name="Play").click()
    explorer.page.clock.run_for(10_000)
    assert said(explorer).startswith("Step 6 of 6")
    assert explorer.get_by_role("button", name="Play").is_visible()


def test_roofline_by_keyboard(show):
    explorer = show("roofline")
    first = said(explorer)
    assert re.search(r"\d multiply-adds|(million|billion) multiply-adds", first)
    drawn = explorer.locator("svg circle").get_attribute("cx")
    batch = explorer.get_by_role("slider", name="Images in the batch")
    do(explorer, "slider", "Images in the batch", "Home", ", 1 at a time: ")
    batch.press("End")
    assert said(explorer).startswith("Your layer, ") and ", 256 at a time: " in said(explorer)
    assert explorer.locator("svg circle").get_attribute("cx") != drawn
    # More images share the weights: further to the right.
    far = float(explorer.locator("svg circle").get_attribute("cx"))
    batch.press("Home")
    assert float(explorer.locator("svg circle").get_attribute("cx")) < far
    explorer.get_by_role("combobox", name="Start from", exact=True).press("ArrowDown")
    assert said(explorer) != first and not said(explorer).startswith("Your layer")
    chart = explorer.locator("svg.dl-chart")
    assert said(explorer)[:-1] in chart.get_attribute("aria-label")


def test_roofline_by_mouse(show):
    explorer = show("roofline")
    presets = explorer.get_by_role("combobox", name="Start from", exact=True)
    for name in presets.locator("option").all_inner_texts():
        presets.select_option(label=name)
        text = said(explorer)
        assert text.startswith(f"{name}, ")
        intensity = float(re.search(r"([\d.]+) for each byte", text)[1])
        ridge = float(re.search(r"ridge at ([\d.]+)\.", text)[1])
        assert ("waits for memory" in text) == (intensity < ridge)
    kernel = explorer.get_by_role("slider", name="Side of the kernel")
    click_at(kernel, 0.99, 1 / 2)
    size = re.search(r"x (\d+) to \d+ x (\d+) x", said(explorer))
    stride = int(explorer.get_by_role("slider", name="Stride").get_attribute("aria-valuetext"))
    assert int(size[2]) == (int(size[1]) - 1) // stride + 1  # padding keeps the size


def test_trainings(show):
    explorer = show("trainings")
    networks = explorer.get_by_role("combobox", name="Network", exact=True)
    plain, normalized = networks.locator("option").all_inner_texts()
    chosen = explorer.locator("button[aria-pressed=true]")
    assert said(explorer).startswith(f"{plain}, learning rate")
    assert chosen.count() == 1

    # By mouse: the first cell, the smallest rate and scale.
    cell = explorer.locator("table button").first
    percent, rate, scale = re.fullmatch(
        r"(\d+)% at learning rate (\S+), weights times (\S+)", cell.get_attribute("aria-label")
    ).groups()
    before = explorer.locator("svg path").first.get_attribute("d")
    cell.click()
    assert cell.get_attribute("aria-pressed") == "true" and chosen.count() == 1
    assert said(explorer).startswith(f"{plain}, learning rate {rate}, weights x {scale}: the loss")
    assert said(explorer).endswith(f"{percent}% right.")
    assert explorer.locator("svg path").first.get_attribute("d") != before

    # By keyboard: the next one, then the other network.
    cell.press("Tab")
    explorer.page.keyboard.press("Enter")
    assert explorer.locator("table button").nth(1).get_attribute("aria-pressed") == "true"
    do(explorer, "combobox", "Network", "ArrowDown", f"^{normalized}, learning rate")
    assert said(explorer)[:-1] in explorer.get_by_role("img").get_attribute("aria-label")


def test_train_here(show):
    """What it does beyond this is tried in a page of its own, in tests/explore."""
    explorer = show("train_here")
    do(explorer, "combobox", "Network", "one convolution", "^One convolution, ", "ready to start")
    explorer.get_by_role("button", name="One step").press("Enter")
    explorer.get_by_text("paused; after 1 step training loss ").wait_for()
    explorer.get_by_role("button", name="Go on").click()
    explorer.get_by_text(re.compile(r"\b[1-9][\d,]* steps, ")).wait_for()
    explorer.get_by_role("button", name="Pause").click()
    explorer.get_by_text("paused; after ").wait_for()  # when the step under way is done


def begins(explorer, text, which=0):
    """Wait until one of the statuses of an explorer begins with a text, and return it."""
    status = explorer.get_by_role("status").nth(which)
    explorer.page.wait_for_function(
        "([e, text]) => e.textContent.startsWith(text)", arg=[status.element_handle(), text]
    )
    return status.inner_text()


def test_network(show):
    """What it does beyond this is tried in a page of its own, in tests/explore."""
    explorer = show("network")
    begins(explorer, "The network reads 0")
    # By keyboard: a misread digit, and what comes back from it.
    explorer.get_by_role("button", name="Next misread one").press("Enter")
    explorer.get_by_text(re.compile("; right is [0-9] ")).wait_for()
    explorer.get_by_role("button", name="Backward: gradients").press("Enter")
    layers = explorer.get_by_role("combobox", name="Layer", exact=True)
    *_, scores = layers.locator("option").all_inner_texts()
    layers.select_option(label=scores)
    told = begins(explorer, f"The gradient of the loss with respect to {scores}, value", 1)
    assert told.endswith("its probability, less one if it is the right class.")
    # By mouse: a step, and all layers side by side.
    explorer.get_by_role("button", name="One step", exact=True).click()
    assert "of the 20 pictures in the list, " in begins(explorer, "After 1 step of all weights")
    first, last = explorer.locator(".dl-column canvas").nth(1), explorer.locator(".dl-column").last
    first.click(position={"x": 3, "y": 3})
    begins(explorer, "The gradient of the loss with respect to convolution 1, map 0", 1)
    assert last.bounding_box()["x"] > first.bounding_box()["x"]


def test_links_from_listings_open_the_explorer_at_their_layer(visit, html):
    links = {
        (page.relative_to(html).as_posix(), link)
        for page in html.glob("book/**/*.html")
        for link in re.findall(
            r'href="([^"]*#explorer-network-[^"]*)"', page.read_text(encoding="utf-8")
        )
    }
    assert len(links) >= 4
    for address, link in sorted(links):
        page = visit.open(address)
        page.locator(f'a[href="{link}"]').first.press("Enter")
        explorer = page.locator(".dlcourse[data-kind=network]").first
        explorer.wait_for()
        told = begins(explorer, "Backward, ")
        assert "there is no layer" not in told, f"{address} has a link to {link}"
        assert explorer.locator(".dl-strip").evaluate("e => e === document.activeElement")
    assert not visit.problems, "\n".join(visit.problems)


MINUS = "\N{MINUS SIGN}"


def test_formats_by_keyboard(show):
    explorer = show("formats")
    cards = explorer.locator("li")
    assert said(explorer).startswith("0.1: float32 rounded, float16 rounded, bfloat16")
    half = cards.nth(2)
    assert half.locator("code").all_inner_texts() == ["0", "01011", "1001100110"]
    assert f"≈ 0.0999755859375 (rounded, relative error 2.4e{MINUS}4)" in half.inner_text()
    entry = explorer.get_by_role("textbox", name="Number")
    entry.fill("2^-24")
    assert (
        f"▽ 5.960464477539063e{MINUS}8 (subnormal, with fewer digits: exact)" in half.inner_text()
    )
    assert f"Next smaller 0, next larger 1.1920928955078125e{MINUS}7." in half.inner_text()
    power = explorer.get_by_role("slider", name="Power of two")
    power.press("ArrowLeft")
    assert float(entry.input_value()) == 2.0**-25
    assert "↓ 0 (underflow" in half.inner_text()
    power.press("End")
    assert "float32 overflow, float16 overflow, bfloat16 overflow" in said(explorer)
    entry.fill("one")
    assert said(explorer).startswith("“one” is not a number")
    assert entry.get_attribute("aria-invalid") == "true"
    explorer.get_by_role("combobox", name="Or choose").press("ArrowDown")
    assert entry.input_value() == "1"
    assert said(explorer) == "1: float32 exact, float16 exact, bfloat16 exact."
    assert power.get_attribute("aria-valuetext") == "2^0"


def test_formats_by_mouse(show):
    explorer = show("formats")
    explorer.get_by_role("combobox", name="Or choose").select_option(label="65520")
    texts = explorer.locator("li").all_inner_texts()
    assert "↑ infinity (overflow" in texts[2] and "Next smaller 65504" in texts[2]
    assert "≈ 65536" in texts[3]
    power = explorer.get_by_role("slider", name="Power of two")
    click_at(power, 0.01, 1 / 2)
    assert "float32 underflow" in said(explorer)


def test_every_choice_of_every_quiz_is_explained(visit, kinds):
    found = 0
    for address, of_page in kinds.items():
        page = visit.open(address)
        visit.context.set_offline(True)
        quizzes = page.locator(".dlcourse[data-kind=quiz]").all()
        assert len(quizzes) == of_page.count("quiz")
        for quiz in quizzes:
            found += 1
            verdicts = []
            for choice in quiz.get_by_role("radio").all():
                choice.check()
                assert not said(quiz)  # another choice takes the verdict back
                quiz.get_by_role("button", name="Check").click()
                verdicts.append(said(quiz))
            assert sum(v.startswith("✓ Right. ") for v in verdicts) == 1
            assert sum(v.startswith("✗ Not quite. ") for v in verdicts) == len(verdicts) - 1
            assert len(set(verdicts)) == len(verdicts)
        visit.context.set_offline(False)
    assert found >= 2
    assert not visit.problems, "\n".join(visit.problems)


def test_quiz_by_keyboard(show):
    quiz = show("quiz")
    quiz.get_by_role("button", name="Check").press("Enter")
    assert said(quiz) == "Choose an answer first."
    radios = quiz.get_by_role("radio")
    radios.first.press("Space")
    radios.first.press("ArrowDown")
    assert radios.nth(1).is_checked()
    quiz.page.keyboard.press("Enter")
    assert re.match(r"[✓✗] (Right|Not quite)\. .{10}", said(quiz))


@pytest.mark.parametrize("kind", KINDS)
def test_both_themes(show, kind):
    explorer = show(kind)
    looks = []
    for scheme in ("light", "dark"):
        explorer.page.emulate_media(color_scheme=scheme)
        explorer.page.wait_for_selector(f"html[data-theme={scheme}]")
        looks.append(explorer.evaluate("e => getComputedStyle(e).backgroundColor"))
    assert looks[0] == "rgb(255, 255, 255)" != looks[1]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_can_be_reached_with_the_tab_key(show, kind):
    explorer = show(kind)
    if kind == "quiz":
        explorer.get_by_role("radio").first.check()
    if kind == "network":
        begins(explorer, "Convolution 1, map ", 1)  # the sliders of a value come with it
    controls = explorer.locator("button, select, input, summary, [tabindex]")
    radios = explorer.locator("input[type=radio]").count()
    # Radio buttons of a group are one stop.
    groups = explorer.locator("fieldset:has(input[type=radio])").count()
    hidden = explorer.locator("input[type=file]").count()
    expected = controls.count() - radios + groups - hidden
    explorer.evaluate("e => { e.tabIndex = -1; e.focus(); e.removeAttribute('tabindex'); }")
    stops = 0
    while True:
        explorer.page.keyboard.press("Tab")
        if not explorer.evaluate("e => e.contains(document.activeElement)"):
            break
        outline = explorer.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", "the focus is not seen"
        stops += 1
    assert stops == expected


def test_pages_work_from_the_disk(browser, places, html):
    context = browser.new_context(offline=True)
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto((html / places["quiz"]).as_uri())
    quiz = page.locator(".dlcourse[data-kind=quiz]").first
    quiz.get_by_role("radio").first.check()
    quiz.get_by_role("button", name="Check").click()
    assert said(quiz)
    context.close()


def test_offload(show):
    explorer = show("offload")
    assert "product of 512 x 512: the " in said(explorer)
    size = explorer.get_by_label("Rows and columns")
    size.press("End")
    assert "16,384 x 16,384: the GPU is " in said(explorer)
    size.press("Home")
    assert "16 x 16: the processor is " in said(explorer)
    explorer.get_by_label("Rates of").select_option("NVIDIA H100 SXM")
    assert explorer.get_by_label("Bus, GB/s").input_value() == "64"
    gpu = explorer.get_by_label("GPU, 10¹² operations/s")
    gpu.press("Home")
    explorer.get_by_label("Processor, 10⁹ operations/s").press("End")
    assert "never pays" in said(explorer)


def test_tile_by_keyboard(show):
    explorer = show("tile")
    explorer.get_by_role("combobox", name="Registers", exact=True).select_option(label="32")
    for name in ("Pixels P", "Registers of outputs Q"):
        explorer.get_by_role("slider", name=name).press("Home")
    assert (
        "1 sum, 1 for weights and 1 for a value need 3 of 32 registers: it fits. 2 loads"
        in said(explorer)
    )
    assert "2 a product. At best 13% of the peak, limited by waiting" in said(explorer)
    do(explorer, "slider", "Pixels P", "End", "^16 pixels x 1 register of ", "limited by loading")
    do(
        explorer,
        "slider",
        "Registers of outputs Q",
        "ArrowRight",
        "need 35 of 32 registers: 3 sums do",
    )
    assert explorer.locator(".dl-spilled").count() == 3
    assert explorer.locator(".dl-kept").count() == 29
    pixels = explorer.get_by_role("slider", name="Pixels P")
    for _ in range(2):
        pixels.press("ArrowLeft")
    assert "31 of 32 registers: it fits. 16 loads for 28 products of registers, 0.571" in said(
        explorer
    )
    assert "At best 100% of the peak, limited by multiplying and adding" in said(explorer)
    strip = explorer.get_by_role("img").get_attribute("aria-label")
    assert "28 hold sums (S), 2 weights (W), 1 a value of the image (x), 1 are free" in strip


def test_tile_by_mouse(show):
    explorer = show("tile")
    click_at(explorer.get_by_role("slider", name="Pixels P"), 0.99, 1 / 2)
    do(explorer, "combobox", "Registers", "16", "sums do not fit")
    assert explorer.locator(".dl-registers > span").count() == 16
    do(explorer, "combobox", "Lanes", "8", "of 8 outputs")
    assert "weights 0 to 7" in explorer.locator("thead th").first.inner_text()


def widths(explorer):
    """Return how far apart nine of ten answers lie, in per cent of the middle one."""
    return float(re.search(r"a width of ([\d.,]+)%", said(explorer))[1].replace(",", ""))


def test_timings_by_keyboard(show):
    explorer = show("timings")
    assert ", one timing: nine of ten answers" in said(explorer)
    explorer.get_by_role("combobox", name="Timings taken", exact=True).press("ArrowDown")
    single = widths(explorer)
    do(explorer, "slider", "Timings for an answer", "End", "the median of 100 timings")
    assert widths(explorer) < single
    heights = explorer.locator(".dl-answers > span").evaluate_all(
        "all => all.map(s => s.style.height)"
    )
    assert "100%" in heights
    do(explorer, "combobox", "Report", "ArrowUp", "the shortest of 100 timings")


def test_timings_by_mouse(show):
    explorer = show("timings")
    before = said(explorer)
    explorer.get_by_role("combobox", name="Timed", exact=True).select_option(index=1)
    assert said(explorer).split(",")[0] != before.split(",")[0]
    slider = explorer.get_by_role("slider", name="Timings for an answer")
    click_at(slider, 1 / 2, 1 / 2)
    assert "the median of 10 timings" in said(explorer)
    do(explorer, "combobox", "Report", "the mean", "the mean of 10 timings")
    label = explorer.get_by_role("img").nth(1).get_attribute("aria-label")
    assert label.startswith("Histogram of 400 answers")


def test_iou(show):
    explorer = show("iou")
    assert said(explorer).startswith("They share 180 squares of the 692")
    for name in ("left", "top"):
        for _ in range(8 if name == "left" else 6):
            explorer.get_by_role("slider", name=f"Your box: {name}").press("ArrowLeft")
    for name, steps in (("right", 10), ("bottom", 4)):
        for _ in range(steps):
            explorer.get_by_role("slider", name=f"Your box: {name}").press("ArrowLeft")
    assert "IoU 1.00. It counts as found at a threshold of 0.95, the strictest." in said(explorer)
    canvas = explorer.locator("canvas").bounding_box()
    step = canvas["width"] / 40
    mouse = explorer.page.mouse
    mouse.move(canvas["x"] + 27.8 * step, canvas["y"] + 31.8 * step)
    mouse.down()
    mouse.move(canvas["x"] + 19.5 * step, canvas["y"] + 20.5 * step, steps=4)
    mouse.up()
    assert "It does not count as found at any threshold." in said(explorer)


def test_detections(show):
    explorer = show("detections")
    score = explorer.get_by_role("slider", name="Least score")
    overlap = explorer.get_by_role("slider", name="Most overlap of two that are kept")
    score.press("Home")
    overlap.press("End")
    everything = explorer.locator("li").count()
    assert f"{everything} are left" in said(explorer)
    overlap.press("Home")
    assert explorer.locator("li").count() < everything
    score.press("End")
    before = said(explorer)
    explorer.get_by_role("combobox", name="Scene", exact=True).press("ArrowDown")
    assert said(explorer) != before


def test_segments(show):
    explorer = show("segments")
    assert said(explorer).startswith("fcn-32s: ")
    coarse = int(said(explorer).split()[1])
    explorer.get_by_role("combobox", name="Network", exact=True).select_option(label="fcn-8s")
    assert int(said(explorer).split()[1]) < coarse
    before = pictures(explorer)
    explorer.get_by_role("slider", name="Strength of colour").press("Home")
    assert pictures(explorer) != before


def test_style_grid(show):
    explorer = show("style_grid")
    before = said(explorer)
    assert before.startswith("Layers conv1_1 to conv4_1, style weight 100: ")
    picture = explorer.get_by_alt_text("The cup of coffee, painted")
    sources = [picture.get_attribute("src")]
    do(explorer, "slider", "Style weight", "ArrowRight", "style weight 1000: ")
    sources.append(picture.get_attribute("src"))
    explorer.get_by_role("combobox", name="Deepest style layer").select_option(label="conv1_1")
    assert said(explorer).startswith("Layers conv1_1, style weight 1000: ")
    assert picture.get_attribute("alt").endswith("with the style of conv1_1 at weight 1000.")
    sources.append(picture.get_attribute("src"))
    assert len(set(sources)) == 3


def test_q_table_by_keyboard(show):
    explorer = show("qtable")
    assert said(explorer).startswith("Nothing is known yet")
    do(explorer, "button", "One step", "Enter", "^Episode 1, step 1: ")
    picture = explorer.get_by_role("img")
    assert "goes round in circles and never arrives" in picture.get_attribute("aria-label")
    explorer.get_by_role("slider", name="Epsilon").press("End")
    explorer.get_by_role("button", name="100 episodes").press("Space")
    assert re.search(r"Episode 10[01], step \d+: ", said(explorer))
    assert "in the goal after" in picture.get_attribute("aria-label")
    patient = explorer.locator(".dl-digits").all_text_contents()
    do(explorer, "button", "Start again", "Enter", "^Nothing is known yet")
    explorer.get_by_role("slider", name="Discount").press("Home")
    explorer.get_by_role("button", name="100 episodes").press("Enter")
    # Without a future only the steps into the goal and the pit are worth something: three each.
    values = explorer.locator("details tbody td").all_text_contents()
    assert 0 < sum(value != "0.00" for value in values) <= 6
    assert explorer.locator(".dl-digits").all_text_contents() != patient


def test_q_table_plays(show):
    explorer = show("qtable")
    button = functools.partial(explorer.get_by_role, "button")

    def episode():
        return int(re.match(r"Episode (\d+), ", said(explorer))[1])

    stop_the_clock(explorer.page)
    button(name="Play").click()
    explorer.page.clock.run_for(3100)
    button(name="Pause").click()
    stands = said(explorer)
    assert episode() == 1 and "step 1:" not in stands
    explorer.page.clock.run_for(3000)
    assert said(explorer) == stands
    explorer.get_by_role("combobox", name="Play goes by", exact=True).select_option("episodes")
    button(name="Play").click()
    explorer.page.clock.run_for(3100)
    assert episode() >= 10
    button(name="One episode").click()
    assert button(name="Play").is_visible()  # it stands still again


def test_beam(show):
    explorer = show("beams")
    explorer.get_by_role("combobox", name="Beam width", exact=True).select_option(label="3")
    assert explorer.locator("tbody tr").count() == 3
    do(explorer, "slider", "Words", "End", "^The search ends. It says: a")
    do(explorer, "button", "Back", "Enter", "^So far the likeliest beginning is:")
    do(explorer, "button", "Next word", "click", "^The search ends.")


def test_game_by_keyboard(show):
    explorer = show("game")
    picture = explorer.get_by_role("img")
    first = said(explorer)
    assert "30 bricks" in first and "Return so far 0." in first
    assert explorer.get_by_role("button", name="Back").is_disabled()
    explorer.get_by_role("button", name="Next").press("Enter")
    assert said(explorer) != first
    slider = explorer.get_by_role("slider", name="Step")
    assert slider.get_attribute("aria-valuetext").startswith("2 of ")
    slider.press("End")
    assert said(explorer).endswith("the game was over.")
    assert explorer.get_by_role("button", name="Next").is_disabled()
    bricks = int(re.search(r"(\d+) bricks", picture.get_attribute("aria-label"))[1])
    # Each brick that is gone was a reward; after 30 a new wall stands.
    assert int(re.search(r"Return so far (\d+)", said(explorer))[1]) % 30 == 30 - bricks
    slider.press("Home")
    assert said(explorer) == first


def test_game_values_and_choice_agree(show):
    explorer = show("game")
    for _ in range(5):
        values = [float(value) for value in explorer.locator(".dl-amount").all_text_contents()]
        names = explorer.locator(".dl-name").all_text_contents()
        (chosen,) = (i for i, name in enumerate(names) if name.startswith("▶"))
        assert values[chosen] == max(values)
        assert f"it chose {names[chosen].removeprefix('▶ ')}." in said(explorer)
        explorer.get_by_role("button", name="Next").click()


def test_game_plays_and_pauses(show):
    explorer = show("game")
    stop_the_clock(explorer.page)
    button = functools.partial(explorer.get_by_role, "button")
    button(name="Play").click()
    explorer.page.clock.run_for(1100)
    button(name="Pause").click()
    stands = said(explorer)
    assert explorer.get_by_role("slider").get_attribute("aria-valuetext").startswith("5 of ")
    explorer.page.clock.run_for(2000)
    assert said(explorer) == stands
