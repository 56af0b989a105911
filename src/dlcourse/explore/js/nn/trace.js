// What passes through each layer of a network, kept for a page to show.

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./module.js").Module} Module */

/**
 * Input and output of a layer's last forward pass, and the gradients with respect to them.
 *
 * @typedef {{ x: Tensor, y: Tensor, dy?: Tensor, dx?: Tensor }} Pass
 */

/**
 * Keep what passes through each layer, without a copy, until `stop` is called.
 *
 * `trace.passes` has the last pass of each module by its dotted name, "" for the network itself.
 */
export class Trace {
  /** @param {Module} network */
  constructor(network) {
    /** @type {Map<string, Pass>} */
    this.passes = new Map();
    this.watched = network.modules();
    for (const [name, module] of network.namedModules()) {
      // Methods of this one object, in front of those of its class.
      const [forward, backward] = [module.forward.bind(module), module.backward.bind(module)];
      module.forward = (x) => {
        const y = forward(x);
        this.passes.set(name, { x, y });
        return y;
      };
      module.backward = (dy) => {
        const dx = backward(dy);
        const pass = this.passes.get(name);
        if (pass) Object.assign(pass, dx ? { dy, dx } : { dy });
        return dx;
      };
    }
  }

  /**
   * Call a function, and then stop, whatever happens in it.
   *
   * @template T
   * @param {() => T} work
   */
  during(work) {
    try {
      return work();
    } finally {
      this.stop();
    }
  }

  stop() {
    for (const module of this.watched) {
      Reflect.deleteProperty(module, "forward");
      Reflect.deleteProperty(module, "backward");
    }
  }
}
