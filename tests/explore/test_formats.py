import json

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.formats import formats
from dlcourse.precision import FLOAT16


def test_it_shows_the_formats_that_are_asked_for():
    data = formats([FLOAT16], ["0.1"]).data
    assert json.loads(json.dumps(data)) == data
    assert data["formats"] == [{"name": "float16", "exponent_bits": 5, "fraction_bits": 10}]
    assert data["examples"] == ["0.1"]


@pytest.mark.parametrize(
    ("shown", "examples", "found"), [([], ["1"], "0 and 1"), ([FLOAT16], [], "1 and 0")]
)
def test_nothing_to_show_is_refused(shown, examples, found):
    with pytest.raises(ValueError, match=f"found {found}"):
        formats(shown, examples)
