"""A picture that shows what one does and is painted as another is (Gatys et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dlcourse.applications.style.features import VGGFeatures
from dlcourse.applications.style.losses import ContentLoss, StyleLoss, TotalVariation, gram_matrix
from dlcourse.backend import Array
from dlcourse.blas import blas, blas_held
from dlcourse.expect import needed
from dlcourse.nn import Parameter
from dlcourse.optim import Adam
from dlcourse.training import TrainingDiverged
from dlcourse.training.progress import progress_bar

#: Fine strokes and colours first, larger shapes later.
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")
CONTENT_LAYER = "conv4_2"
OPTIMIZERS = ("lbfgs", "adam")


class Losses(NamedTuple):
    """A picture's losses, each without its weight, and their weighted sum."""

    content: float
    style: float
    total_variation: float
    total: float


class StyleTransfer:
    """The loss of a picture for a content and a style, and its gradient.

    .. math:: L = L_\\mathrm{content} + \\alpha \\frac{1}{K} \\sum_{k=1}^K E_k + \\beta V

    with a `StyleLoss` for each of K layers and `TotalVariation` (Gatys et al. 2016, equation 7,
    and Mahendran and Vedaldi 2015).

    Parameters
    ----------
    features : VGGFeatures
        The features to compare; they are normalised over the two pictures.
    content, style : array of shape (1, 3, H, W)
        Pictures from 0 to 1, of any two sizes from 32 up.
    style_weight : float
        alpha: the larger, the more style.
    variation_weight : float
        beta: the larger, the smoother.
    style_layers : sequence of str
        The layers whose Gram matrices are the style. Deeper ones see larger shapes.
    content_layer : str
        The layer whose features are the content.

    Attributes
    ----------
    features : VGGFeatures
        The normalised ones.

    Examples
    --------
    >>> from dlcourse.applications.style import load_features
    >>> rng = np.random.default_rng(0)
    >>> content, style = rng.random((2, 1, 3, 32, 32), dtype=np.float32)
    >>> loss = StyleTransfer(load_features("random"), content, style, style_layers=["conv1_1"])
    >>> losses = loss(content)
    >>> losses.content, losses.style > 0
    (0.0, True)
    >>> loss.backward().shape
    (1, 3, 32, 32)
    """

    def __init__(
        self,
        features: VGGFeatures,
        content: Array,
        style: Array,
        *,
        style_weight: float = 100.0,
        variation_weight: float = 1.0,
        style_layers: Sequence[str] = STYLE_LAYERS,
        content_layer: str = CONTENT_LAYER,
    ) -> None:
        for name, weight in (("style", style_weight), ("variation", variation_weight)):
            if not 0 <= weight < np.inf:
                raise ValueError(f"{name}_weight must be a number from 0 up, found {weight}")
        for name, image in (("content", content), ("style", style)):
            if image.ndim != 4 or image.shape[:2] != (1, 3) or min(image.shape[2:]) < 32:
                raise ValueError(
                    f"expected a {name} of shape (1, 3, H, W) with at least 32 pixels a side, "
                    f"found {image.shape}"
                )
        self._style_layers = list(dict.fromkeys(style_layers))
        if not self._style_layers:
            raise ValueError("expected at least one style layer, found none")
        self._content_layer = content_layer
        self._names = list(dict.fromkeys([*self._style_layers, content_layer]))
        self.features = features.normalised([content, style], self._names)
        self._style_weight = style_weight
        self._variation_weight = variation_weight
        painted = self.features(style, self._style_layers)
        self._grams = {name: gram_matrix(output) for name, output in painted.items()}
        self._shown = self.features(content, [content_layer])[content_layer].copy()
        self._content = ContentLoss()
        self._styles = {name: StyleLoss() for name in self._style_layers}
        self._variation = TotalVariation()

    def __call__(self, image: Array) -> Losses:
        """Return the losses of an image (1, 3, H, W) of the content's shape."""
        outputs = self.features(image, self._names)
        content = self._content(outputs[self._content_layer], self._shown)
        styles = [loss(outputs[name], self._grams[name]) for name, loss in self._styles.items()]
        style = sum(styles) / len(styles)
        variation = self._variation(image)
        total = content + self._style_weight * style + self._variation_weight * variation
        return Losses(content, style, variation, total)

    def backward(self) -> Array:
        """Return the gradient of the last total with respect to the image."""
        share = self._style_weight / len(self._styles)
        gradients = {name: share * loss.backward() for name, loss in self._styles.items()}
        own = self._content.backward()
        layer = self._content_layer
        gradients[layer] = gradients[layer] + own if layer in gradients else own
        smooth = self._variation_weight * self._variation.backward()
        return self.features.backward(gradients) + smooth


def transfer_style(
    loss: StyleTransfer,
    start: np.ndarray,
    steps: int = 100,
    *,
    optimizer: str = "lbfgs",
    lr: float = 0.02,
    on_step: Callable[[int, np.ndarray], None] | None = None,
    progress: bool = True,
) -> tuple[np.ndarray, list[Losses]]:
    """Change a picture, step by step, until its loss is small; all of it learns at once.

    Parameters
    ----------
    loss : StyleTransfer
        The loss to be made small.
    start : array of shape (1, 3, H, W)
        The first picture: the content, or noise. It is left as it is.
    steps : int
        How many; each takes a forward and a backward pass, and L-BFGS now and then takes one more.
    optimizer : str
        ``"lbfgs"``, as in Gatys et al., which guesses the curvature from the last ten
        gradients (Byrd et al. 1995); or ``"adam"``.
    lr : float
        Adam's learning rate.
    on_step : callable, optional
        Called with the number of steps done and the picture at that point, which it may keep.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    image : array of shape (1, 3, H, W)
        The last picture, float32 from 0 to 1.
    losses : list of Losses
        Those of the first picture, and those after each step.

    Raises
    ------
    ValueError
        If there is no such optimizer, or no step.
    TrainingDiverged
        If the loss becomes infinite or not a number.
    ImportError
        If SciPy, which has L-BFGS, is not installed.

    References
    ----------
    Byrd et al. 1995: A limited memory algorithm for bound constrained optimization.
    """
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"expected one of {', '.join(OPTIMIZERS)}, found {optimizer!r}")
    if steps < 1:
        raise ValueError(f"expected at least one step, found {steps}")
    losses: list[Losses] = []
    with progress_bar(show=progress, total=steps, desc="style") as bar:

        def report(image: np.ndarray, found: Losses) -> None:
            if not math.isfinite(found.total):
                raise TrainingDiverged(
                    f"the loss of the picture became {found.total}: try smaller weights"
                )
            losses.append(found)
            bar.set_postfix(style=f"{found.style:.2e}", content=f"{found.content:.2e}")
            if len(losses) > 1:
                bar.update()
                if on_step is not None:
                    on_step(len(losses) - 1, image)

        image = np.clip(start, 0, 1).astype(np.float32)
        if optimizer == "adam":
            return _adam(loss, image, steps, lr, report), losses
        return _lbfgs(loss, image, steps, report), losses


_Report = Callable[[np.ndarray, Losses], None]


def _adam(
    loss: StyleTransfer, image: np.ndarray, steps: int, lr: float, report: _Report
) -> np.ndarray:
    pixels = Parameter(image)  # changed in place
    optimizer = Adam([pixels], lr=lr)
    report(pixels.data.copy(), loss(pixels.data))
    for _ in range(steps):
        pixels.grad = loss.backward()
        optimizer.step()
        np.clip(pixels.data, 0, 1, out=pixels.data)
        report(pixels.data.copy(), loss(pixels.data))
    return image


def _lbfgs(loss: StyleTransfer, image: np.ndarray, steps: int, report: _Report) -> np.ndarray:
    with needed("SciPy", "L-BFGS", "scipy, or take the optimizer adam"):
        from scipy.optimize import OptimizeResult, minimize
    found = loss(image)
    report(image, found)

    shape = image.shape

    def as_image(vector: np.ndarray) -> np.ndarray:
        return vector.reshape(shape).astype(np.float32)

    def evaluate(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal found
        found = loss(as_image(vector))
        return found.total, loss.backward().astype(np.float64).ravel()

    def after_step(intermediate_result: OptimizeResult) -> None:
        nonlocal image
        image = as_image(intermediate_result.x)
        report(image, found)  # the line search ends at the point that it takes

    blas.cache_clear()  # SciPy's is there now as well
    with blas_held():
        minimize(
            evaluate,
            image.astype(np.float64).ravel(),
            method="L-BFGS-B",
            jac=True,
            bounds=[(0, 1)] * image.size,
            callback=after_step,
            # As many steps as are asked for, however little they gain.
            options={"maxiter": steps, "maxfun": 20 * steps, "maxcor": 10, "ftol": 0, "gtol": 0},
        )
    return image
