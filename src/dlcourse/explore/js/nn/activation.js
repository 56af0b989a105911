// Activations: the nonlinearities between linear layers, element by element.
import { Module } from "./module.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/** Values above zero pass; all others become zero: `y = max(x, 0)`. At zero itself the gradient is zero. */
export class ReLU extends Module {
  /** @param {Tensor} x */
  forward(x) {
    this.x = x.data;
    const y = new Float32Array(x.data.length);
    const from = x.data;
    for (let i = 0; i < y.length; i++) y[i] = Math.max(from[i], 0); // NaN stays NaN
    return tensor(x.shape, y);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const x = /** @type {Float32Array} */ (this.x);
    const dx = new Float32Array(x.length);
    const from = dy.data;
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] <= 0 ? 0 : from[i];
    return tensor(dy.shape, dx);
  }
}

/** Values below zero pass as well, but multiplied by a small share. */
export class LeakyReLU extends Module {
  /** @param {{ negative_slope?: number }} [options] */
  constructor({ negative_slope = 0.01 } = {}) {
    super();
    this.negativeSlope = negative_slope;
  }

  /** @param {Tensor} x */
  forward(x) {
    this.x = x.data;
    return tensor(
      x.shape,
      x.data.map((v) => (v > 0 ? v : v * this.negativeSlope)),
    );
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const x = /** @type {Float32Array} */ (this.x);
    return tensor(
      dy.shape,
      dy.data.map((d, i) => (x[i] > 0 ? d : d * this.negativeSlope)),
    );
  }
}

/** The hyperbolic tangent, from -1 to 1; its slope is `1 - y ** 2`. */
export class Tanh extends Module {
  /** @param {Tensor} x */
  forward(x) {
    this.y = x.data.map(Math.tanh);
    return tensor(x.shape, this.y);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const y = /** @type {Float32Array} */ (this.y);
    return tensor(
      dy.shape,
      dy.data.map((d, i) => d * (1 - y[i] * y[i])),
    );
  }
}

/** The logistic function `y = 1 / (1 + exp(-x))`, from 0 to 1; its slope is `y (1 - y)`. */
export class Sigmoid extends Module {
  /** @param {Tensor} x */
  forward(x) {
    this.y = x.data.map((v) => 1 / (1 + Math.exp(-v))); // exp may be infinite: then the share is 0
    return tensor(x.shape, this.y);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const y = /** @type {Float32Array} */ (this.y);
    return tensor(
      dy.shape,
      dy.data.map((d, i) => d * y[i] * (1 - y[i])),
    );
  }
}
