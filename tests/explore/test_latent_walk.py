import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse import zoo
from dlcourse.applications.generation import JUDGE, generate, latent_vectors, look, slerp
from dlcourse.explore.latent_walk import latent_walk
from dlcourse.explore.lib.widget import pack
from dlcourse.models import DCGANGenerator


def test_corners_and_centre():
    rng = np.random.default_rng(0)
    makes, judge = DCGANGenerator(8, 4, rng=rng).eval(), zoo.load(JUDGE)
    corners = latent_vectors(4, 8, rng)
    data = latent_walk(makes, corners, judge, side=3).data
    centre = slerp(slerp(*corners[:2], 0.5), slerp(*corners[2:], 0.5), 0.5)
    expected = generate(makes, np.stack([*corners, centre]).astype(np.float32))
    assert data["images"]["shape"] == [9, 28, 28]
    assert data["images"]["bytes"][:900] == pack(expected[:1, 0])["bytes"][:900]
    seen = look(expected, judge)
    places = [0, 2, 6, 8, 4]
    assert [data["read"][k] for k in places] == seen.classes.tolist()
    np.testing.assert_allclose([data["confidence"][k] for k in places], seen.confidence, atol=2e-3)


def test_wrong_input_says_what_was_expected():
    makes = DCGANGenerator(8, 4, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="expects 4 corners .* found 3 corners and 13"):
        latent_walk(makes, np.ones((3, 8, 1, 1), np.float32), zoo.load(JUDGE))
