// A product of matrices here and on a GPU: launching, copying and computing, each a bar.

/** @import { Context } from "./lib/common.js" */

import { breakEven, offload } from "./lib/arithmetic.js";
import { barLine } from "./lib/bars.js";
import { changes, el, frame, row, says, select, slider, whole } from "./lib/common.js";
import { inUnits } from "./lib/units.js";

/** @type {[number, string][]} */
const TIMES = [
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
];

/**
 * 10^12 operations a second, and 10^9 bytes a second to and from the host.
 * @typedef {object} Rates
 * @property {string} name
 * @property {number} tflops
 * @property {number} bus
 */

/**
 * The processor does so many 10^9 operations a second.
 * @typedef {object} Data
 * @property {number} processor
 * @property {Rates[]} gpus
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { processor, gpus } = model.get("data");
  const state = {
    size: 9,
    repeats: 0,
    cpu: processor,
    launch: 10,
    tflops: gpus[0].tflops,
    bus: gpus[0].bus,
  };
  const told = says();

  const lines = [
    "Processor",
    "GPU, in total",
    "of it launching",
    "of it copying",
    "of it computing",
  ].map(barLine);

  function update() {
    const setting = {
      size: 2 ** state.size,
      repeats: 2 ** state.repeats,
      launch: state.launch * 1e-6,
      cpu: state.cpu * 1e9,
      gpu: state.tflops * 1e12,
      bus: state.bus * 1e9,
    };
    const t = offload(setting);
    const values = [t.cpu, t.gpu, t.launch, t.copy, t.compute];
    const largest = Math.max(...values);
    lines.forEach(({ show }, i) => {
      const [v, unit] = inUnits(values[i], TIMES);
      show(values[i] / largest, `${v.toPrecision(3)} ${unit}`);
    });
    const faster = t.gpu < t.cpu;
    const ratio = faster ? t.cpu / t.gpu : t.gpu / t.cpu;
    const from = breakEven(setting);
    told.textContent =
      `${whole(setting.repeats)} ${setting.repeats === 1 ? "product" : "products"} of ` +
      `${whole(setting.size)} x ${whole(setting.size)}: the ${faster ? "GPU" : "processor"} is ` +
      `${ratio.toPrecision(3)} times as fast. Copies are ${Math.round((100 * t.copy) / t.gpu)}% of the GPU's time. ` +
      (from === null
        ? "With these rates the GPU never pays off."
        : `The GPU pays off from ${whole(from)} x ${whole(from)} upwards.`);
  }

  const change = changes(state, update);
  const power = { text: (/** @type {number} */ k) => whole(2 ** k) };
  const tflops = slider(
    "GPU, 10¹² operations/s",
    { min: 0.1, max: 200, step: 0.1, value: state.tflops, text: (v) => v.toFixed(1) },
    change("tflops"),
  );
  const bus = slider("Bus, GB/s", { min: 1, max: 200, value: state.bus }, change("bus"));
  const choose = (/** @type {string} */ chosen) => {
    const gpu = gpus[Number(chosen)];
    state.tflops = tflops.set(gpu.tflops);
    state.bus = bus.set(gpu.bus);
    update();
  };
  frame(
    host,
    model,
    "Two square matrices go to the GPU, are multiplied, and the product comes back. Choose a GPU, or move the sliders.",
    row(
      select(
        "Rates of",
        gpus.map((g, i) => [i, g.name]),
        0,
        choose,
      ),
      slider("Rows and columns", { min: 4, max: 14, value: state.size, ...power }, change("size")),
      slider(
        "Products for each copy",
        { min: 0, max: 10, value: state.repeats, ...power },
        change("repeats"),
      ),
      slider(
        "Processor, 10⁹ operations/s",
        { min: 1, max: 5000, value: state.cpu, text: whole },
        change("cpu"),
      ),
      tflops,
      bus,
      slider("Launch, µs", { min: 1, max: 100, value: state.launch }, change("launch")),
    ),
    told,
    el("ul", { class: "dl-entries" }, ...lines.map(({ node }) => node)),
  );
  update();
}

export default { render };
