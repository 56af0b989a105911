// A table of Q values as an agent learns it: four numbers per place, one for each direction.

/** @import { Context } from "./lib/common.js" */
/** @import { World } from "./lib/qlearning.js" */

import {
  button,
  changes,
  el,
  frame,
  number,
  row,
  says,
  select,
  slider,
  svg,
} from "./lib/common.js";
import { signed } from "./lib/pictures.js";
import { player } from "./lib/player.js";
import { greedyPath, QLearner } from "./lib/qlearning.js";
import { mulberry32 } from "./lib/statistics.js";
import { heads, line } from "./lib/tables.js";

const SIDE = 100; // of a place in the picture
const HALF = SIDE / 2;
const ACTIONS = ["up", "right", "down", "left"];
const ARROWS = "↑→↓←";
// A place is cut into four triangles that meet at its centre; here is where each one's number stands.
const CORNERS = [
  [0, 0],
  [SIDE, 0],
  [SIDE, SIDE],
  [0, SIDE],
];
const PLACES = [
  [HALF, 17],
  [82, HALF],
  [HALF, 85],
  [18, HALF],
];
/** @type {Record<string, string>} */
const KINDS_OF_ENDS = { G: "goal", O: "pit" };

/**
 * A map, a letter for each place, and what can happen in it.
 * @typedef {object} Data
 * @property {string[]} rows
 * @property {World} world
 * @property {number} learning_rate
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { rows, world, learning_rate } = model.get("data");
  const width = rows[0].length;
  const letters = rows.join("");
  const state = { epsilon: 0.2, discount: 0.9, pace: "steps" };
  const told = says();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const restart = () => new QLearner(world, mulberry32(1)); // the same luck, to compare settings
  let learner = restart();
  /** @type {ReturnType<QLearner["step"]> & { discount: number } | null} */
  let last = null; // the last step
  /** @type {number[]} */
  let lengths = []; // of the last ten episodes

  /** @type {(action: number, place?: number) => string} */
  const wedge = (a, s = 0) =>
    [CORNERS[a], CORNERS[(a + 1) % 4], [HALF, HALF]]
      .map(([x, y]) => [x + (s % width) * SIDE, y + Math.floor(s / width) * SIDE])
      .join(" ");
  const where = (/** @type {number} */ s) =>
    `row ${Math.floor(s / width) + 1}, column ${(s % width) + 1}`;
  const picture = svg("svg", {
    viewBox: `-2 -2 ${width * SIDE + 4} ${rows.length * SIDE + 4}`,
    role: "img",
    class: "dl-world",
  });
  const table = el("tbody");
  const change = changes(state, () => {});
  const summary = el("p", { class: "dl-help" });
  const colour = (/** @type {number} */ value) => `rgb(${signed(1.7)(value).map(Math.round)})`; // pale enough for black digits
  const short = (/** @type {number} */ value) =>
    Math.abs(value) < 0.995
      ? number(value).replace(/^(−?)0\./, "$1.")
      : String(Math.round(value)).replace("-", "−");

  const cells = [...letters].map((letter, s) => {
    const x = (s % width) * SIDE;
    const y = Math.floor(s / width) * SIDE;
    const group = svg("g", { transform: `translate(${x} ${y})` });
    if (letter === "#" || letter in KINDS_OF_ENDS) {
      group.append(
        svg("rect", {
          width: SIDE,
          height: SIDE,
          class: `dl-place dl-${letter === "#" ? "wall" : KINDS_OF_ENDS[letter]}`,
        }),
      );
      const text =
        letter === "#" ? ["wall"] : [KINDS_OF_ENDS[letter], letter === "G" ? "+1" : "−1"];
      const top = HALF - (text.length - 1) * 12;
      group.append(
        ...text.map((t, i) => svg("text", { x: HALF, y: top + 24 * i, class: "dl-digits" }, t)),
      );
      return { group, live: null };
    }
    const wedges = ACTIONS.map((_, a) => svg("polygon", { points: wedge(a), class: "dl-place" }));
    const values = PLACES.map(([tx, ty]) => svg("text", { x: tx, y: ty, class: "dl-digits" }));
    const arrow = svg("text", { x: HALF, y: HALF, class: "dl-best" });
    group.append(...wedges, ...values, arrow);
    if (letter === "S") group.append(svg("text", { x: 12, y: 90, class: "dl-digits" }, "S"));
    return { group, live: { wedges, values, arrow } };
  });
  const agent = svg("circle", { r: 14, class: "dl-agent" });
  const changed = svg("polygon", { class: "dl-changed" }); // of all triangles the one that was learned last
  picture.append(...cells.map(({ group }) => group), changed, agent);

  function begin() {
    learner = restart();
    last = null;
    lengths = [];
    update();
  }

  function step() {
    last = { ...learner.step({ ...state, learning_rate }), discount: state.discount };
    if (learner.over) lengths = [...lengths, learner.steps].slice(-10);
  }

  /** Learn for this many whole episodes. */
  function episodes(/** @type {number} */ count) {
    for (let i = 0; i < count; i++) {
      do step();
      while (!learner.over);
    }
    update();
  }

  function one() {
    step();
    update();
  }

  const { button: play, pause } = player(host, still.matches ? 1500 : 300, {
    step: () => (state.pace === "steps" ? one() : episodes(1)),
  });
  /** A button that ends the playing. */
  const byHand = (/** @type {string} */ text, /** @type {() => void} */ act) =>
    button(text, () => {
      pause();
      act();
    });

  /** What the last step changed, in words and numbers. */
  function story() {
    if (!last)
      return `Nothing is known yet: every value is 0, and all directions are equally good. The agent is in ${where(world.start)}.`;
    const end = last.terminated
      ? `, the ${KINDS_OF_ENDS[letters[last.next]]}`
      : last.next === last.state
        ? ", where it was"
        : "";
    const target = last.terminated
      ? `${number(last.reward)}, the reward, since nothing comes after it`
      : `reward ${number(last.reward)} + ${number(last.discount)} × ${number(last.ahead)} (the best value there) = ${number(last.target)}`;
    return (
      `Episode ${learner.episode}, step ${learner.steps}: ${ACTIONS[last.action]} from ${where(last.state)} to ${where(last.next)}${end}. ` +
      `Target: ${target}. Q(${ACTIONS[last.action]}) in ${where(last.state)} goes from ${number(last.before)} to ${number(last.after)}.` +
      (last.truncated && !last.terminated ? " The time is up." : "")
    );
  }

  function update() {
    cells.forEach(({ live }, s) => {
      if (!live) return;
      const q = learner.table[s];
      const largest = Math.max(...q);
      const best = q.filter((v) => v === largest).length === 1 ? q.indexOf(largest) : null;
      q.forEach((value, a) => {
        live.wedges[a].setAttribute("fill", colour(value));
        live.values[a].textContent = value === 0 ? "0" : short(value);
      });
      live.arrow.textContent = best === null ? "" : ARROWS[best];
    });
    changed.setAttribute("points", last ? wedge(last.action, last.state) : "");
    const at = learner.over && !last ? world.start : learner.state;
    agent.setAttribute("cx", String(((at % width) + 0.5) * SIDE));
    agent.setAttribute("cy", String((Math.floor(at / width) + 0.5) * SIDE));
    table.replaceChildren(
      ...cells.flatMap(({ live }, s) =>
        live ? [line(where(s), ...learner.table[s].map(number))] : [],
      ),
    );

    const { path, reward } = greedyPath(world, learner.table);
    const found =
      reward === null
        ? "Following the largest values from the start, the agent goes round in circles and never arrives."
        : `Following the largest values from the start, the agent is in the ${reward > 0 ? "goal" : "pit"} after ${path.length - 1} steps.`;
    const mean = lengths.length
      ? ` The last ${lengths.length > 1 ? `${lengths.length} episodes took ${number(lengths.reduce((a, b) => a + b) / lengths.length)} steps on average` : `episode took ${lengths[0]} steps`}.`
      : "";
    summary.textContent = found + mean;
    told.textContent = story();
    picture.setAttribute(
      "aria-label",
      `A map of ${rows.length} rows and ${width} columns with four values per place. The agent is in ${where(at)}. ${found}`,
    );
  }

  const share = { max: 1, step: 0.05, text: number };
  frame(
    host,
    model,
    "Choose how curious and how patient the agent is, and let it learn. Each triangle is the value of a step in its direction; an arrow points to the largest.",
    row(
      slider("Epsilon", { ...share, value: state.epsilon }, change("epsilon")),
      slider("Discount", { ...share, value: state.discount }, change("discount")),
      select(
        "Play goes by",
        [
          ["steps", "steps"],
          ["episodes", "episodes"],
        ],
        state.pace,
        change("pace"),
      ),
    ),
    row(
      byHand("One step", one),
      byHand("One episode", () => episodes(1)),
      byHand("100 episodes", () => episodes(100)),
      play,
      byHand("Start again", begin),
    ),
    told,
    picture,
    summary,
    el(
      "details",
      {},
      el("summary", {}, "The table in numbers"),
      el(
        "table",
        {},
        el("caption", {}, "Q values of each place and direction"),
        heads("place", ...ACTIONS),
        table,
      ),
    ),
  );
  begin();
  return pause;
}

export default { render };
