"""Every page of the book under axe-core, light and dark."""

import pytest
from chromium import VIOLATIONS


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
