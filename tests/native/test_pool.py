"""The pool of threads in C: each unit is done once, whoever calls, forks, or gets no thread."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlcourse.native.library import FOLDER

DRIVER = Path(__file__).with_name("pool_driver.c")
#: The thread sanitizer sees a race that was lost by nobody. After a fork it starts no more threads.
BUILDS = {
    "plain": ["-O2"],
    "threads": ["-O1", "-g", "-fsanitize=thread"],
    "memory": ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "no threads": ["-O2", "-Dpthread_create=no_thread"],
}
TRIED = [
    *(
        (build, test)
        for build in ("plain", "threads", "memory")
        for test in ("sizes", "growing", "callers")
    ),
    *((build, "forks") for build in ("plain", "memory")),
    ("no threads", "sizes"),
]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="uses barriers and sanitizers of Linux"),
    pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc: apt-get install gcc"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """From each build to its program."""
    folder, made = tmp_path_factory.mktemp("pool"), {}

    def build(name):
        if name not in made:
            made[name] = folder / name.replace(" ", "-")
            flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", *BUILDS[name]]
            # The driver's own threads are real.
            parts = [(FOLDER / "pool.c", flags), (DRIVER, [f for f in flags if "-D" not in f])]
            objects = [f"{made[name]}-{source.stem}.o" for source, _ in parts]
            for (source, flags), file in zip(parts, objects, strict=True):
                subprocess.run(["gcc", *flags, "-c", source, "-o", file], check=True)
            subprocess.run(["gcc", *flags, *objects, "-o", made[name]], check=True)
        return made[name]

    return build


@pytest.mark.parametrize("build, test", TRIED)
def test_share(built, build, test):
    done = subprocess.run([built(build), test], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The pool as Python sees a kernel."""
    file = tmp_path_factory.mktemp("pool") / "pool.so"
    flags = ["-std=gnu11", "-O2", "-shared", "-fPIC", "-pthread"]
    subprocess.run(["gcc", *flags, FOLDER / "pool.c", "-o", file], check=True)
    return file


def python(library, code):
    begin = f"""
import ctypes, os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")
pool = ctypes.CDLL({str(library)!r})
WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)
pool.share.argtypes = WORK, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int

def share(f, units, threads):
    pool.share(WORK(f), None, units, threads)
"""
    done = subprocess.run(
        [sys.executable, "-c", begin + code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_threads_of_python_share_at_once(library):
    code = """
found = [[0] * 40 for _ in range(6)]
def call(mine):
    def count(_, unit):
        mine[unit] += 1
    for _ in range(50):
        share(count, 40, 3)
threads = [threading.Thread(target=call, args=(mine,)) for mine in found]
for t in threads: t.start()
for t in threads: t.join()
print(set(sum(found, [])))
"""
    assert python(library, code) == ["{50}"]


def test_a_forked_process_shares_on_threads_of_its_own(library):
    code = """
def tasks():
    return len(os.listdir("/proc/self/task"))
barrier = threading.Barrier(3)
share(lambda _, unit: barrier.wait(), 3, 3)
before = tasks()
child = os.fork()
if not child:
    signal.alarm(60)
    alone = tasks()
    barrier = threading.Barrier(2)
    share(lambda _, unit: barrier.wait(), 2, 2)
    os._exit(10 * alone + tasks())
print(before, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert python(library, code) == ["3", "12"]


def test_ctrl_c_is_left_to_the_thread_of_python(library):
    code = """
share(lambda _, unit: time.sleep(0.01), 4, 4)
for task in os.listdir("/proc/self/task"):
    with open(f"/proc/self/task/{task}/status") as file:
        blocked = int(next(line for line in file if line.startswith("SigBlk")).split()[1], 16)
    print(int(task) == os.getpid(), bool(blocked >> (signal.SIGINT - 1) & 1))
"""
    assert sorted(python(library, code)) == sorted(["True", "False", *["False", "True"] * 3])


def test_helpers_that_wait_take_no_time(library):
    code = """
barrier = threading.Barrier(4)
share(lambda _, unit: barrier.wait(), 4, 4)
def switches():
    total = 0
    for task in os.listdir("/proc/self/task"):
        if int(task) != os.getpid():
            with open(f"/proc/self/task/{task}/schedstat") as file:
                total += int(file.read().split()[2])  # how often it ran
    return total
while True:  # until all are asleep
    before = switches()
    time.sleep(0.2)
    if switches() == before:
        break
print("asleep")
"""
    assert python(library, code) == ["asleep"]
