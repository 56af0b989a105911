// Modules made of modules: one after another, around a shortcut.
import { Module } from "./module.js";
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/** Modules by name, in order.
 * @typedef {[string, Module][]} Parts */

/** Modules one after another, which have names. */
export class Chain extends Module {
  /** @param {Parts} parts */
  constructor(parts) {
    super();
    this.parts = parts;
  }

  namedChildren() {
    return this.parts;
  }

  /** @param {Tensor} x */
  forward(x) {
    return this.parts.reduce((value, [, part]) => part.forward(value), x);
  }

  /**
   * @param {Tensor} dy
   * @returns {Tensor | null}
   */
  backward(dy) {
    /** @type {Tensor | null} */
    let gradient = dy;
    for (let i = this.parts.length - 1; i >= 0 && gradient; i--) {
      gradient = this.parts[i][1].backward(gradient); // null where nothing before it learns
    }
    return gradient;
  }

  entrance() {
    // What is before the first part with parameters learns nothing.
    const parts = this.parts.map(([, part]) => part);
    return parts.find((part) => part.parameters().length > 0) ?? parts[0] ?? null;
  }
}

/** Modules one after another, named "0", "1", ... */
export class Sequential extends Chain {
  /** @param {...Module} modules */
  constructor(...modules) {
    super(modules.map((module, i) => [String(i), module]));
  }
}

/** A body with a shortcut around it: `y = body(x) + shortcut(x)`; without one, the input itself is added. */
export class Residual extends Module {
  /**
   * @param {Module} body
   * @param {Module | null} [shortcut]
   */
  constructor(body, shortcut = null) {
    super();
    this.body = body;
    this.shortcut = shortcut;
  }

  /** @param {Tensor} x */
  forward(x) {
    const around = this.shortcut ? this.shortcut.forward(x) : x;
    return sum(this.body.forward(x), around);
  }

  /** @param {Tensor} dy */
  backward(dy) {
    // A sum hands its gradient to both terms; where the ways part, the two come together again.
    const around = this.shortcut ? gradientOf(this.shortcut, dy) : dy;
    return sum(gradientOf(this.body, dy), around);
  }
}

/**
 * The gradient that comes back through a part of a sum. It is there: `skipInputGrad` ends at what is
 * the only one to take an input.
 *
 * @param {Module} part
 * @param {Tensor} dy
 */
export const gradientOf = (part, dy) => /** @type {Tensor} */ (part.backward(dy));

/**
 * @param {Tensor} a
 * @param {Tensor} b of the same shape
 */
export function sum(a, b) {
  if (a.shape.join() !== b.shape.join()) {
    throw new Error(
      "a shortcut and what it goes around must have one shape, " +
        `found (${b.shape.join(", ")}) and (${a.shape.join(", ")})`,
    );
  }
  const [from, other] = [a.data, b.data];
  const total = new Float32Array(from.length);
  for (let i = 0; i < total.length; i++) total[i] = from[i] + other[i];
  return tensor(a.shape, total);
}
