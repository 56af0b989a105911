// What a gate, a pooling or a shortcut does with a whole map, both ways: which values pass, and which
// gradients come back. A product or a sum of pictures, as it is computed.
import { sidesOf } from "./graph.js";
import { windowOf, winnerOf } from "./windows.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./terms.js").Network} Network */

/**
 * A picture: `layer` says whose values it shows; a mask has 1 where something passes.
 * @typedef {object} Part
 * @property {"values" | "gradient" | "back" | "gates" | "winners"} of
 * @property {string} layer
 * @property {Float32Array} data
 * @property {number} height
 * @property {number} width
 */

/** @typedef {{ parts: Part[], signs: string[], said: string }} Passage */

const COLUMNS = 10; // of a layer of single values, which are shown together

/**
 * @param {Network} network
 * @param {Layer} layer
 * @param {number} channel
 * @param {boolean} back
 * @returns {Passage | null} null for a layer that is nothing of the kind
 */
export function passageOf(network, layer, channel, back) {
  if (back && !network.pass.grads) return null;
  if (layer.kind === "ReLU" || layer.kind === "LeakyReLU")
    return gates(network, layer, channel, back);
  if (layer.kind === "MaxPool2d") return winners(network, layer, channel, back);
  if (layer.kind === "Sum") return split(network, layer, channel, back);
  return null;
}

/**
 * One map of a layer, or all single values of it in rows.
 *
 * @param {Part["of"]} of
 * @param {string} layer
 * @param {Float32Array} all
 * @param {number[]} shape
 * @param {number} channel
 * @returns {Part}
 */
function part(of, layer, all, shape, channel) {
  const [channels, height, width] = sidesOf(shape);
  const area = height * width;
  if (area > 1) {
    return { of, layer, data: all.slice(channel * area, (channel + 1) * area), height, width };
  }
  const across = Math.min(channels, COLUMNS);
  const data = new Float32Array(Math.ceil(channels / across) * across);
  data.set(all.subarray(0, channels));
  return { of, layer, data, height: data.length / across, width: across };
}

/** @type {(network: Network, layer: Layer, channel: number, back: boolean) => Passage} */
function gates({ pass: { outputs, grads } }, { id, kind, inputs, options }, channel, back) {
  const [x, y] = [outputs[inputs[0]], outputs[id]];
  const slope = kind === "LeakyReLU" ? options.negative_slope : 0;
  const all = x.data.map((v) => (v > 0 ? 1 : slope));
  const gate = part("gates", id, all, x.shape, channel);
  const vector = sidesOf(x.shape)[1] * sidesOf(x.shape)[2] === 1;
  const count = vector ? all.length : gate.data.length;
  const open = gate.data.subarray(0, count).filter((v) => v === 1).length;
  const found = `${open} of ${count} gates ${vector ? "of this layer" : "of this map"} are open`;
  const [passes, rest] =
    slope === 0
      ? ["what is above zero passes", "becomes zero"]
      : ["what is above zero passes", `is multiplied by ${slope}`];
  if (!back) {
    return {
      parts: [
        part("values", inputs[0], x.data, x.shape, channel),
        gate,
        part("values", id, y.data, y.shape, channel),
      ],
      signs: ["×", "="],
      said: `${found}: ${passes}, the rest ${rest}.`,
    };
  }
  const dy = /** @type {Record<string, import("../nn/tensor.js").Tensor>} */ (grads)[id];
  const dx = dy.data.map((v, i) => v * all[i]);
  return {
    parts: [
      part("gradient", id, dy.data, y.shape, channel),
      gate,
      part("back", inputs[0], dx, x.shape, channel),
    ],
    signs: ["×", "="],
    said: `${found}: through them the gradient comes back as it is; at the others it ${rest}.`,
  };
}

/** @type {(network: Network, layer: Layer, channel: number, back: boolean) => Passage} */
function winners({ pass: { outputs, grads } }, layer, channel, back) {
  const { id, inputs } = layer;
  const [x, y] = [outputs[inputs[0]], outputs[id]];
  const [from, to] = [sidesOf(x.shape), sidesOf(y.shape)];
  const window = windowOf(layer);
  const area = to[1] * to[2];
  const won = new Float32Array(x.data.length);
  const dx = new Float32Array(x.data.length);
  for (let k = 0; k < area; k++) {
    const place = winnerOf(window, x.data, from, channel, Math.floor(k / to[2]), k % to[2]);
    won[place] = 1;
    if (back && grads) dx[place] += grads[id].data[channel * area + k];
  }
  const mask = part("winners", inputs[0], won, x.shape, channel);
  const values = part("values", inputs[0], x.data, x.shape, channel);
  if (!back || !grads) {
    return {
      parts: [values, mask, part("values", id, y.data, y.shape, channel)],
      signs: ["→", "→"],
      said: `Each of the ${area} windows of this map keeps its largest value, the winner.`,
    };
  }
  return {
    parts: [
      part("gradient", id, grads[id].data, y.shape, channel),
      mask,
      part("back", inputs[0], dx, x.shape, channel),
    ],
    signs: ["→", "→"],
    said: `Each of the ${area} windows of this map gives its whole gradient to the winner; the others get zero.`,
  };
}

/** @type {(network: Network, layer: Layer, channel: number, back: boolean) => Passage} */
function split({ pass: { outputs, grads } }, { id, inputs }, channel, back) {
  const shape = outputs[id].shape;
  const of = (
    /** @type {Part["of"]} */ what,
    /** @type {string} */ name,
    /** @type {Float32Array} */ data,
  ) => part(what, name, data, shape, channel);
  if (!back || !grads) {
    return {
      parts: [
        ...inputs.map((name) => of("values", name, outputs[name].data)),
        of("values", id, outputs[id].data),
      ],
      signs: ["+", "="],
      said: "What the layers made, plus what the shortcut brought past them.",
    };
  }
  const dy = grads[id].data;
  return {
    parts: [of("gradient", id, dy), ...inputs.map((name) => of("back", name, dy))],
    signs: ["→", "and"],
    said: "A sum hands its gradient to both ways, unchanged: back through the layers, and past them by the shortcut.",
  };
}
