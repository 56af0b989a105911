"""Deep networks from scratch, in NumPy and CuPy, with every backward pass written out."""

__version__ = "0.2.0"

from typing import TYPE_CHECKING

import numpy as np

from dlcourse import habits

_ARRAYS = "arrays are NumPy's or CuPy's, write np."
_HINTS = {
    **{name: f"write import dlcourse.{name} as {name}" for name in ("data", "nn", "optim")},
    **{name: f"{_ARRAYS}{name}(...)" for name in dir(np) if not name.startswith("_")},
    **dict.fromkeys(("Tensor", "is_tensor"), _ARRAYS + "ndarray"),
    **dict.fromkeys(
        ("enable_grad", "set_grad_enabled"), "there is no autograd to switch, leave it out"
    ),
    **dict.fromkeys(("compile", "jit"), "there is nothing to compile, call the model"),
    **dict.fromkeys(("amp", "autocast"), "write dlcourse.precision.MixedPrecision(model, scaler)"),
    "Generator": "write np.random.default_rng(0)",
    "flatten": "write x.reshape(len(x), -1), or make a layer, nn.Flatten()",
    "relu": "make a layer, nn.ReLU()",
    "sigmoid": "make a layer, nn.Sigmoid()",
    "softmax": "write dlcourse.nn.softmax(x, dim=1)",
    "randint": "write rng.integers(low, high, shape)",
    "randperm": "write rng.permutation(n)",
    "utils": "see dlcourse.data for data, and dlcourse.optim.clip_grad_norm_",
    "no_grad": "there is no autograd to switch off, write model.predict(x) or model.evaluating()",
    "inference_mode": "there is no autograd to switch off, write model.predict(x)",
    "manual_seed": "write rng = np.random.default_rng(0) and pass it to everything that draws",
    "save": "write dlcourse.nn.weights.save_weights(model, path)",
    "load": "write dlcourse.nn.weights.load_weights(model, path)",
    "device": 'a device is a word, write model.to("cuda")',
    "from_numpy": "arrays are used as they are",
    "as_tensor": _ARRAYS + "asarray(values, np.float32)",
    "tensor": _ARRAYS + "array(values, np.float32)",
    "cat": _ARRAYS + "concatenate(...)",
    "randn": "write rng.standard_normal(shape, dtype=np.float32)",
    "rand": "write rng.random(shape, dtype=np.float32)",
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(__name__, _HINTS)
