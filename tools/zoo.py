"""Make the entries of the zoo: train each by its command, and copy what ships.

python tools/zoo.py [NAME ...]      all entries, or those named; interrupted ones are resumed
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dlcourse import zoo
from dlcourse.applications.rl.dqn_recipe import ABLATIONS
from dlcourse.entries import RECIPES
from dlcourse.expect import one_of
from dlcourse.files import atomic_write

#: What the training runs on the degradation problem share; one thread, beside other work.
DEGRADATION = (
    "--validation 500 --images 2000 --batch-size 50 --epochs 10 --optimizer momentum "
    "--schedule cosine --workers 1 --no-progress"
)

#: The options of each entry's ``dlcourse train``.
OPTIONS = {
    **{
        f"deep-convnet-seed{seed}": f"deep-convnet --seed {seed} --validation 5000"
        for seed in (0, 1, 2)
    },
    **{
        f"deep-convnet-logit-dropout-seed{seed}": (
            f"deep-convnet --seed {seed} --validation 5000 --dropout-on-logits"
        )
        for seed in (0, 1, 2)
    },
    # Chapter 1, raising accuracy: augmentation and schedule, each alone and both together.
    **{
        f"deep-convnet-{name}-seed{seed}": f"deep-convnet --seed {seed} --validation 5000 {options}"
        for name, options, seeds in (
            ("affine", "--augment affine", 2),
            ("cosine", "--schedule cosine", 2),
            ("augmented", "--augment affine --schedule cosine", 5),
        )
        for seed in range(seeds)
    },
    "small-convnet-seed0": (
        "small-convnet --seed 0 --validation 5000 --augment affine --schedule warmup-cosine "
        "--lr 0.01 --epochs 30"
    ),
    # Chapter 1, why depth: the same number of parameters in networks of several depths.
    **{
        f"stack-{shape}-seed{seed}": (
            f"stack-{shape} --seed {seed} --validation 5000 --images 12000 --epochs 12 "
            "--schedule cosine"
        )
        for shape in ("1x7", "1x5", "1x3", "2x3", "3x3", "4x3")
        for seed in range(5)
    },
    # Chapter 2, the degradation problem: networks that differ in depth and in shortcuts; the
    # deepest plain one at a smaller learning rate too; and two with weights, for digits.
    **{
        f"{name}-seed{seed}": f"{name.split('-lr')[0]} --seed {seed} {options} {DEGRADATION}"
        for name, options, seeds in (
            ("plain-20", "--data fashion-mnist --lr 0.1", 3),
            ("resnet-20", "--data fashion-mnist --lr 0.1", 3),
            ("plain-56", "--data fashion-mnist --lr 0.1", 3),
            ("resnet-56", "--data fashion-mnist --lr 0.1", 3),
            ("plain-56-lr0.02", "--data fashion-mnist --lr 0.02", 2),
        )
        for seed in range(seeds)
    },
    "mnist-plain-20-seed0": f"plain-20 --seed 0 --lr 0.1 {DEGRADATION}",
    "mnist-resnet-20-seed0": f"resnet-20 --seed 0 --lr 0.1 {DEGRADATION}",
    # Chapter 2: four ideas in networks of one size.
    **{
        f"idea-{idea}-seed{seed}": (
            f"idea-{idea} --data fashion-mnist --seed {seed} --validation 500 --images 3000 "
            "--batch-size 50 --epochs 6 --lr 0.01 --schedule cosine --workers 1 --no-progress"
        )
        for idea in ("large-filters", "small-filters", "inception", "residual")
        for seed in range(3)
    },
}

#: Entries that ship their weights; for the others the record is enough.
WITH_WEIGHTS = (
    *("deep-convnet-seed", "deep-convnet-augmented-seed", "small-convnet-seed"),
    *("mnist-plain-20-seed", "mnist-resnet-20-seed"),
)


def make(name: str) -> None:
    """Train an entry in ``runs/NAME``, and copy its record, and its weights if they ship."""
    folder = Path("runs") / name
    arguments = ["train-entry", name] if name in RECIPES else ["train", *OPTIONS[name].split()]
    command = [sys.executable, "-m", "dlcourse", *arguments, "-o", str(folder)]
    subprocess.run(command, check=True)
    copies = {"record.json": f"{name}.json"}
    if name.startswith(WITH_WEIGHTS) or name in RECIPES.keys() - ABLATIONS.keys():
        copies["weights.npz"] = f"{name}.npz"
    for source, target in copies.items():
        with atomic_write(zoo.FOLDER / target) as file:
            file.write((folder / source).read_bytes())


def main() -> None:
    """Make all entries, or those named."""
    known = [*OPTIONS, *RECIPES]
    names = sys.argv[1:] or known
    for name in names:
        try:
            one_of("an entry", name, known)
        except ValueError as error:
            sys.exit(f"tools/zoo.py: {error}")
    for name in names:
        make(name)
    if not sys.argv[1:]:
        target = zoo.FOLDER / "ensembles" / "deep-convnet.json"
        subprocess.run(
            [sys.executable, "-m", "dlcourse", "ensemble", "-o", str(target)], check=True
        )


if __name__ == "__main__":
    main()
