"""What the pages claim of style transfer, from the records."""

import io

import pytest
from PIL import Image

from dlcourse import zoo
from dlcourse.applications.style.entries import LAYERS, PHOTOGRAPHS, WEIGHTS


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_style_loss_of_the_picture_is_more_than_a_hundred_times_smaller(name):
    record = zoo.record(f"style/{name}")
    losses = record["training"]["losses"]
    assert losses[0][1] / losses[-1][1] > 100 and record["seconds"] < 180
    # The picture was rounded to bytes.
    smaller = record["test"]["style"]["times smaller"]
    assert smaller == pytest.approx(losses[0][1] / losses[-1][1], rel=0.03)


def test_the_painted_cat_is_still_a_cat():
    classes = zoo.record("style/chelsea")["test"]["classes after"]
    assert next(iter(classes)) in ("tabby", "tiger cat", "Persian cat", "Siamese cat")


def test_the_grid_is_whole_and_a_larger_weight_gives_more_style():
    arrays, test = zoo.arrays("style/grid"), zoo.record("style/grid")["test"]
    names = {f"{layer}-{weight:g}" for layer in LAYERS for weight in WEIGHTS}
    assert test.keys() == names and arrays.keys() == names | {"content", "style"}
    for array in arrays.values():
        assert max(Image.open(io.BytesIO(array.tobytes())).size) == 96
    for layer in LAYERS:
        ends = [test[f"{layer}-{weight:g}"]["style"] for weight in WEIGHTS]
        assert ends == sorted(ends, reverse=True)
