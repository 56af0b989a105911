// The engine in its worker, and what is known of the network: its answer to the picture, its weights.
import { Engine } from "../nn/engine.js";
import { layersOf, passOf } from "./graph.js";

/** @typedef {import("../nn/tensor.js").Tensor} Tensor */
/** @typedef {{ images: Tensor, labels: number[] }} Question a picture, and its right class */
/** @typedef {{ probabilities: Float32Array, loss: number }} Answer */

export class Live {
  /**
   * @param {{ description: import("./graph.js").Description, weights: string }} network
   * @param {object} page
   * @param {() => Question} page.question
   * @param {(answer: Answer) => void} page.answered after `network` has changed
   * @param {(message: string) => void} page.failed
   */
  constructor({ description, weights }, { question, answered, failed }) {
    this.built = { description, weights };
    this.layers = layersOf(description);
    this.question = question;
    this.answered = answered;
    this.failed = failed;
    /** @type {Engine | null} */
    this.engine = null;
    /** @type {import("./terms.js").Network | null} what passed through it last */
    this.network = null;
    /** @type {Record<string, Tensor>} by name, as they are now */
    this.weights = {};
    this.steps = 0;
    this.ready = false; // whether the network is built and its weights are known
    this.busy = false;
    this.outdated = false;
  }

  /** Start the worker, unless it is there. */
  start() {
    if (this.engine) return;
    this.engine = new Engine();
    this.act(async (engine) => {
      await engine.call("build", this.built);
      this.weights = await engine.call("weights");
      this.ready = true;
    });
  }

  /** Ask what the network makes of the picture, unless an answer is awaited: then ask again after it.
   * Before the network is built, nothing is asked. */
  async refresh() {
    this.outdated = true;
    if (this.busy || !this.engine || !this.ready) return;
    this.busy = true;
    try {
      while (this.outdated) {
        this.outdated = false;
        const asked = this.question();
        const answer = await this.engine.call("gradients", asked);
        this.network = {
          pass: passOf(this.layers, asked.images, answer),
          weights: this.weights,
          layers: this.layers,
        };
        this.answered({
          probabilities: answer.probabilities.data,
          loss: answer.loss ?? Number.NaN,
        });
      }
    } catch (error) {
      this.tell(error);
    }
    this.busy = false;
  }

  /** Do something with the engine, and tell what failed. Clicks are answered in order.
   * @param {(engine: Engine) => Promise<void>} action */
  async act(action) {
    if (!this.engine) return;
    try {
      await action(this.engine);
      await this.refresh();
    } catch (error) {
      this.tell(error);
    }
  }

  /**
   * Move the weights; returns the loss before each step and after the last.
   * @param {Engine} engine
   * @param {{ lr: number, count: number }} options
   */
  async step(engine, options) {
    const { losses } = await engine.call("step", { ...this.question(), ...options });
    this.weights = await engine.call("weights");
    this.steps += options.count;
    return losses.map((loss) => loss ?? Number.NaN);
  }

  /** @param {Engine} engine */
  async reset(engine) {
    await engine.call("reset");
    this.weights = await engine.call("weights");
    this.steps = 0;
  }

  /** @param {unknown} error */
  tell(error) {
    this.failed(error instanceof Error ? error.message : String(error));
  }

  close() {
    this.engine?.close();
  }
}
