"""What was handed in: the texts of the cells of one notebook, whatever its file looks like.

It may have another name, lie in a folder or a zip archive, or be the Python text of the notebook.
Of a submission only texts are read: no link is followed, nothing is unpacked to disk or run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from dlcourse.files import one_line
from dlcourse.grading import notebooks
from dlcourse.grading.members import Member, in_folder, in_zip, left_behind
from dlcourse.grading.notebooks import Cell, Notebook, Unreadable

__all__ = ["RECORD", "STAMP", "Cell", "Submission", "Unreadable", "read", "shown"]

#: What `dlcourse.grading.collect` says about a submission, beside its files.
RECORD, STAMP = "collected.json", "timestamp.txt"
_MOST_NOTEBOOKS, _MOST_ARCHIVES, _MOST_HELP = 20, 5, 10**5
_HELPERS = """\
# The Python files that were handed in beside the notebook.
import pathlib as _pathlib, sys as _sys, tempfile as _tempfile
_beside = _pathlib.Path(_tempfile.mkdtemp())
for _name, _text in {files!r}.items():
    (_beside / _name).write_text(_text, encoding="utf-8")
_sys.path.append(str(_beside))
"""


@dataclass(frozen=True)
class Submission:
    """What was handed in.

    Attributes
    ----------
    cells : tuple of Cell
        The cells of the notebook.
    file : str
        Where they come from, as it may be printed.
    remarks : tuple of str
        What a teacher should know, a sentence each.
    """

    cells: tuple[Cell, ...]
    file: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    member: Member
    notebook: Notebook

    @property
    def name(self) -> str:
        return shown(self.member.name)

    @property
    def ours(self) -> bool:
        """Whether it can be a notebook of this course."""
        return any(cell.name or "dlcourse" in cell.source for cell in self.notebook.cells)


def read(folder: Path, assignment: str) -> Submission:
    """Read what lies in the folder of a submission.

    Of several notebooks the one with the assignment's name counts, unless nothing is answered
    in it; a remark names the others. Where that leaves a choice, a person must make it.

    Parameters
    ----------
    folder : Path
        ``submitted/STUDENT/ASSIGNMENT``.
    assignment : str
        Its name.

    Raises
    ------
    Unreadable
        If there is nothing to grade: the text says why, and what to do.
    """
    if folder.is_symlink() or folder.parent.is_symlink():
        raise Unreadable("the folder is a link, which is not followed; put a real folder there")
    if not folder.is_dir():
        raise Unreadable("nothing was handed in")
    problems: list[str] = []
    files = [member for member in in_folder(folder) if member.name not in (RECORD, STAMP)]
    members = list(_unpacked(files, problems))
    found = _candidates(members, (".ipynb", ".json", ".txt", ""), notebooks.from_json, problems)
    found = found or _candidates(members, (".py",), notebooks.from_script, problems)
    if not found:
        if problems:
            raise Unreadable("; ".join(problems[:5]))
        names = ", ".join(shown(member.name) for member in members[:5])
        if names:
            raise Unreadable(f"there is no notebook, only {names}; ask for {assignment}.ipynb")
        raise Unreadable("nothing was handed in")
    chosen, remark = _chosen(found, assignment)
    cells = chosen.notebook.cells
    helpers = _helpers(chosen, members)
    return Submission(
        (helpers, *cells) if helpers else cells, chosen.name, tuple(remark + problems[:5])
    )


def shown(name: str) -> str:
    """Return a name as it may be printed: on one line, without control codes, not too long.

    Examples
    --------
    >>> shown("a\\x1b[2J\\n.ipynb")
    'a\\\\x1b[2J .ipynb'
    """
    line = one_line(name)
    return line if len(line) <= 120 else f"{line[:100]}...{line[-15:]}"


def _unpacked(members: list[Member], problems: list[str]) -> Iterator[Member]:
    """Yield the files, and in place of each zip archive what is in it."""
    archives = 0
    for member in members:
        if member.refused or _suffix(member) not in (".zip", ".ipynb"):
            yield member
            continue
        try:
            data = member.read()
            if data.startswith(b"PK") and (archives := archives + 1) <= _MOST_ARCHIVES:
                for one in in_zip(data):
                    if one.refused or not left_behind(one.name):
                        yield replace(one, name=f"{member.name}/{one.name}")
                continue
        except Unreadable as reason:
            problems.append(f"{shown(member.name)} {reason}")
            continue
        yield member


def _candidates(
    members: list[Member],
    suffixes: tuple[str, ...],
    parse: Callable[[bytes], Notebook],
    problems: list[str],
) -> list[_Candidate]:
    """Return the notebooks among files of these kinds, each once; the first kind should be one."""
    found: list[_Candidate] = []
    likely = [member for member in members if _suffix(member) in suffixes]
    for member in sorted(likely, key=lambda member: _suffix(member) != suffixes[0]):
        if len(found) == _MOST_NOTEBOOKS:
            problems.append(f"there are more than {_MOST_NOTEBOOKS} notebooks; not all were read")
            break
        try:
            if member.refused:
                raise Unreadable(member.refused)
            notebook = parse(member.read())
        except Unreadable as reason:
            if _suffix(member) == suffixes[0]:
                problems.append(f"{shown(member.name)} {reason}")
            continue
        if notebook.cells and all(notebook != other.notebook for other in found):
            found.append(_Candidate(member, notebook))
    return found


def _chosen(found: list[_Candidate], assignment: str) -> tuple[_Candidate, list[str]]:
    """Return the notebook that counts, and the remark on the others."""
    if len(found) == 1:
        return found[0], []
    named = [one for one in found if _stem(one.member) == assignment.casefold()]
    # The one that lies in the fewest folders.
    named.sort(key=lambda one: one.member.name.count("/"))
    answered = [one for one in found if one.ours and one.notebook.answered]
    if named and (named[0] in answered or not answered):
        chosen = named[0]
    elif len(answered) == 1:
        chosen = answered[0]
    elif not answered:
        chosen = next((one for one in found if one.ours), found[0])
    else:
        names = ", ".join(one.name for one in answered)
        raise Unreadable(
            f"there are {len(answered)} notebooks with answers, {names}; "
            f"ask which counts, call it {assignment}.ipynb and remove the others"
        )
    others = ", ".join(one.name for one in found if one is not chosen)
    return chosen, [f"{chosen.name} was read, not {others}; look whether it is the right one"]


def _helpers(chosen: _Candidate, members: list[Member]) -> Cell | None:
    """Return a cell that makes the Python files which the notebook imports from beside it.

    They lie last on the way of an import, so that they stand in for nothing that is installed.
    """
    beside, _, _ = chosen.member.name.rpartition("/")
    code = "\n".join(cell.source for cell in chosen.notebook.cells if cell.kind == "code")
    files = {}
    for member in members:
        above, _, name = member.name.rpartition("/")
        stem = name.removesuffix(".py")
        wanted = name != stem and stem.isidentifier() and above == beside and not member.refused
        if wanted and re.search(rf"^\s*(?:from|import)\s.*\b{stem}\b", code, re.MULTILINE):
            with suppress(Unreadable):
                files[name] = notebooks.decoded(member.read())
    if sum(map(len, files.values())) > _MOST_HELP:
        return None
    return Cell("code", _HELPERS.format(files=files)) if files else None


def _suffix(member: Member) -> str:
    return PurePosixPath(member.name).suffix.lower()


def _stem(member: Member) -> str:
    return unicodedata.normalize("NFC", PurePosixPath(member.name).stem).casefold()
