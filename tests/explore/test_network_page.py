"""The explorer of a whole network in a page from the disk: pointer, keyboard, steps."""

import json

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse import zoo
from dlcourse.explore.network import network, telling


@pytest.fixture(scope="module")
def address(tmp_path_factory, digits):
    model = zoo.load("small-convnet-seed0")
    chosen = telling(digits, model.predict(digits.images))
    explorer = network(model, digits.images[chosen], digits.labels[chosen])
    traits = json.dumps({name: getattr(explorer, name) for name in ("kind", "title", "data")})
    code = explorer._esm.replace(
        "export default { render };",
        f"const traits = {traits};\n"
        "render({ model: { get: (name) => traits[name] }, el: document.querySelector('main') });",
    )
    file = tmp_path_factory.mktemp("network") / "page.html"
    file.write_text(
        f"<!doctype html><meta charset=utf-8><title>it</title><style>{explorer._css}</style>"
        f"<main></main><script type=module>{code}</script>"
    )
    return file.as_uri()


@pytest.fixture
def page(browser, address):
    page, problems = browser.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    wait(page, "The network reads 0")
    yield page
    page.close()
    assert not problems


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
    assert "of the 20 pictures, " in after
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
    assert wait(page, "The network reads") not in empty
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


def test_a_value_and_its_sum(page):
    page.get_by_label("Layer", exact=True).select_option(label="convolution 2")
    told = wait(page, "Convolution 2, map 0, row 14, column 14", 1)
    assert "the sum of 72 products" in told
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
    page.get_by_label("Layer", exact=True).select_option(label="linear")
    told = wait(page, "The gradient of the loss with respect to linear, value 0", 1)
    assert told.endswith("its probability, less one if it is the right class.")
