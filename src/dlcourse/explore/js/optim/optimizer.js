// What all optimizers share.

/** @typedef {import("../nn/parameter.js").Parameter} Parameter */

/** The arrays kept for each parameter, by torch's names; they start at zero.
 * @typedef {Record<string, Float32Array>} State */

/**
 * Base of all optimizers: changes parameters in place, against their gradients.
 *
 * A subclass defines `update(data, grad, state)` for one parameter, and names in `stateNames` the
 * arrays that it keeps for each.
 */
export class Optimizer {
  /** @type {string[]} */
  static stateNames = [];

  /**
   * @param {Parameter[]} parameters
   * @param {number} lr the learning rate; may be changed at any time
   */
  constructor(parameters, lr) {
    const { stateNames } = /** @type {typeof Optimizer} */ (this.constructor);
    this.parameters = parameters;
    this.lr = lr;
    /** How many steps were taken. */
    this.steps = 0;
    /** @type {State[]} */
    this.state = parameters.map(({ data }) =>
      Object.fromEntries(stateNames.map((name) => [name, new Float32Array(data.length)])),
    );
  }

  /** Update every parameter that has a gradient; the gradients stay as they are. */
  step() {
    this.steps += 1;
    this.parameters.forEach(({ data, grad }, i) => {
      if (grad) this.update(data, grad, this.state[i]);
    });
  }

  /**
   * @param {Float32Array} _data
   * @param {Float32Array} _grad must not be changed
   * @param {State} _state
   */
  update(_data, _grad, _state) {
    throw new Error(`${this.constructor.name} does not define update`);
  }
}
