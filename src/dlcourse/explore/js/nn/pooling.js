// Pooling: one number for each window, the largest or the mean.
import { checkImages, outputSize, pair } from "./kernels/windows.js";
import { Module } from "./module.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./kernels/windows.js").Pair} Pair */

/** What both kinds of pooling share: their windows. */
class Pool2d extends Module {
  /** @param {{ kernel_size: Pair, stride?: Pair, padding?: Pair }} options */
  constructor({ kernel_size, stride = kernel_size, padding = 0 }) {
    super();
    this.geometry = {
      kernel: pair(kernel_size),
      stride: pair(stride),
      padding: pair(padding),
      dilation: [1, 1],
    };
    /** @type {number[]} of the images */
    this.shape = [];
  }

  /**
   * Remember the shape of the images; returns an output of zeros.
   *
   * @param {Tensor} x images (N, C, H, W)
   */
  output(x) {
    const { images, channels, height, width } = checkImages(this.constructor.name, x);
    this.shape = x.shape;
    return tensor([images, channels, ...outputSize([height, width], this.geometry)]);
  }

  /**
   * Call a function for each window with the number of its output, the place of its first pixel
   * that lies inside the image, and how many rows and columns do.
   *
   * @param {Tensor} y outputs
   * @param {(output: number, first: number, rows: number, columns: number) => void} visit
   */
  windows({ shape: [images, channels, rows, columns] }, visit) {
    const { kernel, stride, padding } = this.geometry;
    const [, , height, width] = this.shape;
    let output = 0;
    for (let plane = 0; plane < images * channels; plane++) {
      for (let i = 0; i < rows; i++) {
        const top = Math.max(0, i * stride[0] - padding[0]);
        const bottom = Math.min(height, i * stride[0] - padding[0] + kernel[0]);
        for (let j = 0; j < columns; j++) {
          const left = Math.max(0, j * stride[1] - padding[1]);
          const right = Math.min(width, j * stride[1] - padding[1] + kernel[1]);
          visit(output++, (plane * height + top) * width + left, bottom - top, right - left);
        }
      }
    }
  }
}

/**
 * The largest value of each window.
 *
 * The winner takes all: the gradient goes to the largest value alone, among equals to the first, row
 * by row. NaN counts as larger than any number, and the last of several counts. The border is never
 * chosen.
 */
export class MaxPool2d extends Pool2d {
  /** @param {Tensor} x images (N, C, H, W) */
  forward(x) {
    const y = this.output(x);
    const width = x.shape[3];
    /** Where each largest value was. */
    this.winners = new Int32Array(y.data.length);
    const [from, to, winners] = [x.data, y.data, this.winners];
    this.windows(y, (output, first, rows, columns) => {
      let winner = first;
      let largest = from[first];
      for (let i = 0; i < rows; i++) {
        for (let at = first + i * width; at < first + i * width + columns; at++) {
          const value = from[at];
          if (value > largest || Number.isNaN(value)) {
            largest = value;
            winner = at;
          }
        }
      }
      to[output] = largest;
      winners[output] = winner;
    });
    return y;
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const dx = tensor(this.shape);
    const winners = /** @type {Int32Array} */ (this.winners);
    const [from, to] = [dy.data, dx.data];
    for (let i = 0; i < from.length; i++) to[winners[i]] += from[i];
    return dx;
  }
}

/** The mean of each window; the zeros of the border count. */
export class AvgPool2d extends Pool2d {
  /** @param {Tensor} x images (N, C, H, W) */
  forward(x) {
    const y = this.output(x);
    const width = x.shape[3];
    const area = this.geometry.kernel[0] * this.geometry.kernel[1];
    this.windows(y, (output, first, rows, columns) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) sum += x.data[first + i * width + j];
      }
      y.data[output] = sum / area;
    });
    return y;
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const dx = tensor(this.shape);
    const [, , , width] = this.shape;
    const area = this.geometry.kernel[0] * this.geometry.kernel[1];
    this.windows(dy, (output, first, rows, columns) => {
      const share = dy.data[output] / area;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) dx.data[first + i * width + j] += share;
      }
    });
    return dx;
  }
}

/** The mean of each channel over the whole image: (N, C, H, W) to (N, C). */
export class GlobalAvgPool extends Module {
  /** @param {Tensor} x */
  forward(x) {
    const { images, channels, height, width } = checkImages("GlobalAvgPool", x);
    const plane = height * width;
    const y = tensor([images, channels]);
    for (let n = 0; n < y.data.length; n++) {
      let sum = 0;
      for (let i = n * plane; i < (n + 1) * plane; i++) sum += x.data[i];
      y.data[n] = sum / plane;
    }
    /** @type {number[]} */
    this.shape = x.shape;
    return y;
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const dx = tensor(/** @type {number[]} */ (this.shape));
    const plane = dx.data.length / dy.data.length;
    for (let n = 0; n < dy.data.length; n++)
      dx.data.fill(dy.data[n] / plane, n * plane, (n + 1) * plane);
    return dx;
  }
}
