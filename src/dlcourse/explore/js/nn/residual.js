// Residual blocks: what is learnt is the difference from the input, `y = relu(F(x) + x)`.
import { gradientOf, sum } from "./containers.js";
import { checkImages } from "./kernels/windows.js";
import { Module } from "./module.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * The body of a block, the shortcut around it, and the ReLU after their sum: `BasicBlock` and
 * `Bottleneck` of the package. Their parts and names are those of torchvision.
 */
export class ResidualBlock extends Module {
  /**
   * @param {import("./containers.js").Parts} parts those of the body in order, "relu" after the sum,
   *   and "downsample" on the shortcut if the shape changes
   * @param {boolean} [shortcut] false makes a plain block, to compare with
   */
  constructor(parts, shortcut = true) {
    super();
    this.parts = parts;
    this.shortcut = shortcut;
    const around = ["relu", "downsample"];
    this.body = parts.filter(([name]) => !around.includes(name)).map(([, part]) => part);
    const named = new Map(parts);
    this.relu = named.get("relu");
    this.downsample = named.get("downsample") ?? null;
  }

  namedChildren() {
    return this.parts;
  }

  /** @param {Tensor} x */
  forward(x) {
    const around = this.downsample ? this.downsample.forward(x) : x;
    const y = this.body.reduce((value, layer) => layer.forward(value), x);
    return /** @type {Module} */ (this.relu).forward(this.shortcut ? sum(y, around) : y);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const gradient = gradientOf(/** @type {Module} */ (this.relu), dy);
    const dx = this.body.reduceRight((value, layer) => gradientOf(layer, value), gradient);
    if (!this.shortcut) return dx;
    // A sum hands its gradient to both terms: the shortcut brings it back unchanged.
    return sum(dx, this.downsample ? gradientOf(this.downsample, gradient) : gradient);
  }
}

/** A shortcut without parameters: every other pixel, and channels of zeros. */
export class ZeroPadShortcut extends Module {
  /** @param {{ extra_channels: number, stride?: number }} options */
  constructor({ extra_channels, stride = 1 }) {
    super();
    this.extraChannels = extra_channels;
    this.stride = stride;
    /** @type {number[]} */
    this.shape = [];
  }

  /** @param {Tensor} x */
  forward(x) {
    const { images, channels, height, width } = checkImages("ZeroPadShortcut", x);
    this.shape = x.shape;
    const y = tensor([
      images,
      channels + this.extraChannels,
      Math.ceil(height / this.stride),
      Math.ceil(width / this.stride),
    ]);
    this.pixels(y.shape, (from, to) => {
      y.data[to] = x.data[from];
    });
    return y;
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const dx = tensor(this.shape);
    this.pixels(dy.shape, (from, to) => {
      dx.data[from] = dy.data[to];
    });
    return dx;
  }

  /**
   * Call a function with the place of each pixel that is kept, in the input and in the output.
   *
   * @param {number[]} output shape
   * @param {(from: number, to: number) => void} visit
   */
  pixels([images, extended, rows, columns], visit) {
    const [, channels, height, width] = this.shape;
    for (let n = 0; n < images; n++) {
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < rows; i++) {
          const from = ((n * channels + c) * height + i * this.stride) * width;
          const to = ((n * extended + c) * rows + i) * columns;
          for (let j = 0; j < columns; j++) visit(from + j * this.stride, to + j);
        }
      }
    }
  }
}
