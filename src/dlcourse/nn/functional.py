"""`softmax`; and for torch's other functions, the layer to write instead.

A function has no place for what its backward pass needs, so here a network is made of layers.
"""

import sys
from typing import TYPE_CHECKING, NoReturn

from dlcourse.nn.loss import softmax

__all__ = ["softmax"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> NoReturn:
        plain = name.replace("binary_cross_entropy", "bce").replace("_", "")
        wanted = {plain, plain + "loss", plain + "2d"}
        nn = sys.modules["dlcourse.nn"]  # which imports this file
        layer = next((layer for layer in nn.__all__ if layer.lower() in wanted), None)
        hints = {kind.lower(): hint for kind, hint in nn._HINTS.items()} | {
            "onehot": "write np.eye(classes, dtype=np.float32)[labels]",
            "interpolate": nn._HINTS["Upsample"],
            "pad": nn._HINTS["ZeroPad2d"],
        }
        if layer is None:
            hint = hints.get(plain, "")
        elif layer.endswith("Loss"):
            hint = f"make a loss, criterion = nn.{layer}(...), and call it"
        else:
            hint = f"make a layer, self.{name} = nn.{layer}(...), and call it in forward"
        raise AttributeError(f"{__name__} has no {name}{hint and ': '}{hint}", name=name)
