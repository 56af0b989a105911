"""What the pages claim of generated digits, measured again from the shipped weights."""

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.applications.generation import (
    JUDGE,
    cosine_schedule,
    generate,
    judged,
    latent_vectors,
    sample_diffusion,
)
from dlcourse.data import load_mnist


def test_there_are_pictures_of_each_look():
    watched = zoo.record("generation/dcgan")["training"]["watched"]
    assert len(zoo.arrays("generation/dcgan")["pictures"]) == len(watched)


def test_the_judge_has_seen_no_sample():
    """It is a classifier of the zoo: its record names MNIST's training images and nothing else."""
    assert {zoo.record(name)["test"]["judge"] for name in zoo.names("generation/")} == {JUDGE}
    assert zoo.record(JUDGE)["command"].startswith("dlcourse train deep-convnet")


def test_what_the_chapter_says_of_it():
    known = zoo.record("generation/dcgan")["test"]["dcgan"]
    assert known["confident"] >= 0.8
    assert min(known["shares"]) > 0 and max(known["shares"]) <= 0.2


def test_the_discriminator_tells_real_from_made():
    dcgan = zoo.load("generation/dcgan")
    makes, judges = dcgan.generator, dcgan.discriminator
    made = generate(makes, latent_vectors(500, makes.latent, np.random.default_rng(8)))
    real = load_mnist()[1].images[:500]
    on_real, on_made = (judges(2 * images - 1) for images in (real, made))
    assert (on_real > 0).mean() > 0.5 and (on_made < 0).mean() > 0.5


def test_the_diffusion_model_scores_about_what_its_record_says():
    model, record = zoo.load("generation/diffusion"), zoo.record("generation/diffusion")
    schedule = cosine_schedule(record["recipe"]["noising_steps"])
    found = judged(sample_diffusion(model, schedule, 300, np.random.default_rng(0), 10))
    known = record["test"]["ddim-10"]
    assert found["confident"] == pytest.approx(known["confident"], abs=0.06)
    assert max(found["shares"]) < max(known["shares"]) + 0.06
    assert found["spread"] == pytest.approx(known["spread"], rel=0.05)
