// Repeated timings: the reader chooses how many make an answer, and sees how the answers scatter.

/** @import { Context } from "./lib/common.js" */

import { changes, el, frame, row, says, select, slider } from "./lib/common.js";
import { answers, histogram, quantile } from "./lib/statistics.js";

const COUNTS = [1, 2, 3, 5, 10, 20, 30, 50, 100];
const BINS = 44;
/** @type {[string, string][]} */
const STATISTICS = [
  ["minimum", "the shortest"],
  ["median", "the median"],
  ["mean", "the mean"],
];
/** @type {[string, string][]} */
const ORDERS = [
  ["neighbours", "one right after the other"],
  ["spread", "spread over the whole record"],
];

/** Three digits, without an exponent. */
const digits = (/** @type {number} */ v) =>
  Number(v.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });

/**
 * A picture of bars with a caption, and its `draw(counts, label)`.
 * @param {string} caption
 * @param {string} kind
 */
function bars(caption, kind) {
  const columns = Array.from({ length: BINS }, () => el("span"));
  const drawing = el("div", { class: `dl-histogram ${kind}`, role: "img" }, ...columns);
  const node = el("div", {}, el("p", { class: "dl-help" }, caption), drawing);
  /** @type {(counts: number[], label: string) => void} */
  const draw = (counts, label) => {
    const most = Math.max(...counts);
    counts.forEach((count, i) => {
      columns[i].style.height = `${(100 * count) / most}%`;
    });
    drawing.setAttribute("aria-label", label);
  };
  return { node, draw };
}

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} unit
 * @property {number[]} values
 */

/**
 * @typedef {object} Data
 * @property {Series[]} series
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { series } = model.get("data");
  const state = { series: 0, count: 0, name: "median", order: "neighbours" };
  const told = says();
  const single = bars("All timings of the record", "dl-single");
  const several = bars("The answers", "dl-answers");
  const ends = [el("span"), el("span")];

  function update() {
    const { values, unit, name } = series[state.series];
    const sorted = [...values].sort((a, b) => a - b);
    // Timings have a long tail; what lies far out counts in the last bar.
    const [low, high] = [sorted[0], Math.min(quantile(sorted, 0.98), 2 * quantile(sorted, 0.5))];
    const count = COUNTS[state.count];
    const found = answers(values, count, state.name, state.order === "neighbours");
    const [from, middle, to] = [0.05, 0.5, 0.95].map((share) => quantile(found, share));
    const [, what] = STATISTICS.find(([key]) => key === state.name) ?? STATISTICS[0];
    const range = `between ${digits(from)} and ${digits(to)} ${unit}`;
    single.draw(
      histogram(values, low, high, BINS),
      `Histogram of ${values.length} timings, from ${digits(low)} to ${digits(high)} ${unit} and beyond; the middle one is ${digits(quantile(sorted, 0.5))}.`,
    );
    several.draw(
      histogram(found, low, high, BINS),
      `Histogram of 400 answers on the same axis; nine of ten lie ${range}.`,
    );
    ends[0].textContent = `${digits(low)} ${unit}`;
    ends[1].textContent = `${digits(high)} ${unit} and more`;
    const share = digits((100 * (to - from)) / middle);
    const of = count === 1 ? "one timing" : `${what} of ${count} timings`;
    told.textContent = `${name}, ${of}: nine of ten answers lie ${range}, a width of ${share}% of the middle one, ${digits(middle)} ${unit}.`;
  }

  const change = changes(state, update);
  frame(
    host,
    model,
    "Choose how many timings you take, and which number you report. Both pictures have the same axis.",
    row(
      ...(series.length > 1
        ? [
            select(
              "Timed",
              series.map(({ name }, i) => [i, name]),
              0,
              change("series"),
            ),
          ]
        : []),
      slider(
        "Timings for an answer",
        { max: COUNTS.length - 1, value: state.count, text: (i) => String(COUNTS[i]) },
        change("count"),
      ),
      select("Report", STATISTICS, state.name, change("name")),
      select("Timings taken", ORDERS, state.order, change("order")),
    ),
    single.node,
    several.node,
    el("div", { class: "dl-ends", "aria-hidden": "true" }, ...ends),
    told,
  );
  update();
}

export default { render };
