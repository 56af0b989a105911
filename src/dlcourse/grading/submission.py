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
#: What may be a notebook, by the end of its name, and how it is read.
_KINDS = {
    (".ipynb",): notebooks.from_json,
    (".json", ".txt", ""): notebooks.from_json,  # as some browsers save it
    (".py",): notebooks.from_script,
}
_MOST_CANDIDATES, _MOST_ARCHIVES, _MOST_HELP = 20, 5, 10**5
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
    try:
        files = [member for member in in_folder(folder) if member.name not in (RECORD, STAMP)]
    except OSError as error:
        raise Unreadable(
            f"the folder cannot be read ({error.strerror}); look at its rights"
        ) from None
    # What has the right name comes first, then what lies in the fewest folders.
    members = sorted(
        _unpacked(files, problems),
        key=lambda one: (_stem(one) != assignment.casefold(), one.name.count("/"), one.name),
    )
    found: list[_Candidate] = []
    for suffixes, parse in _KINDS.items():
        if not any(one.notebook.answered for one in found):
            more = _candidates(members, suffixes, parse, problems)
            found += [one for one in more if one.ours] if found else more
    if not found:
        names = ", ".join(shown(member.name) for member in members[:5])
        other = f"there is no notebook, only {names}; ask for {assignment}.ipynb"
        nothing = "nothing was handed in"
        raise Unreadable("; ".join(problems[:5]) or (other if names else nothing))
    chosen, remarks = _chosen(found, assignment)
    cells = (*_helpers(chosen, members), *chosen.notebook.cells)
    return Submission(cells, chosen.name, (*remarks, *problems[:5]))


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
    """Return the notebooks among files of these kinds, each once; an ``.ipynb`` should be one."""
    found: list[_Candidate] = []
    for member in [one for one in members if _suffix(one) in suffixes][:_MOST_CANDIDATES]:
        try:
            if member.refused:
                raise Unreadable(member.refused)
            notebook = parse(member.read())
        except Unreadable as reason:
            if _suffix(member) == ".ipynb":
                problems.append(f"{shown(member.name)} {reason}")
            continue
        if all(notebook != other.notebook for other in found):
            found.append(_Candidate(member, notebook))
    return found


def _chosen(found: list[_Candidate], assignment: str) -> tuple[_Candidate, list[str]]:
    """Return the notebook that counts, and the remark on the others."""
    if len(found) == 1:
        return found[0], []
    named = [one for one in found if _stem(one.member) == assignment.casefold()]
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


def _helpers(chosen: _Candidate, members: list[Member]) -> list[Cell]:
    """Return a cell that makes the Python files which the notebook imports from beside it.

    They lie last on the way of an import, so that they stand in for nothing that is installed.
    """
    beside, _, _ = chosen.member.name.rpartition("/")
    code = "\n".join(cell.source for cell in chosen.notebook.cells if cell.kind == "code")
    files = {}
    for member in [one for one in members if _suffix(one) == ".py"][:_MOST_CANDIDATES]:
        above, _, name = member.name.rpartition("/")
        stem = name.removesuffix(".py")
        wanted = name != stem and stem.isidentifier() and above == beside and not member.refused
        if wanted and re.search(rf"^[ \t]*(?:from|import)[ \t].*\b{stem}\b", code, re.MULTILINE):
            with suppress(Unreadable):
                files[name] = notebooks.decoded(member.read())
    if not 0 < sum(map(len, files.values())) <= _MOST_HELP:
        return []
    # As a part of the setup it runs before all else of the learner's.
    return [Cell("code", _HELPERS.format(files=files), "setup")]


def _suffix(member: Member) -> str:
    return PurePosixPath(member.name).suffix.lower()


def _stem(member: Member) -> str:
    return unicodedata.normalize("NFC", PurePosixPath(member.name).stem).casefold()
