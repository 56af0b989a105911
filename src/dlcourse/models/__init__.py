"""Networks, one file each; ensembles of them; and what a network is made of."""

from dlcourse.models.alexnet import AlexNet, AlexNet2012, alexnet
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
from dlcourse.models.googlenet import GoogLeNet, googlenet
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
from dlcourse.models.summary import Field, Row, Summary, summary
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
