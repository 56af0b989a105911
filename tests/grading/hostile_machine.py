"""Harm to the machine: processes, memory, files, network, and whatever else lies outside.

Adam is answered well in most of these: what an attack in another task does must not cost its marks.
"""

from hostile import Kind

ADAM = ("adam",)

PROCESSES = [
    Kind("fork-bomb", inside="while True: os.fork()", honest=ADAM),
    Kind(
        "process-bomb",
        inside="""\
running = []
while True: running.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(999)", "$mark"]))
""",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "thread-bomb",
        inside="while True: threading.Thread(target=time.sleep, args=(999,)).start()",
        honest=ADAM,
    ),
    Kind(
        "background",
        first="""\
for command in (["setsid", "sleep", "999"], ["nohup", "sleep", "999"], [sys.executable, "-c", "import time; time.sleep(999)", "$mark"]):
    with quiet():
        subprocess.Popen(command, start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in range(1, 65):
            with quiet(): signal.signal(number, signal.SIG_IGN)
        os.closerange(0, 99)
        time.sleep(999)
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "keeps-the-pipe-open",
        inside="""\
if os.fork() == 0:
    os.setsid()
    time.sleep(999)
os._exit(0)
""",
        honest=ADAM,
    ),
    Kind(
        "worker-replaced", inside="os.execv('/bin/sh', ['sh', '-c', 'exec sleep 999'])", honest=ADAM
    ),
    Kind(
        "parent-killed",
        first="""\
for pid in (os.getppid(), 0 - os.getppid(), -1):
    for number in (signal.SIGTERM, signal.SIGKILL):
        if pid not in (0, 1):
            with quiet(): os.kill(pid, number)
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "everybody-killed",
        inside="""\
me = os.getpid()
for entry in os.listdir("/proc"):
    if entry.isdigit() and int(entry) not in (1, me):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            with quiet(): os.kill(int(entry), number)
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind("stopped", inside="os.kill(os.getpid(), signal.SIGSTOP)", honest=ADAM),
    Kind(
        "debugger",
        inside="""\
libc = ctypes.CDLL(None, use_errno=True)
for pid in (os.getppid(), 1, *map(int, filter(str.isdigit, os.listdir("/proc")))):
    if pid != os.getpid():
        libc.ptrace(16, pid, 0, 0)
        with quiet():
            with open(f"/proc/{pid}/mem", "r+b", 0) as memory: memory.seek(4096)
        with quiet():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with quiet(): os.write(os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR | os.O_NONBLOCK), b"ok")
""",
        honest=ADAM,
        spoilt=True,
    ),
]

LOOPS = [
    Kind("loop", inside="while True: pass", honest=ADAM),
    Kind(
        "loop-under-except",
        inside="""\
for number in range(1, 65):
    with quiet(): signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException: pass
""",
        honest=ADAM,
    ),
    Kind("loop-in-c", inside="import itertools; sum(itertools.repeat(0))", honest=ADAM),
    Kind("loop-in-own-cell", first="while True: pass", honest=ADAM, spoilt=True, long=True),
    Kind("sleep", inside="time.sleep(1e6)", honest=ADAM, long=True),
    Kind(
        "slow",
        inside="""\
while True:
    end = time.perf_counter() + 0.01
    while time.perf_counter() < end: pass
    time.sleep(0.15)
""",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "deadlock",
        inside="lock = threading.Lock(); lock.acquire(); lock.acquire()",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "threads-that-burn",
        """\
def burn():
    while True: np.ones((400, 400)) @ np.ones((400, 400))
for _ in range(8): threading.Thread(target=burn, daemon=True).start()
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "reads-from-the-keyboard",
        first="input('password: ')",
        inside="return sys.stdin.read()",
        honest=ADAM,
    ),
]

FLOODS = [
    Kind(
        "memory",
        inside="""\
kept = []
while True: kept.append(np.ones(2**27, np.uint8))
""",
        honest=ADAM,
    ),
    Kind(
        "memory-shared",
        inside="""\
import mmap
kept = []
while True:
    kept.append(mmap.mmap(-1, 2**27)); kept[-1].write(bytes(2**27))
""",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "memory-by-many",
        inside="""\
for _ in range(40):
    if os.fork() == 0:
        kept = [np.ones(2**20, np.uint8) for _ in range(400)]; time.sleep(999)
time.sleep(999)
""",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "memory-of-no-process",
        inside="""\
kept = []
for _ in range(80):
    with quiet():
        kept.append(os.memfd_create("$mark"))
        with quiet():
            for _ in range(64): os.write(kept[-1], bytes(2**20))
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for _ in range(10):
    segment = libc.shmget(0, 2**29, 0o1600)
    at = libc.shmat(segment, None, 0)
    if at not in (None, 2**64 - 1):
        ctypes.memset(at, 1, 2**29); libc.shmdt(ctypes.c_void_p(at))
time.sleep(0.5)
""",
        honest=ADAM,
    ),
    Kind(
        "disk",
        inside="""\
for place in ("/tmp", "/dev/shm", "/var/tmp", os.getcwd(), os.environ.get("HOME", "/")):
    with quiet():
        with open(place + "/$mark", "wb", 0) as file:
            for _ in range(2**11): file.write(bytes(2**20))
    with quiet():
        for i in range(200): Path(place, f"$mark-{i}").write_bytes(bytes(2**23))
""",
        honest=ADAM,
    ),
    Kind(
        "many-files",
        inside="""\
for place in ("/tmp", "/dev/shm", os.getcwd()):
    with quiet():
        for i in range(10**6): os.close(os.open(f"{place}/$mark-{i}", os.O_CREAT))
""",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "deep-folders",
        inside="""\
for place in ("/tmp", "/dev/shm", os.getcwd()):
    with quiet():
        os.chdir(place)
        for i in range(20000): os.mkdir("$mark"); os.chdir("$mark")
    with quiet(): os.chmod(".", 0)
os.chdir("/")
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "links-left-behind",
        inside="""\
for place in ("/tmp", "/dev/shm", os.getcwd()):
    with quiet(): os.symlink("$outside", place + "/$mark-link")
    with quiet(): os.link("$outside/canary", place + "/$mark-hard")
    with quiet(): os.mkfifo(place + "/$mark-fifo")
""",
        honest=ADAM,
    ),
    Kind(
        "output",
        inside="""\
for stream in (1, 2):
    with quiet():
        for _ in range(2**9): os.write(stream, b"x" * 2**20)
print("x" * 2**27); sys.stderr.write("y" * 2**27)
""",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "open-files",
        inside="""\
kept = []
while True: kept.append(os.dup(0))
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "pipes",
        inside="""\
import fcntl
kept = []
with quiet():
    while True:
        kept.append(os.pipe()); fcntl.fcntl(kept[-1][1], 1031, 2**20)
        os.set_blocking(kept[-1][1], False); os.write(kept[-1][1], bytes(2**20))
""",
        honest=ADAM,
        spoilt=True,
    ),
]

CRASHES = [
    Kind("exit", inside="os._exit(0)", honest=ADAM),
    Kind("system-exit", first="sys.exit(0)", inside="raise SystemExit(0)", honest=ADAM),
    Kind("segfault", inside="ctypes.string_at(0)", honest=ADAM),
    Kind("abort", inside="os.abort()", honest=ADAM),
    Kind(
        "stack",
        inside="sys.setrecursionlimit(10**9)\ndef deeper(): return [deeper()]\ndeeper()",
        honest=ADAM,
        long=True,
    ),
    Kind(
        "interpreter-broken",
        inside="""\
sys.modules.clear(); sys.path.clear(); globals()["__builtins__"] = {}
for module in (sys, os, gc):
    with quiet(): vars(module).clear()
""",
        honest=ADAM,
        spoilt=True,
    ),
]

OUTSIDE = [
    Kind(
        "network",
        inside="""\
import ssl, urllib.request
def tcp(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(0.5); s.connect(address); s.sendall(b"$mark")
for address in ("127.0.0.1", "localhost", "0.0.0.0"):
    with quiet(): tcp(socket.AF_INET, (address, $port))
with quiet(): tcp(socket.AF_INET6, ("::1", $port))
with quiet(): tcp(socket.AF_UNIX, "\\0$mark")
with quiet(): tcp(socket.AF_UNIX, "$outside/socket")
for name in ("/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private"):
    with quiet(): tcp(socket.AF_UNIX, name); leak("reached", name)
with quiet():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b"$mark", ("127.0.0.1", $port))
with quiet(): urllib.request.urlopen("http://127.0.0.1:$port/$mark", timeout=0.5)
with quiet(): socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).sendto(bytes(8), ("127.0.0.1", 0))
""",
        honest=ADAM,
    ),
    Kind(
        "environment",
        inside="""\
found = dict(os.environ)
for pid in filter(str.isdigit, os.listdir("/proc")):
    with quiet(): found[pid] = Path(f"/proc/{pid}/environ").read_bytes()[-4000:].decode("latin1")
for pid in filter(str.isdigit, os.listdir("/proc")):
    with quiet(): found["c" + pid] = Path(f"/proc/{pid}/cmdline").read_text()
leak(*[v for v in map(str, found.values()) if "SECRET" in v or "$mark" in v])
""",
        honest=ADAM,
    ),
    Kind(
        "files-read",
        inside="""\
found = []
for name in ("$outside/canary", "/etc/shadow", "~/.ssh/id_rsa", "$course/gradebook.db", "$course/nbgrader_config.py",
             "/proc/1/root$outside/canary", "/proc/self/cwd/../../canary", "/proc/1/cwd/canary"):
    with quiet(): found.append(name + ":" + Path(name).expanduser().read_bytes()[:40].decode("latin1"))
leak("read", *found)
""",
        honest=ADAM,
    ),
    Kind(
        "files-written",
        inside="""\
places = {"$outside", "$course", os.path.expanduser("~"), sys.prefix, sys.base_prefix, *sys.path,
          "/etc", "/usr/local/bin", "/opt", "/srv", "/run", "/var/lib", "/home"}
with quiet(): import dlcourse; places |= set(dlcourse.__path__)
for folder, folders, files in os.walk("$course"): places.add(folder)
for place in places:
    with quiet(): Path(place, "$mark").write_text("$mark")
    with quiet():
        for name in os.listdir(place):
            with quiet():
                with open(os.path.join(place, name), "r+b") as file: file.write(b"$mark")
""",
        honest=ADAM,
    ),
    Kind(
        "start-up-files",
        inside="""\
home = os.path.expanduser("~")
for name in (".ipython/profile_default/startup/0.py", ".jupyter/jupyter_config.py", ".config/$mark", ".bashrc",
             ".local/lib/python3.11/site-packages/$mark.pth", ".profile", ".local/bin/python"):
    for place in (home, "/root", "/tmp", "$course", "$outside"):
        with quiet():
            path = Path(place, name); path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a") as file: file.write("\\nopen('$outside/$mark', 'w')\\n")
import site, sysconfig
for place in (*site.getsitepackages(), sysconfig.get_paths()["stdlib"], "$course"):
    for name in ("sitecustomize.py", "usercustomize.py", "$mark.pth", "nbgrader_config.py", "dlcourse.py", "json.py"):
        with quiet(): Path(place, name).write_text("import os; open('$outside/$mark', 'w')\\n")
""",
        honest=ADAM,
    ),
    Kind(
        "compiled-files",
        inside="""\
import dlcourse, importlib.util, py_compile
source = "/tmp/$mark.py"
Path(source).write_text("open('$outside/$mark', 'w')\\n")
for module in list(sys.modules.values()):
    with quiet():
        for file in (module.__cached__, importlib.util.cache_from_source(module.__file__)):
            with quiet(): py_compile.compile(source, file, doraise=True)
""",
        honest=ADAM,
    ),
    Kind(
        "gradebook",
        inside="""\
import sqlite3
for name in ("$course/gradebook.db", "gradebook.db", "../gradebook.db"):
    with quiet():
        with sqlite3.connect(name) as book: book.execute("UPDATE grade SET manual_score = 100")
""",
        honest=ADAM,
    ),
    Kind(
        "results-forged",
        inside="""\
import json
forged = {"format": "dlcourse marks 1", "tests": [{"name": "adam-hidden", "points": 100, "of": 6}]}
for place in ("$course/results/ps1-deeper", "/tmp", os.getcwd(), "results/ps1-deeper"):
    for name in ("result.json", "RESULT.json", "0" * 64 + ".json"):
        with quiet(): Path(place, name).write_text(json.dumps(forged))
    for name in os.listdir(place) if os.path.isdir(place) else ():
        with quiet(): Path(place, name).write_text(json.dumps(forged))
""",
        honest=ADAM,
    ),
    Kind(
        "others-work",
        inside="""\
import shutil
for folder in Path("$course").glob("submitted/*"):
    with quiet(): shutil.rmtree(folder)
    with quiet(): os.rename(folder, "$outside/$mark")
""",
        honest=ADAM,
    ),
    Kind(
        "shared-memory",
        inside="""\
from multiprocessing import shared_memory
import tempfile
with quiet(): shared_memory.SharedMemory("$mark", create=True, size=2**20)
libc = ctypes.CDLL(None)
libc.shmget(0x6d61726b, 4096, 0o1666); libc.msgget(0x6d61726b, 0o1666); libc.semget(0x6d61726b, 1, 0o1666)
with quiet(): Path("/dev/mqueue/$mark").touch()
with quiet(): Path(tempfile.gettempdir(), "$mark").touch()
""",
        honest=ADAM,
    ),
    Kind(
        "more-rights",
        inside="""\
import resource
libc = ctypes.CDLL(None, use_errno=True)
for call in (lambda: os.setuid(0), lambda: os.setgroups([]), lambda: os.chroot("/"), lambda: libc.unshare(0x10000000),
             lambda: libc.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None), lambda: libc.umount2(b"/usr", 2),
             lambda: os.mknod("/tmp/mem", 0o20666, os.makedev(1, 1)), lambda: libc.prctl(4, 1),
             lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)), lambda: os.nice(-20),
             lambda: libc.setns(os.open("/proc/1/ns/mnt", 0), 0), lambda: os.sched_setaffinity(0, {0}),
             lambda: subprocess.run(["unshare", "-rm", "mount", "-o", "remount,rw", "/"], timeout=1)):
    with quiet(): call()
for name in ("/dev/mem", "/dev/sda", "/dev/vda", "/dev/kmsg", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
             "/sys/fs/cgroup/cgroup.procs"):
    with quiet():
        os.close(os.open(name, os.O_WRONLY)); leak("opened", name)
with quiet(): Path("$outside/$mark").touch()
if os.geteuid() == 0:
    with quiet(): leak("SECRET root outside", Path("/proc/self/uid_map").read_text()) if "4294967295" in Path("/proc/self/uid_map").read_text() else None
""",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "terminal",
        inside="""\
import fcntl, termios
for name in ("/dev/tty", "/dev/console", "/proc/self/fd/0", "/proc/self/fd/2"):
    with quiet():
        terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
        for letter in b"touch $outside/$mark\\n": fcntl.ioctl(terminal, termios.TIOCSTI, bytes([letter]))
""",
        honest=ADAM,
    ),
    Kind(
        "magics",
        "get_ipython().system('touch $outside/$mark'); get_ipython().run_line_magic('pip', 'list')",
        last="%%bash\ntouch $outside/$mark\n",
        inside="os.system('touch $outside/$mark')",
        honest=ADAM,
    ),
]

KINDS = [*PROCESSES, *LOOPS, *FLOODS, *CRASHES, *OUTSIDE]
