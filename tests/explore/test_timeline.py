from dataclasses import replace

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.timeline import Entry, timeline

ENTRY = Entry(2012, "a network", 16.4, 8, "It is deep.", "A paper")


def test_entries_are_in_order_of_years():
    entries = [replace(ENTRY, year=2014), ENTRY, replace(ENTRY, year=2014, name="second")]
    found = timeline(entries, "error", ("a person", 5.1)).data
    assert [(e["year"], e["name"]) for e in found["entries"]] == [
        (2012, "a network"),
        (2014, "a network"),
        (2014, "second"),
    ]
    assert found["reference"] == {"name": "a person", "error": 5.1}


def test_a_reference_is_not_needed():
    assert timeline([ENTRY], "error").data["reference"] is None


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "found none"),
        ([replace(ENTRY, error=0.0)], "found 0.0 for 'a network'"),
        ([replace(ENTRY, error=164.0)], "found 164.0 for 'a network'"),
        ([replace(ENTRY, source=" ")], "needs a source, found none for 'a network'"),
    ],
)
def test_entries_are_checked(entries, message):
    with pytest.raises(ValueError, match=message):
        timeline(entries, "error")
