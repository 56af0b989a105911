// What the best entries of a challenge reached, one bar each; the chosen bar tells its story.
import { el, frame, row, says, select } from "./lib/common.js";

const percent = (v) => `${v}%`;

function render({ model, el: host }) {
  const { measure, entries, reference } = model.get("data");
  const views = {
    error: { text: `The ${measure}`, value: (e) => e.error, show: percent },
    layers: { text: "Layers with weights", value: (e) => e.layers, show: (v) => v ?? "none, or several networks" },
  };
  const state = { view: "error", chosen: 0 };
  const told = says();

  const bars = entries.map((entry, i) => {
    const bar = el("span", { class: "dl-bar" });
    const line = el("span", { class: "dl-mark" });
    const shown = el("span", { class: "dl-amount" });
    const button = el("button", { type: "button", class: "dl-entry", onclick: () => { state.chosen = i; update(); } },
      el("span", { class: "dl-name" }, `${entry.year} ${entry.name}`),
      el("span", { class: "dl-track", "aria-hidden": "true" }, bar, line), shown);
    return { bar, line, shown, button };
  });
  const legend = el("p", { class: "dl-help" });

  function update() {
    const view = views[state.view];
    const compared = state.view === "error" ? reference : null;
    const largest = Math.max(...entries.map(view.value), compared?.error ?? 0);
    const place = (v) => `${(100 * v) / largest}%`;
    entries.forEach((entry, i) => {
      const { bar, line, shown, button } = bars[i];
      bar.style.width = place(view.value(entry) ?? 0);
      line.hidden = !compared;
      if (compared) line.style.left = place(compared.error);
      shown.textContent = view.show(view.value(entry));
      button.setAttribute("aria-pressed", String(i === state.chosen));
    });
    legend.textContent = compared ? `Dashed line: ${compared.name}, ${percent(compared.error)}.` : "";
    const { year, name, error, layers, note, source } = entries[state.chosen];
    told.textContent = `${year}, ${name}: ${measure} ${percent(error)}` +
      (layers ? `, ${layers} layers with weights. ` : ". ") + `${note} Source of the error: ${source}.`;
  }

  frame(host, model, "Choose an entry to read about it, and what the bars show.",
    row(select("Bars show", Object.entries(views).map(([v, { text }]) => [v, text]), state.view,
      (v) => { state.view = v; update(); })),
    el("ul", { class: "dl-entries" }, ...bars.map(({ button }) => el("li", {}, button))), legend, told);
  update();
}

export default { render };
