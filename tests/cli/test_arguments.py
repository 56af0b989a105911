"""Command lines drawn at random, most of them wrong: one sentence each, and no traceback."""

import dataclasses
import os
import random
import shutil

import numpy as np
import pytest
from PIL import Image

from dlcourse.applications.style.transfer import Losses
from dlcourse.doctor import Check
from dlcourse.entries import ENTRIES
from dlcourse.training import Trainer

NUMBERS = [
    *("0", "1", "2", "-1", "-59960", "3.5", "1e3", "nan", "inf", "-inf", "1e400", "", " ", "x"),
    *("0x10", "1_0", "99", "60000", "600000", str(2**31), str(2**63), str(10**30), "9" * 5000),
]
WORDS = [
    *("", " ", "-", "--", "none", "Adam", "adam ", "ädäm", "深い", "\u202e", "a\nb", "%s", "{}"),
    *("../..", "~", "*", "deep-convnet", "deep-convnet-seed0", "deep-convnet-seed99", "resnet"),
    *("mnist", "fashion-mnist", "cifar-10", "cosine", "affine", "momentum", "scenes/nic"),
    *("ensembles/deep-convnet", "rl/cartpole-dqn-seed0", "generation/vae", "style/grid"),
    *("driving/segnet", "../entries/deep-convnet-seed0", "starry-night", "random", "noise"),
    *("conv1_1", "conv9_9", "conv1_1,,", "lbfgs", "small-convnet-seed0", "x" * 300),
]
FILES = [
    *("seven.png", "dot.png", "flat.png", "text.png", "empty.png", "weights.npz", "empty.npz"),
    *("mine.pth", "folder", "run", "listed", "other", "gone.png", "gone.npz", "gone/deep/er"),
    *("odd \udcff name.png", "new\nline.gif", "new.gif", "new.png", "new.json", "new.xbm", "."),
    *("text.png/inside", "/dev/null", "/dev/full", "/proc/new.png"),
]
OPTIONS = {
    "train": {
        **dict.fromkeys(("--images", "--epochs", "--batch-size", "--lr", "--validation"), NUMBERS),
        **dict.fromkeys(("--seed", "--workers", "--checkpoint-every", "--timeout"), NUMBERS),
        **dict.fromkeys(("--data", "--optimizer", "--schedule", "--augment"), WORDS),
        "-o": FILES,
        "--dropout-on-logits": None,
        "--no-progress": None,
    },
    "train-entry": {"--seed": NUMBERS, "-o": FILES, "--no-progress": None},
    "evaluate": {"--workers": NUMBERS, "--whole": None},
    "ensemble": {"-o": FILES},
    "predict": {"--weights": WORDS + FILES},
    "summary": {},
    "style": {
        **dict.fromkeys(("--size", "--steps", "--style-weight", "--smoothness"), NUMBERS),
        **dict.fromkeys(("--every", "--seed"), NUMBERS),
        **dict.fromkeys(("--style-layers", "--optimizer", "--start", "--features"), WORDS),
        "-o": FILES,
    },
    "play": {**dict.fromkeys(("--seed", "--delay", "--most"), NUMBERS), "-o": FILES},
    "doctor": {"--gpu": None, "-o": FILES},
    "data": {},
    "": {"--version": None, "--help": None},
    "nothing": {},
}


def line(rng):
    """Draw a command with options, most of them its own, and arguments."""
    command = rng.choice(list(OPTIONS))
    words = [command] if command else []
    arguments = ["deep-convnet"] if command == "train" and rng.random() < 0.7 else []
    arguments += rng.choices(WORDS + FILES, k=rng.choice((0, 1, 1, 2)))
    for name, values in (
        rng.choices(list(OPTIONS[command].items()), k=rng.randrange(4))
        if (OPTIONS[command])
        else ()
    ):
        words += [name] if values is None else [name, rng.choice(values)]
    if rng.random() < 0.05:
        words.append(rng.choice(("--nothing", "-x", "--seed", "--help")))
    return words + arguments


@pytest.fixture
def place(tmp_path, monkeypatch, tiny):
    """A folder with right and wrong files, and nothing that takes long."""
    monkeypatch.chdir(tmp_path)
    seven = np.zeros((28, 28), np.uint8)
    seven[5, 8:20] = seven[5:24, 18] = 255
    Image.fromarray(seven).save("seven.png")
    Image.fromarray(seven).save("odd \udcff name.png")
    Image.new("RGB", (1, 1)).save("dot.png")
    Image.new("RGB", (90, 90), "white").save("flat.png")
    for name in ("empty.png", "empty.npz", "mine.pth"):
        open(name, "wb").close()
    for name, text in (("text.png", "seven"), ("run/recipe.json", "{}"), ("folder/a", "")):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "w") as file:
            file.write(text)
    for name, text in (("listed", "[]"), ("other", '{"seed": "x", "hello": [1]}')):
        os.makedirs(name)
        with open(f"{name}/recipe.json", "w") as file:
            file.write(text)
    from dlcourse import zoo

    shutil.copy(zoo.FOLDER / "deep-convnet-seed0.npz", "weights.npz")

    def enough(*args, **more):
        raise ValueError("all checks are passed")

    monkeypatch.setattr(Trainer, "fit", enough)
    for name, entry in ENTRIES.items():
        measure = enough if "/" in name and entry.evaluate else entry.evaluate
        changed = dataclasses.replace(entry, train=enough, evaluate=measure)
        monkeypatch.setitem(ENTRIES, name, changed)
    loss = Losses(0.0, 0.0, 0.0, 0.0)
    monkeypatch.setattr(
        "dlcourse.applications.style.command.transfer_style",
        lambda loss_, first, *a, **k: (first, [loss]),
    )
    monkeypatch.setattr("dlcourse.applications.style.command.StyleTransfer", lambda *a, **k: None)
    monkeypatch.setattr(
        "dlcourse.applications.style.command.load_features", lambda *a, **k: _Features
    )
    monkeypatch.setattr("dlcourse.cli.installation.check_all", lambda: [Check("a", "ok", "b")])
    monkeypatch.setattr("dlcourse.cli.applications.load_player", enough)
    few = {name: lambda: ([], []) for name in ("mnist", "fashion-mnist", "cifar-10")}
    monkeypatch.setattr("dlcourse.cli.installation._DATASETS", few)
    return tmp_path


class _Features:
    source = "none"


@pytest.mark.parametrize("seed", range(5))
def test_any_command_line_ends_with_a_sentence(run, place, seed):
    rng = random.Random(seed)
    for _ in range(80):
        words = line(rng)
        code, out, err = run(*words)
        told = (words, code, err)
        assert code in (0, 1, 2), told
        assert "Traceback" not in out + err and "fault of dlcourse" not in err, told
        assert "[Errno" not in err, told
        assert code == 0 or err.count("\n") == (1 if words else 0), told
        assert len(err) < 1500, told
        assert not code or not err or err.startswith("dlcourse: "), told
    assert not [name for name in os.listdir(place) if name.startswith(".")]
    assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null")
