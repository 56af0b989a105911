"""`python -m fuzz`: damaged files for every reader, hour after hour, in a process that may die.

A case is a number: with the seed it decides which reader gets what. So what is found is repeated by
`--seed S --case N`. The process that reads is watched from outside, for a crash or a hang in a
library could not be told from inside. A case is fine if the reader returns (the same values, where
checksums cover them) or raises its own error, which names the file in one line; within 20 seconds,
and with less than 2 GB of memory.
"""

import argparse
import collections
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

#: Seconds of the processor that a case may take, seconds after which a process that says nothing is
#: ended, and bytes of memory. A busy machine makes no case fail.
SECONDS, PATIENCE, MEMORY = 20, 600, 2 * 10**9
TESTS = Path(__file__).parents[1]


class HangError(BaseException):
    """A case took too long: no Exception, so that no reader makes it one of its own."""


def hang(*_):
    """Take the alarm of the clock."""
    raise HangError


# -- one case: in the process that is watched ---------------------------------------------------


def make(case, seed, readers, folder):
    """Return the reader of a case, its damaged file, and whether a checksum covers the damage."""
    import numpy as np

    from fuzz import mutations

    rng = np.random.default_rng([seed, case])
    reader, other = readers[case % len(readers)], readers[rng.integers(len(readers))]
    path = folder / reader.name
    lies = reader.lie is not None and rng.random() < 0.6
    data = reader.good["bytes"]
    for _ in range(rng.geometric(0.7)):
        try:
            if lies:
                data = reader.lie(data, rng)
            else:
                data = mutations.damaged(data, rng, other.good["bytes"])
        except Exception:
            break  # so damaged already that it cannot be changed with understanding
    path.write_bytes(data)
    return reader, path, reader.checked and not lies


def prepared(folder, slow):
    """Return all readers, with the bytes of a good file and what they make of it."""
    from fuzz.readers import readers

    every = readers(folder, slow)
    for reader in every:
        path = folder / reader.name
        path.unlink(missing_ok=True)  # a run that ended may have left it damaged
        reader.write(path)
        reader.good["bytes"] = path.read_bytes()
        reader.good["values"] = reader.read(path)
    return every


def outcome(reader, path, covered):
    """Return what is wrong with how a reader takes a file, or None."""
    from dlcourse.files import FileError
    from fuzz.readers import CommandError
    from fuzz.trainings import same

    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        values = reader.read(path)
    except (FileError, CommandError) as error:
        text = str(error)
        if str(path) not in text or "\n" in text:
            return f"no file or more than a line: {text!r}"
        if isinstance(error.__cause__, MemoryError):
            return f"asked for too much memory: {text}"
        return None
    except HangError:
        return f"hang: more than {SECONDS} seconds"
    except Exception:
        return f"bare exception: {traceback.format_exc(limit=-4)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if covered and not same(values, reader.good["values"]):
        return "other values in silence"
    return None


def peak():
    """Return the largest memory of this process in bytes, since `forget_peak`."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def forget_peak():
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")


def work(options):
    """Try one case after another; write a line for each that is not fine."""

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, hang)
    # A lie about gigabytes ends in a MemoryError, and not in the end of the machine.
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    folder = Path(options.folder)
    every = prepared(folder, options.slow)
    for case in range(options.case, options.case + options.cases):
        print(json.dumps({"case": case}), flush=True)
        reader, path, covered = make(case, options.seed, every, folder)
        forget_peak()
        wrong = outcome(reader, path, covered)
        if (most := peak()) > MEMORY:
            wrong = f"memory: {most / 1e9:.1f} GB ({wrong or 'otherwise fine'})"
        print(
            json.dumps({"done": case, "reader": reader.name, "wrong": wrong, "peak": most}),
            flush=True,
        )


# -- all cases: in the process that watches -----------------------------------------------------


def watch(*, seed, first=0, cases=10**12, seconds=10**9, slow=False, say=None):
    """Try cases until the number or the time is over.

    Returns
    -------
    dict
        How many cases each reader had, the largest memory of any, and what was wrong: a list of
        (case, reader, text).
    """
    report = {"cases": collections.Counter(), "peak": 0, "wrong": []}
    end, case, next_word = time.monotonic() + seconds, first, time.monotonic() + 60
    with tempfile.TemporaryDirectory() as folder:
        while case < first + cases and time.monotonic() < end:
            options = {"folder": folder, "seed": seed, "case": case, "cases": first + cases - case}
            command = [sys.executable, "-m", "fuzz", "--work"]
            command += [f"--{name}={value}" for name, value in options.items()]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
            paths = [*map(str, [TESTS, TESTS / "support", TESTS.parent / "src"])]
            environment["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])
            with (
                tempfile.TemporaryFile("w+") as said,
                subprocess.Popen(
                    [*command, *(["--slow"] if slow else [])],
                    env=environment, text=True, stdout=subprocess.PIPE, stderr=said,
                ) as process,
            ):  # fmt: skip
                doing = None
                timer = _ender(process)
                for line in process.stdout:
                    timer = _ender(process, timer)
                    word = json.loads(line)
                    if "case" in word:
                        doing = word["case"]
                        continue
                    case = word["done"] + 1
                    report["cases"][word["reader"]] += 1
                    report["peak"] = max(report["peak"], word["peak"])
                    if word["wrong"]:
                        report["wrong"].append((word["done"], word["reader"], word["wrong"]))
                        if say:
                            say(f"case {word['done']} ({word['reader']}): {word['wrong']}")
                    if say and time.monotonic() > next_word:
                        next_word = time.monotonic() + 60
                        say(
                            f"{sum(report['cases'].values()):,} cases, {len(report['wrong'])} wrong"
                        )
                    if time.monotonic() > end:
                        process.kill()
                timer.cancel()
                status = process.wait()
                said.seek(0)
                words = said.read()[-2000:]
            if status != 0 and time.monotonic() < end:
                text = "hang in a library" if timer.rang else f"crash: status {status}: {words}"
                if doing is None:
                    raise RuntimeError(f"the good files cannot be read: {text}")
                report["wrong"].append((doing, "?", text))
                if say:
                    say(f"case {doing}: {text}")
                case = doing + 1
    return report


def _ender(process, before=None):
    """Return a timer that ends the process when nothing was heard of it for long."""
    import threading

    if before is not None:
        before.cancel()

    def ring():
        timer.rang = True
        process.kill()

    timer = threading.Timer(PATIENCE, ring)
    timer.rang, timer.daemon = False, True
    timer.start()
    return timer


def repeat(options):
    """Try one case, and keep its file."""
    folder = Path(tempfile.mkdtemp())
    case = make(options.case, options.seed, prepared(folder, options.slow), folder)
    print(f"{case[1]} of {case[1].stat().st_size:,} bytes")
    try:
        case[0].read(case[1])
        print("was read")
    finally:
        print(f"{peak() / 1e6:.0f} MB at most")


def main():
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="another seed, other files")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--case", type=int, help="repeat this case, and keep its file")
    parser.add_argument("--cases", type=int, default=10**12, help=argparse.SUPPRESS)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--slow", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work(options)
    if options.case is not None:
        options.slow = True
        return repeat(options)
    start = time.monotonic()
    report = watch(seed=options.seed, seconds=60 * options.minutes, slow=True,
                   say=lambda text: print(text, flush=True))  # fmt: skip
    for reader, count in sorted(report["cases"].items()):
        wrong = sum(reader == name for _, name, _ in report["wrong"])
        print(f"{reader:16} {count:9,} cases {wrong:5} wrong")
    minutes = (time.monotonic() - start) / 60
    print(
        f"{sum(report['cases'].values()):,} cases in {minutes:.1f} minutes, at most "
        f"{report['peak'] / 1e6:,.0f} MB, {len(report['wrong'])} wrong; seed {options.seed}"
    )
    for case, reader, text in report["wrong"][:100]:
        last = text.strip().splitlines()[-1][:200]
        print(f"  --seed {options.seed} --case {case}  {reader}: {last}")
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
