// What the best entries of a challenge reached, one bar each; the chosen bar tells its story.

/** @import { Context } from "./lib/common.js" */

import { button, changes, el, frame, row, says, select } from "./lib/common.js";

const percent = (/** @type {number} */ v) => `${v}%`;

/**
 * @typedef {object} Entry
 * @property {number} year
 * @property {string} name
 * @property {number} error
 * @property {number | null} layers
 * @property {string} note
 * @property {string} source
 */

/**
 * @typedef {object} Reference
 * @property {string} name
 * @property {number} error
 */

/**
 * @typedef {object} Data
 * @property {string} measure
 * @property {Entry[]} entries
 * @property {Reference | null} reference
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { measure, entries, reference } = model.get("data");
  /** @type {Record<string, { text: string, value: (e: Entry) => number, show: (e: Entry) => string }>} */
  const views = {
    error: { text: `The ${measure}`, value: (e) => e.error, show: (e) => percent(e.error) },
    layers: {
      text: "Layers with weights",
      value: (e) => e.layers ?? 0,
      show: (e) => String(e.layers ?? "none, or several networks"),
    },
  };
  const state = { view: "error", chosen: 0 };
  const change = changes(state, update);
  const told = says();

  const bars = entries.map((entry, i) => {
    const bar = el("span", { class: "dl-bar" });
    const line = el("span", { class: "dl-mark" });
    const shown = el("span", { class: "dl-amount" });
    const node = button("", () => change("chosen")(i), { class: "dl-entry" });
    node.append(
      el("span", { class: "dl-name" }, `${entry.year} ${entry.name}`),
      el("span", { class: "dl-track", "aria-hidden": "true" }, bar, line),
      shown,
    );
    return { bar, line, shown, node };
  });
  const legend = el("p", { class: "dl-help" });

  function update() {
    const view = views[state.view];
    const compared = state.view === "error" ? reference : null;
    const largest = Math.max(...entries.map(view.value), compared?.error ?? 0);
    const place = (/** @type {number} */ v) => `${(100 * v) / largest}%`;
    entries.forEach((entry, i) => {
      const { bar, line, shown, node } = bars[i];
      bar.style.width = place(view.value(entry));
      line.hidden = !compared;
      if (compared) line.style.left = place(compared.error);
      shown.textContent = view.show(entry);
      node.setAttribute("aria-pressed", String(i === state.chosen));
    });
    legend.textContent = compared
      ? `Dashed line: ${compared.name}, ${percent(compared.error)}.`
      : "";
    const { year, name, error, layers, note, source } = entries[state.chosen];
    told.textContent =
      `${year}, ${name}: ${measure} ${percent(error)}` +
      (layers ? `, ${layers} layers with weights. ` : ". ") +
      `${note} Source of the error: ${source}.`;
  }

  frame(
    host,
    model,
    "Choose an entry to read about it, and what the bars show.",
    row(
      select(
        "Bars show",
        Object.entries(views).map(([v, { text }]) => [v, text]),
        state.view,
        change("view"),
      ),
    ),
    el("ul", { class: "dl-entries" }, ...bars.map(({ node }) => el("li", {}, node))),
    legend,
    told,
  );
  update();
}

export default { render };
