"""A class graded with a job program that runs nothing: what is run, kept, entered and shown."""

import csv
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

import tiny_course
from tiny_course import NAME, RIGHT, hand_in

from dlcourse.files import locked
from dlcourse.grading import jobs, runner
from dlcourse.grading.sandbox import SandboxError, choose


def begun(course):
    """The keys of the jobs that were begun, in order."""
    log = course.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split()[1] for line in lines if line.startswith("begin")]


def children(course):
    log = course.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[-1]) for line in lines if line.startswith(("begin", "child"))]


def table(course):
    with (course / "grades" / f"{NAME}.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def grade(course, **options):
    return {row.student: row for row in jobs.grade(course, NAME, **options)}


def test_everyone_has_a_row(course):
    (course / "students.csv").write_text("id,last_name\nann,A\nbob,B\nnone,N\n")
    (course / "course.toml").write_text(
        f'roster = "students.csv"\ntime_zone = "Europe/Berlin"\n[due]\n{NAME} = 2026-11-01\n'
    )
    hand_in(course, "ann", RIGHT)
    hand_in(course, "bob", {"double": "right"}, words=None, stamp="2026-11-02 01:00:00 UTC")
    hand_in(course, "stranger", {})
    (hand_in(course, "text", {}) / f"{NAME}.ipynb").write_text("Dear teacher,")
    hand_in(course, "crash", {"double": "crash"})
    hand_in(course, "garbage", {"double": "garbage"})
    hand_in(course, "flagged", {"double": "flagged", "triple": "endless"})
    for name in ("__MACOSX", ".hidden"):
        (course / "submitted" / name / NAME).mkdir(parents=True)
    (course / "submitted" / "empty" / NAME).mkdir(parents=True)

    rows = grade(course, workers=2)
    states = {name: row.status for name, row in rows.items()}
    assert states == {
        "ann": "graded",
        "bob": "graded",
        "crash": "not graded",
        "empty": "nothing handed in",
        "flagged": "needs a look",
        "garbage": "not graded",
        "none": "nothing handed in",
        "stranger": "needs a look",
        "text": "not graded",
    }
    ann, bob = rows["ann"], rows["bob"]
    assert (ann.score, ann.max_score, ann.open, ann.late) == (10, 15, 5, None)
    assert ann.tasks == {"double": 6, "triple": 4, "why": 0}
    assert (bob.score, bob.open, bob.late) == (6, 0, dt.timedelta(hours=2, seconds=1))
    assert "is not in the roster" in rows["stranger"].remarks[0]
    reason, _, file = rows["crash"].remarks[-1].rpartition(" ")
    assert reason.startswith("grading failed (status 1); grade again")
    assert "no memory" in (course / file).read_text()
    assert "can be read" in rows["garbage"].remarks[-1]
    assert rows["text"].remarks[-1]
    assert {"the sandbox was left", "grading ended early: it took too long"} <= set(
        rows["flagged"].remarks
    )
    found = table(course)
    assert list(found) == list(rows)
    assert found["ann"] == {
        "student": "ann",
        "status": "graded",
        "score": "10",
        "max_score": "15",
        "open": "5",
        "handed in": "2026-11-01 11:00:00+01:00",
        "late": "",
        "double": "6",
        "triple": "4",
        "why": "0",
        "remarks": "",
        "sandbox": "bubblewrap",
    }
    assert found["bob"]["late"] == "2:01"


def test_nothing_is_done_twice(course):
    hand_in(course, "ann", RIGHT)
    hand_in(course, "twin", RIGHT)
    hand_in(course, "bob", {})
    grade(course)
    assert len(begun(course)) == 2  # ann and twin handed in the same
    before = everything(course)
    grade(course)
    assert len(begun(course)) == 2
    assert everything(course) == before


def test_graded_means_the_same_contents(course):
    folder = hand_in(course, "ann", {}, stamp="2026-11-01 10:00:00 UTC")
    grade(course)
    hand_in(course, "ann", RIGHT, stamp="2001-01-01 00:00:00 UTC")
    os.utime(folder / f"{NAME}.ipynb", (1, 1))
    assert grade(course)["ann"].score == 10
    # Back to what was there before: its result is still there.
    hand_in(course, "ann", {})
    assert grade(course)["ann"].score == 0
    assert len(begun(course)) == 2
    master = course / "source" / NAME / f"{NAME}.ipynb"
    master.write_text(master.read_text().replace("double(3) == 6", "double(4) == 8"))
    grade(course)
    assert len(begun(course)) == 3


def test_students_named_alone_are_graded(course):
    hand_in(course, "ann", RIGHT)
    hand_in(course, "bob", RIGHT)
    grade(course)
    hand_in(course, "ann", {})
    hand_in(course, "bob", {"double": "wrong"})
    hand_in(course, "new", {"double": "right"})
    before = (course / "autograded" / "bob" / NAME / f"{NAME}.ipynb").read_bytes()
    rows = grade(course, students=["ann"])
    assert len(begun(course)) == 2
    assert (rows["ann"].score, rows["ann"].status) == (0, "graded")
    assert (rows["bob"].score, rows["bob"].status) == (10, "needs a look")
    assert rows["bob"].remarks == [
        "it is not graded yet; grade again",
        "these marks are from before the submission was changed",
    ]
    assert rows["new"].status == "not graded"
    assert (course / "autograded" / "bob" / NAME / f"{NAME}.ipynb").read_bytes() == before
    with pytest.raises(ValueError, match="'eve'"):
        grade(course, students=["eve"])


def test_again_is_one_round_however_often_it_is_ended(course, monkeypatch):
    for number in range(4):
        hand_in(course, f"s{number}", {"double": f"right {number}"})
    grade(course, workers=1)
    first = begun(course)

    real, count = jobs.side_by_side, 0

    def ended(*args, **kwargs):
        nonlocal count
        for told in real(*args, **kwargs):
            yield told
            count += 1
            if count == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "side_by_side", ended)
    with pytest.raises(KeyboardInterrupt):
        grade(course, again=True, workers=1)
    grade(course, again=True, workers=1)
    assert len(set(begun(course)) - set(first)) == 4
    # A job that was running when it ended may have begun twice, no other.
    assert len(begun(course)) <= len(first) + 4 + 1
    kept = len(begun(course))
    grade(course)
    assert len(begun(course)) == kept
    grade(course, again=True, students=["s1"])
    assert len(begun(course)) == kept + 1


def test_a_lost_result_or_gradebook_is_made_again(course):
    hand_in(course, "ann", RIGHT)
    grade(course)
    (result,) = (course / "results" / NAME).glob("*.json")
    result.write_text(result.read_text()[:100])
    assert grade(course)["ann"].score == 10
    assert len(begun(course)) == 2
    shutil.rmtree(course / "autograded")
    grade(course)
    assert (course / "autograded" / "ann" / NAME / f"{NAME}.ipynb").is_file()
    assert len(begun(course)) == 2


def test_what_was_run_without_a_sandbox_counts_only_so(course):
    hand_in(course, "ann", RIGHT)
    assert grade(course, without_sandbox=True)["ann"].sandbox == "none"
    assert table(course)["ann"]["sandbox"] == "none"
    # What was found without one is not what stands in the gradebook afterwards.
    path = next((course / "results" / NAME).glob("*.json"))
    path.write_text(path.read_text().replace('"points": 4', '"points": 0'))
    assert grade(course, without_sandbox=True)["ann"].score == 2
    row = grade(course)["ann"]
    assert (row.sandbox, row.score, row.remarks) == ("bubblewrap", 10, [])
    assert len(begun(course)) == 2


def test_without_a_sandbox_nothing_begins(course, monkeypatch):
    def none_here(without):
        raise SandboxError("bubblewrap is not installed; apt install bubblewrap")

    monkeypatch.setattr(jobs, "choose", none_here)
    hand_in(course, "ann", RIGHT)
    with pytest.raises(ValueError, match="apt install bubblewrap"):
        grade(course)
    assert begun(course) == []


def test_two_at_once_are_refused(course):
    hand_in(course, "ann", RIGHT)
    with (
        locked(course / ".grading"),
        pytest.raises(ValueError, match="another process is grading this course"),
    ):
        grade(course)
    assert begun(course) == []


def test_a_configuration_that_raises_costs_no_result(course):
    hand_in(course, "ann", RIGHT)
    configuration = course / "nbgrader_config.py"
    text = configuration.read_text()
    configuration.write_text("1 / 0")
    row = grade(course)["ann"]
    assert (row.score, row.status) == (10, "needs a look")
    assert "nbgrader_config.py cannot be used (ZeroDivisionError" in row.remarks[0]
    configuration.write_text(text)
    assert grade(course)["ann"].status == "graded"
    assert len(begun(course)) == 1


def test_shares_and_merge_give_the_same_table(course):
    for number in range(5):
        hand_in(
            course, f"s{number}", {"double": f"right {number}", "triple": "crash" * (number == 3)}
        )
    alone = shutil.copytree(course, course.parent / "alone")
    grade(alone)
    told = [jobs.share(course, NAME, number, 2) for number in range(2)]
    assert sorted(map(len, told)) == [0, 1]
    assert not (course / "grades").exists()
    run = len(begun(course))
    rows = jobs.merge(course, NAME)
    assert [row.status for row in rows].count("not graded") == 1
    assert len(begun(course)) == run
    assert table(course) == table(alone)
    with pytest.raises(ValueError, match="found 2/2"):
        jobs.share(course, NAME, 2, 2)


def test_a_course_may_be_named_from_where_one_is(course, monkeypatch):
    """As `make grade` does: a job works in a folder of its own, where such a name leads nowhere."""
    hand_in(course, "ann", RIGHT)
    monkeypatch.chdir(course.parent)
    assert grade(Path(course.name))["ann"].status == "graded"


def test_a_job_has_a_time_limit(course):
    (course / "course.toml").write_text("job_minutes = 0.01\n")
    hand_in(course, "slow", {"double": "right child sleep 60"})
    hand_in(course, "ann", RIGHT)
    rows = grade(course, workers=2)
    assert "took more than 0.01 minutes and was ended" in rows["slow"].remarks[0]
    assert gone(children(course))


def gone(pids, patience=10):
    """Whether none of these processes runs, after a while."""
    end = time.monotonic() + patience
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # of a shell in the background it is none
from pathlib import Path
from dlcourse.grading import jobs, runner
runner.JOB, runner._GRACE = "fake_job", 0.2
jobs.choose = lambda without: None
jobs.grade(Path(sys.argv[1]), sys.argv[2], workers=2)
"""


def start(course):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, course, NAME], stderr=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which Linux alone has")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_an_end_leaves_nothing_running(course, name):
    hand_in(course, "one", {"double": "sleep 60 stubborn" if name == "SIGTERM" else "sleep 60"})
    hand_in(course, "two", {"double": "right sleep 60" + " child" * (name != "SIGKILL")})
    process = start(course)
    wanted = 2 if name == "SIGKILL" else 3
    end = time.monotonic() + 60
    while len(children(course)) < wanted:
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert gone(children(course))


def everything(course):
    """All that grading leaves, but for times."""
    found = {
        path.relative_to(course): path.read_bytes()
        for folder in ("autograded", "grades")
        for path in (course / folder).rglob("*")
        if path.is_file()
    }
    for path in (course / "results").rglob("*.json"):
        result = json.loads(path.read_bytes())
        for part in (result, *result.get("tests", ())):
            part.pop("seconds", None)
        found[path.relative_to(course)] = result
    return found


def test_killed_at_any_moment_it_ends_the_same(course):
    for number in range(6):
        hand_in(course, f"s{number}", {"double": f"right {number} sleep 0.05"})
    alone = shutil.copytree(course, course.parent / "alone")
    grade(alone)
    for number in range(2):
        process = start(course)
        end, wanted = time.monotonic() + 60, len(begun(course)) + 1 + number
        while len(begun(course)) < wanted and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.005)
        process.kill()
        process.communicate()
    grade(course)
    assert everything(course) == everything(alone)
    assert not (course / "results" / NAME / "running").exists()


def test_dask_gives_the_same(course):
    distributed = pytest.importorskip(
        "distributed", reason="distributed is not installed; `make test` installs it"
    )
    for number in range(3):
        hand_in(course, f"s{number}", {"double": f"right {number}"})
    hand_in(course, "crash", {"double": "crash"})
    alone = shutil.copytree(course, course.parent / "alone")
    grade(alone)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        grade(course, scheduler=cluster.scheduler_address)
    assert table(course) == table(alone)


def test_a_scheduler_that_is_not_there(course, monkeypatch):
    pytest.importorskip(
        "distributed", reason="distributed is not installed; `make test` installs it"
    )
    hand_in(course, "ann", RIGHT)
    with pytest.raises(ValueError, match="expected the address of a scheduler of dask"):
        grade(course, scheduler="nowhere")


def test_a_machine_with_another_package_is_refused():
    spec = json.dumps({"environment": {**runner.environment(), "numpy": "1.0"}})
    with pytest.raises(runner.JobError, match="has another numpy; install there"):
        runner.run(spec, 1)


def test_a_job_computes_the_same_whatever_compiler_there_is(tmp_path, monkeypatch):
    (tmp_path / "computes.py").write_text(
        "import sys, dlcourse.native\nopen(sys.argv[2], 'w').write(dlcourse.native.status()[1])"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.delenv("DLCOURSE_KERNELS", raising=False)
    spec = json.dumps({"environment": runner.environment()})
    assert runner.run(spec, 60, "computes") == "switched off by DLCOURSE_KERNELS=off"


def test_a_real_job(course, monkeypatch):
    try:
        choose()
    except SandboxError as reason:
        pytest.skip(str(reason))
    monkeypatch.undo()
    folder = hand_in(course, "ann", RIGHT)
    path = folder / f"{NAME}.ipynb"
    path.write_text(path.read_text().replace("return x  # right", "return 2 * x", 1))
    row = grade(course)["ann"]
    assert (row.tasks, row.remarks) == ({"double": 6, "triple": 0, "why": 0}, [])


def test_the_command(course, run):
    hand_in(course, "ann", RIGHT)
    hand_in(course, "bob", {"double": "crash"})
    code, out, err = run("course", "grade", NAME, "--course", course, "--workers", 2)
    assert code == 0
    assert out.startswith("2 students: 1 graded, 1 not graded\n")
    assert "not graded: 1\n  grading failed (status 1)" in out and f"{NAME}.csv" in out
    assert "2/2" in err  # the bar
    code, again, err = run("course", "grade", NAME, "--course", course, "--student", "ann")
    assert code == 0 and "2/2" not in err
    assert "not graded: 1\n  grading failed (status 1)" in again  # for the reason that is known


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grade", "ps9"], f"there are {NAME}"),
        (["grade", NAME, "--student", "eve"], "found 'eve'"),
        (["grade", NAME, "--share", "1"], "expected --share I/N, as in 0/8, found '1'"),
        (["grade", NAME, "--share", "0/2", "--again"], "expected --share without --student"),
        (["merge", "ps9"], f"there are {NAME}"),
    ],
)
def test_a_wrong_command_is_one_sentence(course, run, arguments, told):
    code, out, err = run("course", *arguments, "--course", course)
    assert code == 1 and not out
    assert told in err and err.count("\n") == 1


def test_the_command_can_be_interrupted(course, run, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "side_by_side", interrupted)
    hand_in(course, "ann", RIGHT)
    code, _, err = run("course", "grade", NAME, "--course", course)
    assert code == 130
    assert "interrupted; the same command goes on from there" in err


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_slurm(tmp_path):
    # What Slurm would do but start it on other machines.
    script = tiny_course.CONFIGURATION.parent / "grade.slurm"
    (tmp_path / "dlcourse").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "dlcourse").chmod(0o755)
    array = {"ID": "5", "MIN": "3", "COUNT": "8"}
    done = subprocess.run(
        ["bash", script, NAME, "--course", "c"],
        capture_output=True,
        text=True,
        env={f"SLURM_ARRAY_TASK_{name}": value for name, value in array.items()}
        | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    wanted = f"course grade {NAME} --course c --share 2/8 --no-progress\n"
    assert done.stdout == wanted, done.stderr


def test_no_such_course_or_assignment(course, tmp_path):
    with pytest.raises(ValueError, match="expected the folder of a course, found none"):
        jobs.grade(tmp_path / "nowhere", NAME)
    with pytest.raises(FileNotFoundError, match=f"there are {NAME}"):
        jobs.grade(course, "ps9")
