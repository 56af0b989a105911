"""What the records of generated digits claim, measured again from the shipped weights."""

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.applications.generation import (
    JUDGE,
    generate,
    latent_vectors,
    load_judge,
    look,
    score,
)
from dlcourse.applications.generation.dcgan_recipe import load_dcgan
from dlcourse.data import load_mnist


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def test_there_are_pictures_of_each_look():
    watched = zoo.record("generation/dcgan")["training"]["watched"]
    assert len(zoo.arrays("generation/dcgan")["pictures"]) == len(watched)


def test_the_judge_has_seen_no_sample():
    """It is a classifier of the zoo: its record names MNIST's training images and nothing else."""
    assert {zoo.record(name)["judge"] for name in zoo.names("generation")} == {JUDGE}
    assert zoo.record(JUDGE)["command"].startswith("dlcourse train deep-convnet")


def test_dcgan_scores_what_its_record_says(judge):
    makes, _ = load_dcgan()
    known = zoo.record("generation/dcgan")["test"]["dcgan"]
    count = 2000
    images = generate(makes, latent_vectors(count, makes.latent, np.random.default_rng(7)))
    real = look(load_mnist()[1].images, judge).features
    found = score(images, judge, real)
    # Four standard deviations of a share among 2,000 samples.
    assert found.confident == pytest.approx(known["confident"], abs=0.036)
    np.testing.assert_allclose(found.shares, known["shares"], atol=0.036)
    assert found.frechet == pytest.approx(known["frechet"], rel=0.15)
    assert found.spread == pytest.approx(known["spread"], rel=0.03)


def test_what_the_chapter_says_of_it():
    known = zoo.record("generation/dcgan")["test"]["dcgan"]
    assert known["confident"] >= 0.8
    assert min(known["shares"]) > 0 and max(known["shares"]) <= 0.2


def test_the_discriminator_tells_real_from_made():
    makes, judges = load_dcgan()
    made = generate(makes, latent_vectors(500, makes.latent, np.random.default_rng(8)))
    real = load_mnist()[1].images[:500]
    on_real, on_made = (judges(2 * images - 1) for images in (real, made))
    assert (on_real > 0).mean() > 0.5 and (on_made < 0).mean() > 0.5
