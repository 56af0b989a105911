// The sentences of the explorer.
import { sidesOf } from "./graph.js";
import { whereIs } from "./windows.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./terms.js").Terms} Terms */

/** Three digits that count, with a real minus sign.
 * @param {number} v */
export const short = (v) => {
  const size = Math.abs(v);
  if (size === 0) return "0";
  const text = size < 1e-4 ? v.toExponential(1) : String(Number(v.toPrecision(3)));
  return text.replaceAll("-", "−");
};

/** A probability.
 * @param {number} share */
export function percent(share) {
  if (share >= 0.99995) return "100%";
  return `${(100 * share).toFixed(share > 0.995 ? 2 : 1)}%`;
}

/** @param {string} text */
export const sentence = (text) => text[0].toUpperCase() + text.slice(1);

/**
 * What a picture to choose is called.
 * @param {number} i its number
 * @param {string} right its class
 * @param {string} read what the network reads
 */
export const pictureName = (i, right, read) =>
  `${i + 1}: ${right}${read === right ? "" : `, misread as ${read}`}`;

/**
 * What the network reads, and whether that is right.
 * @param {Float32Array} probabilities
 * @param {number} loss
 * @param {{ read: number, label: number, classes: string[], drawn: boolean, taken: boolean }} known
 *   taken: the reading is taken as right, since the reader has not said what is
 */
export function verdict(probabilities, loss, { read, label, classes, drawn, taken }) {
  if (Number.isNaN(loss)) return "The scores are no numbers any more: reset the weights.";
  const named = (/** @type {number} */ i) => `${classes[i]} (${percent(probabilities[i])})`;
  const judged =
    read === label
      ? `, which is ${taken ? "taken as right until you choose" : "right"}`
      : `; ${drawn ? "chosen as right" : "right"} is ${named(label)}`;
  return `The network reads ${named(read)}${judged}. Loss: ${short(loss)}.`;
}

/**
 * What steps of the weights did.
 * @param {number} steps since they were trained
 * @param {number[]} losses before each step of the last ones and after them
 * @param {{ pictures: number, before: number, now: number }} read how many are read right
 */
export const stepsOf = (steps, losses, { pictures, before, now }) =>
  `After ${steps} ${steps === 1 ? "step" : "steps"} of all weights, the loss went from ` +
  `${short(losses[0])} to ${short(losses[losses.length - 1])}, and of the ${pictures} pictures in the list, ` +
  `${now} are read right, where it was ${before}.`;

/**
 * Where a value lies in its layer.
 * @param {number} place
 * @param {number[]} shape
 */
export function placeName(place, shape) {
  const sides = sidesOf(shape);
  const [channel, row, column] = whereIs(place, sides);
  return sides[1] * sides[2] === 1
    ? `value ${channel}`
    : `map ${channel}, row ${row}, column ${column}`;
}

/**
 * How a layer makes an output of its input.
 * @param {Layer} layer
 * @param {Terms[]} terms
 */
export function howForward({ kind }, terms) {
  const [{ factors, values, constant }] = terms;
  const count = values.length;
  const plus = constant ? ` and the bias ${short(constant)}` : "";
  switch (kind) {
    case "Conv2d":
    case "Linear":
      return `the sum of ${count} products${plus}`;
    case "MaxPool2d":
      return `the largest of ${count} values, the winner`;
    case "AvgPool2d":
    case "GlobalAvgPool":
      return `the mean of ${count} values`;
    case "ReLU":
      return factors[0] ? "its input, as the gate is open" : "zero, as its input is not above zero";
    case "LeakyReLU":
      return `its input times ${short(factors[0])}`;
    case "BatchNorm2d":
      return `its input times ${short(factors[0])}, plus ${short(constant)}`;
    case "Sum":
      return `what the layers make, ${short(values[0])}, plus what the shortcut brings, ${short(terms[1].values[0])}`;
    case "Tanh":
    case "Sigmoid":
      return `the ${kind.toLowerCase()} of ${short(values[0])}`;
    default:
      return "its input, unchanged";
  }
}

/**
 * How a gradient comes back through a layer that took the value.
 * @param {Layer} taker
 * @param {Terms} terms
 */
export function howBackward({ kind }, { factors, values, places }) {
  switch (kind) {
    case "Conv2d":
    case "Linear":
      return `the sum of ${places.filter((place) => place >= 0).length} products, one for each output that it went into`;
    case "MaxPool2d":
      return factors.includes(1)
        ? "what comes back to the window that it won"
        : "zero: it won no window, and the winner takes all";
    case "AvgPool2d":
    case "GlobalAvgPool":
      return "its share of the gradient of the mean";
    case "ReLU":
      return factors[0] ? "what comes back, as the gate is open" : "zero, as the gate is closed";
    case "Sum":
      return "the gradient of the sum, which goes both ways unchanged";
    case "Dropout":
    case "Flatten":
    case "ZeroPadShortcut":
      return "what comes back, unchanged";
    default:
      return `what comes back, ${short(values[0])}, times ${short(factors[0])}`;
  }
}
