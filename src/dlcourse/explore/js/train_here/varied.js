// What the reader's choices make of the network and of the digits.
import { generator, permutation, Stream } from "../nn/streams.js";

/** @typedef {import("../nn/network.js").Description} Description */
/** @typedef {import("../training/trainer.js").Dataset} Dataset */

/**
 * @param {Description} description of a network with normalization and without dropout
 * @param {{ batch_norm: number, dropout: number }} settings
 * @returns {Description}
 */
export function varied(description, { batch_norm, dropout }) {
  const network = batch_norm ? description : withoutNorm(description);
  return dropout ? withDropout(network, dropout) : network;
}

/**
 * Normalization shifts each channel; where it is gone, the convolution before it has a bias instead.
 *
 * @param {Description} description
 * @returns {Description}
 */
function withoutNorm({ children, ...layer }) {
  if (layer.kind === "Conv2d") return { ...layer, bias: true };
  if (!children) return layer;
  return around(layer, children.filter(({ kind }) => kind !== "BatchNorm2d").map(withoutNorm));
}

/**
 * Put dropout before the last layer.
 *
 * @param {Description} description
 * @param {number} p
 * @returns {Description}
 */
function withDropout({ children = [], ...layer }, p) {
  const [last] = children.slice(-1);
  const end = last.children
    ? [withDropout(last, p)]
    : [{ kind: "Dropout", name: "dropout", p }, last];
  return around(layer, [...children.slice(0, -1), ...end]);
}

/**
 * A container around other layers than before: those of a Sequential are numbered.
 *
 * @param {Description} layer
 * @param {Description[]} children
 */
const around = (layer, children) => ({
  ...layer,
  children:
    layer.kind === "Sequential"
      ? children.map((child, i) => ({ ...child, name: String(i) }))
      : children,
});

/**
 * The digits to train on, as many as are chosen, with the mistake that is.
 * @param {Dataset} all
 * @param {{ images: number, mistake: string, seed: number }} chosen
 * @returns {Dataset}
 */
export function chosenDigits({ images, shape, labels }, { images: count, mistake, seed }) {
  const size = images.length / labels.length;
  const digits = { images: images.slice(0, count * size), shape, labels: labels.slice(0, count) };
  if (mistake === "pixels 0 to 255") digits.images = Float32Array.from(digits.images);
  if (mistake === "shuffled labels") {
    const order = permutation(count, generator(seed, Stream.SHUFFLE, -1)); // epochs count from 0
    digits.labels = Uint8Array.from(order, (n) => labels[n]);
  }
  return digits;
}
