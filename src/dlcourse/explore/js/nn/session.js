// What a page asks of the engine. Everything here runs in a worker, see worker.js and engine.js.
//
// Each method takes one object and returns one; both hold only what can be sent between threads:
// numbers, text, lists, typed arrays. Tensors are {data, shape}.

import { measure, optimizer, passes, Trainer } from "../training/trainer.js";
import { initialize } from "./init.js";
import { CrossEntropyLoss, softmax } from "./loss.js";
import { build, decoded, loadWeights, savedWeights } from "./network.js";
import { sizeOf, tensor } from "./tensor.js";
import { Trace } from "./trace.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./network.js").Description} Description */
/** @typedef {import("../training/trainer.js").Dataset} Dataset */

/** What a page can call. */
export const METHODS = /** @type {const} */ ([
  "build",
  "weights",
  "read",
  "gradients",
  "step",
  "reset",
  "prepare",
  "train",
  "measure",
]);

/** @typedef {typeof METHODS[number]} Method */

/** One network at a time, and its training. */
export class Session {
  constructor() {
    /** @type {import("./module.js").Module | null} */
    this.network = null;
    this.start = new Float32Array(0);
    /** @type {import("../optim/optimizer.js").Optimizer | null} of `step`; `reset` forgets it */
    this.optimizer = null;
    /** @type {Trainer | null} */
    this.trainer = null;
    /** @type {Dataset | null} */
    this.heldOut = null;
    this.evaluates = true;
  }

  /**
   * Build a network, with given weights or with ones drawn from a seed. Returns its layers in order,
   * by name and kind, and how many parameters there are.
   *
   * @param {{ description: Description, weights?: string, seed?: number, spread?: number }} options
   *   description and weights as dlcourse.explore.lib.network_data makes them
   */
  build({ description, weights, seed = 0, spread = 1 }) {
    this.network = build(description);
    if (weights === undefined) initialize(this.network, seed, spread);
    else loadWeights(this.network, decoded(weights));
    this.network.eval();
    this.start = savedWeights(this.network);
    this.optimizer = this.trainer = this.heldOut = null;
    return {
      layers: layersOf(description),
      parameters: this.network.parameters().reduce((sum, { data }) => sum + data.length, 0),
    };
  }

  /** The network, or an error in one sentence. */
  get ready() {
    if (!this.network) throw new Error("there is no network yet: call build first");
    return this.network;
  }

  /**
   * The weights by name, as they are now, and the averages of normalization.
   *
   * @returns {Record<string, Tensor>}
   */
  weights() {
    const shapes = new Map(this.ready.namedParameters().map(([name, { shape }]) => [name, shape]));
    return Object.fromEntries(
      Array.from(this.ready.stateDict(), ([name, data]) => [
        name,
        { data, shape: shapes.get(name) ?? [data.length] },
      ]),
    );
  }

  /**
   * Read images, as in use and not as in training: their scores and probabilities.
   *
   * @param {{ images: Tensor }} options
   */
  read({ images }) {
    const scores = this.ready.eval().forward(images);
    return { scores, probabilities: softmax(scores) };
  }

  /**
   * Read images and go back from the loss of given labels. Besides what `read` returns: the output of
   * every layer by name, the loss, and its gradient with respect to the output of every layer, to
   * every parameter, and to the images.
   *
   * @param {{ images: Tensor, labels: ArrayLike<number> }} options
   */
  gradients({ images, labels }) {
    const network = this.ready.eval();
    network.skipInputGrad(false);
    const trace = new Trace(network);
    const { scores, loss } = trace.during(() => passes(network, images, labels));
    return {
      scores,
      probabilities: softmax(scores),
      loss,
      outputs: byName(trace, "y"),
      outputGrads: byName(trace, "dy"),
      parameterGrads: Object.fromEntries(
        network
          .namedParameters()
          .map(([name, { grad, shape }]) => [name, tensor(shape, grad ?? undefined)]),
      ),
      inputGrad: trace.passes.get("")?.dx,
    };
  }

  /**
   * Move the weights against the gradient of a few images, again and again, with dropout off and the
   * averages of normalization as they are. Returns the loss before each step and after the last, and
   * the probabilities then.
   *
   * @param {{ images: Tensor, labels: ArrayLike<number>, lr: number, count?: number, optimizer?: string }} options
   */
  step({ images, labels, lr, count = 1, optimizer: name = "SGD" }) {
    const network = this.ready.eval();
    network.skipInputGrad();
    if (this.optimizer?.constructor.name !== name) this.optimizer = optimizer(name, network, lr);
    this.optimizer.lr = lr;
    const losses = [];
    for (let i = 0; i < count; i++) {
      losses.push(passes(network, images, labels).loss);
      this.optimizer.step();
    }
    const scores = network.forward(images);
    losses.push(new CrossEntropyLoss().forward(scores, labels));
    return { losses, probabilities: softmax(scores) };
  }

  /** Go back to the weights that `build` gave. */
  reset() {
    loadWeights(this.ready, this.start);
    this.optimizer = this.trainer = null;
    return {};
  }

  /**
   * Make ready to train the network; `train` then takes the steps.
   *
   * @param {{ data: Dataset, heldOut: Dataset, optimizer: string, lr: number, batchSize: number,
   *   seed: number, zeroGrad?: boolean, evaluates?: boolean }} options the last two are false by
   *   mistake, see `Trainer` and `measure`
   */
  prepare({ data, heldOut, evaluates = true, ...settings }) {
    for (const { images, shape, labels } of [data, heldOut]) {
      if (labels.length === 0)
        throw new Error("expected at least one image to train on and one held out, found none");
      if (images.length !== labels.length * sizeOf(shape)) {
        throw new Error(
          `expected one label for each image of shape (${shape.join(", ")}), ` +
            `found ${labels.length} for ${images.length / sizeOf(shape)}`,
        );
      }
    }
    this.trainer = new Trainer(this.ready, data, settings);
    this.heldOut = heldOut;
    this.evaluates = evaluates;
    return { stepsPerEpoch: this.trainer.stepsPerEpoch };
  }

  /**
   * Take steps until so many are done or so much time has passed, at least one; returns what each
   * found, and the seconds that all took. There is no command to pause: a page that does not ask for
   * more has paused, and one that is out of view does no work.
   *
   * @param {{ steps?: number, milliseconds?: number, spreads?: boolean }} options spreads are those of
   *   the last step, see `Trainer.step`
   */
  train({ steps = Infinity, milliseconds = Infinity, spreads = false }) {
    if (!this.trainer) throw new Error("there is nothing to train yet: call prepare first");
    if (steps === Infinity && milliseconds === Infinity)
      throw new Error("train expects a number of steps or milliseconds");
    const start = performance.now();
    const history = [];
    do {
      history.push(this.trainer.step({ spreads }));
    } while (history.length < steps && performance.now() < start + milliseconds);
    return { history, seconds: (performance.now() - start) / 1000 };
  }

  /** Loss and accuracy on the held-out images. */
  measure() {
    if (!this.heldOut) throw new Error("there are no held-out images yet: call prepare first");
    return measure(this.ready, this.heldOut, this.evaluates);
  }
}

/**
 * The layers of a description by dotted name, each after the one around it.
 *
 * @param {Description} description
 * @returns {{ name: string, kind: string }[]}
 */
function layersOf({ kind, children = [] }, name = "") {
  const below = children.flatMap((child, i) => {
    const own = child.name ?? String(i);
    return layersOf(child, name ? `${name}.${own}` : own);
  });
  return [{ name, kind }, ...below];
}

/**
 * @param {Trace} trace
 * @param {"y" | "dy"} which
 */
function byName({ passes }, which) {
  /** @type {Record<string, Tensor>} */
  const found = {};
  for (const [name, pass] of passes) {
    const value = pass[which];
    if (value) found[name] = value;
  }
  return found;
}
