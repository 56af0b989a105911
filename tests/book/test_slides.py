"""Slides: what a text becomes, and that the made decks fit, work with keys and ask no network."""

import pytest

pytest.importorskip("markdown_it", reason="markdown-it is not installed; `make book` installs it")

import slides

FIGURE = slides.Figure("../_images/a.png", 'A "dot".', "Figure 1.1", "../book/a.html#fig-a")
TEXT = """# A deck

First $x < 1$.

Note: Say hello.

---

## A picture

{figure} fig-a

- one

Note: Look at it.
"""
FITS = """() => [...document.querySelectorAll(".slides > section")].map((slide) => {
  const hidden = [slide.hidden, slide.style.display];
  slide.hidden = false;
  slide.style.display = "block";
  const height = slide.scrollHeight;
  [slide.hidden, slide.style.display] = hidden;
  return height;
})"""


def test_a_text_becomes_slides_with_figures_formulas_and_notes():
    title, (first, second) = slides.deck(TEXT, {"fig-a": FIGURE})
    assert title == "A deck"
    assert r"\(x &lt; 1\)" in first
    assert '<aside class="notes"><p>Say hello.</p>' in first
    assert '<img src="../_images/a.png" alt="A &quot;dot&quot;.">' in second
    assert '<a href="../book/a.html#fig-a">Figure 1.1</a>' in second
    assert "<li>one</li>" in second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# A\n\n{figure} fig-b\n\nNote: n", "slide 1: the built book has no figure 'fig-b'"),
        ("# A\n\nNote: n\n\n---\n\nNo heading.\n\nNote: n", "slide 2: expected a heading first"),
        ("# A\n\nNothing to say.", "slide 1: expected a heading first, and one 'Note:'"),
    ],
)
def test_a_slide_that_cannot_be_made_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        slides.deck(text, {"fig-a": FIGURE})


@pytest.mark.parametrize("path", sorted(slides.TEXTS.glob("*.md")), ids=lambda path: path.stem)
def test_a_deck_has_twelve_to_twenty_slides(path):
    known = dict.fromkeys(slides._FIGURE.findall(path.read_text(encoding="utf-8")), FIGURE)
    _, made = slides.deck(path.read_text(encoding="utf-8"), known)
    assert 12 <= len(made) <= 20
    assert known, "slides show figures of the pages"


@pytest.mark.parametrize("path", sorted(slides.TEXTS.glob("*.md")), ids=lambda path: path.stem)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_made_slides_fit_work_with_keys_and_ask_no_network(browser, path, scheme):
    deck = slides.FOLDER / f"{path.stem}.html"
    if not deck.exists():
        pytest.skip("there are no slides; `make slides` makes them")
    view = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 720})
    view.set_default_timeout(120_000)
    asked, wrong = [], []
    view.on("request", lambda request: asked.append(request.url))
    view.on("requestfailed", lambda request: wrong.append(request.url))
    view.on("pageerror", lambda error: wrong.append(str(error)))
    view.goto(deck.as_uri())
    view.wait_for_function("() => window.Reveal && Reveal.isReady()")
    heights = view.evaluate(FITS)
    assert max(heights) <= 720, f"slide {heights.index(max(heights)) + 1} is too high"
    view.keyboard.press("ArrowRight")
    view.wait_for_function("() => Reveal.getIndices().h === 1")
    dark = view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 25, 25)"
    assert dark == (scheme == "dark")
    assert view.evaluate("document.querySelectorAll('mjx-merror').length") == 0
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    view.close()
