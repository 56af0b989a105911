"""The explorer that trains in the page, in a page of its own that comes from the disk."""

import json
import re

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.data import load_mnist
from dlcourse.explore.train_here import train_here

ORDINARY = {"network": "linear", "lr": 0.03}
PAGE = """<!doctype html><html lang="en"><title>Training</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark; }} {css}</style>
<main><h1>Training</h1><div id="host"></div><div id="other"></div>
<div style="height: 3000px"></div><p>The end</p></main>
<script type="module">
  const [traits, code] = {data};
  const url = URL.createObjectURL(new Blob([code], {{ type: "text/javascript" }}));
  const {{ default: explorer }} = await import(url);
  const model = {{ get: (name) => traits[name] }};
  const show = (id) => explorer.render({{ model, el: document.getElementById(id) }});
  window.end = show("host");
  window.second = () => show("other");
</script></html>"""
SECONDS = 60_000  # on a machine that has other work, too


def write(file, **settings):
    explorer = train_here(load_mnist()[0], **settings)
    traits = {"kind": explorer.kind, "title": explorer.title, "data": explorer.data}
    data = json.dumps([traits, explorer._esm]).replace("</", "<\\/")
    file.write_text(PAGE.format(css=explorer._css, data=data))
    return file


@pytest.fixture
def show(browser, tmp_path):
    """Return a function that shows an explorer; nothing may go wrong or leave the machine."""
    problems, pages = [], []

    def show(more=None, **settings):
        page = browser.new_page(viewport={"width": 900, "height": 900}, **(more or {}))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "blob:")) or problems.append(request.url)
            ),
        )
        page.goto(write(tmp_path / "page.html", **settings).as_uri())
        pages.append(page)
        page.locator(".dlcourse").wait_for()
        return page

    yield show
    for page in pages:
        page.close()
    assert not problems


def said(page):
    return page.get_by_role("status").inner_text()


def wait(page, pattern):
    """Wait until what is said fits a pattern; return its groups."""
    page.wait_for_function(
        "(p) => new RegExp(p).test(document.querySelector('[role=status]').textContent)",
        arg=pattern,
        timeout=SECONDS,
    )
    return re.search(pattern, said(page)).groups()


def steps(page):
    found = re.search(r"([\d,]+) steps?,", page.locator(".dl-now").inner_text())
    return int(found[1].replace(",", "")) if found else 0


def choose(page, name, option):
    page.get_by_role("combobox", name=name, exact=True).select_option(label=option)


def press(page, name, key="Enter"):
    page.get_by_role("button", name=name).press(key)


def test_it_learns_by_keyboard_and_pauses(show):
    page = show(network="linear", lr=0.03)
    assert said(page) == "Linear, Momentum, learning rate 0.03: ready to start."
    press(page, "Start")
    page.wait_for_function(
        "() => / ([2-9]|1\\d)\\.\\d epochs/.test(document.querySelector('.dl-now').textContent)",
        timeout=SECONDS,
    )
    press(page, "Pause", "Space")
    told, loss, right = wait(
        page,
        r"paused; after ([\d,]+) steps training loss ([\d.]+), held-out loss [\d.]+, ([\d.]+)% of",
    )
    assert float(loss) < 1 and float(right) > 75
    before = steps(page)
    assert told == f"{before:,}", "what it says is up to date"
    page.wait_for_timeout(500)
    assert steps(page) == before


def test_single_steps_are_those_of_the_seed(show):
    page = show(network="linear")
    seen = []
    for seed in ("0", "0", "3"):
        choose(page, "Seed", seed)
        press(page, "Reset")
        press(page, "One step")
        seen.append(wait(page, "paused; after 1 step (.*) of the held-out"))
    assert seen[0] == seen[1] != seen[2]
    press(page, "One step")
    wait(page, "paused; after 2 steps")


def test_the_last_run_stays_behind(show):
    page = show(network="linear")
    assert not page.get_by_text("the last run", exact=True).is_visible()
    press(page, "One step")
    wait(page, "after 1 step")
    assert page.locator(".dl-charts .dl-last").count() == 0
    choose(page, "Learning rate", "0.01")
    wait(page, r"learning rate 0\.01: ready to start")
    assert page.locator(".dl-charts .dl-last").count() == 6
    label = page.get_by_role("img").first.get_attribute("aria-label")
    assert re.search("nothing yet; the last run: .* at first, .* at step 1$", label)
    assert page.get_by_text("the last run", exact=True).is_visible()


def test_no_work_is_done_out_of_view(show):
    page = show(network="linear")
    press(page, "Start")
    page.wait_for_function(
        "() => document.querySelector('.dl-now').textContent.includes('epochs')", timeout=SECONDS
    )
    page.get_by_text("The end").scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    before = steps(page)
    page.wait_for_timeout(700)
    assert steps(page) == before
    page.get_by_role("button", name="Pause").scroll_into_view_if_needed()
    page.wait_for_function(
        "(text) => document.querySelector('.dl-now').textContent !== text",
        arg=page.locator(".dl-now").inner_text(),
        timeout=SECONDS,
    )


def test_a_loss_that_is_no_number_ends_a_run(show):
    page = show(network="plain", depth=56, spread=10, batch_norm=False, batch_size=1)
    press(page, "Start")
    wait(
        page, "after .* steps? the loss is not a finite number any more; change a setting to begin"
    )
    assert "loss not finite" in page.locator(".dl-now").inner_text()
    for picture in page.get_by_role("img").all():
        assert "NaN" not in picture.evaluate("(node) => node.outerHTML")
    for name in ("Start", "Go on", "One step"):
        buttons = page.get_by_role("button", name=name)
        assert all(b.get_attribute("aria-disabled") == "true" for b in buttons.all())
    choose(page, "Batch normalization", "on")
    wait(page, "ready to start")


def test_two_on_a_page_do_not_disturb_each_other(show):
    page = show(lr=0.03)
    press(page, "One step")
    wait(page, "after 1 step")
    alone = said(page)
    page.evaluate("() => void window.second()")
    first, second = page.locator(".dlcourse").all()

    def status(explorer, pattern):
        explorer.get_by_role("status").filter(has_text=re.compile(pattern)).wait_for(
            timeout=SECONDS
        )

    second.get_by_role("button", name="Start").press("Enter")
    status(second, "training; after [1-9]")
    assert first.get_by_role("status").inner_text() == alone
    first.get_by_role("combobox", name="Seed").select_option("1")
    status(first, "ready to start")
    second.get_by_role("button", name="Pause").press("Enter")
    status(second, "paused; after")
    paused = second.get_by_role("status").inner_text()
    first.get_by_role("button", name="One step").press("Enter")
    status(first, "paused; after 1 step")
    assert first.get_by_role("status").inner_text() != alone, "another seed"
    assert second.get_by_role("status").inner_text() == paused
    second.get_by_role("button", name="Reset").press("Enter")
    second.get_by_role("button", name="One step").press("Enter")
    status(second, "paused; after 1 step")
    assert second.get_by_role("status").inner_text() == alone, "the same run"


def test_a_page_that_may_not_start_workers_says_so(show):
    page = show(**ORDINARY)
    page.evaluate(
        "() => { window.Worker = class { constructor() { throw new Error('not here'); } } }"
    )
    for _ in range(2):
        press(page, "Start")
        wait(page, "^Linear, .*: it cannot train, since .*not here.$")
    choose(page, "Learning rate", "0.1")
    wait(page, "ready to start")


def test_a_mistake_is_named(show):
    page = show(**ORDINARY, mistake="pixels 0 to 255")
    assert said(page).startswith("Linear, Momentum, learning rate 0.03, pixels 0 to 255: ready")
    press(page, "One step")
    (loss,) = wait(page, "after 1 step training loss ([^,]*),")
    assert float(loss) > 50


def test_layers_are_asked_for_where_there_is_a_choice(show):
    page = show(network="residual", depth=8)
    layers = page.get_by_role("combobox", name="Layers", exact=True)
    assert layers.input_value() == "8"
    layers.press("ArrowDown")
    wait(page, "Residual, 14 layers, ")
    layers.press("ArrowUp")  # it still has the focus
    wait(page, "Residual, 8 layers, ")
    assert layers.evaluate("(node) => node === document.activeElement")
    press(page, "One step")
    wait(page, "Residual, 8 layers, .*; after 1 step")
    # A ReLU in front and two in each of three blocks, and the scores.
    path = page.locator(".dl-charts svg").nth(2).locator(".dl-line").get_attribute("d")
    assert path.count("L") == 1 + 2 * 3
    choose(page, "Network", "linear")
    assert layers.count() == 0


def test_who_wants_little_motion_sees_fewer_pictures(show):
    counts = []
    for motion in ("no-preference", "reduce"):
        page = show({"reduced_motion": motion}, network="linear")
        page.evaluate("""() => {
            window.drawn = 0;
            const count = () => (window.drawn += 1);
            new MutationObserver(count).observe(document.querySelector(".dl-charts"),
                                                { childList: true });
        }""")
        press(page, "Start")
        page.wait_for_timeout(3000)
        counts.append(page.evaluate("window.drawn"))
        page.close()
    assert counts[1] < counts[0] / 2


def test_for_everybody(browser, axe, tmp_path):
    from chromium import unreadable

    assert unreadable(browser, axe, [write(tmp_path / "page.html")]) == []
