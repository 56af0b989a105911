"""The captioner of the zoo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from dlcourse import zoo
from dlcourse.applications.captioning.training import (
    THINGS,
    VOCABULARY,
    evaluate_nic,
    nic_gradients,
    speaking_gradients,
)
from dlcourse.data.scenes import load_scenes
from dlcourse.models import NIC
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import take_over
from dlcourse.zoo.steps import train_in_steps
from dlcourse.zoo.training import Entry, Trained

#: First everything but the encoder's stages: scenes, steps, batch size, learning rate.
_FIRST = (10_000, 2000, 64, 0.003)
#: Then everything: steps, batch size, learning rate.
_THEN = (2200, 32, 0.001)


def train_nic(folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train NIC.

    The encoder begins with the weights of the zoo's FCN-8s, as the published one began with a
    classifier's: what a picture shows has been learnt already, what is said about it has not.
    Its stages are left alone at first, and are trained with the rest at the end, as Vinyals
    et al. (2017) do; in their first paper (2015) they were left alone throughout.
    """
    network = {"kind": "NIC", "words": len(VOCABULARY)}
    model = zoo.build(network, generator(seed, Stream.INIT))
    take_over(model, zoo.arrays("scenes/fcn-8s"))
    recipe = {
        "begins_with": "scenes/fcn-8s",
        "scenes_of_first": _FIRST[0],
        "batch_sizes": [_FIRST[2], _THEN[1]],
    }
    shared: dict[str, Any] = {"recipe": recipe, "seed": seed, "progress": progress}
    count, steps, batch_size, lr = _FIRST
    scenes = load_scenes("train", count, things=THINGS, seed=1000 + seed)
    gradients = speaking_gradients(model, scenes, VOCABULARY, batch_size, seed)
    first = train_in_steps(model, network, gradients, steps, folder / "first", lr=lr, **shared)
    steps, batch_size, lr = _THEN
    scenes = load_scenes("train", steps * batch_size, things=THINGS, seed=1001 + seed)
    gradients = nic_gradients(model, scenes, VOCABULARY, batch_size, seed)
    then = train_in_steps(model, network, gradients, steps, folder, lr=lr, **shared)
    return replace(
        then,
        training={"first": first.training, "then": then.training},
        seconds=(first.seconds or 0) + (then.seconds or 0),
    )


def evaluate(model: NIC, *, whole: bool = True) -> dict[str, Any]:
    """Return the scores of captions for 100 test scenes, and for 500."""
    scores = {}
    for count in (100, 500) if whole else (100,):
        scenes = load_scenes("test", count, things=THINGS)
        scores[str(count)] = evaluate_nic(model, scenes, VOCABULARY)[0]._asdict()
    return scores


ENTRIES = [Entry("scenes/nic", train_nic, evaluate)]
