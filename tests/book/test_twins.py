"""Each page with code has a notebook beside it that says the same."""

import json
import shutil

import pytest

twins = pytest.importorskip("twins", reason="jupytext is not installed; `make book` installs it")


def test_twins_are_in_step(capsys):
    assert twins.main(check=True) == 0, capsys.readouterr().out


def test_a_change_of_the_page_is_noticed(tmp_path, monkeypatch, capsys):
    page = next(twins.pages(twins.ROOT))
    folder = tmp_path / "book"
    folder.mkdir()
    for path in (page, page.with_suffix(".ipynb")):
        shutil.copy(path, folder)
    monkeypatch.setattr(twins, "ROOT", tmp_path)
    assert twins.main(check=True) == 0

    with (folder / page.name).open("a") as file:
        file.write("\nOne more sentence.\n")
    assert twins.main(check=True) == 1
    assert "make notebooks" in capsys.readouterr().out
    assert twins.main(check=False) == 0
    assert twins.main(check=True) == 0


def test_twins_hold_no_outputs_and_install_on_colab():
    for page in twins.pages(twins.ROOT):
        cells = json.loads(twins.twin(page))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
        first = "".join(code[0]["source"])
        assert "google.colab" in first and "--no-deps" in first, f"{page}: first cell of code"
