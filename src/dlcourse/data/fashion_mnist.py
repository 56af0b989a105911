"""Fashion-MNIST: clothes in the format of MNIST, and harder."""

from __future__ import annotations

import os
from pathlib import Path

from dlcourse.data.dataset import Dataset
from dlcourse.data.idx import FILES, load_idx_dataset
from dlcourse.data.remote import data_folder, fetch

#: Where Debian's package dataset-fashion-mnist installs the files.
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")

_MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
)

#: The md5 of each of the `FILES` as its authors list it, to check a download with.
_DOWNLOADS = (
    "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "md5:25c81989df183df01b3e8a0aad5dffbe",
    "md5:bef4ecab320f06d8554ea6380940ec79",
    "md5:bb300cfdad3c16e7a12a480ee83cd310",
)

#: The sha256 of each of the `FILES`, decompressed: Debian has compressed them again.
_CHECKSUMS = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)

_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_fashion_mnist(folder: str | os.PathLike[str] | None = None) -> tuple[Dataset, Dataset]:
    """Load Fashion-MNIST: 60,000 images to train on and 10,000 to test on, 28 x 28, grey.

    They come from Debian's package ``dataset-fashion-mnist`` where it is installed, and otherwise
    from the data folder, to which they are downloaded (31 MB) the first time.

    Parameters
    ----------
    folder : path-like, optional
        Read the four files from here instead, and download nothing.

    Returns
    -------
    train, test : Dataset
        Images of shape (N, 1, 28, 28).

    Raises
    ------
    DownloadError
        If the files are not on this machine and no mirror can be reached.
    FileNotFoundError
        If a file is missing in `folder`.
    DataFileError
        If a file is damaged.

    References
    ----------
    Xiao et al. 2017: Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms, https://arxiv.org/abs/1708.07747.
    """
    if folder is not None:
        source, remedy = Path(folder), "replace it, or leave `folder` out"
    elif _DEBIAN.is_dir():
        source, remedy = _DEBIAN, "reinstall Debian's package dataset-fashion-mnist"
    else:
        source, remedy = data_folder() / "fashion-mnist", "delete it, and it is downloaded again"
        for name, md5 in zip(FILES, _DOWNLOADS, strict=True):
            fetch(f"fashion-mnist/{name}", md5, [f"{mirror}/{name}" for mirror in _MIRRORS])
    return load_idx_dataset(source, _CHECKSUMS, _CLASSES, remedy)
