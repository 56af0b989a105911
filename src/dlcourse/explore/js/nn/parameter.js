// An array that is learnt.
import { sizeOf } from "./tensor.js";

/** The values of an array that is learnt, and the gradient of the loss with respect to them. */
export class Parameter {
  /**
   * @param {number[]} shape
   * @param {number} value what all values start as
   */
  constructor(shape, value = 0) {
    this.shape = shape;
    this.data = new Float32Array(sizeOf(shape)).fill(value);
    /** @type {Float32Array | null} null until a backward pass has run */
    this.grad = null;
  }

  /**
   * Add to the gradient, so that a parameter used twice receives both shares.
   *
   * @param {ArrayLike<number>} grad
   */
  accumulate(grad) {
    if (this.grad === null) {
      this.grad = new Float32Array(grad);
      return;
    }
    for (let i = 0; i < grad.length; i++) this.grad[i] += grad[i];
  }

  zeroGrad() {
    this.grad = null;
  }
}
