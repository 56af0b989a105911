// What every layer and network derives from: a forward and a backward pass, and named arrays.
import { Parameter } from "./parameter.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/** A generator of numbers from 0 up to, but not including, 1; see streams.js.
 * @typedef {() => number} Random */

/**
 * Base of all layers and networks.
 *
 * A subclass assigns parameters and other modules as attributes, and defines
 *
 * - `forward(x)`, which returns the output and keeps what the backward pass will need;
 * - `backward(dy)`, which takes the gradient of the loss with respect to the output of the last
 *   forward pass, adds to the `grad` of each parameter, and returns the gradient with respect to
 *   the input.
 */
export class Module {
  constructor() {
    this.training = true;
    /** False on a network's first layer saves the gradient with respect to the input. */
    this.inputGrad = true;
    /** Arrays that belong to the state but are not learnt, by their name there.
     * @type {Record<string, Float32Array>} */
    this.buffers = {};
  }

  /**
   * @param {Tensor} _x
   * @returns {Tensor}
   */
  forward(_x) {
    throw new Error(`${this.constructor.name} does not define forward(x)`);
  }

  /**
   * @param {Tensor} _dy
   * @returns {Tensor | null} null only where `skipInputGrad` was called, on this or what it is in
   */
  backward(_dy) {
    throw new Error(`${this.constructor.name} does not define backward(dy)`);
  }

  /**
   * The name and module of each direct child, in order of assignment.
   *
   * @returns {[string, Module][]}
   */
  namedChildren() {
    return Object.entries(this).filter(([, value]) => value instanceof Module);
  }

  /**
   * The dotted name and module of this module and all below it.
   *
   * @returns {[string, Module][]}
   */
  namedModules(prefix = "") {
    const below = this.namedChildren().flatMap(([name, child]) =>
      child.namedModules(dotted(prefix, name)),
    );
    return [[prefix, this], ...below];
  }

  modules() {
    return this.namedModules().map(([, module]) => module);
  }

  /**
   * The dotted name of each parameter, and the parameter.
   *
   * @returns {[string, Parameter][]}
   */
  namedParameters() {
    return this.namedModules().flatMap(([prefix, module]) =>
      Object.entries(module)
        .filter(([, value]) => value instanceof Parameter)
        .map(([name, value]) => /** @type {[string, Parameter]} */ ([dotted(prefix, name), value])),
    );
  }

  parameters() {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  zeroGrad() {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  /**
   * The arrays of the state by dotted name, not copied: of each module its parameters, then its
   * buffers. Names and order are those of `state_dict()` in the package.
   *
   * @returns {Map<string, Float32Array>}
   */
  stateDict() {
    /** @type {Map<string, Float32Array>} */
    const state = new Map();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (value instanceof Parameter) state.set(dotted(prefix, name), value.data);
      }
      for (const [name, value] of Object.entries(module.buffers))
        state.set(dotted(prefix, name), value);
    }
    return state;
  }

  /** Switch training behaviour (dropout, batch statistics) on or off, and return the module. */
  train(mode = true) {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  eval() {
    return this.train(false);
  }

  /**
   * The part inside that alone takes the input, null where there is none.
   *
   * @returns {Module | null}
   */
  entrance() {
    return null;
  }

  /** Leave out the gradient with respect to the input, which training does not need. */
  skipInputGrad(skip = true) {
    this.inputGrad = !skip;
    this.entrance()?.skipInputGrad(skip);
  }

  /**
   * Hand a generator to every layer that draws, such as dropout.
   *
   * @param {Random} rng
   */
  setGenerator(rng) {
    for (const module of this.modules()) if ("rng" in module) module.rng = rng;
  }
}

/**
 * @param {string} prefix
 * @param {string} name
 */
function dotted(prefix, name) {
  return prefix ? `${prefix}.${name}` : name;
}
