"""What only a GPU can tell: agreement, a training run, speed and memory, in one report."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import numpy as np

from dlcourse import cuda, models, nn, zoo
from dlcourse.backend import (
    Array,
    array_module,
    empty_memory_pool,
    memory_pool,
    to_device,
)
from dlcourse.data import load_mnist
from dlcourse.doctor.agreement import agreements
from dlcourse.machine import measure, stopwatch
from dlcourse.models import Classifier, DeepConvNet
from dlcourse.nn.kernels.patches import im2col, windows
from dlcourse.nn.kernels.windows import Geometry
from dlcourse.optim import Adam
from dlcourse.training import Trainer
from dlcourse.training.copying import ahead

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How much the report does; with the defaults it takes a few minutes.

    Attributes
    ----------
    images, epochs : int
        Images of MNIST's training set, and passes over them, in the training run.
    accuracy : float
        What training has to reach on the 10,000 test images. On a processor, according to the
        record of the zoo entry ``deep-convnet-seed0``, 98.3% of 5,000 held-out images were right
        after two epochs.
    batches : tuple of (str, int, int)
        What speed is measured with: a network, the side of its images, and images per batch.
    repeats : int
        How often each speed is measured; the median counts.
    """

    images: int = 60_000
    epochs: int = 2
    accuracy: float = 0.97
    batches: tuple[tuple[str, int, int], ...] = (
        ("DeepConvNet", 28, 100),
        ("DeepConvNet", 28, 1000),
        ("ResNet-20", 32, 128),
        ("ResNet-18", 224, 32),
    )
    repeats: int = 5


_NETWORKS: dict[str, tuple[int, Callable[[np.random.Generator], Classifier]]] = {
    "DeepConvNet": (1, lambda rng: models.DeepConvNet(rng=rng)),
    "ResNet-20": (3, lambda rng: models.ResNetCifar(20, rng=rng)),
    "ResNet-18": (3, lambda rng: models.resnet18(rng=rng)),
}


def gpu_report(settings: Settings | None = None, say: Say = print) -> dict[str, Any]:
    """Try the package on this machine's GPU, and return what was found, ready for JSON.

    Parameters
    ----------
    settings : Settings, optional
        How much to do.
    say : callable
        Told what happens, one line per call.

    Raises
    ------
    RuntimeError
        If CuPy or a GPU is missing.
    """
    settings = settings or Settings()
    xp = array_module(to_device(np.zeros(1, np.float32), "cuda"))  # says so if there is no GPU
    report: dict[str, Any] = {
        "format": "dlcourse gpu report 1",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {**zoo.versions(), "cupy": xp.__version__, **_cuda_versions(xp)},
        "hardware": {**zoo.hardware(), **_gpu(xp)},
    }
    say(f"{report['hardware']['gpu']}, cupy {xp.__version__}")
    report["agreement"] = [_told(agreement, say) for agreement in agreements()]
    report["limits"] = _limits(xp, settings.repeats, say)
    report["kernels"] = _kernels(xp, settings.repeats, say)
    report["speed"] = [_speed(xp, *batch, settings.repeats, say) for batch in settings.batches]
    report["training"] = _training(settings, say)
    report["ok"] = report["training"]["ok"] and all(row["ok"] for row in report["agreement"])
    return report


def _told(agreement: Any, say: Say) -> dict[str, Any]:
    row = {**asdict(agreement), "ok": agreement.ok}
    state = "ok" if agreement.ok else "WRONG"
    say(f"{state:6s}{agreement.kind} {agreement.name}: {agreement.error:.1e} in {agreement.worst}")
    return row


def _cuda_versions(xp: ModuleType) -> dict[str, str]:
    runtime = xp.cuda.runtime
    numbers = {"cuda": runtime.runtimeGetVersion(), "driver": runtime.driverGetVersion()}
    return {name: f"{n // 1000}.{n % 1000 // 10}" for name, n in numbers.items()}


def _gpu(xp: ModuleType) -> dict[str, Any]:
    properties = xp.cuda.runtime.getDeviceProperties(0)
    return {
        "gpu": properties["name"].decode(),
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "gpu_bytes": int(properties["totalGlobalMem"]),
    }


def _limits(xp: ModuleType, repeats: int, say: Say) -> dict[str, float]:
    """What the GPU can do at most, and how fast the bus to it is, in bytes per second."""
    machine = measure(xp=xp)
    host = np.ones(2**24, np.float32)
    there = xp.asarray(host)
    pinned = np.frombuffer(xp.cuda.alloc_pinned_memory(host.nbytes), np.float32, host.size)
    limits = {
        "multiply_adds": machine.multiply_adds,
        "bandwidth": machine.bandwidth,
        "to_gpu": host.nbytes / _median(xp, lambda: there.set(host), repeats),
        "to_gpu_pinned": host.nbytes / _median(xp, lambda: there.set(pinned), repeats),
        "from_gpu": host.nbytes / _median(xp, lambda: xp.asnumpy(there), repeats),
    }
    say(
        f"{limits['multiply_adds'] / 1e12:.2f} T multiply-adds/s, memory "
        f"{limits['bandwidth'] / 1e9:.0f} GB/s, to the GPU {limits['to_gpu'] / 1e9:.1f} GB/s, from "
        f"pinned memory {limits['to_gpu_pinned'] / 1e9:.1f} GB/s"
    )
    return limits


def _kernels(xp: ModuleType, repeats: int, say: Say) -> list[dict[str, Any]]:
    """Seconds with the kernels of `dlcourse.cuda`, and with CuPy's functions alone."""
    rng = np.random.default_rng(0)
    images = to_device(rng.standard_normal((100, 28, 28, 64), dtype=np.float32), "cuda")
    x = images.transpose(0, 3, 1, 2)
    patches = windows(x[:, :16], Geometry((3, 3), padding=(1, 1)))
    norm, relu = nn.BatchNorm2d(64).to("cuda"), nn.ReLU()
    parameter = nn.Parameter(to_device(rng.standard_normal(10**6, dtype=np.float32), "cuda"))
    parameter.grad = parameter.data * 0.01
    works: dict[str, Callable[[], object]] = {
        "im2col": lambda: im2col(patches),
        "relu": lambda: relu(x),
        "batch_norm": lambda: norm.backward(norm(x)),
        "adam": Adam([parameter]).step,
    }
    rows = []
    for name, work in works.items():
        kernel = _median(xp, work, repeats)
        with cuda.plain():
            plain = _median(xp, work, repeats)
        say(f"{name}: {1e6 * kernel:.0f} us with our kernel, {1e6 * plain:.0f} us without")
        rows.append({"name": name, "seconds": kernel, "plain_seconds": plain})
    return rows


def _speed(
    xp: ModuleType, name: str, side: int, batch: int, repeats: int, say: Say
) -> dict[str, Any]:
    """Images per second in training and in inference, and the memory that training took."""
    empty_memory_pool()
    channels, build = _NETWORKS[name]
    rng = np.random.default_rng(0)
    model = build(rng).to("cuda")
    model.set_generator(rng)
    optimizer, loss = Adam(model.parameters()), model.criterion()
    images = rng.random((batch, channels, side, side), dtype=np.float32)
    labels = rng.integers(10, size=batch)
    there = to_device(images, "cuda"), to_device(labels, "cuda")

    def step(x: Array, t: Array) -> None:
        model.zero_grad()
        loss(model(x), t)
        model.backward(loss.backward())
        optimizer.step()

    def copied_steps(count: int = 8) -> None:
        for x, t in ahead([(images, labels)] * count, there[0]):
            step(x, t)

    training = batch / _median(xp, lambda: step(*there), repeats)
    copied = 8 * batch / _median(xp, copied_steps, repeats)
    held = memory_pool().held
    model.eval()
    inference = batch / _median(xp, lambda: model(there[0]), repeats)
    say(
        f"{name}, {batch} images of {side}x{side}: training {training:,.0f} images/s, with copies "
        f"from the host {copied:,.0f}, inference {inference:,.0f}, {held / 1e6:,.0f} MB"
    )
    return {
        "network": name,
        "side": side,
        "batch": batch,
        "training_images_per_second": training,
        "training_with_copies_images_per_second": copied,
        "inference_images_per_second": inference,
        "memory_bytes": held,
    }


def _training(settings: Settings, say: Say) -> dict[str, Any]:
    """Train DeepConvNet on MNIST, as the book does, and test it on the test images."""
    train, test = load_mnist()
    model = DeepConvNet(rng=np.random.default_rng(0)).to("cuda")
    trainer = Trainer(model, Adam(model.parameters()), seed=0, progress=False)
    start = time.perf_counter()
    history = trainer.fit(train.subset(slice(settings.images)), epochs=settings.epochs)
    seconds = time.perf_counter() - start
    images, labels = (to_device(array, "cuda") for array in (test.images, test.labels))
    accuracy = model.accuracy(images, labels, batch_size=1000)
    ok = accuracy >= settings.accuracy
    say(
        f"{'ok' if ok else 'WRONG':6s}training on {settings.images:,} images, {settings.epochs} "
        f"epochs in {seconds:.1f} s: test accuracy {accuracy:.2%}, wanted {settings.accuracy:.2%}"
    )
    return {
        "images": settings.images,
        "epochs": settings.epochs,
        "seconds": seconds,
        "images_per_second": settings.images * settings.epochs / seconds,
        "train_loss": [epoch.train_loss for epoch in history.epochs],
        "test_accuracy": accuracy,
        "wanted_accuracy": settings.accuracy,
        "ok": ok,
    }


def _median(xp: ModuleType, work: Callable[[], object], repeats: int) -> float:
    """Seconds of some work on the GPU: twice to warm up, then the median."""
    mark, between = stopwatch(xp)
    work()
    work()
    times = []
    for _ in range(repeats):
        start = mark()
        work()
        times.append(between(start, mark()))
    return max(statistics.median(times), 1e-9)
