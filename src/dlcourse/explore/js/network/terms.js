// What a number in a network is the sum of: value times factor, term by term, both ways.
//
// Forward, an output is a sum over the layer's inputs; back, a gradient is a sum over the outputs that
// the value went into. A gate, a winner or a shortcut is a factor of 0 or 1. Nothing here is
// approximate: tests add the terms up.
import { sidesOf } from "./graph.js";
import { outputAt, pixelAt, whereIs, windowOf, winnerOf } from "./windows.js";

/** @typedef {import("../nn/tensor.js").Tensor} Tensor */
/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./graph.js").Pass} Pass */
/** @typedef {{ pass: Pass, weights: Record<string, Tensor>, layers: Layer[] }} Network */

/** Terms in maps of rows and columns. */
export class Terms {
  /**
   * @param {string} layer where the values are
   * @param {[number, number, number]} sides maps, rows, columns
   */
  constructor(layer, sides) {
    this.layer = layer;
    this.sides = sides;
    const count = sides[0] * sides[1] * sides[2];
    this.values = new Float32Array(count);
    this.factors = new Float32Array(count);
    /** Which value of the layer; -1 where there is none, as in a border. */
    this.places = new Int32Array(count).fill(-1);
    /** Which weight the factor is, where it is one. */
    this.weights = new Int32Array(count).fill(-1);
    /** What is added to the terms. */
    this.constant = 0;
  }

  /** @type {(term: number, place: number, value: number, factor: number, weight?: number) => void} */
  set(term, place, value, factor, weight = -1) {
    this.places[term] = place;
    this.values[term] = value;
    this.factors[term] = factor;
    this.weights[term] = weight;
  }

  get products() {
    return this.values.map((v, i) => v * this.factors[i]);
  }

  get total() {
    return this.values.reduce((sum, v, i) => sum + v * this.factors[i], this.constant);
  }
}

/** How a function is steep, from its input and output.
 * @type {Record<string, (x: number, y: number, options: Record<string, any>) => number>} */
const SLOPES = {
  Dropout: () => 1, // in use it lets everything pass
  Flatten: () => 1,
  LeakyReLU: (x, _, { negative_slope }) => (x > 0 ? 1 : negative_slope),
  ReLU: (x) => (x > 0 ? 1 : 0),
  Sigmoid: (_, y) => y * (1 - y),
  Sum: () => 1,
  Tanh: (_, y) => 1 - y * y,
};

/**
 * The scale and the shift of normalization by running averages.
 *
 * @param {Layer} layer
 * @param {Record<string, Tensor>} weights
 * @param {number} channel
 */
export function normalization({ id, options }, weights, channel) {
  const [mean, variance] = ["running_mean", "running_var"].map((n) => at(weights, id, n, channel));
  const deviation = Math.sqrt(variance + options.eps);
  const scale = at(weights, id, "weight", channel) / deviation;
  return { mean, deviation, scale, shift: at(weights, id, "bias", channel) - mean * scale };
}

/** A weight, 0 where the layer has none.
 * @type {(weights: Record<string, Tensor>, id: string, name: string, place: number) => number} */
export const at = (weights, id, name, place) =>
  weights[id ? `${id}.${name}` : name]?.data[place] ?? 0;

/**
 * What a value of a layer is the sum of: one entry for each of its inputs, none for a pixel.
 *
 * @param {Network} network
 * @param {Layer} layer
 * @param {number} unit
 * @returns {Terms[]}
 */
export function forwardTerms({ pass, weights }, layer, unit) {
  const { id, kind, options, inputs } = layer;
  if (inputs.length === 0) return [];
  const [x, y] = [pass.outputs[inputs[0]], pass.outputs[id]];
  const [from, to] = [sidesOf(x.shape), sidesOf(y.shape)];
  const [channel, i, j] = whereIs(unit, to);
  const one = (/** @type {number} */ place, /** @type {number} */ factor, source = inputs[0]) => {
    const terms = new Terms(source, [1, 1, 1]);
    if (place >= 0) terms.set(0, place, pass.outputs[source].data[place], factor);
    return terms;
  };
  if (kind === "Sum") return inputs.map((source) => one(unit, 1, source));
  if (kind === "Conv2d" || kind === "MaxPool2d" || kind === "AvgPool2d") {
    const window = windowOf(layer);
    const [rows, columns] = window.kernel;
    const learnt = kind === "Conv2d";
    const maps = learnt ? from[0] : 1;
    const terms = new Terms(inputs[0], [maps, rows, columns]);
    const winner = learnt ? -1 : winnerOf(window, x.data, from, channel, i, j);
    for (let k = 0; k < maps * rows * columns; k++) {
      const [c, u, v] = whereIs(k, terms.sides);
      const top = pixelAt(window, 0, i, u, from[1]);
      const left = pixelAt(window, 1, j, v, from[2]);
      const inside = top >= 0 && left >= 0;
      const place = inside ? ((learnt ? c : channel) * from[1] + top) * from[2] + left : -1;
      const value = inside ? x.data[place] : 0;
      const weight = channel * terms.values.length + k;
      if (learnt) terms.set(k, place, value, at(weights, id, "weight", weight), weight);
      else if (kind === "AvgPool2d") terms.set(k, place, value, 1 / (rows * columns));
      else terms.set(k, place, value, inside && place === winner ? 1 : 0);
    }
    if (learnt) terms.constant = at(weights, id, "bias", channel);
    return [terms];
  }
  if (kind === "Linear") {
    const terms = new Terms(inputs[0], from);
    terms.constant = at(weights, id, "bias", unit);
    for (let k = 0; k < x.data.length; k++) {
      const weight = unit * x.data.length + k;
      terms.set(k, k, x.data[k], at(weights, id, "weight", weight), weight);
    }
    return [terms];
  }
  if (kind === "GlobalAvgPool") {
    const plane = from[1] * from[2];
    const terms = new Terms(inputs[0], [1, from[1], from[2]]);
    for (let k = 0; k < plane; k++)
      terms.set(k, channel * plane + k, x.data[channel * plane + k], 1 / plane);
    return [terms];
  }
  if (kind === "BatchNorm2d") {
    const { scale, shift } = normalization(layer, weights, channel);
    const terms = Object.assign(one(unit, scale), { constant: shift });
    terms.weights[0] = channel;
    return [terms];
  }
  if (kind === "ZeroPadShortcut") {
    const { stride } = options;
    const place = (channel * from[1] + i * stride) * from[2] + j * stride;
    return [one(channel < from[0] ? place : -1, 1)];
  }
  // A curve: a product with the slope of the chord from its value at 0.
  const start = kind === "Sigmoid" ? 0.5 : 0;
  const value = x.data[unit];
  const slope = SLOPES[kind](value, y.data[unit], options);
  const curved = kind === "Sigmoid" || kind === "Tanh";
  const chord = curved && value !== 0 ? (y.data[unit] - start) / value : slope;
  return [Object.assign(one(unit, chord), { constant: start })];
}

/**
 * What the gradient of a value is the sum of: one entry for each layer that takes it.
 *
 * @param {Network} network after a backward pass
 * @param {Layer} layer
 * @param {number} unit
 * @returns {Terms[]}
 */
export function backwardTerms(network, layer, unit) {
  return network.layers
    .filter(({ inputs }) => inputs.includes(layer.id))
    .map((taker) => gradientThrough(network, taker, layer.id, unit));
}

/**
 * @param {Network} network
 * @param {Layer} taker
 * @param {string} source
 * @param {number} unit
 */
function gradientThrough({ pass: { outputs, grads }, weights }, taker, source, unit) {
  const { id, kind, options } = taker;
  if (!grads) throw new Error("gradients need a backward pass: call gradients first");
  const [x, y, dy] = [outputs[source], outputs[id], grads[id]];
  const [from, to] = [sidesOf(x.shape), sidesOf(y.shape)];
  const [channel, row, column] = whereIs(unit, from);
  const one = (/** @type {number} */ place, /** @type {number} */ factor) => {
    const terms = new Terms(id, [1, 1, 1]);
    if (place >= 0) terms.set(0, place, dy.data[place], factor);
    return terms;
  };
  if (kind === "Conv2d" || kind === "MaxPool2d" || kind === "AvgPool2d") {
    const window = windowOf(taker);
    const [rows, columns] = window.kernel;
    const learnt = kind === "Conv2d";
    const maps = learnt ? to[0] : 1;
    const terms = new Terms(id, [maps, rows, columns]);
    for (let k = 0; k < maps * rows * columns; k++) {
      // Outputs in the order in which they lie: the last place of a window belongs to the first.
      const [o, a, b] = whereIs(k, terms.sides);
      const [u, v] = [rows - 1 - a, columns - 1 - b];
      const i = outputAt(window, 0, row, u, to[1]);
      const j = outputAt(window, 1, column, v, to[2]);
      const inside = i >= 0 && j >= 0;
      const place = inside ? ((learnt ? o : channel) * to[1] + i) * to[2] + j : -1;
      const value = inside ? dy.data[place] : 0;
      const weight = ((o * from[0] + channel) * rows + u) * columns + v;
      if (learnt) terms.set(k, place, value, at(weights, id, "weight", weight), weight);
      else if (kind === "AvgPool2d") terms.set(k, place, value, 1 / (rows * columns));
      else {
        const winner = inside ? winnerOf(window, x.data, from, channel, i, j) : -1;
        terms.set(k, place, value, winner === unit ? 1 : 0);
      }
    }
    return terms;
  }
  if (kind === "Linear") {
    const terms = new Terms(id, to);
    for (let o = 0; o < to[0]; o++) {
      const weight = o * x.data.length + unit;
      terms.set(o, o, dy.data[o], at(weights, id, "weight", weight), weight);
    }
    return terms;
  }
  if (kind === "GlobalAvgPool") return one(channel, 1 / (from[1] * from[2]));
  if (kind === "BatchNorm2d") {
    const terms = one(unit, normalization(taker, weights, channel).scale);
    terms.weights[0] = channel;
    return terms;
  }
  if (kind === "ZeroPadShortcut") {
    const { stride } = options;
    const kept = row % stride === 0 && column % stride === 0;
    const place = (channel * to[1] + row / stride) * to[2] + column / stride;
    return one(kept ? place : -1, 1);
  }
  return one(unit, SLOPES[kind](x.data[unit], y.data[unit], options));
}
