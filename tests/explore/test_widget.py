import ast
import base64
import importlib
import inspect
import json
import re
import shutil
import subprocess
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.widget import FOLDER, Explorer, bundle, pack

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


def test_modules_of_a_bundle_keep_their_own_names(tmp_path, monkeypatch):
    """Also across folders, renamed, and inside the text of a worker."""
    monkeypatch.setattr("dlcourse.explore.widget.FOLDER", tmp_path)
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
def test_python_and_javascript_agree_on_names(kind):
    """Every key that Python writes is read, and every name that JavaScript takes is written."""
    module = importlib.import_module(f"dlcourse.explore.{kind}")
    source = inspect.getsource(module)
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    dicts = [n for function in functions for n in ast.walk(function) if isinstance(n, ast.Dict)]
    written = {key.value for d in dicts for key in d.keys if isinstance(key, ast.Constant)}
    for name, value in vars(module).items():
        if is_dataclass(value) and f"class {name}" in source and "asdict(" in source:
            written |= {field.name for field in fields(value)}
    words = set(re.findall(r"\w+", bundle(f"{kind}.js")))
    assert not written - words, "JavaScript does not read these"

    code = (FOLDER / f"{kind}.js").read_text()
    (taken,) = re.findall(r'const \{ ([^}]*) \} = model\.get\("data"\)', code)
    snake_case = re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", re.sub(r"//.*", "", code))
    assert not {*re.findall(r"(\w+)(?:: \w+)?", taken), *snake_case} - set(
        re.findall(r"\w+", source)
    ), "Python does not write these"


def test_modules_ask_nothing_of_other_servers():
    for path in FOLDER.rglob("*.*"):
        assert "http" not in path.read_text(), path.name


def test_what_a_page_stores():
    explorer = Explorer("quiz", "Title", {"question": "", "choices": []})
    state = explorer.get_state()
    assert state["kind"] == "quiz" and state["title"] == "Title"
    assert state["_esm"] == bundle("quiz.js")
    json.dumps(state["data"])
    # What stands in a notebook where widgets are not shown names no address in memory.
    assert "0x" not in repr(explorer)
