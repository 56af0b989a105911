// Stochastic gradient descent: plain, and with momentum.
import { Optimizer } from "./optimizer.js";

/** @typedef {import("./optimizer.js").State} State */

/** A step against the gradient: `w = w - lr * g`. */
export class SGD extends Optimizer {
  /**
   * @param {Float32Array} data
   * @param {Float32Array} grad
   */
  update(data, grad) {
    for (let i = 0; i < data.length; i++) data[i] -= this.lr * grad[i];
  }
}

/** Gradient descent with a velocity that remembers earlier gradients: `v = mu v + g`, `w = w - lr v`. */
export class Momentum extends Optimizer {
  static stateNames = ["momentum_buffer"];

  /**
   * @param {import("../nn/parameter.js").Parameter[]} parameters
   * @param {number} lr
   * @param {number} [momentum] the share mu of the velocity that is kept
   */
  constructor(parameters, lr, momentum = 0.9) {
    super(parameters, lr);
    this.momentum = momentum;
  }

  /**
   * @param {Float32Array} data
   * @param {Float32Array} grad
   * @param {State} state
   */
  update(data, grad, { momentum_buffer: velocity }) {
    for (let i = 0; i < data.length; i++) {
      velocity[i] = this.momentum * velocity[i] + grad[i];
      data[i] -= this.lr * velocity[i];
    }
  }
}
