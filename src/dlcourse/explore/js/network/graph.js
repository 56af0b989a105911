// Which layer takes what from which: a network's description as a list of its layers, in order.

/** @typedef {import("../nn/network.js").Description} Description */
/** @typedef {import("../nn/tensor.js").Tensor} Tensor */

/**
 * A layer that computes, by its dotted name; inputs are ids of the layers before. "input" is the
 * image; a layer of kind "Sum" is where a shortcut comes back.
 *
 * @typedef {{ id: string, kind: string, options: Record<string, any>, inputs: string[] }} Layer
 */

/** What passed through a network, by layer: values, and gradients after a backward pass.
 * @typedef {{ outputs: Record<string, Tensor>, grads: Record<string, Tensor> | null }} Pass */

/**
 * The layers of a network, each after those that it takes its input from.
 *
 * @param {Description} description
 * @returns {Layer[]}
 */
export function layersOf(description) {
  /** @type {Layer[]} */
  const layers = [{ id: "input", kind: "Input", options: {}, inputs: [] }];
  follow(description, "", "input", layers);
  return layers;
}

/**
 * Append the layers of a description; returns the id of the last one.
 *
 * @param {Description} description
 * @param {string} id its dotted name
 * @param {string} from the layer that it takes its input from
 * @param {Layer[]} layers
 */
function follow({ kind, name: _, children, ...options }, id, from, layers) {
  /** @type {(id: string, kind: string, inputs: string[]) => string} */
  const add = (own, of, inputs) => {
    layers.push({ id: own, kind: of, options, inputs });
    return own;
  };
  if (!children) return add(id, kind, [from]);
  const parts = new Map(children.map((child, i) => [child.name ?? String(i), child]));
  /** @type {(names: string[], start: string) => string} */
  const along = (names, start) =>
    names.reduce((last, name) => {
      const part = parts.get(name);
      return part ? follow(part, id ? `${id}.${name}` : name, last, layers) : last;
    }, start);
  if (kind === "Residual") {
    const end = along(["body"], from);
    return add(`${id}.sum`, "Sum", [end, along(["shortcut"], from)]);
  }
  if (kind === "BasicBlock" || kind === "Bottleneck") {
    const around = ["relu", "downsample"];
    const body = [...parts.keys()].filter((name) => !around.includes(name));
    const end = along(body, from);
    if (options.shortcut === false) return along(["relu"], end);
    return along(["relu"], add(`${id}.sum`, "Sum", [end, along(["downsample"], from)]));
  }
  return along([...parts.keys()], from);
}

/**
 * What passed through every layer, from the answer of a session, which knows no sums and no input.
 *
 * @param {Layer[]} layers
 * @param {Tensor} image
 * @param {{ outputs: Record<string, Tensor>, outputGrads?: Record<string, Tensor>,
 *   inputGrad?: Tensor }} answer
 * @returns {Pass}
 */
export function passOf(layers, image, { outputs, outputGrads, inputGrad }) {
  /** @type {Pass} */
  const pass = {
    outputs: { ...outputs, input: image },
    grads: outputGrads && inputGrad ? { ...outputGrads, input: inputGrad } : null,
  };
  for (const { id, kind, inputs } of layers) {
    if (kind !== "Sum") continue;
    const [a, b] = inputs.map((name) => pass.outputs[name]);
    pass.outputs[id] = { shape: a.shape, data: a.data.map((v, i) => v + b.data[i]) };
    // Nothing else takes what the body ends in, so its gradient is that of the sum.
    if (pass.grads) pass.grads[id] = pass.grads[inputs[0]];
  }
  return pass;
}

/**
 * Channels, rows and columns of one image's output; a row of values is that many channels of one.
 *
 * @param {number[]} shape of a batch
 * @returns {[number, number, number]}
 */
export const sidesOf = ([, channels, height = 1, width = 1]) => [channels, height, width];

const TITLES = /** @type {Record<string, string>} */ ({
  AvgPool2d: "mean pooling",
  BatchNorm2d: "batch norm",
  Conv2d: "convolution",
  Dropout: "dropout",
  Flatten: "flatten",
  GlobalAvgPool: "mean of each map",
  Input: "picture",
  LeakyReLU: "leaky ReLU",
  Linear: "linear",
  MaxPool2d: "max pooling",
  ReLU: "ReLU",
  Sigmoid: "sigmoid",
  Sum: "sum with shortcut",
  Tanh: "tanh",
  ZeroPadShortcut: "shortcut",
});

/**
 * What each layer is called: its kind, with a number where there are several of it.
 *
 * @param {Layer[]} layers
 * @returns {Record<string, string>} by id
 */
export function titlesOf(layers) {
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {Record<string, string>} */
  const titles = {};
  for (const { id, kind } of layers) {
    counts[kind] = (counts[kind] ?? 0) + 1;
    const several = layers.filter((layer) => layer.kind === kind).length > 1;
    titles[id] = several ? `${TITLES[kind]} ${counts[kind]}` : TITLES[kind];
  }
  return titles;
}

/** What of a block's class a link means: where its shortcut comes back.
 * @type {Record<string, string>} */
const MEANT = { BasicBlock: "Sum", Bottleneck: "Sum", Residual: "Sum" };

/**
 * The number of the layer that a link names: by its dotted name, or the first of a class; -1 if there
 * is none. Of a `Sequential` it is the last.
 *
 * @param {Layer[]} layers
 * @param {string} name
 */
export function layerNamed(layers, name) {
  if (name === "Sequential") return layers.length - 1; // where its way back begins
  const own = layers.findIndex(({ id }) => id === name);
  return own >= 0 ? own : layers.findIndex(({ kind }) => kind === (MEANT[name] ?? name));
}

/**
 * The place of the value that is furthest from zero.
 * @param {Float32Array} data
 */
export const strongest = (data) =>
  data.reduce((best, v, i) => (Math.abs(v) > Math.abs(data[best]) ? i : best), 0);
