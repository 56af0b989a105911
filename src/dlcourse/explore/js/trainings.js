// Short training runs by learning rate and initial scale: a table of accuracies, and one run's loss.
import { el, frame, row, says, select, svg } from "./lib/common.js";

const SIZE = { width: 380, height: 250, left: 44, right: 8, top: 10, bottom: 40 };
const CHANCE = Math.log(10); // the loss of one who gives ten classes the same probability
const UNITS = { "-2": "0.01", "-1": "0.1", 0: "1", 1: "10", 2: "100", 3: "1,000" };

/** A loss in three digits, large ones with a word for their size. */
const shortly = (v) => (v >= 1e6 ? `${(v / 1e6).toFixed(1)} million`
  : v >= 100 ? Math.round(v).toLocaleString("en") : v.toPrecision(2));

/** The losses of several training runs, each {name, values, dashed}, on a logarithmic scale. */
function chart(lines, label) {
  const { width, height, left, right, top, bottom } = SIZE;
  const known = lines.flatMap((line) => line.values).filter((v) => v > 0);
  const low = Math.floor(Math.log10(Math.min(0.5, ...known)));
  const high = Math.ceil(Math.log10(Math.max(10, ...known)));
  const steps = lines[0].values.length;
  const x = (i) => left + ((width - left - right) * i) / (steps - 1);
  const y = (v) => top + ((height - top - bottom) * (high - Math.log10(v))) / (high - low);
  const text = (content, at) => svg("text", { "font-size": 12, fill: "currentColor", ...at }, content);
  const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "dl-chart" });
  const every = Math.ceil((high - low) / 6);
  for (let e = low; e <= high; e += every) {
    node.append(
      svg("line", { x1: left, x2: width - right, y1: y(10 ** e), y2: y(10 ** e), class: "dl-rule" }),
      text(UNITS[e] ?? `1e${e}`, { x: left - 5, y: y(10 ** e) + 4, "text-anchor": "end" }),
    );
  }
  node.append(
    svg("line", { x1: left, x2: width - right, y1: y(CHANCE), y2: y(CHANCE), class: "dl-level" }),
    text("1", { x: left, y: height - bottom + 15 }),
    text(String(steps), { x: width - right, y: height - bottom + 15, "text-anchor": "end" }),
    text("step", { x: (left + width - right) / 2, y: height - bottom + 15, "text-anchor": "middle" }),
  );
  lines.forEach(({ name, values, dashed }, i) => {
    // A loss that is not a number, or zero, interrupts the line.
    let path = "";
    values.forEach((v, j) => {
      if (v > 0) path += `${values[j - 1] > 0 ? "L" : "M"}${x(j).toFixed(1)} ${y(v).toFixed(1)}`;
    });
    const start = left + i * 165;
    const look = dashed ? "dl-other" : "dl-line";
    node.append(
      svg("path", { d: path, class: look }),
      svg("path", { d: `M${start} ${height - 10}h26`, class: look }),
      text(name, { x: start + 31, y: height - 6 }),
    );
  });
  return node;
}

function render({ model, el: host }) {
  const { rates, scales, networks } = model.get("data");
  const state = { network: 0, scale: scales.indexOf("1"), rate: Math.floor(rates.length / 2) };
  if (state.scale < 0) state.scale = 0;

  const told = says();
  const picture = el("figure", { class: "dl-picture dl-grow" });
  const caption = el("figcaption", {}, "The loss of each step, on a logarithmic scale; dotted: ln 10, the loss of a blind guess");
  const cells = scales.map((scale, s) => rates.map((rate, r) =>
    el("button", { type: "button", onclick: () => { Object.assign(state, { scale: s, rate: r }); update(); } })));
  const table = el("table", { class: "dl-confusion" },
    el("caption", {}, "Held-out images read right at the end, in %. Row: what the initial weights were multiplied by. Column: learning rate."),
    el("thead", {}, el("tr", {}, el("td", {}), ...rates.map((r) => el("th", { scope: "col" }, r)))),
    el("tbody", {}, ...scales.map((scale, s) =>
      el("tr", {}, el("th", { scope: "row" }, `x ${scale}`), ...cells[s].map((cell) => el("td", {}, cell))))));

  function update() {
    const { network, scale, rate } = state;
    const percent = (s, r) => Math.round(100 * networks[network].accuracies[s][r]);
    cells.forEach((line, s) => line.forEach((cell, r) => {
      cell.textContent = percent(s, r);
      cell.setAttribute("aria-label", `${percent(s, r)}% at learning rate ${rates[r]}, weights times ${scales[s]}`);
      cell.setAttribute("aria-pressed", s === scale && r === rate);
    }));
    const values = networks[network].losses[scale][rate];
    const ends = values.slice(-10).every((v) => v != null)
      ? `ends at ${shortly(values.slice(-10).reduce((a, b) => a + b) / 10)} (mean of 10 steps)`
      : "stops being a number";
    const starts = values[0] == null ? "is not a number from the start" : `starts at ${shortly(values[0])}`;
    told.textContent = `${networks[network].name}, learning rate ${rates[rate]}, weights x ${scales[scale]}: ` +
      `the loss ${starts} and ${ends}; ${percent(scale, rate)}% right.`;
    const lines = networks.map((n, i) => ({ name: n.name, values: n.losses[scale][rate], dashed: i !== network }));
    picture.replaceChildren(chart(lines, `Loss by step. ${told.textContent} The other network is drawn dashed.`), caption);
  }

  frame(host, model, "Choose a number in the table to see the curve that led to it, and change the network above.",
    row(select("Network", networks.map((n, i) => [i, n.name]), 0, (v) => { state.network = Number(v); update(); })),
    told, row(el("div", { class: "dl-grow" }, table), picture));
  update();
}

export default { render };
