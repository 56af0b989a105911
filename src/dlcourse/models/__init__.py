"""Networks, one file each; ensembles of them; and what a network is made of."""

from dlcourse.models.classifier import Classifier
from dlcourse.models.deep_convnet import DeepConvNet
from dlcourse.models.efficientnet_lite import (
    EfficientNetLite0,
    InvertedResidual,
    efficientnet_lite0,
)
from dlcourse.models.ensemble import Ensemble
from dlcourse.models.preprocessing import Preprocess, preprocess_for
from dlcourse.models.pretrained import load_pretrained
from dlcourse.models.residual import BasicBlock, Bottleneck, ZeroPadShortcut, projection
from dlcourse.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from dlcourse.models.resnet_cifar import ResNetCifar
from dlcourse.models.stacked_convnet import StackedConvNet
from dlcourse.models.summary import Field, Row, Summary, summary

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "Classifier",
    "DeepConvNet",
    "EfficientNetLite0",
    "Ensemble",
    "Field",
    "InvertedResidual",
    "Preprocess",
    "ResNet",
    "ResNetCifar",
    "Row",
    "StackedConvNet",
    "Summary",
    "ZeroPadShortcut",
    "efficientnet_lite0",
    "load_pretrained",
    "preprocess_for",
    "projection",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "summary",
]
