"""Networks, one file each; ensembles of them; and what a network is made of.

A file is read when one of its names is first used: a program waits for the networks that it uses,
and a page of the book runs again after a change of those.
"""

from importlib import import_module
from typing import TYPE_CHECKING

# These files have the name of a function, so they are read now: it is the function that counts.
from dlcourse.models.alexnet import AlexNet, AlexNet2012, alexnet
from dlcourse.models.googlenet import GoogLeNet, googlenet
from dlcourse.models.summary import Field, Row, Summary, summary

if TYPE_CHECKING:
    from dlcourse.models.classifier import Classifier, SequentialClassifier
    from dlcourse.models.dcgan import DCGAN, DCGANDiscriminator, DCGANGenerator, init_dcgan
    from dlcourse.models.deep_convnet import DeepConvNet
    from dlcourse.models.efficientnet_lite import (
        EfficientNetLite0,
        InvertedResidual,
        efficientnet_lite0,
    )
    from dlcourse.models.ensemble import Ensemble
    from dlcourse.models.fcn import FCN, convolutionalize
    from dlcourse.models.googlenet_2014 import GoogLeNet2014
    from dlcourse.models.googlenet_aux import GoogLeNetLoss, GoogLeNetOutputs, InceptionAux
    from dlcourse.models.inception import BasicConv2d, Inception
    from dlcourse.models.inception_convnet import InceptionConvNet
    from dlcourse.models.lenet import LeNet5
    from dlcourse.models.nic import NIC
    from dlcourse.models.preprocessing import Preprocess, preprocess_for
    from dlcourse.models.pretrained import load_pretrained
    from dlcourse.models.q_networks import DuelingHead, MinAtarQNetwork, MLPQNetwork, QNetwork
    from dlcourse.models.region_net import RCNN, FastRCNN, FastRCNNOutputs, RegionNet
    from dlcourse.models.residual import BasicBlock, Bottleneck, ZeroPadShortcut, projection
    from dlcourse.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
    from dlcourse.models.resnet_cifar import ResNetCifar
    from dlcourse.models.segnet import SegNet
    from dlcourse.models.stacked_convnet import StackedConvNet
    from dlcourse.models.unet import UNet
    from dlcourse.models.vae import VAE, VAEOutputs
    from dlcourse.models.vgg import (
        VGG,
        vgg11,
        vgg11_bn,
        vgg13,
        vgg13_bn,
        vgg16,
        vgg16_bn,
        vgg19,
        vgg19_bn,
    )

__all__ = [
    "DCGAN",
    "FCN",
    "NIC",
    "RCNN",
    "VAE",
    "VGG",
    "AlexNet",
    "AlexNet2012",
    "BasicBlock",
    "BasicConv2d",
    "Bottleneck",
    "Classifier",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DeepConvNet",
    "DuelingHead",
    "EfficientNetLite0",
    "Ensemble",
    "FastRCNN",
    "FastRCNNOutputs",
    "Field",
    "GoogLeNet",
    "GoogLeNet2014",
    "GoogLeNetLoss",
    "GoogLeNetOutputs",
    "Inception",
    "InceptionAux",
    "InceptionConvNet",
    "InvertedResidual",
    "LeNet5",
    "MLPQNetwork",
    "MinAtarQNetwork",
    "Preprocess",
    "QNetwork",
    "RegionNet",
    "ResNet",
    "ResNetCifar",
    "Row",
    "SegNet",
    "SequentialClassifier",
    "StackedConvNet",
    "Summary",
    "UNet",
    "VAEOutputs",
    "ZeroPadShortcut",
    "alexnet",
    "convolutionalize",
    "efficientnet_lite0",
    "googlenet",
    "init_dcgan",
    "load_pretrained",
    "preprocess_for",
    "projection",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "summary",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]

#: The others by file.
_FILES = {
    "classifier": "Classifier SequentialClassifier",
    "dcgan": "DCGAN DCGANDiscriminator DCGANGenerator init_dcgan",
    "deep_convnet": "DeepConvNet",
    "efficientnet_lite": "EfficientNetLite0 InvertedResidual efficientnet_lite0",
    "ensemble": "Ensemble",
    "fcn": "FCN convolutionalize",
    "googlenet_2014": "GoogLeNet2014",
    "googlenet_aux": "GoogLeNetLoss GoogLeNetOutputs InceptionAux",
    "inception": "BasicConv2d Inception",
    "inception_convnet": "InceptionConvNet",
    "lenet": "LeNet5",
    "nic": "NIC",
    "preprocessing": "Preprocess preprocess_for",
    "pretrained": "load_pretrained",
    "q_networks": "DuelingHead MinAtarQNetwork MLPQNetwork QNetwork",
    "region_net": "RCNN FastRCNN FastRCNNOutputs RegionNet",
    "residual": "BasicBlock Bottleneck ZeroPadShortcut projection",
    "resnet": "ResNet resnet18 resnet34 resnet50 resnet101 resnet152",
    "resnet_cifar": "ResNetCifar",
    "segnet": "SegNet",
    "stacked_convnet": "StackedConvNet",
    "unet": "UNet",
    "vae": "VAE VAEOutputs",
    "vgg": "VGG vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn",
}
_FILE = {name: file for file, names in _FILES.items() for name in names.split()}


def __dir__() -> list[str]:
    return sorted({*globals(), *_FILE})


if not TYPE_CHECKING:  # or mypy would let every name pass

    def __getattr__(name: str) -> object:
        if name in _FILES:
            return import_module(f"{__name__}.{name}")
        if name not in _FILE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_FILE[name]}"), name)
        return value
