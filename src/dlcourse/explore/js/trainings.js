// Short training runs by learning rate and initial scale: a table of accuracies, and one run's loss.

/** @import { Context } from "./lib/common.js" */

import { drawing, words } from "./lib/charts.js";
import { button, changes, el, frame, row, says, select, svg, whole } from "./lib/common.js";
import { heads, line } from "./lib/tables.js";

const SIZE = { width: 380, height: 250, left: 44, right: 8, top: 10, bottom: 40 };
const CHANCE = Math.log(10); // the loss of one who gives ten classes the same probability
/** @type {Record<number, string>} */
const UNITS = { "-2": "0.01", "-1": "0.1", 0: "1", 1: "10", 2: "100", 3: "1,000" };

/** A loss in three digits, large ones with a word for their size. */
const shortly = (/** @type {number} */ v) =>
  v >= 1e6 ? `${(v / 1e6).toFixed(1)} million` : v >= 100 ? whole(Math.round(v)) : v.toPrecision(2);

/**
 * Whether a logarithmic scale can show a loss.
 * @param {number | null} v
 * @returns {v is number}
 */
function isShown(v) {
  return v !== null && v > 0;
}

/**
 * The losses of several training runs on a logarithmic scale.
 * @param {{ name: string, values: (number | null)[], dashed: boolean }[]} lines
 * @param {string} label
 */
function chart(lines, label) {
  const { width, height, left, right, top, bottom } = SIZE;
  const known = lines.flatMap((line) => line.values).filter(isShown);
  const low = Math.floor(Math.log10(Math.min(0.5, ...known)));
  const high = Math.ceil(Math.log10(Math.max(10, ...known)));
  const steps = lines[0].values.length;
  const x = (/** @type {number} */ i) => left + ((width - left - right) * i) / (steps - 1);
  const y = (/** @type {number} */ v) =>
    top + ((height - top - bottom) * (high - Math.log10(v))) / (high - low);
  const node = drawing(SIZE, label);
  const every = Math.ceil((high - low) / 6);
  for (let e = low; e <= high; e += every) {
    node.append(
      svg("line", {
        x1: left,
        x2: width - right,
        y1: y(10 ** e),
        y2: y(10 ** e),
        class: "dl-rule",
      }),
      words(UNITS[e] ?? `1e${e}`, { x: left - 5, y: y(10 ** e) + 4, "text-anchor": "end" }),
    );
  }
  node.append(
    svg("line", { x1: left, x2: width - right, y1: y(CHANCE), y2: y(CHANCE), class: "dl-level" }),
    words("1", { x: left, y: height - bottom + 15 }),
    words(String(steps), { x: width - right, y: height - bottom + 15, "text-anchor": "end" }),
    words("step", {
      x: (left + width - right) / 2,
      y: height - bottom + 15,
      "text-anchor": "middle",
    }),
  );
  lines.forEach(({ name, values, dashed }, i) => {
    // A loss that is not a number, or zero, interrupts the line.
    let path = "";
    values.forEach((v, j) => {
      if (isShown(v))
        path += `${j && isShown(values[j - 1]) ? "L" : "M"}${x(j).toFixed(1)} ${y(v).toFixed(1)}`;
    });
    const start = left + i * 165;
    const look = dashed ? "dl-other" : "dl-line";
    node.append(
      svg("path", { d: path, class: look }),
      svg("path", { d: `M${start} ${height - 10}h26`, class: look }),
      words(name, { x: start + 31, y: height - 6 }),
    );
  });
  return node;
}

/**
 * Losses by scale, rate and step, null where a loss is not a number; accuracies by scale and rate.
 * @typedef {object} Trained
 * @property {string} name
 * @property {(number | null)[][][]} losses
 * @property {number[][]} accuracies
 */

/**
 * @typedef {object} Data
 * @property {string[]} rates
 * @property {string[]} scales
 * @property {Trained[]} networks
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { rates, scales, networks } = model.get("data");
  const state = { network: 0, scale: scales.indexOf("1"), rate: Math.floor(rates.length / 2) };
  if (state.scale < 0) state.scale = 0;

  const told = says();
  const picture = el("figure", { class: "dl-picture dl-grow" });
  const caption = el(
    "figcaption",
    {},
    "The loss of each step, on a logarithmic scale; dotted: ln 10, the loss of a blind guess",
  );
  const cells = scales.map((_, s) =>
    rates.map((_, r) =>
      button("", () => {
        Object.assign(state, { scale: s, rate: r });
        update();
      }),
    ),
  );
  const table = el(
    "table",
    { class: "dl-confusion" },
    el(
      "caption",
      {},
      "Held-out images read right at the end, in %. Row: what the initial weights were multiplied by. Column: learning rate.",
    ),
    heads(el("td"), ...rates),
    el(
      "tbody",
      {},
      ...scales.map((scale, s) =>
        line(`x ${scale}`, ...cells[s].map((cell) => el("td", {}, cell))),
      ),
    ),
  );

  function update() {
    const { network, scale, rate } = state;
    /** @type {(s: number, r: number) => number} */
    const percent = (s, r) => Math.round(100 * networks[network].accuracies[s][r]);
    cells.forEach((runs, s) => {
      runs.forEach((cell, r) => {
        cell.textContent = String(percent(s, r));
        cell.setAttribute(
          "aria-label",
          `${percent(s, r)}% at learning rate ${rates[r]}, weights times ${scales[s]}`,
        );
        cell.setAttribute("aria-pressed", String(s === scale && r === rate));
      });
    });
    const values = networks[network].losses[scale][rate];
    const tail = values.slice(-10);
    const last = tail.filter((v) => v !== null);
    const ends =
      last.length === tail.length
        ? `ends at ${shortly(last.reduce((a, b) => a + b) / last.length)} (mean of ${last.length} steps)`
        : "stops being a number";
    const starts =
      values[0] === null ? "is not a number from the start" : `starts at ${shortly(values[0])}`;
    told.textContent =
      `${networks[network].name}, learning rate ${rates[rate]}, weights x ${scales[scale]}: ` +
      `the loss ${starts} and ${ends}; ${percent(scale, rate)}% right.`;
    const lines = networks.map((n, i) => ({
      name: n.name,
      values: n.losses[scale][rate],
      dashed: i !== network,
    }));
    picture.replaceChildren(
      chart(lines, `Loss by step. ${told.textContent} The other network is drawn dashed.`),
      caption,
    );
  }

  frame(
    host,
    model,
    "Choose a number in the table to see the curve that led to it, and change the network above.",
    row(
      select(
        "Network",
        networks.map((n, i) => [i, n.name]),
        0,
        changes(state, update)("network"),
      ),
    ),
    told,
    row(el("div", { class: "dl-grow" }, table), picture),
  );
  update();
}

export default { render };
