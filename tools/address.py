"""Move the project to another public address, or check that all files name the same one.

    python tools/address.py https://github.com/OWNER/REPOSITORY
    python tools/address.py --check

The address is in pyproject.toml under [project.urls]. Other files need it literally, some in other
forms: the page of the built book, Binder's and Colab's links. All of these are rewritten.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"https://github\.com/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+?)/?")

#: How an owner and a repository appear in addresses.
FORMS = (
    "github.com/{owner}/{repository}",
    "{owner}.github.io/{repository}",
    "mybinder.org/v2/gh/{owner}/{repository}",
    "colab.research.google.com/github/{owner}/{repository}",
)


def parse(url: str) -> tuple[str, str]:
    """Return owner and repository of an address.

    Raises
    ------
    ValueError
        If it is not the address of a repository on GitHub, which Colab's links need.
    """
    match = ADDRESS.fullmatch(url.removesuffix(".git"))
    if not match:
        raise ValueError(f"expected https://github.com/OWNER/REPOSITORY, found {url!r}")
    return match[1], match[2]


def current(root: Path) -> str:
    """Return the address that pyproject.toml names."""
    with (root / "pyproject.toml").open("rb") as file:
        url: str = tomllib.load(file)["project"]["urls"]["Repository"]
    return url


def text_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and content of the project's text files, those that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = root / name
        try:
            yield path, path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # data, or deleted but still in git's index


def replace(text: str, old: str, new: str) -> str:
    """Return `text` with every form of the old address replaced by that of the new.

    Examples
    --------
    >>> old, new = "https://github.com/dlcourse/dlcourse", "https://github.com/ann/neural-example"
    >>> replace("see https://dlcourse.github.io/dlcourse/ or " + old, old, new)
    'see https://ann.github.io/neural-example/ or https://github.com/ann/neural-example'
    """
    before, after = parse(old), parse(new)
    for form in FORMS:
        was = form.format(owner=before[0], repository=before[1])
        now = form.format(owner=after[0], repository=after[1])
        # Not the beginning of a longer owner or repository.
        text = re.sub(rf"(?<![\w.-]){re.escape(was)}(?!\w|[.-]\w)", now, text)
    return text


def strangers(root: Path) -> list[str]:
    """Return the places that name a repository with our name but another owner."""
    owner, repository = parse(current(root))
    found = []
    for path, text in text_files(root):
        if path.name == "test_repository.py":  # names other projects for its tests
            continue
        for form in FORMS:
            pattern = re.escape(form.format(owner="OWNER", repository=repository))
            pattern = pattern.replace("OWNER", "([A-Za-z0-9-]+)") + r"(?!\w|[.-]\w)"
            for match in re.finditer(pattern, text):
                if match[1] != owner:
                    found.append(f"{path.relative_to(root)}: {match[0]}")
    return found


def main(argument: str) -> None:
    """Rewrite or check."""
    if argument == "--check":
        if wrong := strangers(ROOT):
            sys.exit("\n".join([f"the address is {current(ROOT)}, but", *wrong]))
        return
    try:
        parse(argument)
    except ValueError as error:
        sys.exit(f"make address: {error}")
    url = argument.removesuffix(".git").rstrip("/")
    old = current(ROOT)
    for path, text in text_files(ROOT):
        changed = replace(text, old, url)
        if changed != text:
            path.write_text(changed, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make address URL=https://github.com/OWNER/REPOSITORY")
    main(sys.argv[1])
