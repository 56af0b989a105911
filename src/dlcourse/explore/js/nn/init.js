// Initial weights whose spread follows from the shape of the layer.
import { generator, normal, Stream } from "./streams.js";

/** @typedef {import("./parameter.js").Parameter} Parameter */

/**
 * How many inputs feed one output of a layer.
 *
 * @param {number[]} shape (O, I) of a linear layer, (O, C, KH, KW) of a convolution
 */
export function fanIn([, ...inputs]) {
  return inputs.reduce((product, side) => product * side, 1);
}

/**
 * Draw weights from a normal distribution of standard deviation `spread * sqrt(2 / fanIn)`.
 *
 * ReLU lets half of its input's second moment through; the 2 makes up for that, so with a spread of
 * 1 the signal keeps its size from layer to layer (He et al. 2015).
 *
 * @param {Parameter} parameter
 * @param {import("./module.js").Random} rng
 * @param {number} [spread]
 */
export function heNormal({ data, shape }, rng, spread = 1) {
  const std = spread * Math.sqrt(2 / fanIn(shape));
  for (let i = 0; i < data.length; i++) data[i] = std * normal(rng);
}

/**
 * Draw the weights of a network that was just built; each has a generator of its own.
 *
 * Biases stay 0, and scale and shift of normalization 1 and 0.
 *
 * @param {import("./module.js").Module} network
 * @param {number} seed
 * @param {number} [spread]
 */
export function initialize(network, seed, spread = 1) {
  network.parameters().forEach((parameter, i) => {
    if (parameter.shape.length > 1) heNormal(parameter, generator(seed, Stream.INIT, i), spread);
  });
}
