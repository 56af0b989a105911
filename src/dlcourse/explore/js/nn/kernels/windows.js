// The geometry that convolution and pooling share: windows sliding over a padded image.
import { outputSize as placesAlong } from "../../lib/arithmetic.js";

/** @typedef {import("../tensor.js").Tensor} Tensor */

/** One number for both directions, or [height, width].
 * @typedef {number | [number, number]} Pair */

/**
 * @param {Pair} value
 * @returns {[number, number]} height and width
 */
export const pair = (value) => (typeof value === "number" ? [value, value] : [value[0], value[1]]);

/**
 * Throw an error unless `x` is (N, C, H, W); returns these numbers by name.
 *
 * @param {string} layer whose input it is
 * @param {Tensor} x
 * @param {number} [channels] how many there must be; any number when left out
 */
export function checkImages(layer, x, channels = x.shape[1]) {
  const [images, found, height, width] = x.shape;
  if (x.shape.length !== 4 || found !== channels) {
    throw new Error(
      `${layer} expects images (N, ${channels ?? "C"}, H, W), found shape (${x.shape.join(", ")})`,
    );
  }
  return { images, channels, height, width };
}

/**
 * A sliding window; each entry is [along rows, along columns].
 *
 * @typedef {{ kernel: number[], stride: number[], padding: number[], dilation: number[] }} Geometry
 */

/**
 * How many places a window has.
 *
 * @param {[number, number]} size height and width of the image
 * @param {Geometry} geometry
 * @returns {[number, number]} rows and columns
 */
export function outputSize(size, geometry) {
  const along = (/** @type {0 | 1} */ axis) => {
    const [kernel, stride, padding, dilation] = [
      geometry.kernel[axis],
      geometry.stride[axis],
      geometry.padding[axis],
      geometry.dilation[axis],
    ];
    const places = placesAlong(size[axis], { kernel, stride, padding, dilation });
    if (places < 1) {
      throw new Error(
        `a window of ${dilation * (kernel - 1) + 1} does not fit ${size[axis]} pixels with a border ` +
          `of ${padding}: make the window smaller or pad more`,
      );
    }
    return places;
  };
  return [along(0), along(1)];
}

/**
 * The numbers `start + i * down + j * right` of a grid, row by row.
 *
 * @param {[number, number]} counts rows and columns
 * @param {[number, number]} steps down and right
 * @param {number} [start]
 */
export function grid([rows, columns], [down, right], start = 0) {
  const numbers = new Int32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) numbers[i * columns + j] = start + i * down + j * right;
  }
  return numbers;
}

/** Scratch memory for one image at a time, with a border of zeros. */
export class Bordered {
  /**
   * @param {number[]} image channels, height and width
   * @param {number[]} before border above and at the left
   * @param {number[]} after border below and at the right
   */
  constructor([channels, height, width], before, after) {
    this.image = [channels, height, width];
    /** Distance between rows. */
    this.width = before[1] + width + after[1];
    /** Distance between channels. */
    this.plane = (before[0] + height + after[0]) * this.width;
    /** Where the first pixel lies. */
    this.start = before[0] * this.width + before[1];
    this.values = new Float32Array(channels * this.plane);
  }

  /**
   * Image n of several, with its border. The next call overwrites it.
   *
   * @param {Float32Array} images
   * @param {number} n
   */
  around(images, n) {
    const [channels, height, width] = this.image;
    let from = n * channels * height * width;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < height; i++) {
        const to = this.start + c * this.plane + i * this.width;
        for (let j = 0; j < width; j++) this.values[to + j] = images[from + j];
        from += width;
      }
    }
    return this.values;
  }
}
