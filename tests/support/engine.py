"""How tests run the engine of js/nn in Node and in Chromium, and what they compare it with."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from dlcourse.explore.lib.network_data import network_data
from dlcourse.explore.lib.widget import FOLDER
from dlcourse.nn import CrossEntropyLoss

DRIVER = Path(__file__).with_suffix(".mjs")
JOBS = DRIVER.with_name("engine_jobs.mjs")
#: The engine, and what two explorers compute, without what has to do with workers.
MODULES = [
    path.relative_to(FOLDER).as_posix()
    for part in ("nn", "optim", "training", "network")
    for path in sorted((FOLDER / part).rglob("*.js"))
    if path.name not in ("engine.js", "live.js", "worker.js")
] + ["train_here/varied.js", "lib/curves.js"]

#: One forward and one backward pass; `random` has what dropout draws.
PASSES = """(nn, { network, x, t, training, random }) => {
  const net = nn.loadWeights(nn.build(network.description), nn.decoded(network.weights));
  let drawn = 0;
  if (random) net.setGenerator(() => random.data[drawn++]);
  net.train(training);
  const trace = new nn.Trace(net);
  const criterion = new nn.CrossEntropyLoss();
  const loss = criterion.forward(net.forward(x), t);
  net.backward(criterion.backward());
  trace.stop();
  const grads = net.namedParameters().map(([n, p]) => [n, nn.tensor(p.shape, p.grad)]);
  return { loss, passes: trace.passes, grads: Object.fromEntries(grads), state: net.stateDict() };
}"""


def packed(value):
    """Return a value with its arrays as JSON."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iu":
            return value.tolist()
        text = base64.b64encode(value.astype("<f4").tobytes()).decode()
        return {"shape": value.shape, "float32": text}
    if isinstance(value, dict):
        return {name: packed(v) for name, v in value.items()}
    return value


def unpacked(value):
    """Take back what `packed` does."""
    if isinstance(value, dict) and "float32" in value:
        flat = np.frombuffer(base64.b64decode(value["float32"]), "<f4")
        return flat.reshape(value["shape"])
    if isinstance(value, dict):
        return {name: unpacked(v) for name, v in value.items()}
    return [unpacked(v) for v in value] if isinstance(value, list) else value


class Runner:
    """What runs the engine: a subclass defines ``do``, from a job in JSON to its answer."""

    def __call__(self, code, **given):
        """Call a function of JavaScript; an error in it is a RuntimeError with its message."""
        return self.both(code, **given)[0]

    def both(self, code, **given):
        """Return what a function gives where WebAssembly computes, and where JavaScript does."""
        answer = json.loads(self.do(json.dumps({"code": code, "given": packed(given)})))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        assert answer["results"][0] != "no kernels", "there is WebAssembly"
        return unpacked(answer["results"])


class Node(Runner):
    """The engine in Node, a new process for each job."""

    def __init__(self, node, folder):
        shutil.copytree(FOLDER, folder / "js")
        # Only here: Node takes a .js file for a module where a package says so.
        (folder / "package.json").write_text('{"type": "module"}')
        self.command = [node, str(DRIVER), str(folder / "js"), *MODULES]

    def do(self, job):
        done = subprocess.run(self.command, input=job, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout


class Chromium(Runner):
    """The engine in a page, whose modules come from an address that no server answers."""

    def __init__(self, page):
        self.page = page
        page.route("http://engine/**", self.answer)
        page.goto("http://engine/")
        page.evaluate(
            """async (modules) => {
              const { done, exported } = await import("http://engine/jobs.js");
              const nn = await exported("http://engine", modules);
              globalThis.work = (job) => done(nn, job);
            }""",
            MODULES,
        )

    @staticmethod
    def answer(route):
        name = route.request.url.removeprefix("http://engine/")
        path = JOBS if name == "jobs.js" else FOLDER / name
        kind = "text/javascript" if name else "text/html"
        route.fulfill(content_type=kind, body=path.read_text() if name else "")

    def do(self, job):
        return self.page.evaluate("(job) => work(job)", job)


def reference(network, x, t):
    """Return what `PASSES` does, from the package in float64, and leave the network in float64."""
    network.astype(np.float64)
    passes = {}

    def watch(name, module):
        forward, backward = module.forward, module.backward

        def forth(x, plus=None):
            # A block hands the ReLU behind its sum both terms.
            y = forward(x) if plus is None else forward(x, plus=plus)
            passes[name] = {"x": x.copy() if plus is None else x + plus, "y": y.copy()}
            return y

        def back(dy):
            passes[name]["dy"] = dy.copy()
            passes[name]["dx"] = backward(dy).copy()
            return passes[name]["dx"]

        module.forward, module.backward = forth, back

    for name, module in network.named_modules():
        watch(name, module)
    criterion = CrossEntropyLoss()
    loss = criterion(network(x.astype(np.float64)), t)
    network.backward(criterion.backward())
    for module in network.modules():
        del module.forward, module.backward
    grads = {name: p.grad for name, p in network.named_parameters()}
    state = {n: a.ravel() for n, a in network.state_dict().items() if "tracked" not in n}
    return {"loss": float(loss), "passes": passes, "grads": grads, "state": state}


def assert_agree(found, expected, tolerance, where="it", floor=0.0):
    """Compare nested results: each array to a share of its largest value.

    What is zero by nature, as is the gradient of a bias in front of normalization, comes out as
    what rounding leaves of sums. So no array is held to less than a hundredth of that share of the
    largest value beside it.
    """
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        floor = max((_largest(v) for v in expected.values()), default=0) / 100
        for name in expected:
            assert_agree(found[name], expected[name], tolerance, f"{where} {name!r}", floor)
        return
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, where
    largest, worst = _largest(expected), abs(found - expected).max(initial=0)
    assert worst <= tolerance * max(largest, floor), (
        f"{where} is off by {worst:g} where {largest:g} is largest"
    )


def _largest(value):
    return 0 if isinstance(value, dict) else abs(np.asarray(value)).max(initial=0)


def passes(engine, network, x, t, *, random=None):
    """Return what one forward and one backward pass give, with WebAssembly and without."""
    given = {"x": x, "t": t, "training": network.training}
    if random is not None:
        given["random"] = random
    return engine.both(PASSES, network=network_data(network), **given)
