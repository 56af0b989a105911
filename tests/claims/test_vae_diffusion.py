"""What the records of the autoencoder and the diffusion model claim, from the shipped weights."""

import pytest

from dlcourse import zoo
from dlcourse.applications.generation import (
    load_judge,
    look,
    reconstruct,
    sample_diffusion,
    sample_vae,
    score,
)
from dlcourse.applications.generation.diffusion_recipe import SCHEDULE, load_diffusion
from dlcourse.applications.generation.vae_recipe import load_vae
from dlcourse.data import load_mnist
from dlcourse.training import Stream, generator


@pytest.fixture(scope="module")
def judge():
    return load_judge()


@pytest.fixture(scope="module")
def real(judge):
    return look(load_mnist()[1].images, judge).features


def test_the_autoencoder_scores_what_its_record_says(judge, real):
    record, model = zoo.record("generation/vae"), load_vae()
    drawn = sample_vae(model, 2000, generator(record["recipe"]["seed"], Stream.SAMPLE))
    found, known = score(drawn, judge, real), record["test"]["vae"]
    assert found.confident == pytest.approx(known["confident"], abs=0.03)
    assert found.frechet == pytest.approx(known["frechet"], rel=0.15)
    assert found.shares == pytest.approx(known["shares"], abs=0.03)
    redrawn = score(reconstruct(model, load_mnist()[1].images[:2000]), judge, real)
    assert redrawn.confident == pytest.approx(
        record["test"]["redrawn_test_images"]["confident"], abs=0.03
    )


def test_the_diffusion_model_scores_what_its_record_says(judge, real):
    record = zoo.record("generation/diffusion")
    drawn = sample_diffusion(
        load_diffusion(), SCHEDULE, 300, generator(record["recipe"]["seed"], Stream.SAMPLE), 10
    )
    found, known = score(drawn, judge, real), record["test"]["ddim-10"]
    assert found.confident == pytest.approx(known["confident"], abs=0.06)
    assert max(found.shares) < max(known["shares"]) + 0.06
    assert found.spread == pytest.approx(known["spread"], rel=0.05)
