"""The built book, page by page, in a real browser."""

import pytest

WIDTHS = (360, 1440)
#: A window in which code has to fit its column.
WINDOW = 1280

#: The longest lines of blocks that are too wide for their column. A sentence may wrap; two spaces
#: within a line are those of a table, which may not.
TOO_WIDE = """() => [...document.querySelectorAll("main pre")]
  .filter((pre) => pre.offsetParent)
  .flatMap((pre) => {
    const lines = pre.innerText.split("\\n");
    const longest = lines.reduce((a, b) => (b.length > a.length ? b : a), "");
    const wraps = getComputedStyle(pre).whiteSpace === "pre-wrap";
    if (pre.scrollWidth > pre.clientWidth && wraps) return [longest];
    pre.style.whiteSpace = "pre";
    const wide = pre.scrollWidth > pre.clientWidth && !(wraps && !/\\S {2,}\\S/.test(longest));
    pre.style.whiteSpace = "";
    return wide ? [longest] : [];
  })"""

#: Relative luminance of the page's background and of its text, from 0 (black) to 1 (white).
LUMINANCES = """() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map((v) => {
      const c = v / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.body);
  return [luminance(style.backgroundColor), luminance(style.color)];
}"""


def test_page(visit, address):
    page = visit.open(address)
    assert page.title()

    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-theme={scheme}]")
        background, text = page.evaluate(LUMINANCES)
        assert (background > text) == (scheme == "light")
        contrast = (max(background, text) + 0.05) / (min(background, text) + 0.05)
        assert contrast >= 7, f"text has a contrast of {contrast:.1f} in the {scheme} scheme"

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        across = page.evaluate("document.documentElement.scrollWidth")
        assert across <= width, f"a window {width} px wide scrolls to {across} px"

    page.set_viewport_size({"width": WINDOW, "height": 900})
    if not address.startswith("book/reference/"):  # docstrings have 100 characters a line
        wide = page.evaluate(TOO_WIDE)
        assert not wide, f"wider than the column in a window of {WINDOW} px: {wide}"

    images = page.locator("main img").evaluate_all("all => all.map(i => [i.src, i.alt, i.width])")
    unnamed = [src for src, alt, _ in images if not alt.strip() or alt.strip().startswith("..")]
    assert not unnamed, f"images without a text for those who do not see them: {unnamed}"

    paragraphs = page.locator("main p").all_inner_texts()
    assert not [p for p in paragraphs if p.startswith("|")], "a table was left as text"

    formulas = page.locator("main .math")
    rendered = page.locator("main .math mjx-container")
    assert rendered.count() >= formulas.count(), "there are formulas that MathJax did not set"
    assert page.locator("mjx-merror").count() == 0, "MathJax reports an error in a formula"

    assert not visit.problems, "\n".join(visit.problems)


def test_search_finds_the_network(visit):
    page = visit.open("search.html?q=DeepConvNet")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    links = results.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert any("1-deeper/towards-deeper.html" in link for link in links), links
    assert not visit.problems, "\n".join(visit.problems)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("MaxPool2d", "book/reference/nn.html#dlcourse.nn.MaxPool2d"),
        ("nn.Conv2d", "book/reference/nn.html#dlcourse.nn.Conv2d"),
        ("Trainer.fit", "book/reference/training.html#dlcourse.training.Trainer.fit"),
        ("eta", "book/notation.html"),
        ("gamma", "book/notation.html"),
        ("fan-in", "book/1-deeper/training-well.html"),
    ],
)
def test_search_finds_classes_and_symbols(visit, query, wanted):
    page = visit.open(f"search.html?q={query}")
    page.wait_for_function(
        "/finished|found/.test(document.querySelector('#search-results').innerText)"
    )
    links = page.locator("#search-results li a").evaluate_all(
        "all => all.map((a) => a.getAttribute('href'))"
    )
    assert any(link.split("?")[0].startswith(wanted) for link in links), links


def test_front_door_leads_to_the_book(visit):
    page = visit.open("")
    page.wait_for_url("**/book/index.html")


def test_there_are_formulas_and_figures(visit):
    # So that the checks above look at something.
    page = visit.open("book/1-deeper/towards-deeper.html")
    assert page.locator("main mjx-container").count() > 0
    assert page.locator("main img").count() > 0


def test_launch_buttons_open_the_notebook(visit):
    page = visit.open("book/1-deeper/towards-deeper.html")
    links = page.locator("a").evaluate_all("all => all.map(a => a.href)")
    for service in ("mybinder.org", "colab.research.google.com"):
        launch = [link for link in links if service in link]
        assert launch, f"no link to {service}"
        assert launch[0].endswith("book/1-deeper/towards-deeper.ipynb")
