"""Style transfer: what one picture shows, painted the way another is."""

from dlcourse.applications.style.features import SOURCES, VGGFeatures, load_features
from dlcourse.applications.style.losses import ContentLoss, StyleLoss, TotalVariation, gram_matrix
from dlcourse.applications.style.paintings import PAINTINGS
from dlcourse.applications.style.transfer import (
    CONTENT_LAYER,
    OPTIMIZERS,
    STYLE_LAYERS,
    Losses,
    StyleTransfer,
    transfer_style,
)

__all__ = [
    "CONTENT_LAYER",
    "OPTIMIZERS",
    "PAINTINGS",
    "SOURCES",
    "STYLE_LAYERS",
    "ContentLoss",
    "Losses",
    "StyleLoss",
    "StyleTransfer",
    "TotalVariation",
    "VGGFeatures",
    "gram_matrix",
    "load_features",
    "transfer_style",
]
