"""A job that runs nothing: what it finds is written in the submission.

A task is right if its cell says so. Other words make it slow, fail or stubborn. Each run adds lines
to the file that FAKE_JOB_LOG names.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(spec_path, result_path):
    spec = json.loads(Path(spec_path).read_text())
    answers = {}
    for step in spec["steps"]:
        if step["kind"] == "theirs":
            answers[step["name"]] = answers.get(step["name"], "") + step["source"]
    told = "\n".join(answers.values())
    note(f"begin {spec['key']} {os.getpid()}")
    if "stubborn" in told:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "child" in told:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        note(f"child {child.pid}")
    if wait := re.search(r"sleep ([\d.]+)", told):
        time.sleep(float(wait[1]))
    if "crash" in told:
        sys.exit("no memory\x1b[31m was left")
    said = re.search("says (.+)", told)
    message = said[1] if said else "expected <b>6</b>, found 5"
    tests = [
        {
            "name": step["name"],
            "points": step["points"] if right else 0.0,
            "of": step["points"],
            "message": "" if right else message,
            "seconds": time.monotonic(),
        }
        for step in spec["steps"]
        if step["kind"] == "test"
        for right in ["right" in answers.get(step["name"].split("-")[0], "")]
    ]
    result = {
        "format": "dlcourse marks 1",
        "key": spec["key"],
        "assignment": spec["assignment"],
        "sandbox": "bubblewrap" if spec["sandbox"] == "auto" else "none",
        "tests": tests,
        "cells": [{"name": "double", "message": f"NameError: {said[1] if said else 'x'}"}]
        if "fails" in told
        else [],
        "remarks": ["the sandbox was left"] if "flagged" in told else [],
        "ended": "it took too long" if "endless" in told else None,
        "seconds": time.monotonic(),
        "computed": 0.1,
    }
    text = "garbage" if "garbage" in told else json.dumps(result)
    Path(result_path).write_text(text)
    note(f"end {spec['key']}")


def note(line):
    with open(os.environ["FAKE_JOB_LOG"], "a") as log:
        log.write(line + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
