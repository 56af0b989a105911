// What the gradient of a weight is the sum of: over all places where it was used, the value that it met
// times the gradient there.
import { sidesOf } from "./graph.js";
import { normalization, Terms } from "./terms.js";
import { pixelAt, whereIs, windowOf } from "./windows.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./terms.js").Network} Network */

/**
 * The terms of a weight's gradient. The values of batch norm's are normalized ones.
 *
 * @param {Network} network after a backward pass
 * @param {Layer} layer a convolution, a linear layer, or batch norm
 * @param {number} weight
 */
export function weightTerms({ pass: { outputs, grads }, weights }, layer, weight) {
  if (!grads) throw new Error("gradients need a backward pass: call gradients first");
  const { id, kind, inputs } = layer;
  const [x, dy] = [outputs[inputs[0]], grads[id]];
  const [from, to] = [sidesOf(x.shape), sidesOf(dy.shape)];
  if (kind === "Linear") {
    const [o, i] = [Math.floor(weight / x.data.length), weight % x.data.length];
    const terms = new Terms(inputs[0], [1, 1, 1]);
    terms.set(0, i, x.data[i], dy.data[o], weight);
    return terms;
  }
  const terms = new Terms(inputs[0], [1, to[1], to[2]]);
  const area = to[1] * to[2];
  if (kind === "BatchNorm2d") {
    const { mean, deviation } = normalization(layer, weights, weight);
    for (let k = 0; k < area; k++) {
      const place = weight * area + k;
      terms.set(k, place, (x.data[place] - mean) / deviation, dy.data[place], weight);
    }
    return terms;
  }
  const window = windowOf(layer);
  const [map, u, v] = whereIs(weight, [0, ...window.kernel]);
  const [o, c] = [Math.floor(map / from[0]), map % from[0]];
  for (let k = 0; k < area; k++) {
    const [, i, j] = whereIs(k, terms.sides);
    const top = pixelAt(window, 0, i, u, from[1]);
    const left = pixelAt(window, 1, j, v, from[2]);
    const inside = top >= 0 && left >= 0;
    const place = inside ? (c * from[1] + top) * from[2] + left : -1;
    terms.set(k, place, inside ? x.data[place] : 0, dy.data[o * area + k], weight);
  }
  return terms;
}

/**
 * The gradient of a channel's bias, which was added at every place: the sum of the gradients there; null
 * if the layer has none.
 *
 * @param {Network} network after a backward pass
 * @param {Layer} layer
 * @param {number} channel
 */
export function biasGradient({ pass: { grads }, weights }, { id }, channel) {
  const dy = grads?.[id];
  if (!dy || !weights[id ? `${id}.bias` : "bias"]) return null;
  const area = dy.data.length / dy.shape[1];
  let total = 0;
  for (let k = 0; k < area; k++) total += dy.data[channel * area + k];
  return total;
}

/**
 * What a weight is called: where it lies in its array, and its layer.
 *
 * @param {number} weight
 * @param {number[]} shape of the array
 * @param {string} title of the layer
 */
export function weightName(weight, shape, title) {
  const place = [];
  for (let rest = weight, axis = shape.length - 1; axis >= 0; axis--) {
    place.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return `weight ${place.join(", ")} of ${title}`;
}
