"""Deep networks from scratch, in NumPy and CuPy, with every backward pass written out."""

__version__ = "0.1.0"

from typing import TYPE_CHECKING

from dlcourse import habits

_ARRAYS = "arrays are NumPy's or CuPy's, write np."
_HINTS = {
    **{name: f"write import dlcourse.{name} as {name}" for name in ("data", "nn", "optim")},
    "no_grad": "there is no autograd to switch off, write model.predict(x) or model.evaluating()",
    "inference_mode": "there is no autograd to switch off, write model.predict(x)",
    "manual_seed": "write rng = np.random.default_rng(0) and pass it to everything that draws",
    "save": "write dlcourse.nn.weights.save_weights(model, path)",
    "load": "write dlcourse.nn.weights.load_weights(model, path)",
    "device": 'a device is a word, write model.to("cuda")',
    "from_numpy": "arrays are used as they are",
    "as_tensor": _ARRAYS + "asarray(values, np.float32)",
    "tensor": _ARRAYS + "array(values, np.float32)",
    **{name: f"{_ARRAYS}{name}(...)" for name in ("arange", "float32", "ones", "stack", "zeros")},
    "cat": _ARRAYS + "concatenate(...)",
    "randn": "write rng.standard_normal(shape, dtype=np.float32)",
    "rand": "write rng.random(shape, dtype=np.float32)",
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(__name__, _HINTS)
