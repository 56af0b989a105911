// A tile of sums: which values lie in registers, how often each is used, and what limits the speed.

/** @import { Core } from "./lib/arithmetic.js" */
/** @import { Context } from "./lib/common.js" */

import { tileBound } from "./lib/arithmetic.js";
import { barLine } from "./lib/bars.js";
import { changes, el, frame, row, says, select, slider } from "./lib/common.js";
import { heads } from "./lib/tables.js";
import { threeDigits } from "./lib/units.js";

const LIMITS = {
  arithmetic: "multiplying and adding",
  loads: "loading",
  waiting: "waiting for sums",
  spilling: "sums in memory",
};
/** @type {(count: number, one: string, more?: string) => string} */
const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

/**
 * A register for each sum, in a table of pixels and outputs; what does not fit is in memory.
 * @param {number} p
 * @param {number} q
 * @param {Core} core
 * @param {number} spilled
 */
function drawTile(p, q, core, spilled) {
  const kept = p * q - spilled;
  /** @type {(i: number, j: number) => HTMLElement} */
  const place = (i, j) => {
    const n = i * q + j;
    const inside = n < kept;
    return el("td", { class: inside ? "dl-kept" : "dl-spilled" }, inside ? `sum r${n}` : "memory");
  };
  const outputs = (/** @type {number} */ j) => `${j * core.lanes} to ${(j + 1) * core.lanes - 1}`;
  return el(
    "table",
    { class: "dl-tile" },
    el(
      "caption",
      {},
      "A step: each value of the image times each register of weights is added to a sum.",
    ),
    heads(
      el("td"),
      ...Array.from({ length: q }, (_, j) =>
        el("th", { scope: "col" }, `weights ${outputs(j)}`, el("span", {}, `used ${p} ×`)),
      ),
    ),
    el(
      "tbody",
      {},
      ...Array.from({ length: p }, (_, i) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, `pixel ${i} `, el("span", {}, `used ${q} ×`)),
          ...Array.from({ length: q }, (_, j) => place(i, j)),
        ),
      ),
    ),
  );
}

/**
 * All registers of the machine, each with a letter for what it holds.
 * @param {number} p
 * @param {number} q
 * @param {Core} core
 * @param {number} spilled
 * @param {string} label
 */
function drawRegisters(p, q, core, spilled, label) {
  const held = ["S".repeat(p * q - spilled), "W".repeat(q), "x"].join("").slice(0, core.registers);
  const letters = held.padEnd(core.registers, "·");
  return el(
    "div",
    { class: "dl-registers", role: "img", "aria-label": label },
    ...Array.from(letters, (c) => el("span", { class: c === "·" ? "" : "dl-in" }, c)),
  );
}

/**
 * What to start from, where the sliders end, and what can be chosen.
 * @typedef {object} Data
 * @property {number} pixels
 * @property {number} outputs
 * @property {Core} core
 * @property {[number, number]} most
 * @property {number[]} registers
 * @property {number[]} lanes
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { core: given, most, registers, lanes, pixels, outputs } = model.get("data");
  const core = { ...given };
  const state = { p: pixels, q: outputs };
  const told = says();
  const table = el("div", {
    class: "dl-holdings",
    tabindex: 0,
    role: "group",
    "aria-label": "The tile",
  });
  const strip = el("div", {});
  const limits = /** @type {(keyof typeof LIMITS)[]} */ (Object.keys(LIMITS));
  const bars = limits.map((key) => ({ key, ...barLine(LIMITS[key]) }));

  function update() {
    const { p, q } = state;
    const b = tileBound(p, q, core);
    // The last is not beside the others but after them.
    const limit = b.spilled
      ? "spilling"
      : limits.slice(0, -1).reduce((a, c) => (b.cycles[c] > b.cycles[a] ? c : a));
    const longest = Math.max(...Object.values(b.cycles));
    for (const { key, show } of bars) {
      show(b.cycles[key] / longest, many(Number(threeDigits(b.cycles[key])), "cycle"));
    }
    const fits = b.spilled
      ? `${many(b.spilled, "sum does", "sums do")} not fit and ${b.spilled === 1 ? "goes" : "go"} to memory and back in every step`
      : "it fits";
    const products = p * q;
    told.textContent =
      `${many(p, "pixel")} x ${many(q, "register")} of ${core.lanes} outputs: ` +
      `${many(products, "sum")}, ${q} for weights and 1 for a value need ${b.needed} of ${core.registers} registers: ${fits}. ` +
      `${many(b.loads, "load")} for ${many(products, "product")} of registers, ${threeDigits(b.loads / products)} a product. ` +
      `At best ${Math.round(100 * b.share)}% of the peak, limited by ${LIMITS[limit]}.`;
    const used = Math.min(b.needed, core.registers);
    strip.replaceChildren(
      drawRegisters(
        p,
        q,
        core,
        b.spilled,
        `The ${core.registers} registers: ${p * q - b.spilled} hold sums (S), ${q} weights (W), 1 a value of the image (x), ${core.registers - used} are free (·).`,
      ),
    );
    table.replaceChildren(drawTile(p, q, core, b.spilled));
  }

  /** @type {(values: number[]) => [number, string][]} */
  const choice = (values) => values.map((v) => [v, String(v)]);
  const change = changes(state, update);
  const changeCore = changes(core, update);
  frame(
    host,
    model,
    "Choose a tile and a machine. When is the bar of arithmetic the longest?",
    row(
      slider("Pixels P", { min: 1, max: most[0], value: state.p }, change("p")),
      slider("Registers of outputs Q", { min: 1, max: most[1], value: state.q }, change("q")),
      select("Registers", choice(registers), core.registers, changeCore("registers")),
      select("Lanes", choice(lanes), core.lanes, changeCore("lanes")),
    ),
    told,
    el("p", { class: "dl-help" }, "Registers: S a sum, W weights, x a value of the image, · free."),
    strip,
    el("ul", { class: "dl-entries" }, ...bars.map(({ node }) => node)),
    table,
    el(
      "p",
      { class: "dl-help" },
      `For a core that begins ${core.products} products of registers and ${core.loads} loads in a cycle, ` +
        `has a sum ready after ${core.latency} cycles, and needs ${many(core.spill, "cycle")} to store a sum in memory. The first three go on side by side, the fourth is added.`,
    ),
  );
  update();
}

export default { render };
