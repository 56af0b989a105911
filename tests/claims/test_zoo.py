"""What the records, the README and the pages claim, measured again."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.data import load_mnist
from dlcourse.nn import Sequential
from dlcourse.zoo.ensemble import ENSEMBLE

ROOT = Path(__file__).parents[2]
PLAIN = [f"deep-convnet-seed{i}" for i in range(3)]


@pytest.fixture(scope="module")
def test_set():
    return load_mnist()[1]


def test_the_plain_recipe_reaches_993_on_the_mean_of_three_seeds():
    recipes = [zoo.record(name)["recipe"] for name in PLAIN]
    assert [recipe.pop("seed") for recipe in recipes] == [0, 1, 2]
    assert recipes[0] == recipes[1] == recipes[2]
    assert (recipes[0]["augment"], recipes[0]["schedule"]) == ("none", "constant")
    assert np.mean([zoo.record(name)["test"]["accuracy"] for name in PLAIN]) >= 0.993


def test_augmentation_and_schedule_reach_995():
    for name in ENSEMBLE:
        recipe = zoo.record(name)["recipe"]
        assert (recipe["augment"], recipe["schedule"]) == ("affine", "cosine")
        assert zoo.record(name)["test"]["accuracy"] >= 0.995


def test_the_small_network_reaches_992_with_fewer_than_10000_parameters():
    record = zoo.record("small-convnet-seed0")
    assert record["parameters"] < 10_000
    assert record["test"]["accuracy"] >= 0.992


def test_the_ensemble_is_better_than_its_members():
    record = zoo.record("ensembles/deep-convnet")
    assert record["network"]["members"] == ENSEMBLE
    assert record["test"]["members"] == [zoo.record(name)["test"]["accuracy"] for name in ENSEMBLE]
    assert record["test"]["accuracy"] >= 0.9965


def test_the_networks_of_the_depth_experiment_are_of_one_size():
    records = [zoo.record(name) for name in zoo.names("stack-")]
    assert len(records) == 30
    assert all(abs(record["parameters"] - 30_000) <= 600 for record in records)
    recipes = [{**r["recipe"], "model": "", "seed": 0} for r in records]
    assert all(recipe == recipes[0] for recipe in recipes)


DEGRADATION = {
    (net, depth): [zoo.record(f"{net}-{depth}-seed{seed}") for seed in range(3)]
    for net in ("plain", "resnet")
    for depth in (20, 56)
}


def last(net, depth, what):
    """What three seeds had in their last epoch."""
    return np.array([record["training"]["epochs"][-1][what] for record in DEGRADATION[net, depth]])


def test_the_trainings_of_the_degradation_problem_differ_in_the_network_alone():
    for (net, depth), records in DEGRADATION.items():
        assert [record["recipe"]["model"] for record in records] == [f"{net}-{depth}"] * 3
        assert [record["recipe"]["seed"] for record in records] == [0, 1, 2]
    recipes = [{**r["recipe"], "model": "", "seed": 0} for rs in DEGRADATION.values() for r in rs]
    assert all(recipe == recipes[0] for recipe in recipes)
    assert (recipes[0]["data"], recipes[0]["images"]) == ("fashion-mnist", 2000)
    for depth in (20, 56):
        sizes = [r["parameters"] for net in ("plain", "resnet") for r in DEGRADATION[net, depth]]
        assert len(set(sizes)) == 1


def test_without_shortcuts_the_deeper_network_fits_its_training_images_worse():
    assert (last("plain", 56, "train_loss") > 2 * last("plain", 20, "train_loss")).all()
    assert (last("plain", 56, "train_accuracy") < last("plain", 20, "train_accuracy")).all()


def test_a_smaller_learning_rate_does_not_help_the_deep_plain_network():
    for seed, usual in enumerate(DEGRADATION["plain", 56][:2]):
        slow = zoo.record(f"plain-56-lr0.02-seed{seed}")
        assert slow["recipe"] == {**usual["recipe"], "lr": 0.02}
        assert (
            slow["training"]["epochs"][-1]["train_loss"]
            > usual["training"]["epochs"][-1]["train_loss"]
        )


def test_shortcuts_help_at_either_depth_but_do_not_make_the_deeper_network_the_better_one():
    for depth in (20, 56):
        plain, residual = DEGRADATION["plain", depth], DEGRADATION["resnet", depth]
        assert (last("resnet", depth, "train_loss") < last("plain", depth, "train_loss")).all()
        for without, with_ in zip(plain, residual, strict=True):
            assert with_["test"]["accuracy"] > without["test"]["accuracy"]
    assert (last("resnet", 56, "train_loss") > last("resnet", 20, "train_loss")).all()


def test_a_trained_network_without_one_block(test_set):
    images, labels = test_set.images[:1000], test_set.labels[:1000]
    shares = {}
    for kind in ("plain", "resnet"):
        net = zoo.load(f"mnist-{kind}-20-seed0")
        stages = [list(net.layer1), list(net.layer2), list(net.layer3)]
        blocks = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]
        for stage, number in blocks:
            kept = [b for i, bs in enumerate(stages) for j, b in enumerate(bs)
                    if (i, j) != (stage, number)]  # fmt: skip
            x = Sequential(net.conv1, net.bn1, net.relu, *kept, net.avgpool, net.fc).eval()(images)
            shares.setdefault(kind, []).append((x.argmax(axis=1) == labels).mean())
    assert max(shares["plain"]) < 0.3
    assert min(shares["resnet"][1:]) > 0.4 and max(shares["resnet"]) > 0.9


def test_four_ideas_at_one_size():
    ideas = ("large-filters", "small-filters", "inception", "residual")
    records = {i: [zoo.record(f"idea-{i}-seed{seed}") for seed in range(3)] for i in ideas}
    together = [record for group in records.values() for record in group]
    assert all(abs(record["parameters"] - 33_500) <= 200 for record in together)
    recipes = [{**record["recipe"], "model": "", "seed": 0} for record in together]
    assert all(recipe == recipes[0] for recipe in recipes)
    accuracy = {i: np.array([r["test"]["accuracy"] for r in group]) for i, group in records.items()}
    assert (accuracy["inception"] > accuracy["small-filters"]).all()
    assert (accuracy["small-filters"] > accuracy["large-filters"]).all()
    assert (accuracy["small-filters"] > accuracy["residual"]).all()
    work = {i: group[0]["multiply_adds"] for i, group in records.items()}
    assert 1.4 < work["inception"] / work["small-filters"] < 1.6


def test_readme_shows_the_records():
    subprocess.run([sys.executable, ROOT / "tools" / "results.py", "--check"], check=True)
