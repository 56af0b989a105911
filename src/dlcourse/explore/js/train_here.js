// Trains a network in the page: choose how, start, pause, step; the run before stays faintly behind.

/** @import { Context } from "./lib/common.js" */

import { button, changes, el, frame, row, says, select } from "./lib/common.js";
import { watchView } from "./lib/in_view.js";
import { Live } from "./train_here/live.js";
import { legend, pictures } from "./train_here/plots.js";
import { numbers, sentence } from "./train_here/words.js";

/**
 * @typedef {object} Images
 * @property {number} side
 * @property {string} pixels
 * @property {string} labels
 */

/**
 * @typedef {object} Version
 * @property {number} depth
 * @property {string} description
 */

/**
 * @typedef {object} Architecture
 * @property {string} key
 * @property {string} name
 * @property {Version[]} versions
 */

/**
 * @typedef {object} Choices
 * @property {string[]} optimizer
 * @property {number[]} lr
 * @property {number[]} batch_size
 * @property {number[]} spread
 * @property {number[]} dropout
 * @property {number[]} images
 * @property {string[]} mistake
 * @property {number[]} seed
 */

/**
 * @typedef {object} Settings
 * @property {string} network
 * @property {number} depth
 * @property {string} optimizer
 * @property {number} lr
 * @property {number} batch_size
 * @property {number} spread
 * @property {boolean} batch_norm
 * @property {number} dropout
 * @property {number} images
 * @property {string} mistake
 * @property {number} seed
 */

/**
 * @typedef {object} Data
 * @property {Images} train
 * @property {Images} held_out
 * @property {Architecture[]} networks
 * @property {Choices} choices
 * @property {Settings} settings
 */

/** Settings as controls have them. @typedef {Omit<Settings, "batch_norm"> & { batch_norm: number }} Chosen */

const SPOKEN = 5000; // milliseconds between two sentences for those who listen

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const data = model.get("data");
  const { networks, choices, settings } = data;
  /** @type {Chosen} */
  const chosen = { ...settings, batch_norm: Number(settings.batch_norm) };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const told = says();
  const shown = el("p", { class: "dl-now" });
  const charts = el("div", { class: "dl-charts" });
  let spoken = 0;
  let begun = false;

  const live = new Live(data, chosen, {
    period: calm ? 2000 : 80,
    changed(rests) {
      draw();
      if (rests || (live.playing && news())) tell();
    },
  });
  const tell = () => {
    const text = sentence(live, networks);
    if (text !== told.textContent) told.textContent = text;
    spoken = performance.now();
    begun = live.run.steps > 0;
  };
  // That a run has begun is said at once.
  const news = () => !begun || performance.now() > spoken + SPOKEN;

  function draw() {
    const { run, last, playing } = live;
    play.textContent = playing ? "Pause" : run.steps ? "Go on" : "Start";
    for (const control of [play, step]) control.setAttribute("aria-disabled", String(run.broken));
    shown.textContent = numbers(run);
    charts.replaceChildren(...pictures(run, last));
    key.hidden = !last;
  }

  const play = button("Start", () => {
    if (live.playing) live.pause();
    else {
      live.start();
      tell();
    }
    draw();
  });
  const step = button("One step", () => live.step());
  const again = button("Reset", () => renew());

  function renew() {
    const { playing } = live;
    arrange();
    live.renew(chosen);
    if (playing) live.start();
    draw();
    tell();
  }

  const set = changes(chosen, renew);
  const deep = networks.reduce((a, b) => (b.versions.length > a.versions.length ? b : a));
  /** @type {(label: string, name: keyof Choices, text?: (v: string | number) => string) => Node} */
  const choice = (label, name, text = String) =>
    select(
      label,
      choices[name].map((v) => [v, text(v)]),
      chosen[name],
      set(name),
    );
  const depth = select(
    "Layers",
    deep.versions.map((v) => [v.depth, String(v.depth)]),
    chosen.depth,
    set("depth"),
  );
  const key = legend();

  const network = select(
    "Network",
    networks.map(({ key, name }) => [key, name]),
    chosen.network,
    set("network"),
  );
  const controls = row(
    network,
    choice("Optimizer", "optimizer"),
    choice("Learning rate", "lr"),
    choice("Batch size", "batch_size"),
    choice("Initial spread", "spread", (v) => `x ${v}`),
    select(
      "Batch normalization",
      [
        [1, "on"],
        [0, "off"],
      ],
      chosen.batch_norm,
      set("batch_norm"),
    ),
    choice("Dropout", "dropout", (v) => (v ? String(v) : "none")),
    choice("Training digits", "images", (v) => v.toLocaleString("en")),
    choice("Mistake", "mistake"),
    choice("Seed", "seed"),
  );
  controls.classList.add("dl-settings");

  /** Ask for the layers where there is a choice. */
  function arrange() {
    const found = networks.find((n) => n.key === chosen.network) ?? networks[0];
    if (found.versions.length < 2) depth.remove();
    else if (!depth.parentNode) network.after(depth); // put in anew it would lose the focus
  }

  frame(
    host,
    model,
    "Start, and watch. Whatever you change begins a new run, and the last one stays behind it, faintly.",
    controls,
    row(play, step, again),
    told,
    shown,
    charts,
    key.node,
  );
  arrange();
  draw();
  tell();
  const unwatch = watchView(host, (visible) => live.show(visible));
  return () => {
    unwatch();
    live.close();
  };
}

export default { render };
