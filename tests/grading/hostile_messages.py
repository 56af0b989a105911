"""Messages to the judge, written by a learner's code that has read how worker and judge speak."""

from hostile import Kind

ADAM = ("adam",)
#: How a message is made (`dlcourse.grading.wire` and `endpoint`), and the pipes to and from the judge.
SPEAK = """
import fcntl, json, select, struct
def message(thread, verb, target, name, values, news=None, more=None, raw=b""):
    body = json.dumps([thread, verb, target, name, values, news, more]).encode()
    return struct.pack("<QQ", len(body), len(raw)) + body + raw
def say(data):
    view = memoryview(data)
    while view: view = view[os.write(4, view[:2**16]):]
def hear():
    def read(n):
        data = b""
        while len(data) < n:
            if not select.select([3], [], [], 1)[0]: raise TimeoutError
            part = os.read(3, n - len(data))
            if not part: raise EOFError
            data += part
        return data
    body, raw = struct.unpack("<QQ", read(16))
    return json.loads(read(body)), read(raw)
def back(*values, thread=0, **more): say(message(thread, "back", None, None, list(values), **more))
def array(number=999_001, offset=0, shape=(200, 50), strides=(200, 4), dtype="<f4", writeable=True):
    return ["a", number, offset, list(shape), list(strides), dtype, writeable]
def block(size=40_000, number=999_001): return [[[number, 0, size]], [], [], [], []]
"""
#: Names that nobody should be asked for, and those that would help.
NAMES = """
NAMES = ["__class__", "__dict__", "__globals__", "__builtins__", "__init__", "__reduce__", "__reduce_ex__", "__closure__",
    "__code__", "__self__", "__func__", "__wrapped__", "__module__", "__subclasses__", "__mro__", "__getattribute__",
    "__setattr__", "__delattr__", "__call__", "__doc__", "__len__", "__iter__", "__next__", "__getitem__", "f_globals",
    "gi_frame", "cr_frame", "tb_frame", "_values", "_parameters", "data", "grad", "weight", "bias", "parameters",
    "state_dict", "load_state_dict", "modules", "replica", "forward", "backward", "step", "bit_generator", "base", "ctypes",
    "tofile", "dump", "tobytes", "format", "format_map", "mro", "crossing", "channel", "_own", "sources", "names"]
"""
#: Answers forged as long as the program runs.
AGAIN = """
def forge():
    while True:
        for data in forged():
            with quiet(): say(data)
        time.sleep(0.001)
threading.Thread(target=forge, daemon=True).start()
"""


def _inside(name, text, honest=ADAM, first="", **options):
    """Say something in the midst of a call."""
    return Kind(name, first=SPEAK + first, inside=text, honest=honest, **options)


ANSWERS = [
    Kind(
        "answers-all-the-time",
        SPEAK
        + """
def forged():
    for thread in range(-2, 4):
        for value in (None, True, 0.0, "ok", ["t"], ["e"]):
            yield message(thread, "back", None, None, [value])
        yield message(thread, "back", None, None, [array()], block(), None, bytes(40_000))
"""
        + AGAIN,
        inside="return 0",
        long=True,
    ),
    Kind(
        "answers-before-it-is-asked",
        SPEAK,
        last="""
for _ in range(500):
    for thread in (0, 1, 2): back(None, thread=thread)
""",
        inside="return 0",
    ),
    Kind(
        "answers-afterwards",
        SPEAK
        + """
def later():
    for _ in range(200):
        time.sleep(0.002)
        back(True); back(None)
""",
        inside="threading.Thread(target=later, daemon=True).start(); return 0",
    ),
    _inside("answers-twice", "back(0); back(None); back(True); return 0", spoilt=True),
    _inside(
        "answers-with-an-error",
        """
for names in (["CheckFailed"], ["KeyboardInterrupt"], ["SystemExit"], ["GeneratorExit"], ["StopIteration"], ["MemoryError"], ["Closed"],
              ["X", "BaseException"], ["\\ud800", "Exception"], ["type", "x" * 10**6], [], [3], {}, None, ["ExceptionGroup"],
              ["UnicodeDecodeError"], ["OSError"], ["A"] * 100_000, ["CommunicationError"], ["BlockingIOError"], ["Malformed"]):
    say(message(0, "error", None, None, [["l", "passed", *names] if isinstance(names, list) else names]))
    say(message(0, "error", None, None, [["passed"] + names if isinstance(names, list) else names]))
return 0
""",
    ),
    Kind(
        "program-of-ones-own",
        SPEAK,
        inside="""
program = '''
import os, sys, json, struct
def read(n):
    data = b""
    while len(data) < n: data += os.read(3, n - len(data)) or sys.exit()
    return data
def back(thread, value, news=None, raw=b""):
    body = json.dumps([thread, "back", None, None, [value], news, None]).encode()
    os.write(4, struct.pack("<QQ", len(body), len(raw)) + body + raw)
back(0, None)
while True:
    body, raw = struct.unpack("<QQ", read(16)); asked = json.loads(read(body)); read(raw)
    back(asked[0], True)
'''
import textwrap
os.execv(sys.executable, [sys.executable, "-c", textwrap.dedent(program)])
""",
    ),
    _inside(
        "byte-by-byte",
        """
data = message(0, "back", None, None, [1.0])
for i in range(len(data)):
    os.write(4, data[i:i + 1]); time.sleep(0.25)
return 0
""",
        long=True,
    ),
    _inside(
        "half-an-answer",
        "os.write(4, message(0, 'back', None, None, [1.0])[:-3]); time.sleep(1e6)",
        long=True,
    ),
    _inside("pipes-closed", "os.close(3); os.close(4); return 0"),
    _inside(
        "pipes-mistreated",
        """
for fd in (3, 4):
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC | os.O_DIRECT)
    with quiet(): fcntl.fcntl(fd, 1031, 4096)
    with quiet(): fcntl.fcntl(fd, fcntl.F_SETOWN, os.getppid()); fcntl.fcntl(fd, 10, signal.SIGKILL)
    for mode in (os.O_RDWR, os.O_RDONLY, os.O_WRONLY):
        with quiet(): os.write(os.open(f"/proc/self/fd/{fd}", mode | os.O_NONBLOCK), bytes(2**16))
return 0
""",
    ),
    Kind(
        "requests-read-away",
        SPEAK
        + """
def steal():
    while True:
        with quiet(): hear()
threading.Thread(target=steal, daemon=True).start()
""",
        inside="return 0",
        honest=ADAM,
        spoilt=True,
        long=True,
    ),
]

MALFORMED = [
    _inside(
        "sizes-without-sense",
        """
for a, b in ((2**64 - 1, 0), (0, 2**64 - 1), (2**63, 2**63), (0, 0), (2**40, 8), (16, 2**29), (2**26, 2**29)):
    os.write(4, struct.pack("<QQ", a, b) + b"[1,2,3]")
return 0
""",
    ),
    _inside("bytes-without-sense", "say(os.urandom(2**16)); return 0"),
    _inside(
        "json-without-sense",
        """
bodies = [b"", b"null", b"[]", b"{}", b"[1]", b"[NaN]", b"[true,1]", b'["1"]', b"\\xff\\xfe[1]", b"[1e999]", b"[1" + b"0" * 10**5 + b"]",
          b"[" * 10**6, b'{"a":' * 10**5, b'"' + b"\\\\ud800" * 99 + b'"', b"[1,2,3,4,5,6,7,8]", b"[1.5,0,0,0,[],0,0]",
          b"[1,[],[],[],[],[],[]]", b'[0,"back",0,0,[],0,0]', b'[0,"back",0,0,[[]],0,0]', b'[0,"back",0,0,[{"a":1}],0,0]']
for body in bodies:
    say(struct.pack("<QQ", len(body), 0) + body)
return 0
""",
    ),
    _inside(
        "nested-deeply",
        """
for depth in (100, 900, 5_000, 200_000):
    body = b'[0,"back",null,null,[' + b'["l",' * depth + b"0" + b"]" * depth + b"],null,null]"
    say(struct.pack("<QQ", len(body), 0) + body)
return 0
""",
    ),
    _inside(
        "kinds-of-data-without-sense",
        """
for value in (["?"], [[]], [None], ["o"], ["o", 1, None, 7], ["o", [], {}, "x"], ["o", 10**30, "dlcourse.nn.linear.Linear", "x y"],
              ["o", 7, "array", "\\ud800"], ["y", -1], ["y", 1.5], ["y", []], ["m", 2, "__class__"], ["p", 0], ["P", 1, 2, 3, 4],
              ["g", 0], ["G", 5, {}], ["G", 6, {"bit_generator": "__class__"}], ["G", 7, {"bit_generator": "PCG64", "state": {"state": -1, "inc": 10**99}}],
              ["G", 8, {"bit_generator": "MT19937", "state": {"key": [1] * 5, "pos": -9}}], ["N", "__class__"], ["N", 7],
              ["D", "O"], ["D", "V999999999"], ["D", "(9999,9999)f4"], ["D", "i4,O"], ["T", "eval"], ["T", []], ["b", "zz"], ["c", "a", "b"], ["r", "a"],
              ["n", "O", "00" * 8], ["n", "<f4", ""], ["n", "M8[s]", "00" * 8], ["d", [[], 1]], ["d", [["d"], 1]], ["S", ["l"]], ["M", 1, 2, 3]):
    back(value)
return 0
""",
    ),
    _inside(
        "news-without-sense",
        """
for news in ([1], [[]] * 4, [[], [], [], [], [], []], [[[1, 2, 3]], [], [], [], []], [[["a", 0, 4]], [], [], [], []], [[[[], 0, 4]], [], [], [], []],
             [[[2, 0, 4]] * 3, [], [], [], []], [[[5, -9, 10**18]], [], [], [], []], [[], [[2, 0, 0]], [], [], []], [[], [[n, 0, 4] for n in range(99)], [], [], []],
             [[], [], [[2, {}], [4, None]], [], []], [[], [], [], [[n, None, None, 1] for n in range(99)], []], [[], [], [], [[2, 1]], []],
             [[], [], [], [], [[], {}, None, -1, 2**70]], {}, "news", 7, True):
    say(message(0, "back", None, None, [0], news, None, bytes(40)))
return 0
""",
    ),
    _inside(
        "arrays-without-sense",
        """
say(message(0, "back", None, None, [0], block(), None, bytes(40_000)))
for place in (dict(offset=-4), dict(offset=2**63), dict(offset=39_999), dict(strides=(2**62, 4)), dict(strides=(-200, -4)), dict(strides=(1, 1)),
              dict(shape=(-1, 50)), dict(shape=(2**62, 0), strides=(0, 0)), dict(shape=(2**40, 2**40), strides=(0, 0)), dict(shape=[1] * 65, strides=[0] * 65),
              dict(shape=(True, None), strides=(0, 0)), dict(shape=("a", "b")), dict(dtype="O"), dict(dtype="|O"), dict(dtype="U1000"), dict(dtype="(99,99)f4"),
              dict(dtype=[["a", "<f4"]]), dict(dtype="M8[as]"), dict(dtype=">f4"), dict(dtype="<f2"), dict(dtype="?"), dict(dtype="<c16"), dict(dtype="<f16"),
              dict(number=2), dict(number=[]), dict(number=1), dict(writeable="yes"), dict(shape=3, strides=3)):
    back(array(**place))
    say(message(0, "back", None, None, [["t", array(**place), array(**place)]], block(4, 999_003), None, bytes(4)))
return 0
""",
    ),
]

TOO_MUCH = [
    _inside(
        "array-larger-than-memory",
        """
say(message(0, "back", None, None, [array(shape=(2**16, 2**16), strides=(0, 0))], block(4), None, bytes(4)))
say(message(0, "back", None, None, [array(shape=(2**30, 2**10), strides=(0, 0))], block(4, 999_005), None, bytes(4)))
return 0
""",
    ),
    _inside(
        "range-larger-than-memory",
        """
for stop in (10**9, 10**18, 10**300):
    back(["r", 0, stop, 1])
return 0
""",
        spoilt=True,
    ),
    _inside(
        "keys-that-collide",
        """
keys = [["d", *[[i * (2**61 - 1), 0] for i in range(400_000)]], ["S", *[i * (2**61 - 1) for i in range(400_000)]]]
for value in keys: back(value)
return 0
""",
        long=True,
    ),
    _inside(
        "messages-for-nobody",
        """
end = time.monotonic() + 3
while time.monotonic() < end:
    for thread in range(5, 10_000): say(message(thread, "back", None, None, ["x" * 10**6]))
return 0
""",
    ),
    Kind(
        "floods-while-the-judge-writes",
        SPEAK
        + """
def flood():
    with quiet(): fcntl.fcntl(3, 1031, 4096)
    data = message(0, "back", None, None, ["x" * 10**6])
    while True: os.write(4, data)
for _ in range(4): threading.Thread(target=flood).start()
time.sleep(0.1)
while True: time.sleep(1)
""",
        last="# " + "x" * 300_000,
        honest=ADAM,
        spoilt=True,
    ),
    _inside(
        "largest-messages",
        """
for _ in range(20): say(message(0, "back", None, None, [array()], block(2**29), None, bytes(2**29)))
return 0
""",
        long=True,
    ),
    _inside(
        "structure-blown-up",
        """
body = b'[0,"back",null,null,[' + b"[]," * (20 * 2**20) + b"0],null,null]"
for _ in range(5): say(struct.pack("<QQ", len(body), 0) + body)
return 0
""",
        long=True,
    ),
    _inside(
        "much-forgotten",
        """
for _ in range(5): say(message(0, "back", None, None, [0], [[], [], [], [], [2] * 3_000_000]))
return 0
""",
    ),
    _inside(
        "many-objects",
        """
for start in range(0, 2_000_000, 100_000):
    back(["l", *[["o", start + i, None, "x"] for i in range(100_000)]])
return 0
""",
    ),
    Kind(
        "without-end",
        inside="""
class Endless:
    def __iter__(self): return self
    def __next__(self): return self
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __len__(self): return 10**9
    def __getitem__(self, i): return self
return Endless()
""",
        honest=ADAM,
    ),
]

ASKING = [
    _inside(
        "everything-asked",
        """
found, end = [], time.monotonic() + 3
for number in [*range(0, 60), -1, 2**40, None, "judge", [], True]:
    for name in NAMES:
        if time.monotonic() > end: break
        for verb, values in (("get", []), ("call", [["t"], ["d"]]), ("set", [0]), ("back", []), ("del", [])):
            say(message(0, verb, number, name, values))
            with quiet():
                answer, raw = hear()
                if answer[1] == "back" and answer[4] not in ([None], [["e"]]): found.append(json.dumps(answer[4])[:60])
leak("given", *found)
""",
        first=NAMES,
        spoilt=True,
    ),
    _inside(
        "everything-answered-with",
        """
for number in range(0, 60):
    say(message(0, "back", None, None, [["y", number]]))
    for name in NAMES[:20]: say(message(0, "back", None, None, [["m", number, name]]))
return 0
""",
        first=NAMES,
    ),
    _inside(
        "everything-asked-by-name",
        """
found = []
for target in ("judge", "check", "np", "he_normal", "MyAdam", "check_he_normal", "test_adam_hidden", "__main__", "names", "exec", "run", "adam"):
    for name in ("__call__", "__globals__", "exec", "eval", "run", "source", "open"):
        for thread in (1, 2, -2):
            say(message(thread, "call", target, name, [["t", "open('$outside/$mark','w')"], ["d"]]))
return 0
""",
    ),
    _inside(
        "asked-without-end",
        """
end = time.monotonic() + 5
while time.monotonic() < end: say(message(0, "call", 2, "__call__", [["t"], ["d"]]) * 100)
return 0
""",
        long=True,
    ),
    _inside(
        "asked-in-circles",
        """
def again(*a, **k): return attack(again)
return again
""",
    ),
    _inside(
        "everything-changed",
        """
say(message(0, "back", None, None, [0], [[], [[n, 0, 12] for n in range(0, 400)], [], [], []], None, bytes(12)))
for n in range(400):
    say(message(0, "back", None, None, [0], [[], [], [], [[n, None, None, True]], []]))
    say(message(0, "back", None, None, [0], [[], [], [[n, {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 0, "uinteger": 0}]], [], []]))
return 0
""",
        honest=(),
    ),
    Kind(
        "worker-taken-over",
        """
import types
for module in [m for n, m in list(sys.modules.items()) if n.startswith("dlcourse.grading") or n == "__main__"]:
    for name, value in list(vars(module).items()):
        if isinstance(value, type):
            for method in list(vars(value)):
                if not method.startswith("__"):
                    with quiet(): setattr(value, method, lambda *a, **k: True)
        elif isinstance(value, types.FunctionType):
            with quiet(): setattr(module, name, lambda *a, **k: True)
""",
        inside="return True",
        honest=ADAM,
        spoilt=True,
    ),
    Kind(
        "pretends-to-be-a-layer",
        """
import dlcourse.nn, dlcourse.grading.crossing
class Same:
    def __init__(self, *a): pass
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return np.zeros((200, 50), np.float32)
Same.__module__, Same.__qualname__ = "dlcourse.nn.linear", "Linear"
StrictArray = type("StrictArray", (), {"__module__": "dlcourse.check.strict"})
""",
        inside="return Same()",
    ),
]

KINDS = [*ANSWERS, *MALFORMED, *TOO_MUCH, *ASKING]
