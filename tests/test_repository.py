"""Things that stand in more than one file agree."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import address
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = {"base": PROJECT["dependencies"]} | {
    extra: PROJECT["optional-dependencies"][extra]
    for extra in ("book", "test", "grading", "parity")
}


def pins(name):
    """Return the versions that a file of requirements pins, by package."""
    found = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pin = re.fullmatch(r"([a-z0-9-]+)==([^ ]+)( ; .+)?", line)
            assert pin, f"requirements/{name}.txt: expected NAME==VERSION, found {line!r}"
            found.setdefault(pin[1], set()).add(pin[2])
    return found


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_pins_satisfy_pyproject(name):
    pinned = pins(name)
    for text in REQUIREMENTS[name]:
        wanted = Requirement(text)
        versions = pinned.get(wanted.name)
        assert versions, f"requirements/{name}.txt does not pin {wanted.name}"
        assert all(wanted.specifier.contains(version) for version in versions)


def test_pins_agree_with_each_other():
    together = {}
    for name in REQUIREMENTS:
        for package, versions in pins(name).items():
            together.setdefault(package, []).append(versions)
    assert {p: v for p, v in together.items() if v.count(v[0]) != len(v)} == {}


def test_scripts_of_widgets_match_their_python():
    scripts = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert {scripts["anywidget"]} == pins("book")["anywidget"]


def test_javascript_is_checked_by_one_version():
    version = json.loads((ROOT / "package.json").read_text())["devDependencies"]["@biomejs/biome"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    schema = json.loads((ROOT / "biome.json").read_text())["$schema"]
    assert schema == f"https://biomejs.dev/schemas/{version}/schema.json"
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r'"@biomejs/biome@(.+)"', hooks) == [version]


# -- the public address ------------------------------------------------------------------


def in_git(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def urls(url):
    return f'[project.urls]\nRepository = "{url}"\n'


@pytest.fixture(scope="module")
def checkout():
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    return ROOT


def test_every_file_names_the_same_address(checkout):
    assert address.strangers(checkout) == []


def test_another_owner_is_noticed(tmp_path):
    files = {
        "pyproject.toml": urls("https://github.com/ann/neural-example"),
        "README.md": "https://bob.github.io/neural-example/ and https://github.com/ann/neural-example",
    }
    assert address.strangers(in_git(tmp_path, files)) == ["README.md: bob.github.io/neural-example"]


def test_moving_changes_every_form(checkout):
    old = address.current(checkout)
    # Apart, so that this file does not name the address itself.
    owner, repository = "ann-b", "neural-example"
    new = f"https://github.com/{owner}/{repository}"
    forms = [form.format(owner=owner, repository=repository) for form in address.FORMS]
    seen = set()
    for _, text in address.text_files(checkout):
        moved = address.replace(text, old, new)
        seen |= {form for form in forms if form in moved}
        # There and back again is the same text, so nothing else was touched.
        assert address.replace(moved, new, old) == text
    assert set(forms[:2]) <= seen


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://example.org/a/b", "https://github.com/a"]
)
def test_an_address_elsewhere_is_refused(url):
    with pytest.raises(ValueError, match="expected https://github.com/OWNER/REPOSITORY, found"):
        address.parse(url)
