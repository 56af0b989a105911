import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dlcourse.data import load_mnist, load_photograph, load_picture
from dlcourse.files import FileError


def seven(mode="L", size=(300, 260), ground="white", ink="black", width=24):
    """Draw a seven off the centre of a picture."""
    picture = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(picture)
    points = [(90, 50), (190, 50), (130, 190)]
    draw.line(points, fill=ink, width=width, joint="curve")
    return picture


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "seven.png"
    seven().save(path)
    return load_picture(path)


def load(picture, tmp_path, name="seven.png", **options):
    path = tmp_path / name
    picture.save(path, **options)
    return load_picture(path)


def test_like_mnist(expected):
    assert expected.shape == (1, 1, 28, 28) and expected.dtype == np.float32
    image = expected[0, 0]
    assert image.min() == 0 and image.max() == 1
    assert np.ptp(np.flatnonzero(image.any(axis=1))) + 1 == 20
    steps = np.arange(28)
    assert abs(np.average(steps, weights=image.sum(axis=0)) - 14) <= 0.5
    assert abs(np.average(steps, weights=image.sum(axis=1)) - 14) <= 0.5


def on_transparent(ink):
    picture = seven("RGBA", ground=(0, 0, 0, 0), ink=ink)
    return picture


PICTURES = {
    "RGB": lambda: seven("RGB", ink="navy"),
    "light on dark": lambda: seven(ground="black", ink="white"),
    "chalk on slate": lambda: seven("RGB", ground=(40, 60, 50), ink=(230, 230, 220)),
    "pencil on grey": lambda: seven(ground=200, ink=110),
    "bilevel": lambda: seven("L").convert("1"),
    "palette": lambda: seven("RGB", ink="navy").convert("P"),
    "palette with a transparent ground": lambda: on_transparent((0, 0, 90, 255)).quantize(8),
    "dark on transparent": lambda: on_transparent((0, 0, 90, 255)),
    "light on transparent": lambda: on_transparent((255, 255, 200, 255)),
    "grey with alpha": lambda: on_transparent((0, 0, 0, 255)).convert("LA"),
    "opaque RGBA": lambda: seven("RGBA"),
    "16 bits": lambda: Image.fromarray(np.asarray(seven()).astype(np.uint16) * 257),
    "12 bits": lambda: Image.fromarray(np.asarray(seven()).astype(np.uint16) * 16),
    "10 bits of 16": lambda: Image.fromarray(np.asarray(seven()).astype(np.uint16) * 4),
    "large": lambda: seven().resize((3000, 2600)),
    "wide": lambda: seven(size=(900, 260)),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_any_mode_and_size_gives_the_same_image(kind, expected, tmp_path):
    image = load(PICTURES[kind](), tmp_path)
    assert np.abs(image - expected).mean() < 0.012


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(mode, expected, tmp_path):
    image = load(seven("RGB").convert(mode), tmp_path, "seven.jpg", quality=60)
    assert np.abs(image - expected).mean() < 0.012


def test_photograph_with_grain_and_uneven_light(expected, tmp_path):
    rng = np.random.default_rng(0)
    shades = np.asarray(seven().resize((1200, 1040)), np.float32) / 255 * 0.7 + 0.15
    shades *= np.linspace(1, 0.85, 1200)
    shades += rng.normal(0, 0.02, shades.shape)
    photograph = Image.fromarray((shades.clip(0, 1) * 255).astype(np.uint8))
    image = load(photograph, tmp_path, "seven.jpg", quality=85)
    assert np.abs(image - expected).mean() < 0.03


def test_picture_that_a_phone_stored_on_its_side(expected, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    image = load(seven().transpose(Image.Transpose.ROTATE_90), tmp_path, "a.jpg", exif=exif)
    assert np.abs(image - expected).mean() < 0.012


@pytest.mark.parametrize("factor", [1, 8])
def test_mnist_comes_back(factor, tmp_path):
    for image in load_mnist()[1].images[:50, 0]:
        picture = Image.fromarray(np.rint(255 * (1 - image)).astype(np.uint8))
        size = (28 * factor, 28 * factor)
        back = load(picture.resize(size, Image.Resampling.NEAREST), tmp_path)[0, 0]
        assert np.abs(back - image).mean() < 0.005 * factor


@pytest.mark.parametrize("size", [(1, 40), (40, 1)])
def test_a_mere_line(size, tmp_path):
    picture = Image.new("L", (60, 60), 255)
    picture.paste(0, (10, 10, 10 + size[0], 10 + size[1]))
    image = load(picture, tmp_path)[0, 0]
    assert np.count_nonzero(image) == 20


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no.png: there is no such file; check the name"):
        load_picture(tmp_path / "no.png")


@pytest.mark.parametrize("content", [b"", b"a letter", b"\x89PNG\r\n\x1a\n"])
def test_not_a_picture(content, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a.png: expected a picture, .*save it as PNG or JPEG"):
        load_picture(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_truncated(name, tmp_path):
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ValueError, match=f"{name}: expected a picture, found a file that cannot"):
        load_picture(path)


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match="expected a picture, found a folder; save it as PNG"):
        load_picture(tmp_path)


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (50, 50), 255),
        Image.new("RGBA", (50, 50), (0, 0, 0, 0)),
        Image.new("L", (1, 1), 0),
        Image.fromarray(np.random.default_rng(0).normal(200, 3, (80, 80)).astype(np.uint8)),
    ],
    ids=["white", "transparent", "one pixel", "grain"],
)
def test_blank(picture, tmp_path):
    with pytest.raises(ValueError, match="found a blank one; the digit must be much darker"):
        load(picture, tmp_path)


REAL = {"0 to 1": 1 / 255, "0 to 255": 1, "0 to 65535": 257, "0 to 10 million": 1e7 / 255}


@pytest.mark.parametrize("factor", REAL.values(), ids=REAL)
def test_real_numbers(factor, expected, tmp_path):
    picture = Image.fromarray(np.asarray(seven(), np.float32) * np.float32(factor))
    image = load(picture, tmp_path, "seven.tif")
    assert np.abs(image - expected).mean() < 0.012


def test_pixels_that_are_no_numbers(tmp_path):
    for value in (np.nan, np.inf, -np.inf):
        values = np.full((9, 9), 0.5, np.float32)
        values[3, 3] = value
        with pytest.raises(FileError, match="a.tif: expected a picture, found one with pixels of"):
            load(Image.fromarray(values), tmp_path, "a.tif")


@pytest.mark.parametrize("paper", [255, 180, 140, 127, 126, 110, 90, 60, 40])
@pytest.mark.parametrize("ink", [0, 0.3])
def test_ink_on_paper_in_any_light(paper, ink, expected, tmp_path):
    shades = np.asarray(seven(), np.float32) / 255 * (1 - ink) + ink
    image = load(Image.fromarray((shades * paper).astype(np.uint8)), tmp_path)
    assert np.abs(image - expected).mean() < 0.02


@pytest.mark.parametrize("ground", [200, 150, 130, 120, 60])
def test_light_drawings_on_any_ground(ground, expected, tmp_path):
    image = load(seven(ground=ground, ink=255), tmp_path)
    assert np.abs(image - expected).mean() < 0.012


def test_more_pixels_than_can_be_meant(tmp_path):
    path = tmp_path / "a.png"
    Image.new("1", (9500, 9500)).save(path)
    with pytest.raises(FileError, match="a.png: expected a picture, found one of more than 89,4"):
        load_picture(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 100_000, 100_000)
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(FileError, match="a.png: expected a picture, found one of more than 89,4"):
        load_picture(path)


def test_longer_and_larger_files_than_can_be_meant(tmp_path):
    path = tmp_path / "a.png"
    Image.new("1", (65_536, 1)).save(path)
    for read in (load_picture, lambda path: load_photograph(path, 32)):
        with pytest.raises(FileError, match="found one with a side of more than 65,535 pixels"):
            read(path)
    with open(path, "wb") as file:
        file.write(b"\xff\xd8\xff")  # a JPEG, whose next part could come after any number of zeros
        file.truncate(10**10)
    with pytest.raises(FileError, match="a.png: expected .* found a file of more than 268,435,456"):
        load_picture(path)


def test_transparency_takes_little_memory(tmp_path):
    Image.new("RGBA", (3000, 3000)).save(tmp_path / "a.png")
    tracemalloc.start()
    with pytest.raises(FileError, match="found a blank one"):
        load_picture(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e7


def test_postscript_is_not_run(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    seven().save(tmp_path / "a.eps")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("it was run"))
    with pytest.raises(FileError, match="a.eps: expected a picture, found a file that cannot be"):
        load_picture(tmp_path / "a.eps")
