// All-reduce: ranks on a circle, arrows for the messages of a step, and what each rank has after it.

/** @import { Context } from "./lib/common.js" */

import { Circle } from "./lib/circle.js";
import { button, changes, el, frame, row, says, select, slider } from "./lib/common.js";
import { messageCost, reduction } from "./lib/messages.js";
import { player } from "./lib/player.js";
import { heads, line } from "./lib/tables.js";
import { inUnits, threeDigits } from "./lib/units.js";

const LETTERS = "ABCDEFGH";

/** @type {[number, string][]} */
const SIZES = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
  [1, "bytes"],
];
/** @type {[number, string][]} */
const TIMES = [
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
];

/** @type {(value: number, units: [number, string][]) => string} */
function measured(value, units) {
  const [v, unit] = inUnits(value, units);
  return `${threeDigits(v)} ${unit}`;
}

/**
 * From an algorithm and a number of ranks to each Message of each step; bytes by array; latency and
 * bandwidth by network.
 * @typedef {object} Data
 * @property {Record<string, Record<string, [number, number, number, number, boolean][][]>>} schedules
 * @property {Record<string, number>} arrays
 * @property {Record<string, [number, number]>} networks
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { schedules, arrays, networks } = model.get("data");
  const names = Object.keys(schedules);
  const counts = Object.keys(schedules[names[0]]);
  const state = {
    name: "ring",
    ranks: 4,
    step: 0,
    array: Object.keys(arrays)[0],
    network: Object.keys(networks)[0],
  };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  /** @type {(list: string[]) => [string, string][]} */
  const options = (list) => list.map((v) => [v, v]);
  const change = changes(state, update);
  /** What has steps of its own begins with the first. */
  const anew = changes(state, () => {
    pause();
    go(0);
  });
  const step = slider("Step", { max: 1, value: 0 }, (v) => {
    pause();
    go(v);
  });
  const back = button("Back", () => {
    pause();
    go(state.step - 1);
  });
  const next = button("Next", () => {
    pause();
    go(state.step + 1);
  });
  const { button: play, pause } = player(host, 1400, {
    step: () => go(state.step + 1),
    ended: () => state.step === steps().length,
    rewind: () => go(0),
  });
  const circle = new Circle();
  const holdings = el("div", {
    class: "dl-holdings",
    tabindex: "0",
    role: "region",
    "aria-label": "What each rank has",
  });
  const compared = el("div", {
    class: "dl-holdings",
    tabindex: "0",
    role: "region",
    "aria-label": "All four compared",
  });
  const told = says();

  const steps = () => schedules[state.name][state.ranks];

  function go(/** @type {number} */ to) {
    const forward = to === state.step + 1;
    state.step = Math.max(0, Math.min(steps().length, to));
    update(forward && !still.matches);
  }

  /** @type {(start: number, stop: number) => string} */
  const letters = (start, stop) =>
    stop - start === state.ranks ? "all" : LETTERS.slice(start, stop);

  function update(animate = false) {
    const all = steps();
    const messages = state.step ? all[state.step - 1] : [];
    const [latency, bandwidth] = networks[state.network];
    const bytes = arrays[state.array];
    const ranks = Array.from({ length: state.ranks }, (_, r) => r);
    step.limit(all.length);
    step.set(state.step);
    // Not `disabled`, which would take the focus away from a button that was just pressed.
    back.setAttribute("aria-disabled", String(state.step === 0));
    next.setAttribute("aria-disabled", String(state.step === all.length));

    circle.draw(state.ranks, messages, ([, , first, last]) => letters(first, last), animate);

    const has = reduction(state.ranks, all)[state.step];
    const full = 2 ** state.ranks - 1;
    /** @type {(rank: number, piece: number) => boolean} */
    const came = (rank, piece) =>
      messages.some(([, dest, first, last]) => dest === rank && first <= piece && piece < last);
    /** @type {(rank: number, piece: number) => HTMLElement} */
    const cell = (rank, piece) => {
      const mask = has[rank][piece];
      const of = ranks.filter((r) => mask & (1 << r));
      const text = mask === full ? "all" : of.join("+");
      return el(
        "td",
        {
          class: came(rank, piece) ? "dl-came" : null,
          "aria-label": `piece ${LETTERS[piece]}: ${mask === full ? "the sum over all ranks" : `rank ${of.join(" + ")}`}`,
        },
        el(
          "span",
          { class: "dl-marks", "aria-hidden": "true" },
          ...ranks.map((r) => el("span", { class: mask & (1 << r) ? "dl-in" : null })),
        ),
        ...(state.ranks > 4 ? [] : [el("span", {}, text)]),
      );
    };
    holdings.replaceChildren(
      el(
        "table",
        { class: "dl-shares" },
        el(
          "caption",
          {},
          "What each rank has: for each piece, a filled mark for each rank whose values are in the sum",
        ),
        heads("rank", ...ranks.map((piece) => LETTERS[piece])),
        el(
          "tbody",
          {},
          ...ranks.map((rank) => line(String(rank), ...ranks.map((piece) => cell(rank, piece)))),
        ),
      ),
    );

    compared.replaceChildren(
      el(
        "table",
        {},
        el(
          "caption",
          {},
          `${state.ranks} ranks add up ${state.array} (${measured(bytes, SIZES)}), ${state.network}`,
        ),
        heads("algorithm", "steps", "the busiest rank sends", "all send", "time by the model"),
        el(
          "tbody",
          {},
          ...names.map((name) => {
            const of = schedules[name][state.ranks];
            const cost = messageCost(state.ranks, of, bytes, latency, bandwidth);
            return line(
              name === state.name ? `▸ ${name}` : name,
              String(cost.steps),
              measured(cost.busiest, SIZES),
              measured(cost.total, SIZES),
              measured(cost.seconds, TIMES),
            );
          }),
        ),
      ),
    );

    const size =
      messages.length && measured(((messages[0][3] - messages[0][2]) / state.ranks) * bytes, SIZES);
    const list = messages.map(
      ([source, dest, first, last, adds]) =>
        `${source} to ${dest}: ${letters(first, last)}, ${adds ? "added" : "copied"}`,
    );
    const what = messages.length
      ? `Step ${state.step} of ${all.length}: ${messages.length} ${messages.length > 1 ? "messages at the same time, each" : "message"} of ${size}. ${list.join("; ")}.`
      : `Before step 1 of ${all.length}: every rank has its own array of ${state.ranks} pieces, and none has a sum.`;
    told.textContent = what + (state.step === all.length ? " Every rank has the sum of all." : "");
    circle.node.setAttribute("aria-label", `${state.ranks} ranks on a circle. ${told.textContent}`);
  }

  frame(
    host,
    model,
    "Choose an algorithm, then go through its steps: with the buttons, or with the arrow keys on the slider.",
    row(
      select("Algorithm", options(names), state.name, anew("name")),
      select("Ranks", options(counts), String(state.ranks), anew("ranks")),
      select("Array", options(Object.keys(arrays)), state.array, change("array")),
      select("Network", options(Object.keys(networks)), state.network, change("network")),
    ),
    row(step, back, next, play),
    told,
    el("div", { class: "dl-row dl-sides" }, circle.node, holdings),
    compared,
  );
  update();
  return pause;
}

export default { render };
