// A game as an agent played it, frame by frame, with what it expected from each action.

/** @import { Context } from "./lib/common.js" */

import { button, el, frame, number, row, says, slider, svg } from "./lib/common.js";
import { player } from "./lib/player.js";

/** @type {(keyof Things)[]} */
const LAYERS = ["trail", "brick", "paddle", "ball"]; // from below
const SIDE = 20; // of a cell in the picture
// How each thing is drawn: by shape and pattern, and also by colour.
/** @type {Record<keyof Things, (x: number, y: number) => SVGElement[]>} */
const DRAW = {
  brick: (x, y) => [
    svg("rect", { x: x + 1, y: y + 1, width: SIDE - 2, height: SIDE - 2, class: "dl-brick" }),
    svg("line", {
      x1: x + 1,
      y1: y + SIDE / 2,
      x2: x + SIDE - 1,
      y2: y + SIDE / 2,
      class: "dl-joint",
    }),
  ],
  paddle: (x, y) => [
    svg("rect", { x: x + 1, y: y + 6, width: SIDE - 2, height: 9, class: "dl-paddle" }),
  ],
  trail: (x, y) => [svg("circle", { cx: x + SIDE / 2, cy: y + SIDE / 2, r: 3, class: "dl-trail" })],
  ball: (x, y) => [svg("circle", { cx: x + SIDE / 2, cy: y + SIDE / 2, r: 7, class: "dl-ball" })],
};

/**
 * Where things are: row and column of each.
 * @typedef {object} Things
 * @property {number[][]} paddle
 * @property {number[][]} ball
 * @property {number[][]} trail
 * @property {number[][]} brick
 */

/**
 * @typedef {object} Moment
 * @property {Things} things
 * @property {number[]} values
 * @property {number} chosen
 * @property {number} total
 * @property {boolean} done
 */

/**
 * @typedef {object} Data
 * @property {string[]} actions
 * @property {Moment[]} frames
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { actions, frames } = model.get("data");
  const largest = Math.max(...frames.flatMap(({ values }) => values.map(Math.abs)));
  const told = says();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let at = 0;

  const picture = svg("svg", {
    viewBox: `0 0 ${10 * SIDE} ${10 * SIDE}`,
    role: "img",
    class: "dl-game",
  });
  const bars = actions.map((action) => {
    const bar = el("span", { class: "dl-bar" });
    const amount = el("span", { class: "dl-amount" });
    const name = el("span", { class: "dl-name" });
    return {
      action,
      bar,
      amount,
      name,
      item: el(
        "li",
        {},
        el(
          "span",
          { class: "dl-value-of" },
          name,
          el("span", { class: "dl-track", "aria-hidden": "true" }, bar),
          amount,
        ),
      ),
    };
  });
  const back = button("Back", () => {
    pause();
    show(at - 1);
  });
  const next = button("Next", () => {
    pause();
    show(at + 1);
  });
  const { button: play, pause } = player(host, still.matches ? 1000 : 250, {
    step: () => show(at + 1),
    ended: () => at === frames.length - 1,
    rewind: () => show(0),
    changed: (playing) => {
      // Nobody wants each step of a running game read out.
      if (playing) told.removeAttribute("role");
      else told.setAttribute("role", "status");
    },
  });
  const scrub = slider(
    "Step",
    { max: frames.length - 1, value: 0, text: (v) => `${v + 1} of ${frames.length}` },
    (v) => {
      pause();
      show(v);
    },
  );

  const place = (/** @type {number[]} */ [r, c]) => `row ${r + 1}, column ${c + 1}`;
  function show(/** @type {number} */ step) {
    at = Math.max(0, Math.min(frames.length - 1, step));
    const { things, values, chosen, done, total } = frames[at];
    const cells = LAYERS.flatMap((name) =>
      things[name].flatMap(([r, c]) => DRAW[name](c * SIDE, r * SIDE)),
    );
    picture.replaceChildren(...cells);
    const seen = `Ball in ${place(things.ball[0])}; paddle in column ${things.paddle[0][1] + 1}; ${things.brick.length} bricks`;
    picture.setAttribute("aria-label", seen);
    bars.forEach(({ action, bar, amount, name }, i) => {
      bar.style.width = `${(100 * Math.max(0, values[i])) / largest}%`;
      amount.textContent = number(values[i]);
      name.textContent = `${i === chosen ? "▶ " : ""}${action}`;
      name.style.fontWeight = i === chosen ? "700" : "400";
    });
    // Not `disabled`, which would take the focus away from a button that was just pressed.
    back.setAttribute("aria-disabled", String(at === 0));
    next.setAttribute("aria-disabled", String(at === frames.length - 1));
    scrub.set(at);
    told.textContent =
      `${seen}. Return so far ${total}. ` +
      actions.map((action, i) => `${action} ${number(values[i])}`).join(", ") +
      `: it chose ${actions[chosen]}.` +
      (done ? " After this step the game was over." : "");
  }
  frame(
    host,
    model,
    "Step through the game, or play it. The bars show what the agent expects from each action.",
    row(back, next, play),
    row(scrub),
    el(
      "div",
      { class: "dl-row dl-sides" },
      picture,
      el("ul", { class: "dl-entries" }, ...bars.map(({ item }) => item)),
    ),
    told,
  );
  show(0);
}

export default { render };
