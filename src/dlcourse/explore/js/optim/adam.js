// Adam: running means of the gradient and of its square set the step.
import { Optimizer } from "./optimizer.js";

/** @typedef {import("./optimizer.js").State} State */

/**
 * At step t, with m and v starting at zero: `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g * g`, and
 * `w = w - lr * m' / (sqrt(v') + eps)`, where `m' = m / (1 - b1 ** t)` and `v' = v / (1 - b2 ** t)`
 * correct for the start at zero.
 */
export class Adam extends Optimizer {
  static stateNames = ["exp_avg", "exp_avg_sq"];

  /**
   * @param {import("../nn/parameter.js").Parameter[]} parameters
   * @param {number} lr about the largest change of a weight in one step
   * @param {[number, number]} [betas] the shares of the two means that are kept
   * @param {number} [eps] keeps the division finite
   */
  constructor(parameters, lr, betas = [0.9, 0.999], eps = 1e-8) {
    super(parameters, lr);
    this.betas = betas;
    this.eps = eps;
  }

  /**
   * @param {Float32Array} data
   * @param {Float32Array} grad
   * @param {State} state
   */
  update(data, grad, { exp_avg: m, exp_avg_sq: v }) {
    const [beta1, beta2] = this.betas;
    // Numerator and denominator multiplied by sqrt(1 - b2 ** t): the corrections are two numbers.
    const root = Math.sqrt(1 - beta2 ** this.steps);
    const rate = (this.lr * root) / (1 - beta1 ** this.steps);
    const eps = this.eps * root;
    for (let i = 0; i < data.length; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * grad[i];
      v[i] = beta2 * v[i] + (1 - beta2) * grad[i] * grad[i];
      data[i] -= (rate * m[i]) / (Math.sqrt(v[i]) + eps);
    }
  }
}
