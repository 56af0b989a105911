// A run in words.
import { whole } from "../lib/common.js";
import { threeDigits } from "../lib/units.js";

/** @typedef {import("./live.js").Run} Run */
/** @typedef {import("./live.js").Live} Live */

const percent = (/** @type {number} */ v) => `${(100 * v).toFixed(1)}%`;

/** @param {number} v */
const steps = (v) => `${whole(v)} ${v === 1 ? "step" : "steps"}`;

/**
 * The network of a run and what else sets it apart.
 * @param {Run} run
 * @param {import("../train_here.js").Architecture[]} networks
 */
function named({ chosen }, networks) {
  const found = networks.find(({ key }) => key === chosen.network) ?? networks[0];
  const depth = found.versions.length > 1 ? `, ${chosen.depth} layers` : "";
  return `${found.name[0].toUpperCase()}${found.name.slice(1)}${depth}, ${chosen.optimizer}, learning rate ${chosen.lr}`;
}

/**
 * Where training stands, in one sentence.
 * @param {Live} live
 * @param {import("../train_here.js").Architecture[]} networks
 */
export function sentence({ run, playing, visible }, networks) {
  const name = named(run, networks);
  if (run.broken) {
    return `${name}: the loss stopped being a number at step ${whole(run.steps)}; change a setting to begin anew.`;
  }
  if (!run.steps) return `${name}: ${playing ? "starting" : "ready to start"}.`;
  const state = playing ? (visible ? "trains" : "waits out of view") : "paused";
  const { accuracy } = run.measured[run.measured.length - 1];
  return (
    `${name}: ${state} after ${steps(run.steps)}; ` +
    `loss ${threeDigits(recent(run.losses))}, ${percent(accuracy)} of the held-out digits right.`
  );
}

/** @param {readonly number[]} values */
function recent(values) {
  const tail = values.slice(-20);
  return tail.reduce((a, b) => a + b, 0) / tail.length;
}

/**
 * The numbers of a run.
 * @param {Run} run
 */
export function numbers(run) {
  if (!run.steps) return " ";
  const speed =
    run.seconds > 0.5 ? `, ${whole(Math.round(run.seen / run.seconds))} digits a second` : "";
  const loss = run.broken ? "not a number" : threeDigits(recent(run.losses));
  const epochs = run.seen / run.chosen.images;
  return (
    `${whole(run.parameters)} parameters, ${steps(run.steps)}, ${epochs.toFixed(1)} epochs${speed}; ` +
    `loss ${loss}, batches ${percent(recent(run.accuracies))} right`
  );
}
