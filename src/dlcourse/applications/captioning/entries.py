"""The run that made the captioner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.captioning.training import evaluate_nic, nic_steps, speaking_steps
from dlcourse.applications.captioning.vocabulary import Vocabulary
from dlcourse.data.scenes import WORDS, load_scenes
from dlcourse.models import NIC
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import take_over, write_entry
from dlcourse.zoo.steps import train_in_steps

# The words of all captions of scenes.
VOCABULARY = Vocabulary(WORDS)
#: Scenes for captions have one or two digits.
THINGS = (1, 2)
#: First everything but the encoder's stages: scenes, steps, batch size, learning rate.
_FIRST = (10_000, 2000, 64, 0.003)
#: Then everything: steps, batch size, learning rate.
_THEN = (2200, 32, 0.001)


def run_nic(output: Path, *, command: str, seed: int = 0, progress: bool = True) -> dict[str, Any]:
    """Train NIC into a folder, and return the record; see `zoo.entry`.

    The encoder begins with the weights of the zoo's FCN-8s, as the published one began with a
    classifier's: what a picture shows has been learnt already, what is said about it has not.
    Its stages are left alone at first, and are trained with the rest at the end, as Vinyals
    et al. (2017) do; in their first paper (2015) they were left alone throughout.

    Parameters
    ----------
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
    seed : int
        What initial weights and scenes are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    model = NIC(len(VOCABULARY), rng=generator(seed, Stream.INIT))
    take_over(model, zoo.arrays("scenes/fcn-8s"))
    count, steps, batch_size, lr = _FIRST
    scenes = load_scenes("train", count, things=THINGS, seed=1000 + seed)
    first = train_in_steps(
        model,
        speaking_steps(model, scenes, VOCABULARY, batch_size, seed),
        steps,
        output / "first",
        lr=lr,
        settings={"seed": seed},
        progress=progress,
    )
    steps, batch_size, lr = _THEN
    scenes = load_scenes("train", steps * batch_size, things=THINGS, seed=1001 + seed)
    training = train_in_steps(
        model,
        nic_steps(model, scenes, VOCABULARY, batch_size, seed),
        steps,
        output,
        lr=lr,
        settings={"seed": seed},
        progress=progress,
    )
    test = {}
    for count in (100, 500):
        scores, _ = evaluate_nic(model, load_scenes("test", count, things=THINGS), VOCABULARY)
        test[str(count)] = scores._asdict()
    recipe = {
        "seed": seed,
        "begins_with": "fcn-8s",
        "scenes_of_first": _FIRST[0],
        "batch_sizes": [_FIRST[2], _THEN[1]],
    }
    return write_entry(
        output,
        model.state_dict(),
        command,
        {"recipe": recipe, "first": first, "training": training, "test": test},
    )


def load_nic() -> NIC:
    """Return the captioner of the zoo, ready to speak.

    Examples
    --------
    >>> load_nic().encode(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 128)
    """
    model = NIC(len(VOCABULARY), rng=np.random.default_rng(0))
    model.load_state_dict(zoo.arrays("scenes/nic"))
    model.eval()
    return model
