"""Networks, one file each; ensembles of them; and what a network is made of."""

from dlcourse.models.classifier import Classifier
from dlcourse.models.deep_convnet import DeepConvNet
from dlcourse.models.ensemble import Ensemble
from dlcourse.models.stacked_convnet import StackedConvNet
from dlcourse.models.summary import Field, Row, Summary, summary

__all__ = [
    "Classifier",
    "DeepConvNet",
    "Ensemble",
    "Field",
    "Row",
    "StackedConvNet",
    "Summary",
    "summary",
]
