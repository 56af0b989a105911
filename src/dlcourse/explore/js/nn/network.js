// A network from its description, and its weights: what dlcourse.explore.lib.network_data makes.
import { LeakyReLU, ReLU, Sigmoid, Tanh } from "./activation.js";
import { Chain, Residual, Sequential } from "./containers.js";
import { Conv2d } from "./convolution.js";
import { Dropout } from "./dropout.js";
import { Flatten, Linear } from "./linear.js";
import { BatchNorm2d } from "./normalization.js";
import { AvgPool2d, GlobalAvgPool, MaxPool2d } from "./pooling.js";
import { ResidualBlock, ZeroPadShortcut } from "./residual.js";

/** @typedef {import("./module.js").Module} Module */

/**
 * A layer: the name of its class, its name in the layer around it, the arguments of its class by
 * their names there, and the layers inside, in order.
 *
 * @typedef {{ kind: string, name?: string, children?: Description[], [argument: string]: unknown }} Description
 */

/** Layers without others inside take their arguments as they are.
 * @type {Record<string, new (options: any) => Module>} */
const LAYERS = {
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  GlobalAvgPool,
  LeakyReLU,
  Linear,
  MaxPool2d,
  ReLU,
  Sigmoid,
  Tanh,
  ZeroPadShortcut,
};

/** @type {Record<string, (parts: [string, Module][], description: Description) => Module>} */
const CONTAINERS = {
  Chain: (parts) => new Chain(parts),
  Sequential: (parts) => new Sequential(...parts.map(([, part]) => part)),
  Residual: (parts) => {
    const { body, shortcut } = Object.fromEntries(parts);
    return new Residual(body, shortcut);
  },
  BasicBlock: (parts, { shortcut }) => new ResidualBlock(parts, shortcut !== false),
  Bottleneck: (parts) => new ResidualBlock(parts),
};

/**
 * Build the network of a description; weights are still to be drawn or loaded.
 *
 * @param {Description} description
 * @returns {Module}
 */
export function build(description) {
  const { kind, name: _, children, ...options } = description;
  if (Object.hasOwn(LAYERS, kind)) return new LAYERS[kind](options);
  if (Object.hasOwn(CONTAINERS, kind)) {
    const parts = (children ?? []).map(
      (child, i) => /** @type {[string, Module]} */ ([child.name ?? String(i), build(child)]),
    );
    return CONTAINERS[kind](parts, description);
  }
  const known = [...Object.keys(LAYERS), ...Object.keys(CONTAINERS)].sort().join(", ");
  throw new Error(`this engine has no layer ${kind}; it has ${known}`);
}

/**
 * Copy weights into a network, and return it.
 *
 * @param {Module} network
 * @param {Float32Array} weights the arrays of its state, one behind the other
 */
export function loadWeights(network, weights) {
  const arrays = [...network.stateDict().values()];
  const expected = arrays.reduce((sum, array) => sum + array.length, 0);
  if (weights.length !== expected) {
    throw new Error(
      `these weights belong to another network: it has ${expected}, found ${weights.length}`,
    );
  }
  let start = 0;
  for (const array of arrays) {
    array.set(weights.subarray(start, start + array.length));
    start += array.length;
  }
  return network;
}

/**
 * The arrays of a network's state, one behind the other: what `loadWeights` takes.
 *
 * @param {Module} network
 */
export function savedWeights(network) {
  const arrays = [...network.stateDict().values()];
  const weights = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let start = 0;
  for (const array of arrays) {
    weights.set(array, start);
    start += array.length;
  }
  return weights;
}

/**
 * Turn base64 of float32 numbers into an array; the lowest byte of each number is the first.
 *
 * @param {string} text
 */
export function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
