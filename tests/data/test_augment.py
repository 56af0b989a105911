import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.data import Affine, Compose, Cutout, Elastic, Rotate, Scale, Shift, load_mnist
from dlcourse.data.augment import _gaussian, warp

ALL = [
    Shift(2),
    Rotate(15),
    Scale(1.2),
    Affine(10, 2, 1.1),
    Elastic(34, 4),
    Cutout(4),
    Compose(Rotate(5), Cutout(3)),
]


def images(n=4, channels=3, height=11, width=9, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).random((n, channels, height, width), dtype=dtype)


def grid(n, height, width):
    return np.tile(np.stack(np.mgrid[:height, :width]).astype(np.float32), (n, 1, 1, 1))


def naive_warp(images, coords):
    """Bilinear interpolation a pixel at a time, from the definition."""
    n, channels, height, width = images.shape
    out = np.zeros((n, channels, *coords.shape[2:]), images.dtype)
    for i, y, x in np.ndindex(n, *coords.shape[2:]):
        row, column = coords[i, :, y, x]
        for r in (int(np.floor(row)), int(np.floor(row)) + 1):
            for c in (int(np.floor(column)), int(np.floor(column)) + 1):
                if 0 <= r < height and 0 <= c < width:
                    share = (1 - abs(row - r)) * (1 - abs(column - c))
                    out[i, :, y, x] += share * images[i, :, r, c]
    return out


@pytest.mark.parametrize("augment", ALL, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_seed_same_bits_and_input_untouched(augment, dtype):
    x = images(dtype=dtype)
    before = x.copy()
    first = augment(x, np.random.default_rng(5))
    again = augment(x, np.random.default_rng(5))
    other = augment(x, np.random.default_rng(6))
    assert first.shape == x.shape and first.dtype == dtype
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(first, x)
    assert first.min() >= 0 and first.max() <= 1 + 1e-6


@pytest.mark.parametrize("augment", ALL, ids=lambda a: type(a).__name__)
def test_each_image_is_changed_in_its_own_way_and_all_its_channels_alike(augment):
    x = np.broadcast_to(images(1, 1, 28, 28), (3, 2, 28, 28))
    y = augment(x, np.random.default_rng(1))
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    assert not np.array_equal(y[0], y[1])


@pytest.mark.parametrize("augment", ALL, ids=lambda a: type(a).__name__)
def test_memory_order_makes_no_difference(augment):
    x = images()
    channels_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(
        augment(x, np.random.default_rng(0)), augment(channels_last, np.random.default_rng(0))
    )


@given(
    channels=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    spread=st.floats(0, 20),
    seed=st.integers(0, 999),
)
@settings(max_examples=50, deadline=None)
def test_warp_follows_the_definition(channels, height, width, spread, seed):
    rng = np.random.default_rng(seed)
    x = rng.random((2, channels, height, width))
    coords = rng.normal(size=(2, 2, 3, 4)) * spread
    np.testing.assert_allclose(warp(x, coords), naive_warp(x, coords), atol=1e-12)


def test_warp_at_whole_pixels_is_exact_and_zero_outside():
    x = images()
    coords = grid(4, 11, 9)
    np.testing.assert_array_equal(warp(x, coords), x)
    coords[:, 0] += 2
    coords[:, 1] -= 3
    moved = warp(x, coords)
    np.testing.assert_array_equal(moved[:, :, :-2, 3:], x[:, :, 2:, :-3])
    assert not moved[:, :, -2:].any() and not moved[:, :, :, :3].any()
    assert not warp(x, coords + 1e6).any()


def test_shift_moves_whole_pixels_over_the_whole_range():
    x = np.zeros((500, 1, 9, 9), np.float32)
    x[:, 0, 4, 4] = 1
    y = Shift(2)(x, np.random.default_rng(0))
    n, _, rows, columns = np.nonzero(y)
    np.testing.assert_array_equal(n, np.arange(500))
    assert set(y[y > 0]) == {1}
    assert set(rows) == set(columns) == set(range(2, 7))


def test_rotation_and_scale_are_about_the_centre():
    x = images(height=7, width=7)

    class Quarter(np.random.Generator):
        """A generator that draws the upper end of each range."""

        def uniform(self, low, high, n):
            return np.full(n, float(high))

        def integers(self, low, high, size, endpoint):
            return np.zeros(size, np.int64)

    turned = Rotate(90)(x, Quarter(np.random.PCG64()))
    np.testing.assert_allclose(turned, np.rot90(x, axes=(3, 2)), atol=1e-5)
    doubled = Scale(2)(x, Quarter(np.random.PCG64()))
    np.testing.assert_allclose(doubled[:, :, 1::2, 1::2], x[:, :, 2:5, 2:5], atol=1e-6)


def test_rotation_stays_within_its_degrees():
    x = np.zeros((300, 1, 41, 41), np.float32)
    x[:, 0, 20, 35] = 1  # 15 pixels right of the centre
    y = Rotate(20)(x, np.random.default_rng(0))[:, 0]
    rows, columns = np.mgrid[:41, :41]
    mass = y.sum(axis=(1, 2))
    dy = (y * (rows - 20)).sum(axis=(1, 2)) / mass
    dx = (y * (columns - 20)).sum(axis=(1, 2)) / mass
    degrees = np.rad2deg(np.arctan2(dy, dx))
    assert -21 < degrees.min() < -18 and 18 < degrees.max() < 21
    assert abs(degrees.mean()) < 2


def test_affine_does_in_one_sampling_what_its_parts_do_in_turn():
    # A blurred spot, for which three samplings lose little.
    y, x = np.mgrid[:61, :61] - 30
    spot = np.exp(-((y - 6) ** 2 + (x + 9) ** 2) / 50)[None, None]

    class Fixed(np.random.Generator):
        """A generator that draws the same shares of each range."""

        def uniform(self, low, high, n):
            return np.full(n, low + 0.8 * (high - low))

        def integers(self, low, high, size, endpoint):
            return np.array([high, low]).reshape(size)

    together = Affine(30, 5, 1.3)(spot, Fixed(np.random.PCG64()))
    apart = Compose(Scale(1.3), Rotate(30), Shift(5))(spot, Fixed(np.random.PCG64()))
    np.testing.assert_allclose(together, apart, atol=0.02)
    assert np.abs(together - spot).max() > 0.5


def test_elastic_moves_as_far_as_promised_at_the_edge_too():
    ramp = np.broadcast_to(np.arange(100, dtype=np.float32) + 200, (20, 1, 100, 100))
    moves = Elastic(20, 4)(ramp, np.random.default_rng(0))[..., 5:-5] - ramp[..., 5:-5]
    moves = moves[:, :, 3:-3]
    assert moves.std() == pytest.approx(0.16 * 20 / 4, rel=0.15)
    assert moves[:, :, :4].std() == pytest.approx(moves.std(), rel=0.3)
    # Smooth: neighbours move together.
    assert np.diff(moves, axis=-1).std() < moves.std() / 4


def test_gaussian_is_that_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage", reason="scipy is not installed")
    line = np.random.default_rng(0).random(200)
    expected = ndimage.gaussian_filter1d(line, 4.0, truncate=8)[50:78]
    np.testing.assert_allclose(_gaussian(28, 4.0) @ line[38:90], expected, atol=1e-3)


def test_cutout_hides_a_square():
    x = np.ones((200, 2, 12, 10), np.float32)
    y = Cutout(5)(x, np.random.default_rng(0))
    hidden = (y == 0).sum(axis=(1, 2, 3)) // 2
    assert hidden.max() == 25 and hidden.min() == 9  # a corner keeps 3 x 3 of it at least
    for image in y[:, 0]:
        rows, columns = np.nonzero(image == 0)
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_compose_is_one_after_the_other():
    x = images()
    rng = np.random.default_rng(0)
    expected = Cutout(3)(Rotate(10)(x, rng), rng)
    actual = Compose(Rotate(10), Cutout(3))(x, np.random.default_rng(0))
    np.testing.assert_array_equal(actual, expected)


def test_digits_keep_their_ink():
    x = load_mnist()[1].images[:200]
    y = Affine(10, 2, 1.1)(x, np.random.default_rng(0))
    assert y.sum() == pytest.approx(x.sum(), rel=0.03)


@pytest.mark.parametrize("augment", ALL, ids=lambda a: type(a).__name__)
def test_wrong_images(augment):
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), found float32 of shape \(11, 9\)"):
        augment(images()[0, 0], np.random.default_rng(0))
    with pytest.raises(ValueError, match="found uint8"):
        augment(np.zeros((1, 1, 4, 4), np.uint8), np.random.default_rng(0))
