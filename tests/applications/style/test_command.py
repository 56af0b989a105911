import functools

import numpy as np
import pytest
from PIL import Image

from dlcourse.applications.style import PAINTINGS

FAST = ("--features", "random", "--size", 48, "--steps", 3, "--style-layers", "conv1_1,conv2_1")


@pytest.fixture
def style(run):
    """Run `dlcourse style ARGS`."""
    return functools.partial(run, "style")


@pytest.fixture
def photograph(tmp_path):
    """A grey picture with transparency, of another format than most."""
    grey = np.linspace(0, 255, 60 * 80).reshape(60, 80).astype(np.uint8)
    path = tmp_path / "photo.webp"
    Image.fromarray(np.stack([grey, 255 - grey], axis=2), "LA").convert("RGBA").save(path)
    return path


def test_it_writes_the_picture_and_those_on_the_way(style, photograph, tmp_path):
    output = tmp_path / "new" / "out.png"
    arguments = (photograph, "starry-night", "-o", output, "--optimizer", "adam", "--every", 1)
    code, out, err = style(*arguments, *FAST)
    assert code == 0 and "style" in err  # the progress bar
    assert "features: random filters" in out and f"wrote {output}" in out
    assert out.count("total ") == 3
    files = sorted(path.name for path in output.parent.iterdir())
    assert files == ["out-0001.png", "out-0002.png", "out.png"]
    with Image.open(output) as picture:
        assert picture.size == (48, 36) and picture.mode == "RGB"
    first = output.read_bytes()
    _, quiet, err = style(*arguments, *FAST, "--no-progress")
    assert output.read_bytes() == first and quiet == out and not err


def test_noise_is_drawn_from_the_seed(style, photograph, tmp_path):
    output = tmp_path / "out.jpg"
    pictures = []
    for seed in (0, 0, 1):
        args = (photograph, PAINTINGS["starry-night"], "-o", output, "--start", "noise")
        assert style(*args, "--seed", seed, "--optimizer", "adam", *FAST)[0] == 0
        pictures.append(output.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", 4], "--size must be at least 48, found 4"),
        (["--start", "x"], "--start must be one of content, noise, found 'x'"),
        (["--every", -1], "--every must be at least 0, found -1"),
        (["--optimizer", "sgd"], "--optimizer must be one of lbfgs, adam, found 'sgd'"),
        (["--features", "x"], "--features must be one of auto, imagenet, edges, random, found 'x'"),
        (["--style-layers", "conv0"], "found 'conv0'"),
        (["--style-weight", "1e308"], "--style-weight must be at most 1,000,000,000, found 1e+308"),
        (["--steps", 0], "--steps must be at least 1, found 0"),
    ],
)
def test_what_cannot_be_is_one_sentence(style, photograph, tmp_path, options, message):
    output = tmp_path / "out.png"
    code, _, err = style(photograph, "starry-night", "-o", output, *FAST, *options)
    assert code == 1 and message in err and "Traceback" not in err
    assert not output.exists()


def test_files_that_are_no_pictures_are_refused(style, photograph, tmp_path):
    output = tmp_path / "out.png"
    (tmp_path / "text.png").write_text("hello")
    for content, painting, to, message in (
        (tmp_path / "none.png", "starry-night", output, "there is no such file"),
        (photograph, "monet", output, "monet: there is no such file"),
        (tmp_path / "text.png", "starry-night", output, "expected a picture"),
        (photograph, "starry-night", tmp_path / "out.txt", "ends in .png or .jpg"),
    ):
        code, _, err = style(content, painting, "-o", to, *FAST)
        assert code == 1 and message in err and not to.exists()


def test_a_picture_that_has_the_style_already(style, tmp_path):
    flat = tmp_path / "flat.png"
    Image.new("RGB", (60, 60), "white").save(flat)
    output = tmp_path / "out.png"
    code, out, err = style(flat, flat, "-o", output, *FAST)
    assert code == 0 and f"wrote {output}" in out and "Traceback" not in err


@pytest.mark.parametrize("name", ["folder.png", "text/out.png", "out.xbm"])
def test_what_cannot_be_written_is_refused_before_the_work(style, photograph, tmp_path, name):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "text").touch()
    code, out, err = style(photograph, "starry-night", "-o", tmp_path / name, *FAST)
    assert code == 1 and name.split("/")[0] in err and "[Errno" not in err
    assert not out  # not even the features were loaded
