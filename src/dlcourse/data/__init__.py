"""Data sets, batches of them, and random changes to their images.

Every file is compared with its published checksum when it is read; none is unpickled.
"""

from typing import TYPE_CHECKING

from dlcourse import habits
from dlcourse.data.augment import Affine, Compose, Cutout, Elastic, Rotate, Scale, Shift
from dlcourse.data.cifar10 import load_cifar10
from dlcourse.data.dataset import Dataset, batches
from dlcourse.data.fashion_mnist import load_fashion_mnist
from dlcourse.data.integrity import DataFileError
from dlcourse.data.mnist import load_mnist
from dlcourse.data.photograph import load_photograph, save_photograph, to_bytes
from dlcourse.data.picture import load_picture
from dlcourse.data.remote import DownloadError, data_folder

__all__ = [
    "Affine",
    "Compose",
    "Cutout",
    "DataFileError",
    "Dataset",
    "DownloadError",
    "Elastic",
    "Rotate",
    "Scale",
    "Shift",
    "batches",
    "data_folder",
    "load_cifar10",
    "load_fashion_mnist",
    "load_mnist",
    "load_photograph",
    "load_picture",
    "save_photograph",
    "to_bytes",
]

_HINTS = {
    "DataLoader": "write for i in batches(len(data), 32, rng): images, labels = data[i]",
    "TensorDataset": "write Dataset(images, labels, classes)",
    "Subset": "write data.subset(indices)",
    "random_split": "write rest, held_out = data.split(n, rng)",
    "MNIST": "write train, test = load_mnist()",
    "FashionMNIST": "write train, test = load_fashion_mnist()",
    "CIFAR10": "write train, test = load_cifar10()",
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(__name__, _HINTS)
