// Dropout: a network that cannot lean on any single value.
import { Module } from "./module.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * Each value becomes zero with probability p while training.
 *
 * What stays is multiplied by `1 / (1 - p)`, so that the mean keeps its size; outside training the
 * input passes unchanged.
 */
export class Dropout extends Module {
  /** @param {{ p?: number }} [options] */
  constructor({ p = 0.5 } = {}) {
    super();
    this.p = p;
    /** Draws what to drop; `setGenerator` hands one to every layer of a network.
     * @type {import("./module.js").Random | null} */
    this.rng = null;
    /** What the values were multiplied by; null if they passed unchanged.
     * @type {Float32Array | null} */
    this.mask = null;
  }

  /** @param {Tensor} x */
  forward(x) {
    this.mask = null;
    if (!this.training || this.p === 0) return x;
    const { p, rng } = this;
    if (!rng)
      throw new Error(
        "Dropout needs a random generator to train: call setGenerator(rng), or eval()",
      );
    const mask = new Float32Array(x.data.length);
    for (let i = 0; i < mask.length; i++) mask[i] = rng() >= p ? 1 / (1 - p) : 0;
    this.mask = mask;
    return tensor(
      x.shape,
      x.data.map((v, i) => v * mask[i]),
    );
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const { mask } = this;
    return mask
      ? tensor(
          dy.shape,
          dy.data.map((d, i) => d * mask[i]),
        )
      : dy;
  }
}
