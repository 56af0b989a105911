"""Time a training step of DeepConvNet at batch 100, here and in PyTorch, in turn in one run.

    python benchmarks/training_step.py

Both use all cores. A step is forward, backward and Adam's update. Each round times the
contestants one after the other; the ratio of a round is free of what the machine does over
minutes, and the median over rounds is what is printed. Also ends with an error when the ratio to
PyTorch's default is over --limit.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from dlcourse.models import DeepConvNet
from dlcourse.nn import CrossEntropyLoss
from dlcourse.optim import Adam
from dlcourse.training import ParallelModel


def ours(images: np.ndarray, labels: np.ndarray, workers: int) -> Callable[[int], float]:
    """Return a function that runs so many steps and returns the seconds a step."""
    model = DeepConvNet(rng=np.random.default_rng(0))
    optimizer = Adam(model.parameters(), lr=0.001)

    def run(steps: int) -> float:
        with ParallelModel(model, CrossEntropyLoss, workers) as parallel:
            start = time.perf_counter()
            for step in range(steps):
                parallel.gradients(images, labels, seed=0, position=(step,))
                optimizer.step()
            return (time.perf_counter() - start) / steps

    return run


def theirs(images: np.ndarray, labels: np.ndarray, channels_last: bool) -> Callable[[int], float]:
    """Return the same for PyTorch."""
    nn = torch.nn
    layers: list[torch.nn.Module] = []
    plan = [(1, 16, 1), (16, 16, 1), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1)]
    for i, (c_in, c_out, padding) in enumerate(plan):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=padding), nn.ReLU()]
        if i % 2:
            layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(1024, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 10)]
    model = nn.Sequential(*layers)
    x, t = torch.from_numpy(images), torch.from_numpy(labels)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    loss = nn.CrossEntropyLoss()

    def run(steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model(x), t).backward()
            optimizer.step()
        return (time.perf_counter() - start) / steps

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=torch.get_num_threads(), help="cores to use")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5, help="steps a round")
    parser.add_argument(
        "--limit", type=float, default=1.5, help="largest ratio to PyTorch's default"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.workers)
    rng = np.random.default_rng(0)
    images = rng.random((100, 1, 28, 28), dtype=np.float32)
    labels = rng.integers(0, 10, 100)
    contestants = {
        "dlcourse": ours(images, labels, args.workers),
        "PyTorch, default": theirs(images, labels, channels_last=False),
        "PyTorch, channels-last": theirs(images, labels, channels_last=True),
    }
    for run in contestants.values():
        run(args.steps)  # warm up
    times = {name: [] for name in contestants}
    for _ in range(args.rounds):
        for name, run in contestants.items():
            times[name].append(run(args.steps))
    print(
        f"{platform.processor() or platform.machine()}, {args.workers} cores, "
        f"numpy {np.__version__}, torch {torch.__version__}"
    )
    for name, values in times.items():
        print(f"{name:24s} {1000 * statistics.median(values):7.1f} ms a step")
    ratios = {
        name: statistics.median(a / b for a, b in zip(times["dlcourse"], values, strict=True))
        for name, values in times.items()
        if name != "dlcourse"
    }
    for name, ratio in ratios.items():
        print(f"dlcourse takes {ratio:.2f} times as long as {name}")
    if ratios["PyTorch, default"] > args.limit:
        sys.exit(f"more than {args.limit} times as long as PyTorch in its default memory order")


if __name__ == "__main__":
    main()
