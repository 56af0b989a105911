"""What a submission does before anything of it runs, or after: files, archives, names and pages."""

import io
import json
import os
import shutil
import sqlite3
import warnings
import zipfile

import school
from hostile import Kind

ADAM = ("adam",)
SCRIPTS = [
    "<script>harm('$mark')</script>",
    "<img src=x onerror=\"harm('$mark')\">",
    "<svg onload=harm('$mark')></svg>",
    "<a href=\"javascript:harm('$mark')\">marks</a>",
    "[marks](javascript:harm('$mark'))",
    "<iframe srcdoc=\"<script>parent.harm('$mark')</script>\"></iframe>",
    "<style>.score { display: none }</style><b>Score: 100.0 / 100.0</b>",
    '<meta http-equiv="refresh" content="0; url=http://127.0.0.1:$port/$mark">',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=harm('$mark')>",
    "$$\\href{javascript:harm('$mark')}{x}$$",
    "```\n</code></pre><script>harm('$mark')</script>\n```",
    '<img src="http://127.0.0.1:$port/$mark">',
]


def _file(name, content):
    def lay(folder, fill):
        path = folder / fill(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else fill(content).encode())

    return lay


def _instead(content):
    """Put something else in the place of the notebook."""

    def lay(folder, fill):
        notebook = folder / school.FILE
        text = notebook.read_text(encoding="utf-8")
        notebook.unlink()
        content(notebook, fill, text)

    return lay


def _link(target):
    return _instead(lambda path, fill, text: path.symlink_to(fill(target)))


def _archive(members):
    """Hand in a zip: `members(text, fill)` gives names and contents."""

    def lay(path, fill, text):
        with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members(text, fill):
                archive.writestr(name, content)

    return _instead(lay)


def _upwards(text, fill):
    yield school.FILE, text
    for name in (
        "../" * 9 + fill("$outside/$mark").lstrip("/"),
        fill("$outside/$mark"),
        "../../$mark",
    ):
        yield fill(name), "x"
        yield fill(name) + ".ipynb", text
    yield "..\\..\\" + fill("$mark"), "x"


def _linked(text, fill):
    member = zipfile.ZipInfo("link")
    member.create_system, member.external_attr = 3, 0o120777 << 16
    yield member, fill("$outside")
    yield fill("link/$mark"), "x"
    member = zipfile.ZipInfo(school.FILE)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    yield member, fill("$course/source/ps1-deeper/ps1-deeper.ipynb")


def _bomb(text, fill):
    yield school.FILE, text
    yield "zeros.ipynb", bytes(2**28)


def _nested(text, fill):
    inner = text.encode()
    for _ in range(30):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(school.NAME + ".zip", inner)
        inner = file.getvalue()
    yield school.NAME + ".zip", inner


def _many(text, fill):
    yield school.FILE, text
    for number in range(20_000):
        yield f"{number}.ipynb", ""


def _same_name(path, fill, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
            for content in (text, "{}", "not a notebook"):
                archive.writestr(school.FILE, content)


def _lies_about_its_size(path, fill, text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(school.FILE, bytes(2**26))
    data = file.getvalue().replace((2**26).to_bytes(4, "little"), (999).to_bytes(4, "little"))
    path.with_suffix(".zip").write_bytes(data)


def _gradebook_beside(folder, fill):
    with sqlite3.connect(folder / "gradebook.db") as book:
        book.execute("CREATE TABLE grade (manual_score REAL)")
        book.execute("INSERT INTO grade VALUES (100)")


def _modules_beside(folder, fill):
    harm = fill("open('$outside/$mark', 'w')\n")
    for name in (
        "dlcourse",
        "numpy",
        "json",
        "threadpoolctl",
        "sitecustomize",
        "usercustomize",
        "ipykernel_launcher",
        "nbgrader_config",
        "conftest",
        "nbformat",
        "sandbox",
        "wire",
    ):
        (folder / f"{name}.py").write_text(harm)
    (folder / "dlcourse" / "check").mkdir(parents=True)
    (folder / "dlcourse" / "check" / "__init__.py").write_text(harm)
    (folder / fill("$mark.pth")).write_text("import os; " + harm)
    (folder / "course.toml").write_text("[course]\nseconds = 1e9\nwithout_sandbox = true\n")
    (folder / "timestamp.txt").write_text("2001-01-01 00:00:00 UTC")
    (folder / "pyvenv.cfg").write_text("home = .\n")
    (folder / "Makefile").write_text(fill("grade:\n\ttouch $outside/$mark\n"))
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(fill("[core]\nfsmonitor = touch $outside/$mark\n"))


def _tests_turned(notebook, fill):
    """Tests that test nothing, and that bring a hundred points each."""
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader") or {}
        if mark.get("grade"):
            cell["source"] = "pass"
            cell["metadata"]["nbgrader"] = mark | {"points": 100, "locked": False, "solution": True}


def _tests_raw(notebook, fill):
    for cell in notebook["cells"]:
        if (cell["metadata"].get("nbgrader") or {}).get("grade"):
            cell["cell_type"] = "raw"
    notebook["cells"] = notebook["cells"][::-1]


def _scripts_everywhere(notebook, fill):
    outputs = [{"output_type": "stream", "name": "stderr", "text": fill("\n".join(SCRIPTS))}]
    for kind in (
        "text/html",
        "text/markdown",
        "image/svg+xml",
        "application/javascript",
        "text/latex",
        "application/vnd.jupyter.widget-view+json",
    ):
        outputs += [
            {"output_type": "display_data", "metadata": {}, "data": {kind: fill(script)}}
            for script in SCRIPTS
        ]
    outputs.append(
        {
            "output_type": "error",
            "ename": fill(SCRIPTS[0]),
            "evalue": fill(SCRIPTS[1]),
            "traceback": [fill(s) for s in SCRIPTS],
        }
    )
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs
        cell["metadata"]["tags"] = [fill(SCRIPTS[0])]
    notebook["cells"] += [school.own_cell(fill(script), "markdown") for script in SCRIPTS]
    own = school.own_cell(fill("![x](attachment:x.svg)"), "markdown")
    own["attachments"] = {"x.svg": {"image/svg+xml": fill(SCRIPTS[2])}}
    notebook["cells"].append(own)
    notebook["metadata"] = {
        "kernelspec": {
            "name": fill('$mark"><script>'),
            "display_name": fill(SCRIPTS[0]),
            "language": "python",
        },
        "title": fill(SCRIPTS[0]),
        "widgets": {"application/vnd.jupyter.widget-state+json": fill(SCRIPTS[0])},
        "celltoolbar": fill(SCRIPTS[1]),
        "language_info": {"name": fill(SCRIPTS[0])},
    }


def _kernel(notebook, fill):
    notebook["metadata"]["kernelspec"] = {
        "name": "bash",
        "display_name": "Bash",
        "language": "bash",
        "argv": ["touch", fill("$outside/$mark")],
    }


def _set_text(change):
    def lay(folder, fill):
        path = folder / school.FILE
        path.write_bytes(change(path.read_text(encoding="utf-8")))

    return lay


def _ids(notebook, fill):
    """A notebook whose marks name tests, other tasks, nothing and everything at once."""
    for cell in list(notebook["cells"]):
        copy = json.loads(json.dumps(cell))
        copy["metadata"]["nbgrader"] = {
            "grade_id": "adam-hidden",
            "solution": True,
            "grade": True,
            "points": 1e9,
            "locked": False,
            "task": True,
            "schema_version": 99,
        }
        notebook["cells"].append(copy)
    for value in (
        None,
        7,
        [],
        {"grade_id": ["adam"]},
        {"grade_id": "../../$mark"},
        {"grade_id": "\ud800"},
        "adam",
    ):
        cell = school.own_cell("pass")
        cell["metadata"]["nbgrader"] = value
        notebook["cells"].append(cell)


def _not_cells(notebook, fill):
    notebook["cells"] += [
        None,
        7,
        "cell",
        [],
        {},
        {"cell_type": "code"},
        {"cell_type": ["code"], "source": 7},
        {"cell_type": "code", "source": [None, 1, "x"], "metadata": []},
        {"cell_type": "code", "source": {"a": 1}, "metadata": None, "outputs": 5},
    ]


def _pipe(path, fill, text):
    os.mkfifo(path)


def _folder_of_links(folder, fill):
    for name in ("helper", "data", ".ipynb_checkpoints", "loop"):
        (folder / name).symlink_to(fill("$outside") if name != "loop" else ".")
    (folder / "solution.ipynb").symlink_to(fill("$course/source/ps1-deeper/ps1-deeper.ipynb"))
    (folder / "passwd.txt").symlink_to("/etc/passwd")


def _whole_folder_linked(folder, fill):
    shutil.rmtree(folder)
    folder.symlink_to(fill("$course/source/ps1-deeper"))


def _odd_names(folder, fill):
    for name in (
        "\x1b[2J\x1b[31mz-victim graded 100.ipynb",
        "a\nz-victim,graded,100\n.ipynb",
        "-rf",
        "$(touch x).py",
        fill("=cmd|' -C calc'!A0.ipynb"),
        fill("<img src=x onerror=harm('$mark')>.ipynb"),
        "\u202egpj.ipynb",
    ):
        (folder / name).write_text("{}")
    with open(os.fsencode(folder) + b"/\xff\xfe.ipynb", "w") as file:
        file.write("{}")


CELLS = [
    Kind(
        "text-of-many-brackets",
        answers={"he-normal": "he_normal = " + "(" * 90_000 + ")" * 90_000},
        honest=ADAM,
    ),
    Kind(
        "text-of-many-signs",
        answers={"he-normal": "def he_normal(shape, rng):\n    return " + "-" * 300_000 + "1"},
        honest=ADAM,
    ),
    Kind("text-of-many-dots", answers={"he-normal": "he_normal = a" + ".a" * 150_000}, honest=ADAM),
    Kind(
        "text-of-many-blocks",
        answers={
            "he-normal": "def he_normal(shape, rng):\n"
            + "".join(" " * i + "if 1:\n" for i in range(1, 400))
        },
        honest=ADAM,
    ),
    Kind(
        "text-of-a-large-constant",
        answers={"he-normal": "he_normal = [9**9**9, 'x' * 10**12, (0,) * 10**12, 1 << 10**12]"},
        honest=ADAM,
    ),
    Kind(
        "text-with-odd-characters",
        answers={
            "he-normal": "# -*- coding: rot13 -*-\nqrs = '\\N{BOM}\ud800\0\x0c\u202e'\x00\ndef he_normal(a, b): return"
        },
        honest=ADAM,
    ),
    Kind("text-of-ten-megabytes", last="x = '''" + "a(" * 5_000_000 + "'''", graded=False),
    Kind("many-definitions", last="def f(): pass\n" * 20_000, honest=ADAM),
    Kind(
        "errors-that-harm",
        inside="""\
class CheckFailed(AssertionError): pass
class Odd(BaseException):
    def __str__(self): return "\\ud800\\x00\\x1b[2J</td><script>harm('$mark')</script>\\n=cmd|' /C calc'!A0,100" + "x" * 10**7
Odd.__name__ = Odd.__qualname__ = "<script>harm('$mark')</script>" + "y" * 10**6
raise Odd() from ExceptionGroup("g", [ExceptionGroup("g", [ValueError("z" * 10**7)])])
""",
        honest=ADAM,
    ),
    Kind(
        "errors-that-loop",
        inside="""\
class Odd(Exception):
    def __str__(self):
        while True: time.sleep(1)
    __repr__ = __format__ = __str__
    __class__ = property(lambda self: 1 / 0)
error = Odd()
error.__cause__ = error.__context__ = error
raise error
""",
        honest=ADAM,
    ),
    Kind(
        "formulas-in-messages",
        inside="raise ValueError('=HYPERLINK(\"http://127.0.0.1:$port/$mark\")')",
        first="raise ValueError('@SUM(1+1)*cmd|\\' /C calc\\'!A0')",
        honest=ADAM,
        spoilt=True,
    ),
]

NOTEBOOKS = [
    Kind("tests-turned-into-answers", change=_tests_turned),
    Kind("tests-turned-raw", change=_tests_raw),
    Kind("marks-forged", change=_ids, honest=ADAM, spoilt=True),
    Kind("cells-that-are-none", change=_not_cells, honest=ADAM),
    Kind("kernel-of-ones-own", change=_kernel, honest=ADAM),
    Kind(
        "scripts-in-everything", change=_scripts_everywhere, words="\n\n".join(SCRIPTS), honest=ADAM
    ),
    Kind(
        "deep-json",
        lay=_set_text(lambda t: b'{"cells": ' + b"[" * 500_000 + b"]" * 500_000 + b"}"),
        graded=False,
    ),
    Kind(
        "large-numbers",
        lay=_set_text(lambda t: t.replace('"nbformat": 4', '"nbformat": ' + "9" * 10_000).encode()),
        graded=False,
    ),
    Kind("sixty-megabytes", lay=_set_text(lambda t: t.encode() + b" " * 60 * 2**20), graded=False),
    Kind(
        "many-cells",
        change=lambda notebook, fill: notebook["cells"].extend(
            school.own_cell(f"x = {i}") for i in range(3_000)
        ),
        honest=ADAM,
    ),
]

FOLDERS = [
    Kind(
        "modules-beside",
        lay=_modules_beside,
        first="import threadpoolctl, json, sandbox",
        honest=ADAM,
    ),
    Kind("gradebook-beside", lay=_gradebook_beside, honest=ADAM),
    Kind(
        "notebook-is-a-link-to-a-neighbour",
        lay=_link("$course/submitted/aa-neighbour/ps1-deeper/ps1-deeper.ipynb"),
        graded=False,
    ),
    Kind(
        "notebook-is-a-link-to-the-solutions",
        lay=_link("$course/source/ps1-deeper/ps1-deeper.ipynb"),
        graded=False,
    ),
    Kind("notebook-is-a-link-to-a-secret", lay=_link("$outside/canary"), graded=False),
    Kind("notebook-is-a-link-without-end", lay=_link("/dev/zero"), graded=False),
    Kind("notebook-is-a-pipe", lay=_instead(_pipe), graded=False),
    Kind("notebook-is-a-folder", lay=_instead(lambda path, fill, text: path.mkdir()), graded=False),
    Kind("folder-is-a-link", lay=_whole_folder_linked, graded=False),
    Kind("links-beside", lay=_folder_of_links, honest=ADAM),
    Kind("odd-names-beside", lay=_odd_names, honest=ADAM, spoilt=True),
    Kind("archive-upwards", lay=_archive(_upwards), honest=ADAM, spoilt=True),
    Kind("archive-of-links", lay=_archive(_linked), graded=False),
    Kind("archive-bomb", lay=_archive(_bomb), honest=ADAM, spoilt=True),
    Kind("archive-in-archives", lay=_archive(_nested), graded=False),
    Kind("archive-of-many", lay=_archive(_many), graded=False),
    Kind("archive-twice-the-same-name", lay=_instead(_same_name), honest=ADAM, spoilt=True),
    Kind("archive-that-lies", lay=_instead(_lies_about_its_size), graded=False),
]

KINDS = [*CELLS, *NOTEBOOKS, *FOLDERS]
