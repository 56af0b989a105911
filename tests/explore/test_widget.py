import base64
import json
import re
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.lib.widget import FOLDER, Explorer, bundle, pack, style


@dataclass
class Nothing:
    """An explorer of nothing."""


KINDS = sorted(path.stem for path in FOLDER.glob("*.js"))


def test_pack_keeps_bytes_of_images():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5)).astype(np.float32) / 255
    packed = pack(images)
    assert packed["shape"] == [3, 4, 5]
    values = np.frombuffer(base64.b64decode(packed["bytes"]), np.uint8)
    np.testing.assert_array_equal(values, np.rint(255 * images).ravel())


def test_pack_rounds_to_the_nearest_step_and_clips():
    values = np.array([-1.0, 2.0, 3.9, 6.0, 9.0])
    steps = np.frombuffer(base64.b64decode(pack(values, 2, 6)["bytes"]), np.uint8)
    assert steps.tolist() == [0, 0, 121, 255, 255]


def test_pack_of_a_constant():
    assert pack(np.zeros(2), high=0.0)["bytes"] == base64.b64encode(b"\0\0").decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_is_one_module(kind):
    text = bundle(f"{kind}.js")
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default { render };"]
    # What several modules import is there once.
    assert text.count("function el(") == 1


def test_kinds_do_not_take_each_others_style():
    """In a page anywidget keeps one style for each id."""
    first, second = (Explorer(kind, "It", Nothing()) for kind in ("iou", "quiz"))
    assert first._anywidget_id != second._anywidget_id
    assert first.get_state()["_anywidget_id"] == "dlcourse.explore.iou"


def test_types_stay_in_the_sources():
    assert "@param" in (FOLDER / "lib" / "common.js").read_text()
    assert "@param" not in bundle("quiz.js")


def test_modules_of_a_bundle_keep_their_own_names(tmp_path, monkeypatch):
    """Also across folders, renamed, and inside the text of a worker."""
    monkeypatch.setattr("dlcourse.explore.lib.widget.FOLDER", tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "one.js").write_text(
        'import { half as halved } from "./lib/two.js";\n'
        'import work from "./lib/worker.js?raw";\n'
        "const part = 1;\nexport default { render: () => [part, halved(part), work] };\n"
    )
    (tmp_path / "lib" / "two.js").write_text(
        'import {\n  whole,\n} from "../three.js";\n'
        "const part = 2;\nexport const half = (v) => (v * whole()) / part;\n"
    )
    (tmp_path / "three.js").write_text(
        "const part = 6;\nexport function whole() { return part; }\n"
    )
    (tmp_path / "lib" / "worker.js").write_text(
        'import { whole } from "../three.js";\nself.onmessage = whole;\n'
    )
    text = bundle("one.js")
    assert (
        text.count("const part = 6;\n") == 1
    )  # once among the modules; in the worker it is quoted
    program = text.replace("export default", "globalThis.it =")
    ask = "console.log(JSON.stringify(it.render()))"
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; on Debian `apt install nodejs` installs it")
    done = subprocess.run([node, "-e", program + ask], capture_output=True, text=True, check=True)
    part, half, work = json.loads(done.stdout)
    assert (part, half) == (1, 3)
    assert work.endswith("self.onmessage = whole;\n") and "import" not in work


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_of_a_style_is_used(kind):
    own = FOLDER / f"{kind}.css"
    classes = set(re.findall(r"\.(dl-[\w-]+)", own.read_text())) if own.exists() else set()
    # Some are put together: `dl-${name}`.
    code = bundle(f"{kind}.js")
    parts = set(re.findall(r"\w+", code))
    assert {c for c in classes if c not in code and c.removeprefix("dl-") not in parts} == set()


def test_what_all_share_comes_first():
    text = style("formats")
    first, *others = [text.index(part) for part in (".dlcourse {", ".dl-track", ".dl-bits")]
    assert first < others[0] < others[1]


def test_exports_are_such_as_a_bundle_finds():
    """It knows them by their lines, so there are no lists; what is the default is not imported."""
    one = r"export ((async )?(class|const|function\*?|let) \w+|default \{ render \};$)"
    for path in FOLDER.rglob("*.js"):
        for line in re.findall(r"^export .*", path.read_text(), re.MULTILINE):
            assert re.match(one, line), path.name


def test_modules_ask_nothing_of_other_servers():
    for path in FOLDER.rglob("*.*"):
        assert "http" not in path.read_text(), path.name


def test_what_a_page_stores():
    @dataclass
    class Data:
        question: str

    explorer = Explorer("quiz", "Title", Data("Why?"))
    state = explorer.get_state()
    assert state["kind"] == "quiz" and state["title"] == "Title"
    assert state["_esm"] == bundle("quiz.js") and state["_css"] == style("quiz")
    assert state["data"] == {"question": "Why?"}
    json.dumps(state["data"])
    # What stands in a notebook where widgets are not shown names no address in memory.
    assert "0x" not in repr(explorer)
