// The pictures of a run, with the one before it faintly behind.
import { el, svg } from "../lib/common.js";
import { curvesPicture, means } from "../lib/curves.js";
import { amount } from "./words.js";

/** @typedef {import("./live.js").Run} Run */
/** @typedef {import("./live.js").Spread} Spread */
/** @typedef {import("../lib/curves.js").Points} Points */

const MOST = 150; // points of a curve
const COUNTED = 100; // digits that an accuracy is of, at least: of 16 it would jump by 6%

/**
 * @param {Run} run
 * @param {readonly number[]} values of each step
 * @param {number} [digits] that a point is of, at least
 */
const batches = (run, values, digits = 1) =>
  means(values, Math.max(Math.ceil(run.steps / MOST), Math.ceil(digits / run.batchSize), 1));

/** @type {(run: Run, of: "loss" | "accuracy") => Points} */
const heldOut = (run, of) => run.measured.map((m) => [m.step, m[of]]);

/** @type {(run: Run, of: keyof Spread) => Points} */
const layers = (run, of) => run.spreads.map((spread, i) => [i + 1, spread[of]]);

/**
 * @typedef {object} Picture
 * @property {string} title
 * @property {string} axis
 * @property {import("../lib/curves.js").Scale} scale
 * @property {import("../lib/curves.js").Level} [level]
 * @property {(run: Run) => Points} first
 * @property {(run: Run) => Points} [second]
 */

/** @type {Picture[]} */
const PICTURES = [
  {
    title: "Loss",
    axis: "step",
    scale: "logarithmic",
    level: [Math.log(10), "ln 10"], // the loss of a guess
    first: (run) => batches(run, run.losses),
    second: (run) => heldOut(run, "loss"),
  },
  {
    title: "Digits read right",
    axis: "step",
    scale: "share",
    first: (run) => batches(run, run.accuracies, COUNTED),
    second: (run) => heldOut(run, "accuracy"),
  },
  {
    title: "Spread of activations",
    axis: "layer",
    scale: "logarithmic",
    first: (run) => layers(run, "outputs"),
  },
  {
    title: "Spread of gradients",
    axis: "layer",
    scale: "logarithmic",
    first: (run) => layers(run, "gradients"),
  },
];

/** @type {(points: Points, axis: string) => string} */
function told(points, axis) {
  if (!points.length) return "nothing yet";
  const [[, first], [at, last]] = [points[0], points[points.length - 1]];
  return `${amount(first)} at first, ${amount(last)} at ${axis} ${at}`;
}

/**
 * @param {Run} run
 * @param {Run | null} last
 */
export function pictures(run, last) {
  return PICTURES.map(({ title, axis, scale, level, first, second }) => {
    const behind = last ? [first, second].flatMap((of) => (of ? [of(last)] : [])) : [];
    const looks = ["dl-line", "dl-held-out"];
    const points = first(run);
    const curves = [
      ...behind.map((points, i) => ({ points, look: `${looks[i]} dl-last` })),
      { points, look: looks[0] },
      ...(second ? [{ points: second(run), look: looks[1] }] : []),
    ];
    const before = last ? `; the last run: ${told(first(last), axis)}` : "";
    const label = `${title} by ${axis}: ${told(points, axis)}${before}`;
    return curvesPicture({ title, axis, scale, level, label }, curves);
  });
}

/** @type {(look: string, text: string) => HTMLElement} */
const entry = (look, text) =>
  el(
    "li",
    {},
    svg(
      "svg",
      { viewBox: "0 0 30 10", class: "dl-chart", "aria-hidden": "true" },
      svg("path", { d: "M0 5h30", class: look }),
    ),
    text,
  );

/** What the curves are; `hidden` is about the last run. */
export function legend() {
  const last = entry("dl-line dl-last", "the last run");
  const node = el(
    "ul",
    { class: "dl-key" },
    entry("dl-line", "training batches, or the layers of the last step"),
    entry("dl-held-out", "held-out digits"),
    entry("dl-level", "ln 10, the loss of a guess"),
    last,
  );
  return {
    node,
    set hidden(/** @type {boolean} */ value) {
      last.hidden = value;
    },
  };
}
