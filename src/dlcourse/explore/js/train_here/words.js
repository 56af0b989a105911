// A run in words.
import { whole } from "../lib/common.js";
import { threeDigits } from "../lib/units.js";

/** @typedef {import("./live.js").Run} Run */
/** @typedef {import("./live.js").Live} Live */

const RECENT = 20; // steps that a mean is of

const percent = (/** @type {number} */ v) => `${(100 * v).toFixed(1)}%`;

/** @param {number} v */
const steps = (v) => `${whole(v)} ${v === 1 ? "step" : "steps"}`;

/**
 * A loss or a spread, which may be huge or no number at all.
 * @param {number} v
 */
export function amount(v) {
  if (!Number.isFinite(v)) return "not finite";
  return v < 1e6 ? threeDigits(v) : v.toExponential(1).replace("+", "");
}

/**
 * The network of a run and what else sets it apart.
 * @param {Run} run
 * @param {import("../train_here.js").Architecture[]} networks
 */
function named({ chosen }, networks) {
  const found = networks.find(({ key }) => key === chosen.network) ?? networks[0];
  const depth = found.versions.length > 1 ? `, ${chosen.depth} layers` : "";
  const mistake = chosen.mistake === "none" ? "" : `, ${chosen.mistake}`;
  return `${found.name[0].toUpperCase()}${found.name.slice(1)}${depth}, ${chosen.optimizer}, learning rate ${chosen.lr}${mistake}`;
}

/**
 * Where training stands, in one sentence.
 * @param {Live} live
 * @param {import("../train_here.js").Architecture[]} networks
 */
export function sentence({ run, playing, visible, trouble }, networks) {
  const name = named(run, networks);
  if (trouble) return `${name}: it cannot train, since ${trouble}.`;
  if (run.broken) {
    return `${name}: after ${steps(run.steps)} the loss is not a finite number any more; change a setting to begin anew.`;
  }
  if (!run.steps) return `${name}: ${playing ? "starting" : "ready to start"}.`;
  const state = playing ? (visible ? "training" : "waiting until it is in view") : "paused";
  const { step, loss, accuracy } = run.measured[run.measured.length - 1];
  if (playing && !step) return `${name}: ${state}.`;
  const training = step ? `training loss ${amount(recent(run.losses, step))}, ` : "";
  return (
    `${name}: ${state}; after ${steps(step)} ${training}` +
    `held-out loss ${amount(loss)}, ${percent(accuracy)} of the held-out digits right.`
  );
}

/**
 * The mean of the last few values up to a step.
 * @param {readonly number[]} values of the steps 1, 2, ...
 * @param {number} [step]
 */
function recent(values, step = values.length) {
  const tail = values.slice(Math.max(0, step - RECENT), step);
  return tail.reduce((a, b) => a + b, 0) / tail.length;
}

/**
 * The numbers of a run; those of batches are means of the last few.
 * @param {Run} run
 */
export function numbers(run) {
  if (!run.steps) return " ";
  const speed =
    run.seconds > 0.5 ? `, ${whole(Math.round(run.seen / run.seconds))} digits a second` : "";
  const epochs = run.seen / run.chosen.images;
  return (
    `${whole(run.parameters)} parameters, ${steps(run.steps)}, ${epochs.toFixed(1)} epochs${speed}; ` +
    `batches: loss ${amount(recent(run.losses))}, ${percent(recent(run.accuracies))} right`
  );
}
