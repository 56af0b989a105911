// Normalization: keeping the size of the values that pass through a network.
import { checkImages } from "./kernels/windows.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * Each channel normalised to mean 0 and variance 1, then scaled and shifted by learnt numbers.
 *
 * `y = weight * (x - mean) / sqrt(var + eps) + bias`. In training mean and variance are those of the
 * channel in this batch; running averages of them are kept and take their place outside training.
 */
export class BatchNorm2d extends Module {
  /** @param {{ num_features: number, eps?: number, momentum?: number }} options */
  constructor({ num_features, eps = 1e-5, momentum = 0.1 }) {
    super();
    this.eps = eps;
    this.momentum = momentum;
    this.weight = new Parameter([num_features], 1);
    this.bias = new Parameter([num_features]);
    this.buffers = {
      running_mean: new Float32Array(num_features),
      running_var: new Float32Array(num_features).fill(1),
    };
    this.mean = new Float64Array(num_features);
    this.inverseStd = new Float64Array(num_features);
    this.batchStatistics = false;
  }

  /** @param {Tensor} x images (N, C, H, W) */
  forward(x) {
    const { channels, ...sides } = checkImages("BatchNorm2d", x, this.weight.shape[0]);
    const count = sides.images * sides.height * sides.width;
    this.batchStatistics = this.training;
    if (this.training && count <= 1) {
      throw new Error(
        "BatchNorm2d in training needs more than one value per channel, " +
          `found shape (${x.shape.join(", ")}); use a larger batch, or eval()`,
      );
    }
    for (let c = 0; c < channels; c++) {
      const [mean, variance] = this.training ? this.moments(x, c, count) : this.running(c);
      this.mean[c] = mean;
      this.inverseStd[c] = 1 / Math.sqrt(variance + this.eps);
    }
    this.x = x;
    const y = tensor(x.shape);
    eachPlane(x.shape, (c, start, end) => {
      const scale = this.weight.data[c] * this.inverseStd[c];
      multiplyAdd(x.data, scale, this.bias.data[c] - this.mean[c] * scale, y.data, start, end);
    });
    return y;
  }

  /** @param {number} c the channel */
  running(c) {
    return [this.buffers.running_mean[c], this.buffers.running_var[c]];
  }

  /**
   * Mean and variance of a channel in this batch; the running averages move towards them.
   *
   * @param {Tensor} x
   * @param {number} c
   * @param {number} count values of a channel
   */
  moments(x, c, count) {
    let sum = 0;
    eachPlane(
      x.shape,
      (_, start, end) => {
        sum += total(x.data, start, end);
      },
      c,
    );
    const mean = sum / count;
    let squares = 0;
    eachPlane(
      x.shape,
      (_, start, end) => {
        squares += squaresAround(x.data, mean, start, end);
      },
      c,
    );
    const variance = squares / count;
    const { running_mean: means, running_var: variances } = this.buffers;
    means[c] += this.momentum * (mean - means[c]);
    variances[c] += this.momentum * (squares / (count - 1) - variances[c]); // the unbiased estimate
    return [mean, variance];
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const x = /** @type {Tensor} */ (this.x);
    const [images, channels, height, width] = dy.shape;
    const count = images * height * width;
    const dw = new Float64Array(channels);
    const db = new Float64Array(channels);
    eachPlane(dy.shape, (c, start, end) => {
      db[c] += total(dy.data, start, end);
      dw[c] += this.inverseStd[c] * productsAround(dy.data, x.data, this.mean[c], start, end);
    });
    this.weight.accumulate(dw);
    this.bias.accumulate(db);
    const dx = tensor(dy.shape);
    eachPlane(dy.shape, (c, start, end) => {
      const scale = this.weight.data[c] * this.inverseStd[c];
      if (!this.batchStatistics) return multiplyAdd(dy.data, scale, 0, dx.data, start, end);
      // Mean and variance depend on every value, and undo a part of what each one changes:
      // dx = scale * (dy - mean(dy) - x_normalized * mean(dy * x_normalized)).
      const slope = (-scale * dw[c] * this.inverseStd[c]) / count;
      const offset = (-scale * db[c]) / count - this.mean[c] * slope;
      for (let i = start; i < end; i++)
        dx.data[i] = scale * dy.data[i] + slope * x.data[i] + offset;
    });
    return dx;
  }
}

/**
 * Call a function for each image of one channel or of all: its values lie from `start` up to `end`.
 *
 * @param {number[]} shape
 * @param {(channel: number, start: number, end: number) => void} visit
 * @param {number} [only] the channel; all when left out
 */
function eachPlane([images, channels, height, width], visit, only) {
  const plane = height * width;
  for (let n = 0; n < images; n++) {
    for (let c = only ?? 0; c < (only === undefined ? channels : only + 1); c++) {
      const start = (n * channels + c) * plane;
      visit(c, start, start + plane);
    }
  }
}

// The loops over pixels are functions of their own: small ones are compiled best.

/**
 * @param {Float32Array} x
 * @param {number} start
 * @param {number} end
 */
function total(x, start, end) {
  let sum = 0;
  for (let i = start; i < end; i++) sum += x[i];
  return sum;
}

/**
 * @param {Float32Array} x
 * @param {number} mean
 * @param {number} start
 * @param {number} end
 */
function squaresAround(x, mean, start, end) {
  let sum = 0;
  for (let i = start; i < end; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

/**
 * @param {Float32Array} dy
 * @param {Float32Array} x
 * @param {number} mean
 * @param {number} start
 * @param {number} end
 */
function productsAround(dy, x, mean, start, end) {
  let sum = 0;
  for (let i = start; i < end; i++) sum += dy[i] * (x[i] - mean);
  return sum;
}

/**
 * @param {Float32Array} x
 * @param {number} scale
 * @param {number} shift
 * @param {Float32Array} y
 * @param {number} start
 * @param {number} end
 */
function multiplyAdd(x, scale, shift, y, start, end) {
  for (let i = start; i < end; i++) y[i] = scale * x[i] + shift;
}
