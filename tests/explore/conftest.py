"""The engine of js/nn in Node and in Chromium, and digits for it."""

import shutil

import pytest
from engine import Chromium, Node

from dlcourse.data import load_mnist


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed; on Debian `apt install nodejs` installs it")
    return Node(program, tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def chromium(browser):
    page = browser.new_page()
    yield Chromium(page)
    page.close()


@pytest.fixture(scope="session", params=["node", "chromium"])
def engine(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def digits():
    """Return the digits of the test set."""
    return load_mnist()[1]
