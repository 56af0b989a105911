// The layer `Conv2d`; its mathematics is in kernels/convolution.js.
import { Convolution, channelSum } from "./kernels/convolution.js";
import { checkImages, pair } from "./kernels/windows.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./kernels/windows.js").Pair} Pair */

/**
 * A 2-D convolution (as in all of deep learning, a cross-correlation).
 *
 * `y[n, o, i, j] = b[o] + sum of x[n, c, i S + u D - P, j S + v D - P] w[o, c, u, v]`, where the sum
 * runs over the channels c and the positions u, v in the window.
 */
export class Conv2d extends Module {
  /**
   * @param {{ in_channels: number, out_channels: number, kernel_size: Pair, stride?: Pair,
   *   padding?: Pair, dilation?: Pair, bias?: boolean }} options
   */
  constructor({
    in_channels,
    out_channels,
    kernel_size,
    stride = 1,
    padding = 0,
    dilation = 1,
    bias = true,
  }) {
    super();
    this.geometry = {
      kernel: pair(kernel_size),
      stride: pair(stride),
      padding: pair(padding),
      dilation: pair(dilation),
    };
    this.weight = new Parameter([out_channels, in_channels, ...this.geometry.kernel]);
    this.bias = bias ? new Parameter([out_channels]) : null;
    /** @type {Convolution | null} */
    this.convolution = null;
  }

  /** @param {Tensor} x images (N, C, H, W) */
  forward(x) {
    const [outputs, inputs] = this.weight.shape;
    const { images, channels, height, width } = checkImages("Conv2d", x, inputs);
    if (this.convolution?.image[1] !== height || this.convolution.image[2] !== width) {
      this.convolution = new Convolution([channels, height, width], outputs, this.geometry);
    }
    this.x = x;
    const y = this.convolution.forward(x.data, this.weight.data, this.bias?.data ?? null);
    return tensor([images, outputs, ...this.convolution.size], y);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    const { x, convolution } = this;
    if (!x || !convolution) throw new Error("Conv2d needs a forward pass before its backward pass");
    this.weight.accumulate(convolution.weightGrad(x.data, dy.data));
    this.bias?.accumulate(channelSum(dy));
    return this.inputGrad
      ? tensor(x.shape, convolution.inputGrad(dy.data, this.weight.data))
      : null;
  }
}
