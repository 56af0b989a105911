"""`softmax`; and for torch's other functions, the layer to write instead.

A function has no place for what its backward pass needs, so here a network is made of layers.
"""

import sys
from typing import TYPE_CHECKING, NoReturn

from dlcourse.nn.loss import softmax

__all__ = ["softmax"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> NoReturn:
        loss = name.replace("binary_cross_entropy", "bce") + "loss"
        wanted = {name.replace("_", ""), loss.replace("_", "")}
        layers = sys.modules["dlcourse.nn"].__all__  # which imports this file
        layer = next((layer for layer in layers if layer.lower() in wanted), None)
        if name == "one_hot":
            hint = ": write np.eye(classes, dtype=np.float32)[labels]"
        elif layer is None:
            hint = ""
        else:
            hint = f": make a layer, self.{name} = nn.{layer}(...), and call it in forward"
        raise AttributeError(f"dlcourse.nn.functional has no {name}{hint}", name=name)
