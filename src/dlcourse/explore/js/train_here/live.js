// Training in a worker that goes on while it is wanted and seen, and what is known of it so far.
import { inflated } from "../lib/inflate.js";
import { Engine } from "../nn/engine.js";
import { chosenDigits, varied } from "./varied.js";

/** @typedef {import("../train_here.js").Data} Data */
/** @typedef {import("../train_here.js").Images} Images */
/** @typedef {import("../train_here.js").Chosen} Chosen */
/** @typedef {import("../training/trainer.js").Dataset} Dataset */
/** @typedef {{ outputs: number, gradients: number }} Spread of one layer */

const MEASURED = 1000; // after so many images the held-out digits are read
const MOST = 40_000; // images after which it pauses by itself: 20 epochs of 2,000

/** One run: how it was chosen, and what is known of it. */
export class Run {
  /** @param {Chosen} chosen */
  constructor(chosen) {
    this.chosen = { ...chosen };
    /** @type {number[]} of each step */
    this.losses = [];
    /** @type {number[]} of each step's batch */
    this.accuracies = [];
    /** @type {{ step: number, loss: number, accuracy: number }[]} on held-out digits */
    this.measured = [];
    /** @type {Spread[]} by layer, in order, at the last step that was watched */
    this.spreads = [];
    this.parameters = 0;
    this.seconds = 0; // that it took so far, with all that was measured
    this.until = MOST;
  }

  get steps() {
    return this.losses.length;
  }

  get batchSize() {
    return Math.min(this.chosen.batch_size, this.chosen.images);
  }

  get seen() {
    return this.steps * this.batchSize;
  }

  /** Whether the loss is no finite number any more: from there on nothing changes. */
  get broken() {
    return this.steps > 0 && !Number.isFinite(this.losses[this.steps - 1]);
  }

  /** Whether the held-out digits were read after the last step. */
  get upToDate() {
    return this.measured[this.measured.length - 1]?.step === this.steps;
  }

  /** Steps until the held-out digits are to be read again, at least one. */
  get due() {
    const every = Math.max(1, Math.round(MEASURED / this.batchSize));
    return every - (this.steps % every);
  }
}

/** Trains one run at a time. */
export class Live {
  /**
   * @param {Data} data
   * @param {Chosen} chosen
   * @param {object} options
   * @param {number} options.period milliseconds of training between two pictures
   * @param {(rests: boolean) => void} options.changed called when there is something to draw, and
   *   with true when nothing more comes by itself
   */
  constructor(data, chosen, { period, changed }) {
    this.data = data;
    this.period = period;
    this.changed = changed;
    this.run = new Run(chosen);
    /** @type {Run | null} the one before */
    this.last = null;
    this.playing = false;
    this.visible = false;
    /** @type {Engine | null} made when it is needed first */
    this.engine = null;
    /** @type {Run | null} whose network the worker has */
    this.built = null;
    /** @type {Promise<void>} jobs follow each other */
    this.jobs = Promise.resolve();
    this.looping = false;
    this.trouble = ""; // why it cannot train
    this.drawn = 0; // when the last picture was
    /** @type {Dataset[] | null} training and held-out, unpacked when they are needed first */
    this.digits = null;
    /** @type {Set<string>} names of the layers that are shown */
    this.watched = new Set();
  }

  /**
   * Begin afresh; the run so far, if it took a step, stays as the last one.
   * @param {Chosen} chosen
   */
  renew(chosen) {
    if (this.run.steps) this.last = this.run;
    this.run = new Run(chosen);
    this.trouble = "";
    this.changed(!this.playing);
  }

  start() {
    if (this.run.broken) return;
    this.trouble = "";
    if (this.run.seen >= this.run.until) this.run.until = this.run.seen + MOST;
    this.playing = true;
    this.loop();
  }

  /** Rest after the step under way. */
  pause() {
    this.playing = false;
    if (!this.looping) this.job(() => this.rest());
  }

  /** Take one step. */
  step() {
    this.playing = false;
    this.trouble = "";
    if (!this.run.broken) this.job(() => this.advance({ steps: 1 }));
  }

  /** @param {boolean} visible */
  show(visible) {
    this.visible = visible;
    if (this.playing) this.loop();
  }

  close() {
    this.playing = false;
    this.engine?.close();
    this.engine = this.built = null;
  }

  /** Go on while it is wanted and seen. */
  async loop() {
    if (this.looping) return;
    this.looping = true;
    while (this.playing && this.visible) {
      await this.job(() => this.advance({ milliseconds: this.period }));
      const { broken, seen, until } = this.run;
      if (broken || seen >= until) this.playing = false;
    }
    this.looping = false;
    if (!this.playing) this.job(() => this.rest());
  }

  /** Read the held-out digits if that was not just done, and say so. */
  async rest() {
    const { run, engine } = this;
    if (engine && this.built === run && !run.upToDate && !run.broken) {
      await this.measure(run, engine);
    }
    if (run === this.run) this.changed(true);
  }

  /** @param {() => Promise<void>} work */
  job(work) {
    this.jobs = this.jobs.then(work).catch((error) => {
      this.close();
      this.run = new Run(this.run.chosen); // what the worker had is lost
      this.trouble = error.message;
      this.changed(true);
    });
    return this.jobs;
  }

  /**
   * Train for some steps or some time, and draw unless that was just done. The last step is watched.
   * @param {{ steps?: number, milliseconds?: number }} amount
   */
  async advance({ steps, milliseconds }) {
    const { run } = this;
    const engine = await this.ready(run);
    const begun = performance.now();
    const measuredAt = run.steps + run.due;
    if (!steps && run.due > 1) {
      this.keep(run, await engine.call("train", { steps: run.due - 1, milliseconds }));
    }
    this.keep(run, await engine.call("train", { steps: 1, spreads: true }));
    if (steps || run.steps === measuredAt) await this.measure(run, engine);
    const now = performance.now();
    run.seconds += (now - begun) / 1000;
    if (run !== this.run) return;
    if (steps) return this.changed(true);
    if (now < this.drawn + this.period) return;
    this.drawn = now;
    // The worker gets its next task first, and goes on during the drawing.
    requestAnimationFrame(() => this.changed(false));
  }

  /**
   * A worker with the network of a run, and the digits.
   * @param {Run} run
   */
  async ready(run) {
    this.engine ??= new Engine();
    const { engine } = this;
    if (this.built === run) return engine;
    this.digits ??= await Promise.all([unpacked(this.data.train), unpacked(this.data.held_out)]);
    const [all, heldOut] = this.digits;
    const { network, depth, spread, seed, optimizer, lr, batch_size, mistake } = run.chosen;
    const { versions } =
      this.data.networks.find(({ key }) => key === network) ?? this.data.networks[0];
    const version = versions.find((v) => v.depth === depth) ?? versions[0];
    const text = new TextDecoder().decode(await inflated(version.description));
    const description = varied(JSON.parse(text), run.chosen);
    const { layers, parameters } = await engine.call("build", { description, seed, spread });
    run.parameters = parameters;
    this.watched = new Set(layers.filter(({ kind }) => SHOWN.has(kind)).map(({ name }) => name));
    await engine.call("prepare", {
      data: chosenDigits(all, run.chosen),
      heldOut,
      optimizer,
      lr,
      batchSize: batch_size,
      seed,
      zeroGrad: mistake !== "no zero_grad()",
      evaluates: mistake !== "no eval()",
    });
    this.built = run;
    await this.measure(run, engine);
    return engine;
  }

  /**
   * @param {Run} run
   * @param {Engine} engine
   */
  async measure(run, engine) {
    run.measured.push({ step: run.steps, ...(await engine.call("measure")) });
  }

  /**
   * @param {Run} run
   * @param {ReturnType<import("../nn/session.js").Session["train"]>} trained
   */
  keep(run, { history }) {
    for (const { loss, accuracy, spreads } of history) {
      run.losses.push(loss);
      run.accuracies.push(accuracy);
      if (spreads) {
        run.spreads = spreads
          .filter(({ name }) => this.watched.has(name))
          .map(({ outputs, gradients }) => ({ outputs, gradients: gradients ?? 0 }));
      }
    }
  }
}

/** What is shown of a network: what leaves each nonlinearity, and the scores. */
const SHOWN = new Set(["ReLU", "Linear"]);

/**
 * @param {Images} images
 * @returns {Promise<Dataset>}
 */
async function unpacked({ side, pixels, labels }) {
  return {
    images: await inflated(pixels),
    shape: [1, side, side],
    labels: Uint8Array.from(atob(labels), (c) => c.charCodeAt(0)),
  };
}
