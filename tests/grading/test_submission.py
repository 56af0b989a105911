"""Whatever people hand in is read, or there is a reason and what to do."""

import io
import json
import os
import random
import stat
import zipfile

import plausible
import pytest
from plausible import FILE, HAND_INS, NAME, filled, own, write, zipped

from dlcourse.grading import members, notebooks
from dlcourse.grading.submission import Unreadable, read, shown

DEFINES = "class MyAdam"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "submitted" / "ann" / NAME
    folder.mkdir(parents=True)
    return folder


def code(submission):
    return "\n".join(cell.source for cell in submission.cells if cell.kind == "code")


def reason(folder):
    with pytest.raises(Unreadable) as told:
        read(folder, NAME)
    return str(told.value)


def notebook(*sources):
    return {"cells": [own(source) for source in sources], "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize("name", HAND_INS)
def test_plausible_hand_ins_are_read_or_told_why_not(tmp_path, name):
    marks = plausible.hand_in(tmp_path, [name])
    folder = tmp_path / "submitted" / name / NAME
    if marks[name] is None:
        assert reason(folder)
    else:
        submission = read(folder, NAME)
        texts = "\n".join(cell.source for cell in submission.cells)
        assert "he_normal" in texts
        assert "\r" not in texts
        assert len(submission.remarks) == (name == "two-files")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b"%PDF-1.4", "is a PDF; ask for the notebook"),
        (b"Rar!\x1a\x07", "is a RAR archive; use zip"),
        (b"\x80\x04\x95", "is a pickle, which is never read"),
        (b"{'cells': []}", "is no notebook but another program's file, or damaged"),
        (b"[1, 2]", "is no notebook but another program's file"),
        (b'{"cells": []}', "has no cells"),
        (b'{"cells": 3}', "is no notebook but another program's file"),
        (b'{"cells": [{"cell_type": "code", "sou', "is cut off in the middle"),
        (b'{"cells": [', "is cut off in the middle"),
        (b"[" * 100_000, "is nested more deeply"),
        (b'{"a":' * 100_000, "is nested more deeply"),
        (b"PK\3\4 no archive", "is a damaged zip archive"),
        (b"import numpy\n", "is no notebook but another program's file, or damaged"),
    ],
)
def test_what_is_no_notebook_is_told_by_name(folder, content, said):
    (folder / FILE).write_bytes(content)
    assert reason(folder).startswith(f"{FILE} {said}")


def test_nothing_and_other_files(folder):
    assert reason(folder.parent / "ps2") == reason(folder) == "nothing was handed in"
    (folder / "essay.docx").write_bytes(b"PK\3\4")
    assert reason(folder) == f"there is no notebook, only essay.docx; ask for {FILE}"


def test_malformed_cells_do_no_harm(folder):
    cells = [
        None,
        "text",
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": ["a = 1\n", None, "b"]},
        {"cell_type": "strange", "source": "c", "metadata": []},
        {"cell_type": "code", "source": "d\ud800", "metadata": {"nbgrader": {"grade_id": ["x"]}}},
        {"cell_type": "code", "source": "e", "metadata": {"nbgrader": {}}, "id": None},
        {"cell_type": "heading", "level": 1, "source": "f", "metadata": {"nbgrader": "old"}},
    ]
    (folder / FILE).write_text(json.dumps({"cells": cells}))
    found = read(folder, NAME).cells
    assert [(cell.kind, cell.source) for cell in found] == [
        ("raw", ""),
        ("code", ""),
        ("code", "a = 1\nb"),
        ("raw", "c"),
        ("code", "d?"),
        ("code", "e"),
        ("markdown", "f"),
    ]
    assert all(cell.name is None for cell in found)


def test_what_is_too_large_is_refused(folder, monkeypatch):
    write(folder, notebook("x = 1\n" * 100_000))
    assert "more text in its cells" in reason(folder)
    write(folder, notebook(*["x"] * 6000))
    assert "more than 5000 cells" in reason(folder)
    (folder / FILE).write_bytes(b'{"cells": [' + b"[]," * 3_000_000 + b"[]]}")
    assert "more in it than any notebook" in reason(folder)
    monkeypatch.setattr(members, "MOST_BYTES", 2**20)
    assert "larger than 1 MB" in reason(folder)


def test_of_two_notebooks_the_one_of_the_name_counts(folder):
    write(folder, filled())
    write(folder, filled({}), "old.ipynb")
    submission = read(folder, NAME)
    assert submission.file == FILE
    assert submission.remarks == (
        f"{FILE} was read, not old.ipynb; look whether it is the right one",
    )


def test_of_two_notebooks_the_one_with_answers_counts(folder):
    for name in ("b.ipynb", FILE):
        write(folder, filled({}), name)
        write(folder, filled(), "a.ipynb")
        assert read(folder, NAME).file == "a.ipynb"


def test_between_two_notebooks_with_answers_a_person_chooses(folder):
    write(folder, filled(), "a.ipynb")
    write(folder, filled({"adam": "1"}), "b.ipynb")
    assert reason(folder) == (
        "there are 2 notebooks with answers, a.ipynb, b.ipynb; "
        f"ask which counts, call it {FILE} and remove the others"
    )
    write(folder, filled({}))
    assert "there are 2 notebooks with answers" in reason(folder)


def test_a_script_beside_an_untouched_notebook_counts(folder):
    write(folder, filled({}))
    (folder / "mine.py").write_text(plausible.as_script(filled()), encoding="utf-8")
    (folder / "helper.py").write_text("x = 1\n")
    assert read(folder, NAME).file == "mine.py"
    write(folder, filled({"adam": "1"}))
    assert (read(folder, NAME).file, read(folder, NAME).remarks) == (FILE, ())


def test_a_script_of_the_name_is_the_script(folder):
    (folder / f"{NAME}.py").write_text(plausible.as_script(filled({})), encoding="utf-8")
    (folder / "helper.py").write_text("import dlcourse\n")
    assert read(folder, NAME).file == f"{NAME}.py"


def test_the_same_notebook_twice_is_one(folder):
    write(folder, filled())
    write(folder, filled(), "a copy.ipynb")
    (folder / "all.zip").write_bytes(zipped(filled()))
    assert read(folder, NAME).remarks == ()


def test_another_notebook_is_no_rival(folder):
    write(folder, filled(), "mine.ipynb")
    write(folder, notebook("print('notes')"), "notes.ipynb")
    assert read(folder, NAME).file == "mine.ipynb"


@pytest.mark.parametrize("name", ["ps1-deeper.ipynb.txt", "ps1-deeper.ipynb.json", "ps1-deeper"])
def test_endings_that_browsers_add(folder, name):
    write(folder, filled(), name)
    assert DEFINES in code(read(folder, NAME))


def test_a_link_is_refused(folder, tmp_path):
    write(tmp_path, filled())
    (folder / FILE).symlink_to(tmp_path / FILE)
    assert reason(folder) == f"{FILE} is a link, which is not followed; ask for the file itself"
    (folder / FILE).unlink()
    (folder / "inside").symlink_to(tmp_path, target_is_directory=True)
    assert "there is no notebook" in reason(folder)
    (tmp_path / "ben").symlink_to(folder.parent, target_is_directory=True)
    assert "the folder is a link" in reason(tmp_path / "ben" / NAME)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused(folder):
    os.mkfifo(folder / FILE)
    assert "is no plain file" in reason(folder)


def archive(folder, *files, name="all.zip"):
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as opened:
        for info, data in files:
            opened.writestr(info, data)


def test_paths_upwards_and_links_in_an_archive_are_refused(folder):
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    text = json.dumps(filled())
    archive(
        folder, ("../up.ipynb", text), ("/abs.ipynb", text), ("C:/c.ipynb", text), (link, "/etc")
    )
    said = reason(folder)
    assert said.count("has a path that leads elsewhere") == 3
    assert "all.zip/link.ipynb is a link" in said
    archive(folder, ("../up.ipynb", text), ("a/b/mine.ipynb", json.dumps(filled({"adam": "1"}))))
    submission = read(folder, NAME)
    assert submission.file == "all.zip/a/b/mine.ipynb"
    assert "leads elsewhere" in submission.remarks[0]


def test_a_bomb_in_an_archive_is_refused(folder):
    archive(folder, (FILE, b"0" * (notebooks.MOST_BYTES + 1)))
    assert reason(folder) == f"all.zip/{FILE} is larger than 64 MB; ask for it without outputs"
    archive(folder, *((f"{i}.txt", b"") for i in range(21_000)))
    assert "more than 20000 files" in reason(folder)
    # It says that it is small.
    archive(folder, (FILE, b"0" * 100_000))
    data = (folder / "all.zip").read_bytes()
    data = data.replace((100_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (folder / "all.zip").write_bytes(data)
    assert "is damaged" in reason(folder)


def test_an_archive_in_an_archive_is_not_opened(folder):
    archive(folder, ("b.zip", zipped(filled())))
    assert reason(folder) == f"there is no notebook, only all.zip/b.zip; ask for {FILE}"


def test_an_encrypted_archive_says_so(folder):
    archive(folder, (FILE, json.dumps(filled())))
    data = bytearray((folder / "all.zip").read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    (folder / "all.zip").write_bytes(bytes(data))
    assert "is encrypted; ask for it without a password" in reason(folder)


def test_names_are_shown_on_one_line(folder):
    name = "a\x1b[2Jz-victim graded 100\u202e.ipynb"
    write(folder, filled(), name)
    assert read(folder, NAME).file == "a\\x1b[2Jz-victim graded 100\\u202e.ipynb"
    assert len(shown("x" * 1000)) <= 120


def test_a_helper_beside_the_notebook_can_be_imported(folder, monkeypatch):
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    (folder / "my_helper.py").write_text("from my_other import VALUE\n")
    (folder / "my_other.py").write_text("VALUE = 42\n")
    (folder / "math.py").write_text("raise SystemExit\n")
    write(folder, filled(first="import math\nimport my_other\nfrom my_helper import VALUE"))
    names = {}
    first, *cells = read(folder, NAME).cells
    assert first.name == "setup"
    exec(first.source, names)
    exec(next(cell.source for cell in cells if "VALUE" in cell.source), names)
    assert names["VALUE"] == 42
    assert names["math"].sqrt(4) == 2


@pytest.mark.parametrize("line", ["# In[3]:\n", "# %%\n", "#%%\n", ""])
def test_scripts_have_the_cells_of_the_notebook(folder, line):
    cells = [plausible.text(cell) for cell in filled()["cells"] if cell["cell_type"] == "code"]
    text = "\n\n".join(f"{line}{cell}" for cell in cells)
    (folder / "my.py").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    found = read(folder, NAME)
    assert DEFINES in code(found)
    code_cells = [cell for cell in found.cells if cell.kind == "code" and cell.source.strip()]
    assert len(code_cells) == (len(cells) if line else 1)


def test_damaged_files_are_read_or_refused(folder):
    draw = random.Random(1)
    whole = [json.dumps(notebook("x = 1", "y")).encode(), zipped(notebook("x = 1"))]
    for _ in range(300):
        data = bytearray(draw.choice(whole))
        for _ in range(draw.randint(1, 8)):
            at = draw.randrange(len(data))
            data[at : at + draw.choice([0, 0, 1, 30])] = draw.randbytes(draw.choice([0, 1, 5]))
        (folder / FILE).write_bytes(data)
        try:
            read(folder, NAME)
        except Unreadable as told:
            assert "\n" not in str(told)


def test_archives_are_read_in_memory(folder):
    before = sorted(os.listdir(folder))
    data = io.BytesIO(zipped(filled(), "x/y.ipynb")).getvalue()
    assert [member.name for member in members.in_zip(data)] == ["x/y.ipynb"]
    assert sorted(os.listdir(folder)) == before
