"""Time and memory of ResNet-18 and VGG-16 on one 224x224 image, here and in PyTorch.

    python benchmarks/inference.py

Time: both use all cores. Each round times the two one after the other, each the best of a few
images; the ratio of a round is free of what the machine does over minutes, and the median over
rounds is what is printed.

Memory: the peak of resident memory of a fresh process that builds the network with random weights
and runs one image, libraries included. Beside it stands what is above the libraries: weights and
intermediate arrays.

Ends with an error when a ratio to PyTorch is over --limit.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

SIDES = ("dlcourse", "PyTorch")


def ours(name: str) -> Callable[[], object]:
    """Return a function that runs the network on one image."""
    from dlcourse import models

    model = getattr(models, name)(rng=np.random.default_rng(0)).eval()
    image = picture()
    return lambda: model(image)


def theirs(name: str) -> Callable[[], object]:
    """Return the same for PyTorch."""
    import torch

    model = {"resnet18": torch_resnet18, "vgg16": torch_vgg16}[name]().eval()
    image = torch.from_numpy(picture())

    def run() -> object:
        with torch.inference_mode():
            return model(image)

    return run


def picture() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1, 3, 224, 224), dtype=np.float32)


def torch_resnet18():
    from torch import nn

    class Block(nn.Module):
        def __init__(self, c_in, c_out, stride):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(inplace=True),
                nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False),
                nn.BatchNorm2d(c_out),
            )
            self.relu = nn.ReLU(inplace=True)
            self.shortcut = nn.Identity()
            if stride != 1:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
                )

        def forward(self, x):
            return self.relu(self.body(x) + self.shortcut(x))

    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    layers.append(nn.MaxPool2d(3, 2, 1))
    c_in = 64
    for c_out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(c_in, c_out, stride), Block(c_out, c_out, 1)]
        c_in = c_out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def torch_vgg16():
    from torch import nn

    layers, c_in = [], 3
    for c_out, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(c_in, c_out, 3, 1, 1), nn.ReLU(inplace=True)]
            c_in = c_out
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout()]
    layers += [nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers)


def time_of(run: Callable[[], object], images: int) -> float:
    """Return the seconds of the fastest of so many images."""
    seconds = []
    for _ in range(images):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def peak() -> float:
    """Return the largest resident memory that this process has had, in megabytes."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure_memory(side: str, name: str) -> None:
    """Print the peak of this process as JSON: in all, and above the libraries."""
    if side == "dlcourse":
        import dlcourse.models  # noqa: F401
    else:
        import torch  # noqa: F401
    libraries = peak()
    (ours if side == "dlcourse" else theirs)(name)()
    print(json.dumps({"all": peak(), "above": peak() - libraries}))


def memory_of(side: str, name: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--memory", side, name]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(
    name: str, memory: dict[str, dict[str, float]], rounds: int, images: int
) -> list[float]:
    """Print time and memory of both sides, and return the ratios."""
    runs = {"dlcourse": ours(name), "PyTorch": theirs(name)}
    for run in runs.values():
        run()  # warm up
    times = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, run in runs.items():
            times[side].append(time_of(run, images))
    for side in SIDES:
        print(
            f"{name:9s} {side:9s} {1000 * statistics.median(times[side]):7.1f} ms"
            f" {memory[side]['all']:7.0f} MB, {memory[side]['above']:.0f} above the libraries"
        )
    slower = statistics.median(a / b for a, b in zip(*times.values(), strict=True))
    larger, above = (memory["dlcourse"][k] / memory["PyTorch"][k] for k in ("all", "above"))
    print(
        f"{name:9s} dlcourse takes {slower:.2f} times the time and {larger:.2f} times the memory "
        f"({above:.2f} above the libraries)"
    )
    return [slower, larger, above]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["resnet18", "vgg16"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--images", type=int, default=3, help="images a round")
    parser.add_argument("--limit", type=float, default=2.0, help="largest ratio to PyTorch")
    parser.add_argument("--memory", nargs=2, metavar=("SIDE", "MODEL"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory:
        measure_memory(*args.memory)
        return
    # First, for a process begins with the peak of the one that starts it.
    memory = {name: {side: memory_of(side, name) for side in SIDES} for name in args.models}
    import torch

    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} cores, "
        f"numpy {np.__version__}, torch {torch.__version__}"
    )
    ratios = []
    for name in args.models:
        ratios += compare(name, memory[name], args.rounds, args.images)
    if max(ratios) > args.limit:
        sys.exit(f"more than {args.limit} times the time or memory of PyTorch")


if __name__ == "__main__":
    main()
