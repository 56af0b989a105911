"""What a training step keeps and how much: float32 throughout, and bounded."""

import tracemalloc

import numpy as np
import pytest

from dlcourse.models import DeepConvNet, ResNetCifar
from dlcourse.nn import CrossEntropyLoss, Module
from dlcourse.optim import Adam
from dlcourse.training import ParallelModel

RNG = np.random.default_rng(0)


def peak_of_a_step(batch, workers):
    """The most bytes that NumPy and Python had at once during a step, beyond the images."""
    model = DeepConvNet(rng=np.random.default_rng(1))
    images = RNG.random((batch, 1, 28, 28), dtype=np.float32)
    labels = RNG.integers(0, 10, batch)
    optimizer = Adam(model.parameters())
    with ParallelModel(model, CrossEntropyLoss, workers) as parallel:
        parallel.gradients(images, labels, batch, seed=0, position=(0,))  # scratch arrays stay
        optimizer.step()
        tracemalloc.start()
        try:
            parallel.gradients(images, labels, batch, seed=0, position=(1,))
            optimizer.step()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("batch", [25, 100, 400])
def test_memory_of_a_step_is_bounded(workers, batch):
    # A worker has the intermediate arrays of 25 images, about 11 MB. With the batch grows only
    # one gradient of the parameters for each micro-batch, half a MB.
    weights = sum(p.data.nbytes for p in DeepConvNet(rng=RNG).parameters())
    assert peak_of_a_step(batch, workers) < workers * 14 * 2**20 + batch / 25 * weights


def arrays_in(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from arrays_in(part)


@pytest.mark.parametrize(
    ("make", "shape"),
    [(DeepConvNet, (1, 28, 28)), (lambda rng: ResNetCifar(8, rng=rng), (3, 8, 8))],
)
def test_no_array_of_a_step_becomes_float64(monkeypatch, make, shape):
    seen = []

    def watched(name):
        method = getattr(Module, name)

        def forward(self, value, **options):
            result = method(self, value, **options)
            seen.extend(arrays_in([value, *options.values(), result, *vars(self).values()]))
            return result

        return forward

    monkeypatch.setattr(Module, "__call__", watched("__call__"))
    model = make(rng=np.random.default_rng(1))
    for _, module in model.named_modules():
        monkeypatch.setattr(
            module, "backward", lambda dy, old=module.backward: seen.append(dy) or old(dy)
        )
    loss = CrossEntropyLoss()
    images = RNG.random((6, *shape), dtype=np.float32)
    loss(model(images), RNG.integers(0, 10, 6))
    model.backward(loss.backward())
    optimizer = Adam(model.parameters())
    optimizer.step()
    for _, module in model.named_modules():
        seen.extend(arrays_in(list(vars(module).values())))
    seen.extend(p.grad for p in model.parameters())
    seen.extend(arrays_in(list(vars(loss).values())))
    seen.extend(array for state in optimizer.state for array in state.values())
    assert len(seen) > 100
    assert {a.dtype.name for a in seen if a.size > 1 and a.dtype.kind == "f"} == {"float32"}
