"""What a page asks of the engine: in Node, and in a worker of Chromium."""

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from engine import assert_agree, packed, reference

from dlcourse import zoo
from dlcourse.explore.lib.network_data import describe, network_data
from dlcourse.explore.lib.widget import bundle
from dlcourse.models import StackedConvNet
from dlcourse.nn import BatchNorm2d, Conv2d, Dropout, GlobalAvgPool, Linear, Sequential, Tanh

SESSION = """(nn, {{ network, images, labels }}) => {{
  const session = new nn.Session();
  session.build(network);
  {0}
}}"""


@pytest.fixture
def shipped(digits):
    return {
        "network": network_data(zoo.load("small-convnet-seed0")),
        "images": digits.images[:2],
        "labels": digits.labels[:2].astype(np.int64),
    }


def test_reading_and_going_back(node, shipped):
    code = "return { read: session.read({ images }), back: session.gradients({ images, labels }) };"
    found = node(SESSION.format(code), **shipped)
    network = zoo.load("small-convnet-seed0")
    expected = reference(network, shipped["images"], shipped["labels"])
    read, back = found["read"], found["back"]
    np.testing.assert_allclose(read["probabilities"].sum(axis=1), 1, rtol=1e-6)
    assert back["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for name, of_layer in expected["passes"].items():
        assert_agree(back["outputs"][name], of_layer["y"], 1e-5)
        assert_agree(back["outputGrads"][name], of_layer["dy"], 1e-5)
    assert_agree(back["parameterGrads"], expected["grads"], 1e-5)
    assert_agree(back["inputGrad"], expected["passes"][""]["dx"], 1e-5)


def test_steps_and_the_way_back_to_the_start(node, shipped):
    found = node(
        SESSION.format("""
        const before = session.read({ images }).scores;
        const first = session.step({ images, labels: [8, 8], lr: 0.01 });
        const more = session.step({ images, labels: [8, 8], lr: 0.01, count: 10 });
        session.reset();
        return { before, first, more, after: session.read({ images }).scores };"""),
        **shipped,
    )
    losses = found["first"]["losses"] + found["more"]["losses"]
    assert len(losses) == 2 + 11
    assert losses == sorted(losses, reverse=True)
    np.testing.assert_array_equal(found["before"], found["after"])


TRAINING = """(nn, { description, images, labels, settings, looked }) => {
  const session = new nn.Session();
  const bytes = Uint8Array.from(images.data, (v) => Math.round(255 * v));
  const data = { images: bytes, shape: [1, 28, 28], labels: Uint8Array.from(labels) };
  session.build({ description, seed: settings.seed, spread: 1 });
  const rule = { optimizer: "Momentum", lr: 0.05, batchSize: 16, ...settings };
  const { stepsPerEpoch } = session.prepare({ data, heldOut: data, ...rule });
  const history = [];
  while (history.length < 12) {
    history.push(...session.train({ steps: 4, spreads: true }).history);
    if (looked) session.gradients({ images, labels });
  }
  return { stepsPerEpoch, history, measured: session.measure(), weights: session.weights() };
}"""


@pytest.fixture
def to_train(digits):
    rng = np.random.default_rng(0)
    network = StackedConvNet([[4], [8]], batch_norm=True, rng=rng)
    network.classifier.insert(1, Dropout(0.2))
    return {
        "description": describe(network),
        "images": digits.images[:80],
        "labels": digits.labels[:80].astype(np.int64),
    }


def test_a_seed_gives_one_training(node, to_train):
    """Looking at the network in between changes nothing."""
    first = node(TRAINING, settings={"seed": 3}, looked=False, **to_train)
    again = node(TRAINING, settings={"seed": 3}, looked=True, **to_train)
    other = node(TRAINING, settings={"seed": 4}, looked=False, **to_train)
    assert [h["loss"] for h in first["history"]] == [h["loss"] for h in again["history"]]
    assert first["history"][0]["loss"] != other["history"][0]["loss"]
    for name, weights in first["weights"].items():
        np.testing.assert_array_equal(weights, again["weights"][name])


def test_training_learns_and_says_how_wide_values_spread(node, to_train):
    found = node(TRAINING, settings={"seed": 0}, looked=False, **to_train)
    history = found["history"]
    assert [h["step"] for h in history] == list(range(1, 13))
    assert [h["epoch"] for h in history] == [0] * 5 + [1] * 5 + [2] * 2
    assert history[-1]["loss"] < history[0]["loss"]
    assert 0.1 < found["measured"]["accuracy"] <= 1
    spreads = {s["name"]: s for s in history[0]["spreads"]}
    # Behind normalization every channel has a standard deviation of 1, so all together have it.
    assert spreads["features.1"]["outputs"] == pytest.approx(1, rel=1e-3)
    assert all(s["gradients"] > 0 for s in spreads.values())


def test_no_gradients_where_nothing_before_learns(node, to_train):
    """Training leaves out the gradient of its images, and so that of what is done to them first."""
    rng = np.random.default_rng(0)
    network = Sequential(Tanh(), Conv2d(1, 2, 3, rng=rng), GlobalAvgPool(), Linear(2, 10, rng=rng))
    given = {**to_train, "description": describe(network)}
    found = node(TRAINING, settings={"seed": 0}, looked=False, **given)
    spreads = {s["name"]: s for s in found["history"][0]["spreads"]}
    assert spreads["0"]["gradients"] is None and spreads["1"]["gradients"] > 0


def test_initial_weights_spread_as_those_of_the_package(node):
    network = Sequential(Conv2d(16, 64, 5, rng=np.random.default_rng(0)), BatchNorm2d(64))
    found = node(
        """(nn, { description }) => {
          const session = new nn.Session();
          session.build({ description, seed: 1 });
          const once = session.weights();
          session.build({ description, seed: 1, spread: 3 });
          return { once, wide: session.weights() };
        }""",
        description=describe(network),
    )
    once, wide = found["once"], found["wide"]
    assert once["0.weight"].std() == pytest.approx(network[0].weight.data.std(), rel=0.02)
    assert abs(once["0.weight"].mean()) < 1e-3
    np.testing.assert_allclose(wide["0.weight"], 3 * once["0.weight"], rtol=1e-6)
    assert (once["0.bias"] == 0).all() and (once["1.weight"] == 1).all()


def test_random_numbers_by_position(node):
    found = node("""(nn) => {
      const { SHUFFLE, DROPOUT } = nn.Stream;
      const draw = (...place) => Float64Array.from({ length: 2000 }, nn.generator(...place));
      return {
        drawn: draw(7, DROPOUT, 3), again: draw(7, DROPOUT, 3),
        others: [draw(8, DROPOUT, 3), draw(7, SHUFFLE, 3), draw(7, DROPOUT, 4)],
        order: Array.from(nn.permutation(100, nn.generator(1, SHUFFLE))),
      };
    }""")
    drawn = found["drawn"]
    np.testing.assert_array_equal(drawn, found["again"])
    assert drawn.min() >= 0 and drawn.max() < 1
    assert drawn.mean() == pytest.approx(0.5, abs=0.02)
    for other in found["others"]:
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.1
        assert not np.isin(other, drawn).all()
    assert sorted(found["order"]) == list(range(100)) != found["order"]


# -- in Chromium ---------------------------------------------------------------------------------

ASK = """async ([code, calls]) => {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { Engine } = await import(url);
  const engine = new Engine();
  const each = (v, f) => Object.fromEntries(Object.entries(v).map(([k, w]) => [k, f(w)]));
  const revive = (v) => {
    if (typeof v?.float32 === "string") {
      const bytes = Uint8Array.from(atob(v.float32), (c) => c.charCodeAt(0));
      const data = new Float32Array(bytes.buffer);
      return v.shape.length > 1 ? { shape: v.shape, data } : data;
    }
    return v && typeof v === "object" && !Array.isArray(v) ? each(v, revive) : v;
  };
  const answers = [];
  for (const [method, options] of calls) {
    const call = engine.call(method, revive(options));
    answers.push(await call.catch((error) => ({ error: error.message })));
  }
  engine.close();
  const plain = (v) => ArrayBuffer.isView(v) ? Array.from(v)
    : Array.isArray(v) ? v.map(plain)
    : v && typeof v === "object" ? each(v, plain) : v;
  return answers.map(plain);
}"""


@pytest.fixture
def ask(browser, tmp_path):
    """Return a function that asks an engine in a page from the disk; and what the page loaded."""
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><title>empty</title>")
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    code = bundle("nn/engine.js")
    yield lambda *calls: page.evaluate(ASK, [code, [[m, packed(o)] for m, o in calls]]), asked
    page.close()


def test_a_worker_in_a_page_from_the_disk(ask, shipped):
    """The page asks nothing of a server, and gets the package's numbers."""
    answers, asked = ask
    images = {"images": shipped["images"], "labels": shipped["labels"]}
    built, back, unknown, early = answers(
        ("build", shipped["network"]), ("gradients", images), ("open", {}), ("train", {})
    )
    assert not [url for url in asked if not url.startswith(("file:", "blob:"))]
    assert built["parameters"] == 9042
    assert [layer["name"] for layer in built["layers"]][:3] == ["", "features", "features.0"]
    expected = reference(zoo.load("small-convnet-seed0"), shipped["images"], shipped["labels"])
    assert back["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for name, grad in expected["grads"].items():
        found = np.reshape(back["parameterGrads"][name]["data"], grad.shape)
        assert_agree(found, grad, 1e-5, name)
    assert unknown["error"].startswith("a session has no open; it has build, ")
    assert early["error"] == "there is nothing to train yet: call prepare first"


LIVES = """async (code) => {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { Engine } = await import(url);
  const said = (promise) => {
    const late = new Promise((done) => setTimeout(() => done("no answer"), 2000));
    return Promise.race([promise.catch((error) => error.message), late]);
  };
  const linear = (n) => ({ kind: "Linear", in_features: n, out_features: 1, bias: false });
  const engines = [3, 4, 5].map(() => new Engine());
  const built = engines.map((engine, i) => engine.call("build", { description: linear(3 + i) }));
  const own = (await Promise.all(built)).map(({ parameters }) => parameters);
  const waiting = engines[0].call("train", { steps: 1e9 });
  engines[0].close();
  const closed = [await said(waiting), await said(engines[0].call("weights"))];
  const others = await said(engines[1].call("weights"));
  for (const engine of engines) engine.close();
  const [RealWorker, instead] = [globalThis.Worker, {}];
  globalThis.Worker = class { constructor() { throw new Error("not here"); } };
  instead.refused = await said(new Engine().call("weights"));
  globalThis.Worker = class extends RealWorker {
    constructor() { super("data:text/javascript,this is no program"); }
  };
  const broken = new Engine();
  instead.broken = [await said(broken.call("weights")), await said(broken.call("weights"))];
  globalThis.Worker = RealWorker;
  return { own, closed, others: others["weight"].shape, ...instead };
}"""


def test_each_engine_lives_and_ends_by_itself(browser):
    """Nobody waits for an answer that will not come."""
    page = browser.new_page()
    found = page.evaluate(LIVES, bundle("nn/engine.js"))
    page.close()
    assert found["own"] == [3, 4, 5]
    assert found["closed"] == ["the engine was closed"] * 2
    assert found["others"] == [1, 4]
    assert found["refused"] == "the engine cannot start in this page: not here"
    first, again = found["broken"]
    assert first == again and first.startswith("the engine stopped: ")


def test_chromium_trains_as_node_does(ask, node, to_train):
    answers, _ = ask
    images, labels = to_train["images"].ravel(), to_train["labels"]
    data = {"images": images, "shape": [1, 28, 28], "labels": labels}
    rule = {"optimizer": "Momentum", "lr": 0.05, "batchSize": 16, "seed": 3}
    *_, in_chromium = answers(
        ("build", {"description": to_train["description"], "seed": 3}),
        ("prepare", {"data": data, "heldOut": data, **rule}),
        ("train", {"steps": 10}),
    )
    in_node = node(
        """(nn, { description, data, rule }) => {
          const session = new nn.Session();
          session.build({ description, seed: 3 });
          const floats = { ...data, images: data.images.data };
          session.prepare({ data: floats, heldOut: floats, ...rule });
          return session.train({ steps: 10 });
        }""",
        description=to_train["description"],
        data=data,
        rule=rule,
    )
    losses = [[h["loss"] for h in found["history"]] for found in (in_chromium, in_node)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
