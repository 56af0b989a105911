"""Networks are read when they are first used, and each name is what it says."""

import subprocess
import sys
from types import ModuleType

import pytest

from dlcourse import models


@pytest.mark.parametrize("name", models.__all__)
def test_is_there(name):
    value = getattr(models, name)
    assert not isinstance(value, ModuleType) and value.__name__ == name
    assert name in dir(models)


def test_what_is_not_there_is_told():
    with pytest.raises(AttributeError, match=r"'dlcourse\.models' has no attribute 'AlexNet2013'"):
        models.AlexNet2013  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'AlexNet2013'"):
        from dlcourse.models import AlexNet2013  # noqa: F401


def test_only_what_is_used_is_read():
    code = (
        "import sys\n"
        "from dlcourse.models import LeNet5, googlenet\n"
        "import dlcourse.models.googlenet_2014, dlcourse.models as models\n"
        "assert callable(googlenet) and models.googlenet is googlenet\n"
        "assert not {'dlcourse.models.vgg', 'dlcourse.models.unet'} & {*sys.modules}\n"
        "assert models.vgg.VGG is models.VGG\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
