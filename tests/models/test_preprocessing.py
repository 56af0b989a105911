import tracemalloc

import numpy as np
import pytest
from PIL import Image

from dlcourse.data import load_photograph
from dlcourse.models import Preprocess, preprocess_for


def gradient(height, width):
    """Red grows downwards, green to the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, height)[:, None]
    picture[..., 1] = np.linspace(0, 255, width)
    return picture


@pytest.mark.parametrize(("height", "width"), [(512, 768), (768, 512), (300, 300), (40, 50)])
def test_the_middle_is_seen_in_the_right_orientation(height, width):
    plain = Preprocess(mean=(0, 0, 0), std=(1, 1, 1))
    x = plain(gradient(height, width))
    assert x.shape == (1, 3, 224, 224) and x.dtype == np.float32
    assert x.flags.c_contiguous
    for channel, axis, side in ((0, 0, height), (1, 1, width)):
        line = x[0, channel].mean(axis=1 - axis)
        # Of the side, scaled so that the shorter one has 256 pixels, the middle 224 are seen.
        share = 224 / (256 * side / min(height, width))
        assert line[0] == pytest.approx((1 - share) / 2, abs=0.02)
        assert line[-1] == pytest.approx((1 + share) / 2, abs=0.02)
    assert x[0, 2].max() == 0


def test_colours():
    picture = np.full((300, 300, 3), (0, 127, 255), np.uint8)
    x = preprocess_for("resnet50")(picture)[0, :, 5, 5]
    expected = (np.array([0, 127 / 255, 1]) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(x, expected, rtol=1e-5)
    x = preprocess_for("efficientnet_lite0")(picture)[0, :, 5, 5]
    np.testing.assert_allclose(x, [-127 / 128, 0, 1], atol=1e-6)
    x = preprocess_for("googlenet")(picture)[0, :, 5, 5]
    np.testing.assert_allclose(x, [-1, 127 / 127.5 - 1, 1], atol=1e-6)


def test_files_of_every_mode_give_what_the_array_gives(tmp_path):
    picture = gradient(100, 120)
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(Preprocess()(tmp_path / "a.png"), Preprocess()(picture))
    for mode in ("L", "RGBA", "P", "CMYK"):
        path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
        Image.fromarray(picture).convert(mode).save(path)
        assert Preprocess()(path).shape == (1, 3, 224, 224)


def test_a_photograph_is_turned_as_its_camera_was(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn a quarter clockwise
    Image.fromarray(gradient(100, 100)).save(tmp_path / "a.png", exif=exif)
    turned = np.rot90(gradient(100, 100), -1)
    expected = Preprocess()(np.ascontiguousarray(turned))
    np.testing.assert_array_equal(Preprocess()(tmp_path / "a.png"), expected)


def test_wrong_input(tmp_path):
    with pytest.raises(ValueError, match=r"\(H, W, 3\) and dtype uint8, found \(3, 9, 9\)"):
        Preprocess()(np.zeros((3, 9, 9), np.uint8))
    with pytest.raises(ValueError, match=r"found \(9, 9, 3\) and float64"):
        Preprocess()(np.zeros((9, 9, 3)))
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        Preprocess()(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="expected a picture, found a file that cannot be read"):
        Preprocess()(tmp_path / "a.png")

    with pytest.raises(ValueError, match=r"at least one pixel, found \(0, 9, 3\)"):
        Preprocess()(np.zeros((0, 9, 3), np.uint8))


PLAIN = Preprocess(mean=(0, 0, 0), std=(1, 1, 1))


@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(np.full((30, 30), 30000, np.uint16)),
        Image.fromarray(np.full((30, 30), 0.46, np.float32)),
        Image.new("RGBA", (30, 30), (0, 0, 0, 0)),
        Image.new("RGBA", (30, 30), (255, 0, 0, 128)),
        Image.new("LA", (30, 30), (10, 100)),
    ],
    ids=["16 bits", "real numbers", "transparent", "half red", "grey with alpha"],
)
def test_the_same_colours_as_a_photograph(picture, tmp_path):
    path = tmp_path / "a.tif"
    picture.save(path)
    expected = load_photograph(path, 96)[:, :, 0, 0]
    np.testing.assert_allclose(PLAIN(path)[:, :, 5, 5], expected, atol=1e-6)
    if picture.mode in ("I;16", "F"):
        np.testing.assert_allclose(expected, 0.46, atol=0.003)


@pytest.mark.parametrize("size", [(40_000, 1), (1, 40_000), (40_001, 2)])
def test_a_long_picture_takes_no_more_memory_than_another(size, tmp_path):
    values = np.zeros(size[::-1], np.uint8)
    values[size[1] // 2 - 1 : size[1] // 2 + 1, size[0] // 2 - 1 : size[0] // 2 + 1] = 255
    Image.fromarray(values).save(tmp_path / "a.png")
    tracemalloc.start()
    x = PLAIN(tmp_path / "a.png")
    cut = PLAIN.cut(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert x.shape == (1, 3, 224, 224) and cut.size == (224, 224) and peak < 10**7
    # The middle is still in the middle.
    assert x[0, 0, 112, 112] > 0.9


@pytest.mark.parametrize("size", [(70, 10), (90, 10), (91, 10), (90, 11)])
def test_what_is_cut_off_a_long_picture_is_not_seen(size):
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    whole = Image.fromarray(values).resize(
        (256 * size[0] // size[1], 256), Image.Resampling.BILINEAR
    )
    left = round((whole.width - 224) / 2)
    expected = np.asarray(whole.crop((left, 16, left + 224, 240)), np.float32) / 255
    assert np.abs(PLAIN(values)[0].transpose(1, 2, 0) - expected).max() < 0.06
