"""A class of 300, graded: marks, harm, ten SIGKILLs, and what it costs.

    python benchmarks/grading.py [--students 300] [--hostile 40] [--kills 10] [--record]

makes a class in a temporary folder: honest students in the proportions of real classes, hand-ins as
odd as people make them, and hostile ones, each of another kind. It grades assignment 1 with
`dlcourse.grading.jobs.grade`, and fails if a row is missing, a mark is wrong, or anything was
harmed. Close other programs first.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("grading", "exercises")]

import hostile
import plausible
import run
import school
from watch import Watch, descendants, survivors

from dlcourse.distributed.single import available_cores
from dlcourse.files import write_json

RECORDS = ROOT / "benchmarks" / "records" / "grading"
SEED = 16


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--hostile", type=int, default=40)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--record", action="store_true", help="keep it in records/grading")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Watch(Path(folder)) as watch:
        found = measure(watch, options.students, options.hostile, options.kills)
    print(json.dumps(found, indent=1))
    if options.record:
        RECORDS.mkdir(parents=True, exist_ok=True)
        write_json(RECORDS / f"{found['date']}.json", found)
    return 1 if found["wrong"] or found["harm"] else 0


def measure(watch: Watch, students: int, attacks: int, kills: int) -> dict[str, object]:
    """Make the class, grade it twice, once with kills, and return what was found."""
    course = school.open_course(watch.course)
    kinds = hostile.kinds()
    chosen = dict(random.Random(SEED).sample(sorted(kinds.items()), attacks))
    odd = sorted(plausible.HAND_INS)[: (students - attacks) // 5]
    honest = school.honest(students - attacks - len(odd), SEED)
    for student in honest:
        # Whoever hands in the same as another one costs nothing: nobody does here.
        mine = f"name = {student.name!r}"
        school.hand_in(course, student.name, school.filled(course, student.answers, mine))
    for name, kind in chosen.items():
        kind.hand_in(course, f"hostile-{name}", watch.words)
    deserved, cells = deserve(honest)
    # A folder like __MACOSX is no student.
    marks = plausible.hand_in(course, odd)
    deserved |= {name: mark for name, mark in marks.items() if name != "__MACOSX"}
    killed = watch.course.parent / "killed" / "course"
    killed.parent.mkdir()
    subprocess.run(["cp", "-a", course, killed], check=True)  # with its pipes and links
    watch.remember()
    alone = run.grade(course, school.NAME, students=[student.name for student in honest])
    graded = run.grade(course, school.NAME)
    wrong = wrong_marks(graded.rows, deserved, chosen)
    harm = watch.harm()
    seconds = alone.seconds + graded.seconds
    found: dict[str, object] = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {len(available_cores())} cores",
        "load": os.getloadavg(),
        "students": students,
        "hostile": attacks,
        "kinds": len(chosen),
        "rows": len(graded.rows),
        "wrong": wrong,
        "harm": harm,
        "hand-ins of odd kinds": len(odd),
        "seconds": round(seconds, 1),
        "submissions an hour": round(3600 * students / seconds),
        "honest": len(honest),
        "seconds of the honest": round(alone.seconds, 1),
        "honest submissions an hour": round(3600 * len(honest) / alone.seconds),
        "processor seconds of their jobs": round(alone.processor, 1),
        "processor seconds of their cells in one process": round(cells, 1),
        "largest process in MiB": graded.largest // 2**20,
    }
    print(json.dumps(found), file=sys.stderr)  # the kills take as long again
    if kills:
        found["kills"] = kills
        interrupted(killed, kills, seconds)
        ends = run.end_state(killed, school.NAME), run.end_state(course, school.NAME)
        other = {name for name in ends[0] | ends[1] if ends[0].get(name) != ends[1].get(name)}
        both = other & ends[0].keys() & ends[1].keys()
        # Some attacks come at a moment that chance decides, and so does what a test says of them.
        # Their marks stand in the table and in the gradebook, which must be the same.
        keys = {row["key"]: name for name, row in graded.rows.items()}
        chance = {name for name in both if "hostile-" in keys.get(Path(name).stem, name)}
        found["the same end after the kills"] = other <= chance
        found["results of hostile hand-ins in other words"] = len(chance)
        for name in sorted(other - chance):
            two = (str(end.get(name)) for end in ends)
            wrong.append(f"{name} is another one after kills: {_difference(*two)}")
    return found


def deserve(honest: list[school.Student]) -> tuple[dict[str, float], float]:
    """Mark everyone honest without a judge: the marks, and the processor time in seconds."""
    several = list({tuple(student.answers.items()): student.answers for student in honest}.values())
    with ProcessPoolExecutor(len(available_cores())) as processes:
        told = zip(several, processes.map(marked, several), strict=True)
        known = {tuple(answers.items()): found for answers, found in told}
    found = {student.name: known[tuple(student.answers.items())] for student in honest}
    return {name: marks for name, (marks, _) in found.items()}, sum(s for _, s in found.values())


def marked(answers: dict[str, object]) -> tuple[float, float]:
    """Return the points of one student, and how many seconds it took to compute them."""
    begin = time.process_time()
    return school.marked(answers), time.process_time() - begin


def wrong_marks(rows: dict, deserved: dict[str, float], chosen: dict) -> list[str]:
    found = []
    for name, points in deserved.items():
        if name not in rows or rows[name]["score"] != points:
            found.append(f"{name} deserves {points}: {rows.get(name)}")
    for name, kind in chosen.items():
        row = rows.get(f"hostile-{name}")
        if row is None or (row["score"] or 0) > kind.deserves:
            found.append(f"{name} deserves {kind.deserves}: {row}")
        elif not kind.spoilt and kind.graded and row["score"] != kind.deserves:
            found.append(f"{name} should keep {kind.deserves}: {row}")
    return found


def _difference(one: str, other: str) -> str:
    """Return where two texts begin to differ."""
    pairs = enumerate(zip(one, other, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
    return " | ".join(text[max(0, at - 200) : at + 200] for text in (one, other))


def interrupted(course: Path, kills: int, seconds: float) -> None:
    """Grade a course, killed several times on the way."""
    moments, others = random.Random(SEED), descendants()
    for _ in range(kills):
        process, _ = run.grading(course, school.NAME)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(1, 1.5 * seconds / kills))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if left := survivors(others):
            raise AssertionError(f"processes go on after a SIGKILL: {left}")
    run.grade(course, school.NAME)


if __name__ == "__main__":
    sys.exit(main())
