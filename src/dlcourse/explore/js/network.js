// A whole network at work: what every layer makes of a picture, the gradients that come back, a step.
//
// Layout: the picture to draw on beside the scores; below, what can be moved: the weights against
// their gradient, or the picture along its own; below, all layers as columns of maps (strip.js); below,
// one value of one layer and the terms that it is the sum of (detail.js).
// State: the picture (pad.values) and the one it came from, the right class, forward or back, the
// chosen layer and value. All of it lives here; what is known of the network lies in live.js.
// The engine runs in a worker: it starts when the explorer first comes into view; after each change of
// the picture it computes both ways, since turning round should not wait and going back takes no longer
// than the rest. While an answer is awaited, changes only note that the picture is out of date, so
// strokes never queue up. An answer redraws the strip and the value; choosing another value computes
// its terms here, exactly, from the answer that is there (terms.js), without the engine.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { barLine } from "./lib/bars.js";
import { button, el, frame, row, says, select } from "./lib/common.js";
import { watchView } from "./lib/in_view.js";
import { unpack } from "./lib/packed.js";
import { Choices } from "./network/choices.js";
import { Detail } from "./network/detail.js";
import { layerNamed, sidesOf, strongest, titlesOf } from "./network/graph.js";
import { heedLinks } from "./network/links.js";
import { Live } from "./network/live.js";
import { pictureControls, RATES, weightControls } from "./network/moves.js";
import { Pad } from "./network/pad.js";
import { distance, moved } from "./network/pixels.js";
import { Strip } from "./network/strip.js";
import { whereIs } from "./network/windows.js";
import { percent, short, stepsOf, verdict } from "./network/words.js";
import { argmax } from "./nn/tensor.js";

/**
 * @typedef {object} Data
 * @property {string} description
 * @property {string} weights
 * @property {Packed} images
 * @property {number[]} labels
 * @property {number[]} readings
 * @property {string[]} classes
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const data = model.get("data");
  const { images: packed, labels, readings, classes } = data;
  const images = unpack(packed);
  const [, channels, height, width] = images.shape;
  const shape = [1, channels, height, width];
  const unit = { layer: 1, channel: 0, row: 0, column: 0 };
  const state = { label: labels[0], back: false, rate: 4, budget: 0.15, target: -1 };
  /** The picture before it was changed along its gradient. */
  let start = images.part(0);
  let note = "";
  /** Whether the strongest value of the layer is to be chosen, once there is an answer. */
  let seeking = true;
  /** Whether what is read of a drawing is taken as right. */
  let following = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;

  const told = says();
  const live = new Live(
    { description: JSON.parse(data.description), weights: data.weights },
    {
      question: () => ({ images: { data: pad.values.slice(), shape }, labels: [state.label] }),
      answered: show,
      failed: (message) => {
        told.textContent = message;
      },
    },
  );
  const { layers } = live;
  const titles = titlesOf(layers);
  const pad = new Pad([channels, height, width], packed, (said) => {
    if (said) {
      note = said; // stays when the answer to the last stroke comes
      told.textContent = said;
      return;
    }
    start = pad.values;
    choices.show(-1, state.label);
    ask();
  });
  const strip = new Strip(choose, (right, down) => {
    unit.layer = Math.max(0, Math.min(layers.length - 1, unit.layer + right));
    unit.channel = Math.max(0, unit.channel + down);
    strip.reveal(unit.layer);
    showUnit();
  });
  const detail = new Detail(unit, titles, showUnit, mark);
  const scores = classes.map((name) => barLine(name));

  const choices = new Choices(data, channels === 1, {
    take,
    clear,
    judge: (label) => {
      following = false;
      state.label = label;
      ask();
    },
  });
  const ways = [
    button("Forward: values", () => turn(false)),
    button("Backward: gradients", () => turn(true)),
  ];
  const layer = select(
    "Layer",
    layers.map(({ id }, i) => [i, titles[id]]),
    unit.layer,
    (v) => open(Number(v)),
  );

  /** Ask the network about the picture, and say something before what it reads. */
  function ask(said = "") {
    note = said;
    live.refresh();
  }

  /** @param {number} image */
  function take(image) {
    following = false;
    state.label = labels[image];
    choices.show(image, state.label);
    start = images.part(image);
    pad.set(start);
    ask();
  }

  function clear() {
    following = true;
    choices.show(-1, state.label);
    pad.clear();
    start = pad.values;
    ask("The picture is empty: draw on it.");
  }

  /** @param {boolean} back */
  function turn(back) {
    state.back = back;
    ways.forEach((node, i) => {
      node.setAttribute("aria-pressed", String((i === 1) === back));
    });
    showLayers();
  }

  /** Choose a layer, and in it the strongest value.
   * @param {number} at */
  function open(at) {
    Object.assign(unit, { layer: at, channel: 0, row: 0, column: 0 });
    seeking = true;
    showUnit();
    if (strip.columns.length) strip.reveal(at);
  }

  /** Open the layer that a link names, backward, and bring it into view.
   * @param {string} name */
  function follow(name) {
    const found = layerNamed(layers, name);
    turn(true);
    if (found >= 0) open(found);
    const where =
      name && found < 0 ? `there is no layer ${name} here` : titles[layers[unit.layer].id];
    live.start();
    ask(`Backward, ${where}.`);
    strip.node.focus({ preventScroll: true });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    ways[0].scrollIntoView({ block: "start", behavior: still ? "instant" : "auto" });
  }

  /**
   * @param {number} at
   * @param {number} place
   */
  function choose(at, place) {
    const { network } = live;
    if (!network) return;
    const sides = sidesOf(network.pass.outputs[layers[at].id].shape);
    const [channel, y, x] = whereIs(place, sides);
    Object.assign(unit, { layer: at, channel, row: y, column: x });
    showUnit();
  }

  /** What is shown of every layer: values, or gradients. */
  function shownNow() {
    const { outputs, grads } = live.network?.pass ?? { outputs: {}, grads: null };
    return state.back && grads ? grads : outputs;
  }

  function showLayers() {
    if (!live.network) return;
    strip.draw(layers, titles, shownNow());
    mark();
    // The terms of one value can wait until the pen rests, the layers should follow it.
    clearTimeout(later);
    later = setTimeout(showUnit, 100);
  }

  function showUnit() {
    layer.input.value = String(unit.layer);
    if (!live.network) return;
    if (seeking) {
      seeking = false;
      choose(unit.layer, strongest(shownNow()[layers[unit.layer].id].data));
      return;
    }
    detail.show(live.network, state.back);
    mark();
  }

  function mark() {
    const { source } = detail;
    const at = layers.findIndex(({ id }) => id === source?.layer);
    strip.mark(unit, source && { layer: at, channel: source.channel });
  }

  /** @param {import("./network/live.js").Answer} answer */
  function show({ probabilities, loss }) {
    const { label } = state;
    const [read] = argmax({ data: probabilities, shape: [1, classes.length] });
    if (following && read !== label) {
      state.label = read;
      choices.show(-1, read);
      live.refresh();
      return;
    }
    scores.forEach((line, i) => {
      line.show(probabilities[i], percent(probabilities[i]));
      line.node.classList.toggle("dl-right", i === label);
    });
    const known = { read, label, classes, drawn: choices.image < 0, taken: following };
    const said = verdict(probabilities, loss, known);
    told.textContent = note ? `${note} ${said}` : said;
    showLayers();
  }

  const rightOnes = (/** @type {number[]} */ read) => read.filter((r, i) => r === labels[i]).length;
  const step = (/** @type {number} */ count) =>
    live.act(async (engine) => {
      const losses = await live.step(engine, { lr: RATES[state.rate], count });
      const all = await engine.call("read", {
        images: { data: images.values, shape: images.shape },
      });
      note = stepsOf(live.steps, losses, {
        pictures: labels.length,
        before: rightOnes(readings),
        now: rightOnes(argmax(all.probabilities)),
      });
    });
  const reset = () =>
    live.act(async (engine) => {
      await live.reset(engine);
      note = "The weights are those that were trained.";
    });
  const change = (/** @type {number} */ count) =>
    live.act(async (engine) => {
      following = false;
      const { low, high } = packed;
      const budget = state.budget * (high - low);
      const ascend = state.target < 0;
      const labels = [ascend ? state.label : state.target];
      for (let k = 0; k < count; k++) {
        const { inputGrad } = await engine.call("gradients", { ...live.question(), labels });
        if (!inputGrad) return;
        const options = { size: budget / 4, budget, ascend, low, high };
        pad.set(moved(pad.values, start, inputGrad.data, options));
      }
      note = `No pixel has changed by more than ${short(distance(pad.values, start))}.`;
    });
  const restore = () => {
    pad.set(start);
    ask("The picture is as it was.");
  };

  frame(
    host,
    model,
    `${channels === 1 ? "Draw, or choose a picture. " : ""}Click on a value in any layer to see what it is the sum of; turn to gradients to see what comes back.`,
    row(
      pad.picture.node,
      choices.node,
      el("ul", { class: "dl-entries dl-scores" }, ...scores.map(({ node }) => node)),
    ),
    told,
    el("div", { class: "dl-row dl-ways" }, ...ways),
    el(
      "p",
      { class: "dl-key" },
      "Orange is above zero, blue below, in each layer as a share of its largest. A box marks the map of the chosen value, a dashed one the map that it comes from.",
    ),
    strip.node,
    weightControls(state, { step, reset }),
    pictureControls(state, classes, { change, restore }),
    row(layer),
    detail.node,
  );
  pad.set(start);
  turn(false);
  const unwatch = watchView(host, (visible) => visible && live.start());
  // Not before the page has this host, or there is nowhere to scroll to.
  let unheed = () => {};
  const attached = requestAnimationFrame(() => {
    unheed = heedLinks(follow);
  });
  return () => {
    clearTimeout(later);
    cancelAnimationFrame(attached);
    unheed();
    unwatch();
    live.close();
  };
}

export default { render };
