"""The explorer of a whole network in a page from the disk: pointer, keyboard, steps."""

import json
import re

import numpy as np
import pytest
from chromium import VIOLATIONS

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse import zoo
from dlcourse.explore.network import network, telling
from dlcourse.models.residual import BasicBlock
from dlcourse.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Tanh,
)

RNG = np.random.default_rng(3)


#: A page that is longer than a window, with links, and a count of what is asked of workers.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Network</title>
<meta name="viewport" content="width=device-width">
<style>
  :root {{ color-scheme: light dark; scroll-behavior: smooth; }} a {{ color: inherit; }} {css}
</style>
<script>
  window.asked = 0;
  window.Worker = class extends Worker {{
    postMessage(...what) {{
      window.asked += 1;
      super.postMessage(...what);
    }}
  }};
</script>
<main><h1>Network</h1>
<p><a href="#explorer-network-ReLU">ReLU</a> <a href="#explorer-network-GroupNorm">GroupNorm</a></p>
<div style="height: {before}px"></div><div id="host"></div><div style="height: 3000px"></div>
<p>The end</p></main>
<script type="module">
  const [traits, code] = {data};
  const url = URL.createObjectURL(new Blob([code], {{ type: "text/javascript" }}));
  const {{ default: explorer }} = await import(url);
  const model = {{ get: (name) => traits[name] }};
  window.end = explorer.render({{ model, el: document.getElementById("host") }});
</script></html>"""


def written(file, explorer, before=0):
    """Write a page with an explorer, so many pixels down; return its address."""
    traits = {name: getattr(explorer, name) for name in ("kind", "title", "data")}
    data = json.dumps([traits, explorer._esm]).replace("</", "<\\/")
    file.write_text(PAGE.format(css=explorer._css, data=data, before=before))
    return file.as_uri()


@pytest.fixture(scope="module")
def explorer(digits):
    model = zoo.load("small-convnet-seed0")
    chosen = telling(digits, model.predict(digits.images))
    return network(model, digits.images[chosen], digits.labels[chosen])


@pytest.fixture
def show(browser, tmp_path):
    """Return a function that shows an explorer; nothing may go wrong or leave the machine."""
    problems, pages = [], []

    def show(explorer, before=0, link="", **more):
        page = browser.new_page(viewport={"width": 900, "height": 900}, **more)
        page.set_default_timeout(60_000)  # on a machine that has other work, too
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "blob:")) or problems.append(request.url)
            ),
        )
        page.goto(written(tmp_path / "page.html", explorer, before) + link)
        pages.append(page)
        page.locator(".dlcourse").wait_for()
        return page

    yield show
    for page in pages:
        page.close()
    assert not problems


@pytest.fixture
def page(show, explorer):
    page = show(explorer)
    wait(page, "The network reads 0")
    return page


def wait(page, text, which=0):
    """Wait until the status begins with a text, and return it."""
    status = page.get_by_role("status").nth(which)
    page.wait_for_function(
        "([e, text]) => e.textContent.startsWith(text)", arg=[status.element_handle(), text]
    )
    return status.text_content()


def test_a_misread_digit_is_mended_by_steps_and_back(page):
    page.get_by_role("button", name="Next misread one").press("Enter")
    before = wait(page, "The network reads 6")
    assert "right is 5" in before
    page.get_by_role("button", name="Ten steps", exact=True).press("Enter")
    after = wait(page, "After 10 steps")
    assert "The network reads 5" in after
    assert "which is right" in after
    assert "of the 20 pictures in the list, " in after
    assert "where it was 12." in after
    page.get_by_role("button", name="Reset the weights").press("Enter")
    assert wait(page, "The weights are").endswith(before)


def test_a_picture_is_changed_within_a_budget(page):
    page.get_by_label("Towards").select_option(label="8")
    page.get_by_label("Picture", exact=True).select_option(index=3)
    wait(page, "The network reads 3")
    page.get_by_role("button", name="Ten steps of the picture").press("Enter")
    assert "The network reads 8" in wait(page, "No pixel has changed by more than 0.15")
    page.get_by_role("button", name="Undo").press("Enter")
    assert "The network reads 3" in wait(page, "The picture is as it was")


def test_drawing_by_keys_and_by_pointer(page):
    page.get_by_role("button", name="Clear").press("Enter")
    empty = wait(page, "The picture is empty")
    pad = page.get_by_role("application")
    pad.press("ArrowUp")
    assert wait(page, "Cursor") == "Cursor at row 13, column 14, pen up."
    pad.press("Space")
    for _ in range(10):
        pad.press("ArrowDown")
    read = wait(page, "The network reads")
    assert read not in empty
    assert "taken as right until you choose" in read
    pad.press("Space")
    wait(page, "Pen up")
    ink = "c => c.getContext('2d').getImageData(170, 50, 1, 1).data[0]"
    assert pad.evaluate(ink) == 0
    pad.hover(position={"x": 70, "y": 5})
    page.mouse.down()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 70, box["y"] + 100, steps=3)
    page.mouse.up()
    wait(page, "The network reads")
    assert pad.evaluate(ink) == 255


def test_a_digit_in_a_corner_is_read_as_the_ones_of_mnist(page):
    page.get_by_role("button", name="Clear").click()
    wait(page, "The picture is empty")
    pad = page.get_by_role("application")
    box = pad.bounding_box()
    corners = [(10, 10), (60, 10), (35, 80)]
    page.mouse.move(box["x"] + corners[0][0], box["y"] + corners[0][1])
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
    wait(page, "The network reads 7")
    assert "scaled and centred" in page.locator("figcaption").first.text_content()
    # What is drawn into a picture that is there stays where it is.
    page.get_by_role("button", name="Next misread one").click()
    wait(page, "The network reads 6")
    pad.click(position={"x": 20, "y": 20})
    wait(page, "The network reads")
    assert page.locator("figcaption").first.text_content() == ""


def test_a_value_and_its_sum(page):
    choose = page.get_by_label("Layer", exact=True)
    choose.select_option(label="convolution 2")
    told = wait(page, "Convolution 2, map ", 1)
    assert "the sum of 72 products" in told
    # The window that it sees is framed on the map that its terms are of.
    assert page.locator(".dl-frame:visible").count() == 2
    assert page.get_by_role("img", name="Values of ReLU 1, map").count() == 1
    page.get_by_label("Map or value").press("Home")
    wait(page, "Convolution 2, map 0", 1)
    page.get_by_label("Map or value").press("ArrowRight")
    wait(page, "Convolution 2, map 1", 1)
    page.get_by_role("button", name="Backward").press("Enter")
    told = wait(page, "The gradient of the loss with respect to convolution 2, map 1", 1)
    assert "through batch norm 2" in told
    strip = page.locator(".dl-strip")
    strip.press("ArrowRight")
    strip.press("ArrowDown")
    wait(page, "The gradient of the loss with respect to batch norm 2, map 2", 1)
    page.locator(".dl-column canvas").nth(-2).click(position={"x": 5, "y": 5})
    told = wait(page, "The gradient of the loss with respect to mean of each map, value 0", 1)
    assert "through linear, the sum of 10 products" in told
    choose.select_option(label="linear")
    told = wait(page, "The gradient of the loss with respect to linear, value ", 1)
    assert told.endswith("its probability, less one if it is the right class.")


def test_a_weight_and_the_places_where_it_was_used(page):
    page.get_by_label("Layer", exact=True).select_option(label="convolution 2")
    wait(page, "Convolution 2, map ", 1)
    page.get_by_label("Term").press("Home")
    said = page.locator(".dl-says")
    page.get_by_text("Term 0: ").wait_for()
    (weight,) = [t for t in said.all_inner_texts() if "This factor is" in t]
    assert re.match(r"This factor is weight \d, 0, 0, 0 of convolution 2; its own gradient", weight)
    assert "the sum over the 784 places where it was used" in weight
    page.get_by_label("Layer", exact=True).select_option(label="batch norm 1")
    wait(page, "Batch norm 1, map ", 1)
    (weight,) = [t for t in said.all_inner_texts() if "This factor is" in t]
    assert "of batch norm 1, " in weight and "divided by the standard deviation" in weight
    assert "its gradient is the sum of the gradients alone" in weight


def test_gates_and_winners_are_seen(page):
    page.get_by_role("button", name="Backward").press("Enter")
    for layer, said, mask in (
        ("ReLU 1", r"\d+ of 784 gates of this map are open: through them the gradient", "Gates"),
        ("max pooling 1", "Each of the 196 windows .* gives its whole gradient", "Winners"),
    ):
        page.get_by_label("Layer", exact=True).select_option(label=layer)
        page.get_by_text(re.compile(said)).wait_for()
        assert page.get_by_role("img", name=mask).count() == 1
        assert page.get_by_role("img", name="Handed back to").count() == 1


def test_a_shortcut_splits_the_gradient(show, digits):
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 4, 3, stride=2, rng=rng), ReLU(), BasicBlock(4, 4, rng=rng), GlobalAvgPool()
    )
    page = show(network(model, digits.images[:2]), link="#explorer-network-BasicBlock")
    wait(page, "Backward, sum with shortcut.")
    page.get_by_text("A sum hands its gradient to both ways, unchanged").wait_for()
    assert page.get_by_role("img", name="Handed back to").count() == 2
    page.get_by_label("Layer", exact=True).select_option(label="ReLU 1")
    told = wait(page, "The gradient of the loss with respect to ReLU 1", 1)
    assert "the sum of 2 ways back: through convolution 2" in told
    assert "through sum with shortcut, the gradient of the sum" in told


def test_a_link_opens_its_layer_backward(show, explorer):
    page = show(explorer, before=3000, link="#explorer-network-MaxPool2d")
    assert "The network reads 0" in wait(page, "Backward, max pooling 1.")
    wait(page, "The gradient of the loss with respect to max pooling 1", 1)
    strip = page.locator(".dl-strip")
    seen = "e => { const { top } = e.getBoundingClientRect(); return top > 0 && top < 400; }"
    page.wait_for_function(seen, arg=strip.element_handle())
    assert strip.evaluate("e => e === document.activeElement")
    page.get_by_role("link", name="ReLU").press("Enter")
    wait(page, "Backward, ReLU 1.")
    # The same link once more, which leaves the address as it is.
    page.get_by_label("Layer", exact=True).select_option(label="linear")
    page.get_by_role("link", name="ReLU").press("Enter")
    wait(page, "The gradient of the loss with respect to ReLU 1", 1)
    assert strip.evaluate("e => e === document.activeElement")
    page.get_by_role("link", name="GroupNorm").press("Enter")
    wait(page, "Backward, there is no layer GroupNorm here.")


def test_weights_that_come_late_are_waited_for(show, explorer):
    page = show(explorer, before=3000)
    page.evaluate("""() => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (message) {
        const late = message.method === "weights" ? 1500 : 0;
        setTimeout(() => post.call(this, message), late);
      };
    }""")
    page.get_by_role("link", name="ReLU").press("Enter")
    wait(page, "The gradient of the loss with respect to ReLU 1", 1)


def test_by_keyboard_alone(page):
    """From the top to a misread digit, its gradient and a step that mends it."""

    def tab_to(name):
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.getAttribute('aria-label') ?? e.textContent; }"
            )
            if focused.startswith(name):
                return
        raise AssertionError(f"the tab key does not reach {name}")

    tab_to("Picture to draw on")
    tab_to("Next misread one")
    page.keyboard.press("Enter")
    wait(page, "The network reads 6")
    tab_to("Ten steps")
    page.keyboard.press("Enter")
    wait(page, "After 10 steps")
    tab_to("Backward")
    page.keyboard.press("Enter")
    tab_to("All layers")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    tab_to("Row")
    page.keyboard.press("ArrowRight")
    wait(page, "The gradient of the loss with respect to ReLU 1", 1)
    tab_to("Term")
    page.keyboard.press("End")
    page.get_by_text("Term 71: ").wait_for()


def test_nothing_is_computed_out_of_view(show, explorer):
    page = show(explorer, before=3000)
    page.wait_for_timeout(500)
    assert page.evaluate("window.asked") == 0
    page.get_by_role("button", name="Clear").scroll_into_view_if_needed()
    wait(page, "The network reads 0")
    asked = page.evaluate("window.asked")
    page.get_by_text("The end").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Clear").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    assert page.evaluate("window.asked") == asked


def test_who_wants_little_motion_gets_none(show, explorer):
    page = show(explorer, before=3000, reduced_motion="reduce")
    page.evaluate("window.scrolls = 0; addEventListener('scroll', () => (window.scrolls += 1))")
    page.get_by_role("link", name="ReLU").press("Enter")
    wait(page, "Backward, ReLU 1.")
    assert page.locator(".dl-strip").evaluate("e => e.getBoundingClientRect().top") < 900
    assert page.evaluate("window.scrolls") <= 2  # and not one for each picture of a motion
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everybody(show, axe, explorer, scheme, width):
    page = show(explorer, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(axe)

    def check():
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(VIOLATIONS) == []

    check()  # perhaps before there is an answer
    page.get_by_role("button", name="Clear").scroll_into_view_if_needed()
    wait(page, "The network reads")
    check()
    page.get_by_role("button", name="Backward").press("Enter")
    page.get_by_label("Layer", exact=True).select_option(label="max pooling 1")
    wait(page, "The gradient of the loss with respect to max pooling 1", 1)
    check()


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([Flatten(), Linear(64, 3, rng=RNG)], (1, 8, 8)),
        (
            [
                Conv2d(3, 5, 3, stride=2, rng=RNG),
                BatchNorm2d(5),
                Tanh(),
                AvgPool2d(3),
                Flatten(),
                Dropout(0.3),
                Linear(125, 4, rng=RNG),
            ],
            (3, 32, 32),
        ),
        (
            [Conv2d(2, 70, 1, rng=RNG), LeakyReLU(0.1), MaxPool2d((8, 6)), GlobalAvgPool()],
            (2, 40, 90),
        ),
    ],
)
def test_networks_of_ones_own(show, layers, shape):
    pictures = 3 * RNG.random((4, *shape), dtype=np.float32) - 1
    page = show(network(Sequential(*layers), pictures))
    wait(page, "The network reads")
    page.get_by_role("button", name="Backward").press("Enter")
    choose = page.get_by_label("Layer", exact=True)
    for title in choose.locator("option").all_inner_texts():
        choose.select_option(label=title)
        wait(page, f"The gradient of the loss with respect to {title}", 1)
    page.get_by_role("button", name="Ten steps", exact=True).press("Enter")
    wait(page, "After 10 steps of all weights")
    page.get_by_role("button", name="One step of the picture").press("Enter")
    wait(page, "No pixel has changed by more than 0.112.")
    drawn = page.get_by_role("application")
    assert drawn.count() == (shape[0] == 1)
