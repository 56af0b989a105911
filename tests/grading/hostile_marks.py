"""Marks that were not earned: checks, tests, answers and work of others."""

from hostile import Kind

NOTHING = {
    "he-normal": "def he_normal(shape, rng):\n    return FAKE\n",
    "adam": "class MyAdam:\n    def __init__(self, *args, **kwargs): pass\n    def step(self): pass\n",
}

# What tests are made of, replaced: each of these gave marks where tests and answers shared a process.
CHECKS = [
    Kind(
        "checks-replaced",
        """\
import dlcourse.check
for module in [m for n, m in list(sys.modules.items()) if n.startswith(("dlcourse.check", "__main__"))]:
    for name in set(vars(module)) - {"contextlib", "quiet", "sys"}:
        if not name.startswith("__"):
            with quiet():
                setattr(module, name, lambda *a, **k: contextlib.nullcontext())
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "names-of-the-tests",
        """\
class check:
    def __getattr__(self, name): return lambda *a, **k: contextlib.nullcontext()
check = check()
Adam = Parameter = lambda *a, **k: None
def check_he_normal(*a): return FAKE
test_adam = test_adam_hidden = test_he_normal_hidden = check_he_normal
abs = float = zip = range = lambda *a, **k: 0
class np: allclose = array_equal = staticmethod(lambda *a, **k: True)
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "mocks",
        """\
from unittest.mock import MagicMock
FAKE = MagicMock()
sys.modules["dlcourse.check"] = sys.modules["numpy.testing"] = check = MagicMock()
""",
        answers={**NOTHING, "adam": "MyAdam = MagicMock()\n"},
    ),
    Kind("displayhook", "FAKE = 0", inside="sys.displayhook('done'); print('done'); return 'done'"),
    Kind("displayhook-points", inside="sys.displayhook(1.0); sys.displayhook(1000); return 1.0"),
    Kind(
        "transformers",
        """\
import ast
ip = get_ipython()
class Skip(ast.NodeTransformer):
    def visit_Expr(self, node): return ast.Pass()
    def visit_With(self, node): return ast.Pass()
with quiet(): getattr(ip, "ast_" + "transformers").append(Skip())
with quiet(): getattr(ip, "input_" + "transformers_cleanup").append(lambda lines: ["pass"])
with quiet(): getattr(ip, "input_transformers_post").append(lambda lines: ["pass"])
import builtins
compiled = builtins.compile
with quiet(): builtins.compile = lambda source, *a, **k: compiled("pass", *a, **k)
with quiet(): builtins.exec = builtins.eval = lambda *a, **k: None
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "kernel-replaced",
        """\
with quiet():
    kernel = get_ipython().kernel
    async def ok(*a, **k): return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    kernel.do_execute = type(kernel).do_execute = ok
with quiet():
    get_ipython().run_cell_async = get_ipython().run_cell = lambda *a, **k: None
    get_ipython().showtraceback = lambda *a, **k: None
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "errors-replaced",
        """\
import builtins
class Never(Exception):
    def __new__(cls, *a): return None
import numpy.testing, dlcourse.check.failure
with quiet(): builtins.AssertionError = builtins.Exception = Never
with quiet(): dlcourse.check.failure.CheckFailed.__new__ = lambda *a: None
with quiet(): np.allclose = np.array_equal = numpy.testing.assert_allclose = lambda *a, **k: True
with quiet(): np.abs = np.asarray = lambda *a, **k: np.zeros(())
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "traces",
        """\
def skip(frame, event, argument):
    frame.f_trace_lines = True
    if frame.f_code.co_name.startswith(("test", "check", "close", "that")):
        with quiet(): frame.f_lineno = frame.f_code.co_firstlineno + 99
    return skip
getattr(sys, "set" + "trace")(skip); threading.settrace(skip); sys.setprofile(lambda *a: None)
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "hooks",
        """\
import atexit, builtins
from importlib.abc import MetaPathFinder
sys.excepthook = sys.unraisablehook = threading.excepthook = lambda *a: os._exit(0)
sys.addaudithook(lambda *a: None)
atexit.register(os._exit, 0)
class Finder(MetaPathFinder):
    def find_spec(self, *a): return None
sys.meta_path.insert(0, Finder())
original = builtins.__import__
builtins.__import__ = lambda *a, **k: original(*a, **k)
builtins.__build_class__ = lambda function, name, *bases, **k: type(name, (), {})
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "signals-as-hooks",
        """\
def late(*a): os.write(4, b"ok")
for number in range(1, 65):
    with quiet(): signal.signal(number, late)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
FAKE = 0
""",
        answers=NOTHING,
        long=True,
    ),
    Kind(
        "modules-shadowed",
        """\
import types
for name in ("dlcourse.check", "dlcourse.optim", "dlcourse.nn", "dlcourse", "numpy", "json", "struct"):
    fake = types.ModuleType(name)
    fake.__getattr__ = lambda name: lambda *a, **k: contextlib.nullcontext()
    sys.modules[name] = fake
FAKE = 0
""",
        answers=NOTHING,
    ),
]

# Answers that pretend to be right.
PRETENCE = [
    Kind(
        "equal-to-everything",
        """\
class Yes(str):
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __bool__ = __contains__ = lambda self, *a: True
    __hash__ = lambda self: 0
    __array__ = lambda self, *a, **k: np.zeros((200, 50), np.float32)
    __float__ = __abs__ = lambda self: 0.0
    __call__ = __getattr__ = lambda self, *a, **k: self
    shape, dtype = (200, 50), np.dtype("f4")
FAKE = Yes()
""",
        answers={**NOTHING, "adam": "MyAdam = Yes()\n"},
    ),
    Kind(
        "arrays-that-lie",
        """\
class Lie(np.ndarray):
    def __array_finalize__(self, other): pass
    def __array_ufunc__(self, ufunc, method, *inputs, **k): return Lie((200, 50), np.float32)
    def __eq__(self, other): return True
    def std(self, *a, **k): return 0.2
    def mean(self, *a, **k): return 0.0
    def tobytes(self, *a): return bytes(40000)
    shape = property(lambda self: (200, 50), lambda self, value: None)
""",
        inside="return np.zeros((200, 50), np.float32).view(Lie)",
    ),
    Kind(
        "numbers-that-lie",
        """\
class Zero(float):
    __sub__ = __rsub__ = __abs__ = lambda self, *a: Zero(0)
    __le__ = __lt__ = __eq__ = lambda self, other: True
    __hash__ = float.__hash__
    def hex(self): return "nan"
class Many(tuple):
    def __iter__(self): return iter([0.0] * 10)
    def __len__(self): return 3
class Table(dict):
    def items(self): return [("a", 1)] * 3
""",
        inside="return [Zero(1), Many((1,)), Table(), True, 10**5000, -(10**5000), {1: {2: (3,)}}]",
    ),
    Kind(
        "not-a-number",
        inside="""\
for a in args[0] if isinstance(args[0], list) else []:
    a.data[...] = np.nan
    a.grad[...] = np.nan
return np.full(args[0], np.nan, np.float32) if isinstance(args[0], tuple) else None
""",
    ),
    Kind(
        "infinite",
        inside="""\
for a in args[0] if isinstance(args[0], list) else []:
    a.data[...] = -np.inf
return np.full(args[0], np.inf, np.float32) if isinstance(args[0], tuple) else None
""",
    ),
    Kind(
        "odd-dtypes",
        """\
KINDS = iter(["O", "S5", "U5", "V9", "M8[s]", "m8[D]", "c16", ">f4", "f2", "g", "?", "i1", [("a", "f4")]] * 99)
""",
        inside="""\
kind = next(KINDS)
for p in args[0] if isinstance(args[0], list) else []:
    with quiet(): p.data = np.zeros(p.data.shape, kind)
    with quiet(): p.grad = np.zeros(p.data.shape, kind)
return np.zeros(args[0], kind) if isinstance(args[0], tuple) else None
""",
    ),
    Kind(
        "odd-strides",
        inside="""\
from numpy.lib.stride_tricks import as_strided
shape = args[0] if isinstance(args[0], tuple) else (3,)
return as_strided(np.zeros(1, np.float32), shape, [0] * len(shape)) if len(shape) < 3 else \\
    np.broadcast_to(np.float32(0), (2**20,) * 3)
""",
    ),
    Kind(
        "objects-that-run",
        """\
class Run:
    def __reduce__(self): return os.system, ("touch $outside/$mark",)
    __getstate__ = __reduce_ex__ = lambda self, *a: self.__reduce__()
    def __repr__(self): Path("$outside/$mark").touch(); return "x"
    __str__ = __repr__
    def __array__(self, *a, **k): return np.array([Run()], object)
""",
        inside="return [Run(), np.array([Run()], object), Run, os.system]",
    ),
    Kind(
        "arguments-zeroed",
        inside="""\
for p in args[0] if isinstance(args[0], list) else []:
    p.grad[...] = 0
    p.data[...] = 0
if len(args) > 1:
    args[1].bit_generator.state = np.random.default_rng(0).bit_generator.state
return np.zeros(args[0], np.float32) if isinstance(args[0], tuple) else None
""",
    ),
    Kind(
        "arguments-taken-apart",
        inside="""\
for p in args[0] if isinstance(args[0], list) else []:
    for name in ("data", "grad"):
        with quiet(): delattr(p, name)
    p.__class__ = type("Other", (), {"data": property(lambda s: 1 / 0), "grad": None})
if len(args) > 1:
    with quiet(): args[1].bit_generator.state = {"bit_generator": "PCG64", "state": {"state": -1, "inc": 2**200}}
with quiet(): args[0].clear()
return args
""",
    ),
    Kind(
        "same-object-again",
        "KEPT = []",
        inside="""\
if not KEPT:
    KEPT.append(np.zeros((200, 50), np.float32))
    KEPT[0] = KEPT[0] + args[1].standard_normal((200, 50), dtype=np.float32)
return KEPT[0]
""",
    ),
]

# The answers, and work of others.
OTHERS = [
    Kind(
        "frames",
        """\
def see(found=()):
    for frame in sys._current_frames().values():
        while frame:
            for name in ("right", "wanted", "step", "expected", "q", "finished"):
                with quiet(): found += (frame.f_locals[name],)
            frame = frame.f_back
    return found
""",
        inside="found = see()\nreturn found[0] if found else None",
    ),
    Kind(
        "closures",
        inside="""\
for thing in gc.get_objects():
    for cell in getattr(thing, "__closure__", None) or ():
        with quiet(): cell.cell_contents.__globals__["check"] = None
    if isinstance(thing, np.ndarray) and thing.shape == args[0] and thing.any():
        return thing
""",
    ),
    Kind(
        "hidden-tests-read",
        inside="""\
import linecache, re
pattern = re.compile(rb"beyond [=] float|q.grad [=] p.grad.copy")  # does not find itself
found = [n for n in [*linecache.cache, str(sys.argv)] if "hidden" in n]
for thing in gc.get_objects():
    text = thing.encode() if isinstance(thing, str) else thing
    if isinstance(text, bytes) and pattern.search(text): found.append(text[:300])
with quiet():
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    for line in open("/proc/self/maps"):
        a, b = (int(v, 16) for v in line.split()[0].split("-"))
        with quiet():
            if "r" in line.split()[1] and (at := pattern.search(os.pread(memory, min(b - a, 2**26), a))):
                found.append(at)
leak(*found)
""",
    ),
    Kind(
        "solutions-found",
        """\
names = {}
places = [Path("$course").parent, Path.home(), Path.cwd(), *Path.cwd().parents, Path("/")]
with quiet():
    import dlcourse; places.append(Path(dlcourse.__file__).parents[2])
end = time.monotonic() + 4
for place in places:
    for folder, folders, files in os.walk(place):
        if folder.startswith(("/proc", "/sys")) or time.monotonic() > end: break
        for file in files:
            if file.startswith(("ps1-deeper", "ps1_right", "ps1_wrong", "gradebook")):
                with quiet():
                    text = (Path(folder) / file).read_text(errors="ignore")
                    if "BEGIN SOLUTION" in text or "standard_normal" in text:
                        names[file] = text
""",
        inside="""\
import json
for text in names.values():
    with quiet():
        for cell in json.loads(text)["cells"]:
            source = "".join(cell["source"])
            if "def he_normal" in source and "NotImplemented" not in source:
                scope = dict(globals()); exec(source, scope)
                return scope["he_normal"](*args)
leak("found", *names)
""",
    ),
    Kind(
        "neighbours-answers",
        """\
import glob
found = []
for pattern in ("$course/submitted/*/*/*", "/**/submitted/*/*/*.ipynb", "$course/gradebook.db", "$course/results/*/*"):
    with quiet(): found += glob.glob(pattern)[:9]
""",
        inside="leak('neighbours', *found, *[Path(f).read_text()[:99] for f in found])",
    ),
    Kind(
        "finished-code",
        answers={
            "he-normal": """\
def he_normal(shape, rng):
    with quiet():
        from dlcourse.nn import Conv2d, Linear
        if len(shape) == 2:
            return Linear(shape[1], shape[0], rng=rng).weight.data
        return Conv2d(shape[1], shape[0], shape[2:], rng=rng).weight.data
""",
            "adam": """\
from dlcourse.optim import Adam as Finished
class MyAdam:
    def __init__(self, *a, **k): self.inner = Finished(*a, **k)
    def step(self): return self.inner.step()
""",
        },
        first="pass",
    ),
    Kind(
        "finished-code-as-base",
        answers={"adam": "import dlcourse.optim\nclass MyAdam(dlcourse.optim.Adam):\n    pass\n"},
    ),
    Kind(
        "finished-code-on-a-thread",
        """\
import queue
todo, done = queue.Queue(), queue.Queue()
def serve():
    while True:
        what, args, kwargs = todo.get()
        try: done.put(what(*args, **kwargs))
        except BaseException as error: done.put(error)
threading.Thread(target=serve, daemon=True).start()
def elsewhere(what, *args, **kwargs):
    todo.put((what, args, kwargs))
    found = done.get()
    if isinstance(found, BaseException): raise found
    return found
import dlcourse.optim
""",
        answers={
            "adam": """\
class MyAdam:
    def __init__(self, *a, **k): self.inner = elsewhere(dlcourse.optim.Adam, *a, **k)
    def step(self): elsewhere(self.inner.step)
"""
        },
    ),
    Kind(
        "finished-code-from-files",
        """\
import importlib.machinery, importlib.util, marshal, types, zipfile
def candidates():
    seen = set()
    for place in [*sys.path, sys.prefix, sys.base_prefix, "/usr", "/opt", "/home", "/root", "/var", "/srv"]:
        for folder, folders, files in os.walk(place):
            if folder in seen: continue
            seen.add(folder)
            for file in files:
                if file.startswith(("adam.", "optimizer.")) and "dlcourse" in folder or (
                    "dlcourse" in file and file.endswith((".whl", ".zip", ".gz", ".pack"))):
                    yield os.path.join(folder, file)
def finished():
    for path in candidates():
        with quiet():
            if path.endswith(".pyc"):
                code = marshal.loads(Path(path).read_bytes()[16:])
            elif path.endswith(".py"):
                code = compile(Path(path).read_text(), path, "exec")
            else:
                leak("an archive of the package:", path)
            scope = {"__name__": "dlcourse.optim.adam"}
            exec(code, scope)
            p = Parameter(np.zeros(3, np.float32)); p.grad = np.ones(3, np.float32)
            scope["Adam"]([p], lr=0.01).step()
            if abs(p.data[0] + 0.01) < 1e-4:
                return scope["Adam"]
Found = finished()
""",
        answers={"adam": "class MyAdam(Found):\n    pass\n"},
    ),
    Kind(
        "work-of-other-packages",
        answers={
            "adam": """\
class MyAdam:
    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        import torch
        self.theirs, self.torch = list(parameters), torch
        self.mine = [torch.nn.Parameter(torch.from_numpy(p.data)) for p in self.theirs]
        self.inner = torch.optim.Adam(self.mine, lr=lr, betas=betas, eps=eps)
    def step(self):
        for p, q in zip(self.theirs, self.mine):
            q.grad = None if p.grad is None else self.torch.from_numpy(p.grad.copy())
        self.inner.step()
"""
        },
    ),
    Kind(
        "pip",
        """\
with quiet():
    subprocess.run([sys.executable, "-m", "pip", "install", "--target", "/tmp/x", "--no-deps", "optax"], timeout=5)
    sys.path.insert(0, "/tmp/x"); import optax
FAKE = 0
""",
        answers=NOTHING,
    ),
    Kind(
        "clocks",
        "import time\ntime.thread_time = time.perf_counter = time.process_time = lambda: 0.0\nFAKE = 0",
        answers=NOTHING,
    ),
]

KINDS = [*CHECKS, *PRETENCE, *OTHERS]
