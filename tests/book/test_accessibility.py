"""Every page of the book under axe-core, light and dark."""

from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "_build" / "axe" / "axe.min.js"

VIOLATIONS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter((v) => ["serious", "critical"].includes(v.impact))
    .flatMap((v) => v.nodes.map((n) => `${v.id} (${v.impact}): ${n.target.join(" ")}`));
}"""


@pytest.fixture(scope="session")
def axe():
    if not SCRIPT.exists():
        pytest.skip("axe-core is not there; `make test` fetches it where npm is installed")
    return SCRIPT.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, axe, address, scheme):
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page = visit.open(address)
    page.wait_for_selector(f"html[data-theme={scheme}]")
    page.evaluate(axe)
    violations = page.evaluate(VIOLATIONS)
    assert not violations, "\n".join(violations)


def test_axe_would_find_something(browser, axe):
    page = browser.new_page()
    page.set_content("<html lang='en'><title>t</title><input><img src='data:,'></html>")
    page.evaluate(axe)
    violations = page.evaluate(VIOLATIONS)
    page.close()
    assert {v.split()[0] for v in violations} == {"image-alt", "label"}
