// A whole network at work: what every layer makes of a picture, the gradients that come back, a step.
//
// Layout: the picture to draw on beside the scores; below, what can be moved: the weights against
// their gradient, or the picture along its own; below, all layers as columns of maps (strip.js); below,
// one value of one layer and the terms that it is the sum of (detail.js).
// State: the picture (pad.values) and the one it came from, the right class, forward or back, the
// chosen layer and value, whether weights have moved. All of it lives here.
// The engine runs in a worker (nn/engine.js): `build` once, when the explorer first comes into view;
// after each change of the picture `gradients`, both ways, since turning round should not wait and
// going back takes no longer than the rest; `weights` after each step.
// While an answer is awaited, changes only note that the picture is out of date, so strokes never
// queue up. An answer redraws the strip and the value; choosing another value computes its terms here,
// exactly, from the answer that is there (terms.js), without the engine.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { barLine } from "./lib/bars.js";
import { button, el, frame, row, says, select } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { Detail } from "./network/detail.js";
import { layersOf, passOf, readingsOf, titlesOf } from "./network/graph.js";
import { pictureControls, RATES, weightControls } from "./network/moves.js";
import { Pad } from "./network/pad.js";
import { distance, moved } from "./network/pixels.js";
import { Strip } from "./network/strip.js";
import { percent, short } from "./network/words.js";
import { Engine } from "./nn/engine.js";

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
  const {
    description: text,
    weights,
    images: packed,
    labels,
    readings,
    classes,
  } = model.get("data");
  const description = JSON.parse(text);
  const images = unpack(packed);
  const [, channels, height, width] = images.shape;
  const shape = [1, channels, height, width];
  const layers = layersOf(description);
  const titles = titlesOf(layers);
  const unit = { layer: 1, channel: 0, row: height >> 1, column: width >> 1 };
  const state = { image: 0, label: labels[0], back: false, rate: 4, budget: 0.15, target: -1 };
  /** The picture before it was changed along its gradient. */
  let start = images.part(0);
  let steps = 0;
  let note = "";
  /** @type {Engine | null} */
  let engine = null;
  /** @type {import("./network/terms.js").Network | null} */
  let network = null;
  /** @type {Record<string, import("./nn/tensor.js").Tensor>} */
  let values = {};
  let [busy, outdated] = [false, false];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;

  const told = says();
  const pad = new Pad([channels, height, width], (said) => {
    if (said) {
      told.textContent = said;
      return;
    }
    start = pad.values;
    state.image = -1;
    digits.input.value = "-1";
    note = "";
    refresh();
  });
  const strip = new Strip(
    (layer, place) => choose(layer, place),
    (right, down) => {
      unit.layer = Math.max(0, Math.min(layers.length - 1, unit.layer + right));
      unit.channel = Math.max(0, unit.channel + down);
      strip.reveal(unit.layer);
      showUnit();
    },
  );
  const detail = new Detail(unit, titles, showUnit);
  const scores = classes.map((name) => barLine(name));

  /** @type {[number, string][]} */
  const choices = labels.map((label, i) => [
    i,
    readings[i] === label
      ? `${i + 1}: ${classes[label]}`
      : `${i + 1}: ${classes[label]}, misread as ${classes[readings[i]]}`,
  ]);
  const digits = select("Picture", [...choices, [-1, "drawn by you"]], 0, (v) => {
    if (Number(v) >= 0) take(Number(v));
    else clear();
  });
  /** @type {[number, string][]} */
  const named = classes.map((name, i) => [i, name]);
  const right = select("Right answer", named, state.label, (v) => {
    state.label = Number(v);
    note = "";
    refresh();
  });
  const ways = [
    button("Forward: values", () => turn(false)),
    button("Backward: gradients", () => turn(true)),
  ];
  const layer = select(
    "Layer",
    layers.map(({ id }, i) => [i, titles[id]]),
    unit.layer,
    (v) => {
      unit.layer = Number(v);
      if (strip.columns.length) strip.reveal(unit.layer);
      showUnit();
    },
  );

  /** @param {number} image */
  function take(image) {
    state.image = image;
    state.label = labels[image];
    right.input.value = String(state.label);
    digits.input.value = String(image);
    start = images.part(image);
    pad.set(start);
    note = "";
    refresh();
  }

  function clear() {
    state.image = -1;
    digits.input.value = "-1";
    start = new Float32Array(channels * height * width);
    pad.set(start);
    note = "The picture is empty: draw on it.";
    refresh();
  }

  /** @param {boolean} back */
  function turn(back) {
    state.back = back;
    ways.forEach((node, i) => {
      node.setAttribute("aria-pressed", String((i === 1) === back));
    });
    showLayers();
  }

  /**
   * @param {number} at
   * @param {number} place
   */
  function choose(at, place) {
    if (!network) return;
    const [, , rows = 1, columns = 1] = network.pass.outputs[layers[at].id].shape;
    Object.assign(unit, {
      layer: at,
      channel: Math.floor(place / (rows * columns)),
      row: Math.floor((place % (rows * columns)) / columns),
      column: place % columns,
    });
    showUnit();
  }

  function showLayers() {
    if (!network) return;
    const { outputs, grads } = network.pass;
    strip.draw(layers, titles, state.back && grads ? grads : outputs, unit);
    // The terms of one value can wait until the pen rests, the layers should follow it.
    clearTimeout(later);
    later = setTimeout(showUnit, 100);
  }

  function showUnit() {
    layer.input.value = String(unit.layer);
    if (!network) return;
    detail.show(network, state.back);
    strip.mark(unit);
  }

  const question = () => ({ images: { data: pad.values.slice(), shape }, labels: [state.label] });

  /** Ask what the network makes of the picture, unless an answer is awaited: then ask again after it. */
  async function refresh() {
    outdated = true;
    if (busy || !engine) return;
    busy = true;
    try {
      while (outdated) {
        outdated = false;
        const asked = question();
        const answer = await engine.call("gradients", asked);
        network = { pass: passOf(layers, asked.images, answer), weights: values, layers };
        show(answer.probabilities.data, answer.loss ?? Number.NaN);
      }
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
    }
    busy = false;
  }

  /**
   * @param {Float32Array} probabilities
   * @param {number} loss
   */
  function show(probabilities, loss) {
    if (!network) return;
    scores.forEach((line, i) => {
      line.show(probabilities[i], percent(probabilities[i]));
      line.node.classList.toggle("dl-right", i === state.label);
    });
    const [read] = readingsOf({ data: probabilities, shape: [1, classes.length] });
    const reading = `The network reads ${classes[read]} (${percent(probabilities[read])})`;
    const judged =
      read === state.label
        ? ", which is right"
        : `; ${state.image < 0 ? "chosen as right" : "right"} is ${classes[state.label]} (${percent(probabilities[state.label])})`;
    told.textContent = `${note ? `${note} ` : ""}${reading}${judged}. Loss: ${short(loss)}.`;
    showLayers();
  }

  /** Do something with the engine, and tell what failed. Clicks are answered in order.
   * @param {(engine: Engine) => Promise<void>} action */
  async function act(action) {
    if (!engine) return;
    try {
      await action(engine);
      await refresh();
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  const step = (/** @type {number} */ count) =>
    act(async (running) => {
      const { losses } = await running.call("step", {
        ...question(),
        lr: RATES[state.rate],
        count,
      });
      values = await running.call("weights");
      steps += count;
      const pictures = await running.call("read", {
        images: { data: images.values, shape: images.shape },
      });
      const all = rightOnes(readingsOf(pictures.probabilities));
      note =
        `After ${steps} ${steps === 1 ? "step" : "steps"} of all weights, ` +
        `the loss went from ${short(losses[0] ?? 0)} to ${short(losses[count] ?? 0)}, and of the ` +
        `${labels.length} pictures, ${all} are read right, where it was ${rightOnes(readings)}.`;
    });
  const reset = () =>
    act(async (running) => {
      await running.call("reset");
      values = await running.call("weights");
      steps = 0;
      note = "The weights are those that were trained.";
    });
  const change = (/** @type {number} */ count) =>
    act(async (running) => {
      const ascend = state.target < 0;
      const label = ascend ? state.label : state.target;
      for (let k = 0; k < count; k++) {
        const { inputGrad } = await running.call("gradients", { ...question(), labels: [label] });
        if (!inputGrad) return;
        const options = { size: state.budget / 4, budget: state.budget, ascend };
        pad.set(
          moved(pad.values, start, inputGrad.data, {
            ...options,
            low: packed.low,
            high: packed.high,
          }),
        );
      }
      note = `No pixel has changed by more than ${short(distance(pad.values, start))}.`;
    });
  const restore = () => {
    pad.set(start);
    note = "The picture is as it was.";
    refresh();
  };

  const rightOnes = (/** @type {number[]} */ read) => read.filter((r, i) => r === labels[i]).length;

  const misread = labels.flatMap((label, i) => (readings[i] === label ? [] : [i]));
  const next = button("Next misread one", () =>
    take(misread.find((i) => i > state.image) ?? misread[0]),
  );
  frame(
    host,
    model,
    `${channels === 1 ? "Draw, or choose a picture. " : ""}Click on a value in any layer to see what it is the sum of; turn to gradients to see what comes back.`,
    row(
      pad.picture.node,
      el(
        "div",
        {},
        digits,
        right,
        row(...(misread.length ? [next] : []), ...(channels === 1 ? [button("Clear", clear)] : [])),
      ),
      el("ul", { class: "dl-entries dl-scores" }, ...scores.map(({ node }) => node)),
    ),
    told,
    weightControls(state, { step, reset }),
    pictureControls(state, named, { change, restore }),
    el("div", { class: "dl-row dl-ways" }, ...ways),
    strip.node,
    row(layer),
    detail.node,
  );
  pad.set(start);
  turn(false);

  const seen = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    seen.disconnect();
    engine = new Engine();
    act(async (running) => {
      await running.call("build", { description, weights });
      values = await running.call("weights");
    });
  });
  seen.observe(host);
  return () => {
    clearTimeout(later);
    seen.disconnect();
    engine?.close();
  };
}

export default { render };
