// The fully connected layer, and the flattening that leads to it.
import { channelSum } from "./kernels/convolution.js";
import { packed, weightedSums, weightSums } from "./kernels/products.js";
import { grid } from "./kernels/windows.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";
import { sizeOf, tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * A fully connected layer: every output is a weighted sum of all inputs.
 *
 * `y[n, o] = b[o] + sum over i of x[n, i] w[o, i]`
 */
export class Linear extends Module {
  /** @param {{ in_features: number, out_features: number, bias?: boolean }} options */
  constructor({ in_features, out_features, bias = true }) {
    super();
    this.weight = new Parameter([out_features, in_features]);
    this.bias = bias ? new Parameter([out_features]) : null;
  }

  /** @param {Tensor} x of shape (N, I) */
  forward(x) {
    const [outputs, inputs] = this.weight.shape;
    if (x.shape.length !== 2 || x.shape[1] !== inputs) {
      throw new Error(`Linear expects (N, ${inputs}), found shape (${x.shape.join(", ")})`);
    }
    this.x = x;
    const y = tensor([x.shape[0], outputs]);
    const weights = packed(this.weight.data, steps(inputs), inputs, outputs);
    const bias = this.bias?.data ?? null;
    // A row is a place of a window that is the whole row.
    weightedSums(x.data, rows(x), steps(inputs), weights, bias, y.data, rows(y), 1, outputs);
    return y;
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const x = /** @type {Tensor} */ (this.x);
    const [outputs, inputs] = this.weight.shape;
    const dw = new Float64Array(outputs * inputs);
    weightSums(x.data, rows(x), steps(inputs), dy.data, rows(dy), 1, outputs, dw);
    this.weight.accumulate(dw);
    this.bias?.accumulate(channelSum(dy));
    if (!this.inputGrad) return null;
    const dx = tensor(x.shape);
    const weights = packed(this.weight.data, grid([1, outputs], [0, inputs]), 1, inputs);
    weightedSums(dy.data, rows(dy), steps(outputs), weights, null, dx.data, rows(dx), 1, inputs);
    return dx;
  }
}

/**
 * Where each row begins.
 *
 * @param {Tensor} x
 */
const rows = ({ shape: [count, length] }) => grid([count, 1], [length, 0]);

/** @param {number} length */
const steps = (length) => grid([1, length], [0, 1]);

/** All values of an image in one row: (N, C, H, W) to (N, C * H * W). */
export class Flatten extends Module {
  /** @param {Tensor} x */
  forward(x) {
    this.shape = x.shape;
    const [images, ...sides] = x.shape;
    return tensor([images, sizeOf(sides)], x.data);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    return tensor(/** @type {number[]} */ (this.shape), dy.data);
  }
}
