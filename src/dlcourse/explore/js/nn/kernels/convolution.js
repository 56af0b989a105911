// Convolution and its three gradients as sums of products: this file says where the numbers lie.
import { sizeOf } from "../tensor.js";
import { packed, weightedSums, weightSums } from "./products.js";
import { Bordered, grid, outputSize } from "./windows.js";

/** @typedef {import("./windows.js").Geometry} Geometry */

/**
 * The convolution of images of one size by one layer. What is known of it before any number is
 * there, places and taps, is worked out once.
 */
export class Convolution {
  /**
   * @param {[number, number, number]} image channels, height and width
   * @param {number} outputs channels that it gives
   * @param {Geometry} geometry
   */
  constructor(image, outputs, geometry) {
    const [channels, height, width] = image;
    const { kernel, stride, padding, dilation } = geometry;
    this.image = image;
    this.geometry = geometry;
    this.outputs = outputs;
    /** Rows and columns of an output. */
    this.size = outputSize([height, width], geometry);
    /** @type {Bordered} */
    this.bordered = new Bordered(image, padding, padding);
    const line = this.bordered.width;
    this.places = grid(this.size, [stride[0] * line, stride[1]]);
    this.targets = grid(this.size, [this.size[1], 1]);
    this.taps = new Int32Array(channels * kernel[0] * kernel[1]);
    let t = 0;
    for (let c = 0; c < channels; c++) {
      for (const down of grid([kernel[0], 1], [dilation[0] * line, 0])) {
        for (let v = 0; v < kernel[1]; v++)
          this.taps[t++] = c * this.bordered.plane + down + v * dilation[1];
      }
    }
    /** @type {ReturnType<Convolution["wayBack"]> | null} */
    this.back = null;
  }

  /**
   * The outputs of all images.
   *
   * @param {Float32Array} x images (N, C, H, W)
   * @param {Float32Array} weight (O, C, KH, KW)
   * @param {Float32Array | null} bias (O,)
   */
  forward(x, weight, bias) {
    const { outputs, taps, places, targets } = this;
    const plane = targets.length;
    const [from, to] = [sizeOf(this.image), outputs * plane];
    const images = x.length / from;
    const y = new Float32Array(images * to);
    const weights = packed(weight, grid([1, taps.length], [0, 1]), taps.length, outputs);
    for (let n = 0; n < images; n++) {
      const image = this.bordered.around(x, n);
      weightedSums(
        image,
        places,
        taps,
        weights,
        bias,
        y.subarray(n * to, (n + 1) * to),
        targets,
        plane,
        outputs,
      );
    }
    return y;
  }

  /**
   * The gradient of the weights, (O, C, KH, KW).
   *
   * @param {Float32Array} x
   * @param {Float32Array} dy
   */
  weightGrad(x, dy) {
    const { outputs, taps, places, targets } = this;
    const plane = targets.length;
    const to = outputs * plane;
    const dw = new Float64Array(outputs * taps.length);
    for (let n = 0; n * to < dy.length; n++) {
      const image = this.bordered.around(x, n);
      weightSums(
        image,
        places,
        taps,
        dy.subarray(n * to, (n + 1) * to),
        targets,
        plane,
        outputs,
        dw,
      );
    }
    return dw;
  }

  /**
   * The gradient of the images.
   *
   * @param {Float32Array} dy
   * @param {Float32Array} weight
   */
  inputGrad(dy, weight) {
    this.back ??= this.wayBack();
    const [channels, height, width] = this.image;
    const [plane, window] = [height * width, this.taps.length / channels];
    const from = channels * plane;
    const images = dy.length / (this.outputs * this.targets.length);
    const dx = new Float32Array(images * from);
    const phases = this.back.phases.map(({ weights, ...where }) => ({
      ...where,
      weights: packed(weight, weights, window, channels),
    }));
    for (let n = 0; n < images; n++) {
      const image = this.back.bordered.around(dy, n);
      const to = dx.subarray(n * from, (n + 1) * from);
      for (const { places, taps, weights, targets } of phases) {
        weightedSums(image, places, taps, weights, null, to, targets, plane, channels);
      }
    }
    return dx;
  }

  /**
   * Which outputs each pixel is part of, and under which weights.
   *
   * Pixel y is at position u of the window of output i if `i * stride + u * dilation - padding = y`.
   * With a stride not all pixels are alike: those of one remainder, a phase, have the same taps.
   */
  wayBack() {
    const { kernel, stride, padding, dilation } = this.geometry;
    const sides = [0, 1].map((axis) => {
      const size = this.image[axis + 1];
      return Array.from({ length: Math.min(stride[axis], size) }, (_, first) => ({
        first,
        count: Math.ceil((size - first) / stride[axis]),
        taps: Array.from({ length: kernel[axis] }, (_, u) => [
          u,
          (first + padding[axis] - u * dilation[axis]) / stride[axis],
        ]).filter(([, offset]) => Number.isInteger(offset)),
      }));
    });
    // The taps reach beyond the outputs by so much at either end.
    const ends = sides.map((phases, axis) => {
      const reach = phases.flatMap(({ count, taps }) =>
        taps.map(([, offset]) => [offset, offset + count]),
      );
      return [
        Math.max(0, ...reach.map(([low]) => -low)),
        Math.max(0, ...reach.map(([, high]) => high - this.size[axis])),
      ];
    });
    const bordered = new Bordered(
      [this.outputs, ...this.size],
      ends.map(([before]) => before),
      ends.map(([, after]) => after),
    );
    const window = kernel[0] * kernel[1];
    const outputs = Array.from({ length: this.outputs }, (_, o) => o);
    const phases = sides[0].flatMap((down) =>
      sides[1].map((right) => {
        const pairs = down.taps.flatMap(([u, i]) =>
          right.taps.map(([v, j]) => ({
            position: u * kernel[1] + v,
            tap: i * bordered.width + j,
          })),
        );
        return {
          places: grid([down.count, right.count], [bordered.width, 1], bordered.start),
          taps: Int32Array.from(
            outputs.flatMap((o) => pairs.map(({ tap }) => o * bordered.plane + tap)),
          ),
          // A tap is an output and a position in its window: where its weight for channel 0 lies.
          weights: Int32Array.from(
            outputs.flatMap((o) =>
              pairs.map(({ position }) => o * this.image[0] * window + position),
            ),
          ),
          targets: grid(
            [down.count, right.count],
            [stride[0] * this.image[2], stride[1]],
            down.first * this.image[2] + right.first,
          ),
        };
      }),
    );
    return { bordered, phases: phases.filter(({ taps }) => taps.length > 0) };
  }
}

/**
 * The sum over images, rows and columns, for each channel: the gradient of a bias.
 *
 * @param {import("../tensor.js").Tensor} dy (N, C, H, W), or (N, C)
 */
export function channelSum({ data, shape: [images, channels, height = 1, width = 1] }) {
  const plane = height * width;
  const sums = new Float64Array(channels);
  for (let n = 0; n < images * channels; n++) {
    let sum = 0;
    for (let i = n * plane; i < (n + 1) * plane; i++) sum += data[i];
    sums[n % channels] += sum;
  }
  return sums;
}
