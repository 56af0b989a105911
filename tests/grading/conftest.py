"""A tiny course, graded by a job program that runs nothing."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Make a course, once."""
    pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")
    import tiny_course

    folder = tmp_path_factory.mktemp("made") / "course"
    tiny_course.make(folder)
    return folder


@pytest.fixture
def course(made, tmp_path, monkeypatch):
    """Return a copy of the course whose jobs are fake."""
    import fake_job

    from dlcourse.grading import jobs, runner

    monkeypatch.setattr(runner, "JOB", "fake_job")
    monkeypatch.setattr(jobs, "choose", lambda without: None)
    monkeypatch.setenv("FAKE_JOB_LOG", str(tmp_path / "log"))
    beside = [str(Path(jobs.__file__).parents[2]), str(Path(fake_job.__file__).parent)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(beside))
    return shutil.copytree(made, tmp_path / "course")
