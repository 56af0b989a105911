// Training a classifier: epochs of shuffled batches, a step of the optimizer for each.

import { CrossEntropyLoss } from "../nn/loss.js";
import { generator, permutation, Stream } from "../nn/streams.js";
import { argmax, sizeOf, tensor } from "../nn/tensor.js";
import { Trace } from "../nn/trace.js";
import { Adam } from "../optim/adam.js";
import { Momentum, SGD } from "../optim/sgd.js";

/** @typedef {import("../nn/module.js").Module} Module */
/** @typedef {import("../nn/tensor.js").Tensor} Tensor */

/** @type {Record<string, new (parameters: import("../nn/parameter.js").Parameter[], lr: number) => import("../optim/optimizer.js").Optimizer>} */
const OPTIMIZERS = { SGD, Momentum, Adam };

/**
 * Images with their labels; bytes stand for 0 to 1, as in a picture file.
 *
 * @typedef {{ images: Uint8Array | Float32Array, shape: number[], labels: Uint8Array }} Dataset
 *   shape is that of one image, (C, H, W)
 */

/**
 * @param {string} name
 * @param {Module} network
 * @param {number} lr
 */
export function optimizer(name, network, lr) {
  if (!Object.hasOwn(OPTIMIZERS, name)) {
    throw new Error(
      `this engine has no optimizer ${name}; it has ${Object.keys(OPTIMIZERS).join(", ")}`,
    );
  }
  return new OPTIMIZERS[name](network.parameters(), lr);
}

/**
 * Some images of a data set and their labels.
 *
 * @param {Dataset} data
 * @param {ArrayLike<number>} numbers which
 */
export function batch({ images, shape, labels }, numbers) {
  const size = sizeOf(shape);
  const scale = images instanceof Uint8Array ? 1 / 255 : 1;
  const x = tensor([numbers.length, ...shape]);
  for (let n = 0; n < numbers.length; n++) {
    const from = numbers[n] * size;
    for (let i = 0; i < size; i++) x.data[n * size + i] = scale * images[from + i];
  }
  return { x, t: Array.from(numbers, (n) => labels[n]) };
}

/**
 * How many rows of scores have their largest at the right class.
 *
 * @param {Tensor} scores (N, classes)
 * @param {ArrayLike<number>} targets
 */
export function hits(scores, targets) {
  return argmax(scores).filter((k, n) => k === targets[n]).length;
}

/**
 * Mean loss and accuracy on a data set, with dropout off and running averages in normalization.
 *
 * @param {Module} network
 * @param {Dataset} data
 * @param {boolean} [evaluates] false reads image by image in training mode, as where `eval()` was
 *   forgotten
 */
export function measure(network, data, evaluates = true) {
  const { training } = network;
  const count = data.labels.length;
  let [loss, right] = [0, 0];
  const some = evaluates ? 100 : 1;
  network.train(!evaluates);
  for (let start = 0; start < count; start += some) {
    const numbers = Array.from({ length: Math.min(some, count - start) }, (_, i) => start + i);
    const { x, t } = batch(data, numbers);
    const scores = network.forward(x);
    loss += new CrossEntropyLoss().forward(scores, t) * t.length;
    right += hits(scores, t);
  }
  network.train(training);
  return { loss: loss / count, accuracy: right / count };
}

/**
 * A forward and a backward pass: the mean loss of a batch, whose gradients stay in the parameters.
 *
 * @param {Module} network
 * @param {Tensor} x
 * @param {ArrayLike<number>} t labels
 */
export function passes(network, x, t) {
  const criterion = new CrossEntropyLoss();
  network.zeroGrad();
  const scores = network.forward(x);
  const loss = criterion.forward(scores, t);
  network.backward(criterion.backward());
  return { scores, loss };
}

/** Trains a network: everything follows from the seed. */
export class Trainer {
  /**
   * @param {Module} network
   * @param {Dataset} data
   * @param {{ optimizer: string, lr: number, batchSize: number, seed: number, zeroGrad?: boolean }} settings
   *   `zeroGrad` false lets gradients add up from step to step, as where `zero_grad()` was forgotten
   */
  constructor(network, data, { optimizer: name, lr, batchSize, seed, zeroGrad = true }) {
    if (!zeroGrad) network.zeroGrad = () => {};
    this.network = network;
    this.data = data;
    this.optimizer = optimizer(name, network, lr);
    this.batchSize = Math.min(batchSize, data.labels.length);
    this.seed = seed;
    this.steps = 0;
    this.order = new Int32Array(0);
  }

  /** Batches of an epoch; images that do not fill one are left to the next epoch, which shuffles anew. */
  get stepsPerEpoch() {
    return Math.floor(this.data.labels.length / this.batchSize);
  }

  /**
   * Take one step; returns loss and accuracy of its batch before the weights moved.
   *
   * @param {{ spreads?: boolean }} [options] whether to measure, too, how far outputs of the layers,
   *   and gradients with respect to them, are spread
   */
  step({ spreads = false } = {}) {
    const place = this.steps % this.stepsPerEpoch;
    const epoch = Math.floor(this.steps / this.stepsPerEpoch);
    if (place === 0)
      this.order = permutation(
        this.data.labels.length,
        generator(this.seed, Stream.SHUFFLE, epoch),
      );
    const { x, t } = batch(
      this.data,
      this.order.subarray(place * this.batchSize, (place + 1) * this.batchSize),
    );
    this.network.setGenerator(generator(this.seed, Stream.DROPOUT, this.steps));
    if (!this.network.training) this.network.train(); // it may have been looked at since
    this.network.skipInputGrad();
    const work = () => passes(this.network, x, t);
    const trace = spreads ? new Trace(this.network) : null;
    const { scores, loss } = trace ? trace.during(work) : work();
    this.optimizer.step();
    this.steps += 1;
    return {
      step: this.steps,
      epoch,
      loss,
      accuracy: hits(scores, t) / t.length,
      spreads: trace && spreadsOf(trace),
    };
  }
}

/**
 * The standard deviations of the outputs of each layer, and of the gradients with respect to them.
 *
 * @param {Trace} trace
 */
function spreadsOf({ passes }) {
  return Array.from(passes, ([name, { y, dy }]) => ({
    name,
    outputs: standardDeviation(y.data),
    gradients: dy ? standardDeviation(dy.data) : null,
  }));
}

/** @param {Float32Array} values */
function standardDeviation(values) {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    squares += values[i] * values[i];
  }
  const mean = sum / values.length;
  return Math.sqrt(Math.max(0, squares / values.length - mean * mean));
}
