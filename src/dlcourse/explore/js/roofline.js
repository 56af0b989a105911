// A layer under the roofline of the machine that built the page: what limits it, and why.

/** @import { Context, Slider } from "./lib/common.js" */

import { layerCost, roof } from "./lib/arithmetic.js";
import { drawing, words } from "./lib/charts.js";
import { el, frame, row, same, says, select, slider, svg, whole } from "./lib/common.js";
import { inUnits, threeDigits } from "./lib/units.js";

const VIEW = { width: 360, height: 280, left: 34, right: 24, top: 24, bottom: 44 };
/** @type {[keyof Layer, string][]} */
const CONTROLS = [
  ["batch", "Images in the batch"],
  ["inside", "Channels in"],
  ["outside", "Channels out"],
  ["size", "Side of the image"],
  ["kernel", "Side of the kernel"],
  ["stride", "Stride"],
];
const PARTS = /** @type {const} */ (["input", "weights", "output"]);

/** @type {[number, string][]} */
const POWERS = [
  [1e9, " billion"],
  [1e6, " million"],
  [1e3, " thousand"],
  [1, ""],
];

/** Three digits, with a word for the power of ten. */
function short(/** @type {number} */ value) {
  const [v, word] = inUnits(value, POWERS);
  return threeDigits(v) + word;
}

/**
 * The roof and one layer below it, both axes logarithmic.
 * @param {Machine} machine
 * @param {number} intensity
 * @param {string} label
 */
function drawRoof(machine, intensity, label) {
  const { width, height, left, right, top, bottom } = VIEW;
  const ridge = machine.multiply_adds / machine.bandwidth;
  const xs = [-1, 4];
  const highest = Math.ceil(Math.log10(machine.multiply_adds));
  const ys = [Math.floor(Math.log10(roof(machine, 10 ** xs[0]))), highest];
  const x = (/** @type {number} */ v) =>
    left + ((width - left - right) * (Math.log10(v) - xs[0])) / (xs[1] - xs[0]);
  const y = (/** @type {number} */ v) =>
    top + ((height - top - bottom) * (ys[1] - Math.log10(v))) / (ys[1] - ys[0]);
  const node = drawing(VIEW, label);
  for (let e = xs[0]; e <= xs[1]; e++) {
    node.append(
      svg("line", {
        x1: x(10 ** e),
        x2: x(10 ** e),
        y1: top,
        y2: height - bottom,
        class: "dl-rule",
      }),
      words((10 ** e).toLocaleString("en"), {
        x: x(10 ** e),
        y: height - bottom + 15,
        "text-anchor": "middle",
      }),
    );
  }
  for (let e = ys[0]; e <= ys[1]; e++) {
    node.append(
      svg("line", {
        x1: left,
        x2: width - right,
        y1: y(10 ** e),
        y2: y(10 ** e),
        class: "dl-rule",
      }),
      words((10 ** (e - 9)).toLocaleString("en"), {
        x: left - 5,
        y: y(10 ** e) + 4,
        "text-anchor": "end",
      }),
    );
  }
  const ends = [10 ** xs[0], ridge, 10 ** xs[1]].map(
    (v) => `${x(v).toFixed(1)} ${y(roof(machine, v)).toFixed(1)}`,
  );
  const place = Math.min(10 ** xs[1], Math.max(10 ** xs[0], intensity));
  node.append(
    svg("line", { x1: x(ridge), x2: x(ridge), y1: top, y2: height - bottom, class: "dl-level" }),
    svg("path", { d: `M${ends.join("L")}`, class: "dl-line" }),
    svg("line", {
      x1: x(place),
      x2: x(place),
      y1: y(roof(machine, place)),
      y2: height - bottom,
      class: "dl-other",
    }),
    svg("circle", { cx: x(place), cy: y(roof(machine, place)), r: 6, fill: "currentColor" }),
    words("billion multiply-adds a second", { x: 4, y: 13 }),
    words("multiply-adds for each byte", {
      x: (left + width - right) / 2,
      y: height - 8,
      "text-anchor": "middle",
    }),
  );
  return node;
}

/**
 * Its two limits: multiply-adds a second, and bytes a second.
 * @typedef {object} Machine
 * @property {number} threads
 * @property {string} dtype
 * @property {number} multiply_adds
 * @property {number} bandwidth
 */

/**
 * @typedef {object} Layer
 * @property {number} batch
 * @property {number} inside
 * @property {number} outside
 * @property {number} size
 * @property {number} kernel
 * @property {number} stride
 * @property {number} padding
 */

/**
 * For each slider the values at which it stops.
 * @typedef {object} Data
 * @property {Machine} machine
 * @property {Record<string, Layer>} layers
 * @property {Record<string, number[]>} steps
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { machine, layers, steps } = model.get("data");
  const names = Object.keys(layers);
  let from = names[0];
  const layer = { ...layers[from] };

  const told = says();
  const picture = el("figure", { class: "dl-picture dl-grow" });
  const caption = el(
    "figcaption",
    {},
    "The roof of the machine that built this page, on " +
      `${machine.threads === 1 ? "one core" : `${machine.threads} cores`}, in ${machine.dtype}; dotted: its ridge. The dot is the best that this layer can reach.`,
  );
  const segments = PARTS.map(() => el("span", { class: "dl-segment" }));
  const stack = el("div", { class: "dl-stack", "aria-hidden": "true" }, ...segments);
  const split = el("p", { class: "dl-help" });
  /** @type {Map<keyof Layer, Slider>} */
  const sliders = new Map();
  for (const [key, label] of CONTROLS) {
    const control = slider(
      label,
      {
        max: steps[key].length - 1,
        value: steps[key].indexOf(layer[key]),
        text: (i) => String(steps[key][i]),
      },
      (i) => {
        layer[key] = steps[key][i];
        if (key === "kernel") layer.padding = (layer.kernel - 1) / 2; // the image keeps its size
        update();
      },
    );
    sliders.set(key, control);
  }

  function update() {
    const cost = layerCost(layer);
    const best = roof(machine, cost.intensity);
    const ridge = machine.multiply_adds / machine.bandwidth;
    const own = !same(layer, layers[from]);
    const milliseconds = (1000 * cost.multiplyAdds) / best;
    told.textContent =
      `${own ? "Your layer" : from}, ${layer.inside} x ${layer.size} x ${layer.size} to ` +
      `${layer.outside} x ${cost.size} x ${cost.size}, ${layer.batch} at a time: ${short(cost.multiplyAdds)} multiply-adds, ` +
      `${short(cost.moved)} bytes, ${threeDigits(cost.intensity)} for each byte. ` +
      (cost.intensity < ridge
        ? "It waits for memory: left of the ridge"
        : "It is limited by arithmetic: right of the ridge") +
      ` at ${Number(ridge.toPrecision(2))}. At best ${short(best)} a second, ${threeDigits(milliseconds)} ms.`;
    picture.replaceChildren(
      drawRoof(machine, cost.intensity, `A roofline. ${told.textContent}`),
      caption,
    );
    PARTS.forEach((part, i) => {
      segments[i].style.flexGrow = String(cost.bytes[part]);
      segments[i].textContent = part;
    });
    split.textContent = `Bytes of ${PARTS.map((part) => `${part}: ${whole(cost.bytes[part])}`).join(", of ")}.`;
  }

  const start = (/** @type {string} */ name) => {
    from = name;
    Object.assign(layer, layers[name]);
    for (const [key, { set }] of sliders) set(steps[key].indexOf(layer[key]));
    update();
  };
  frame(
    host,
    model,
    "Start from a layer, and move the sliders.",
    row(
      select(
        "Start from",
        names.map((n) => [n, n]),
        from,
        start,
      ),
    ),
    told,
    row(el("div", { class: "dl-grow" }, ...sliders.values(), split, stack), picture),
  );
  update();
}

export default { render };
