from dataclasses import replace

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.offload import GPUS, offload


def test_what_the_browser_gets():
    data = offload(123.4).data
    assert data["processor"] == 123
    assert [gpu["name"] for gpu in data["gpus"]] == [gpu.name for gpu in GPUS]


@pytest.mark.parametrize(
    ("processor", "gpus", "message"),
    [
        (100, [], "found none"),
        (0.5, GPUS, "from 1 to 5000 .* found 0.5"),
        (100, [replace(GPUS[0], tflops=0)], "NVIDIA T4 .* found 0 and 16"),
        (100, [replace(GPUS[0], bus=1000)], "NVIDIA T4 .* found 8.1 and 1000"),
    ],
)
def test_rates_are_checked(processor, gpus, message):
    with pytest.raises(ValueError, match=message):
        offload(processor, gpus)
