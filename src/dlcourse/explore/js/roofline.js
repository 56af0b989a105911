// A layer under the roofline of the machine that built the page: what limits it, and why.
import { el, frame, row, says, select, slider, svg, whole } from "./lib/common.js";
import { layerCost, roof } from "./lib/arithmetic.js";

const VIEW = { width: 360, height: 280, left: 34, right: 24, top: 24, bottom: 44 };
const CONTROLS = [
  ["batch", "Images in the batch"], ["inside", "Channels in"], ["outside", "Channels out"],
  ["size", "Side of the image"], ["kernel", "Side of the kernel"], ["stride", "Stride"],
];
const PARTS = ["input", "weights", "output"];

/** Three digits, with a word for the power of ten. */
function short(v) {
  const [scale, word] = [[1e9, " billion"], [1e6, " million"], [1e3, " thousand"], [1, ""]].find(([s]) => v >= s) ?? [1, ""];
  return `${Number((v / scale).toPrecision(3))}${word}`;
}

/** The roof and one layer below it, both axes logarithmic. */
function drawRoof(machine, cost, label) {
  const { width, height, left, right, top, bottom } = VIEW;
  const ridge = machine.multiply_adds / machine.bandwidth;
  const xs = [-1, 4];
  const highest = Math.ceil(Math.log10(machine.multiply_adds));
  const ys = [Math.floor(Math.log10(roof(machine, 10 ** xs[0]))), highest];
  const x = (v) => left + ((width - left - right) * (Math.log10(v) - xs[0])) / (xs[1] - xs[0]);
  const y = (v) => top + ((height - top - bottom) * (ys[1] - Math.log10(v))) / (ys[1] - ys[0]);
  const text = (content, at) => svg("text", { "font-size": 12, fill: "currentColor", ...at }, content);
  const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "dl-chart" });
  for (let e = xs[0]; e <= xs[1]; e++) {
    node.append(
      svg("line", { x1: x(10 ** e), x2: x(10 ** e), y1: top, y2: height - bottom, class: "dl-rule" }),
      text((10 ** e).toLocaleString("en"), { x: x(10 ** e), y: height - bottom + 15, "text-anchor": "middle" }),
    );
  }
  for (let e = ys[0]; e <= ys[1]; e++) {
    node.append(
      svg("line", { x1: left, x2: width - right, y1: y(10 ** e), y2: y(10 ** e), class: "dl-rule" }),
      text((10 ** (e - 9)).toLocaleString("en"), { x: left - 5, y: y(10 ** e) + 4, "text-anchor": "end" }),
    );
  }
  const ends = [10 ** xs[0], ridge, 10 ** xs[1]].map((v) => `${x(v).toFixed(1)} ${y(roof(machine, v)).toFixed(1)}`);
  const place = Math.min(10 ** xs[1], Math.max(10 ** xs[0], cost.intensity));
  node.append(
    svg("line", { x1: x(ridge), x2: x(ridge), y1: top, y2: height - bottom, class: "dl-level" }),
    svg("path", { d: `M${ends.join("L")}`, class: "dl-line" }),
    svg("line", { x1: x(place), x2: x(place), y1: y(roof(machine, place)), y2: height - bottom, class: "dl-other" }),
    svg("circle", { cx: x(place), cy: y(roof(machine, place)), r: 6, fill: "currentColor" }),
    text("billion multiply-adds a second", { x: 4, y: 13 }),
    text("multiply-adds for each byte", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }),
  );
  return node;
}

function render({ model, el: host }) {
  const { machine, layers, steps } = model.get("data");
  const names = Object.keys(layers);
  let from = names[0];
  const layer = { ...layers[from] };

  const told = says();
  const picture = el("figure", { class: "dl-picture dl-grow" });
  const caption = el("figcaption", {}, "The roof of the machine that built this page, on " +
    `${machine.threads === 1 ? "one core" : `${machine.threads} cores`}, in ${machine.dtype}; dotted: its ridge. The dot is the best that this layer can reach.`);
  const segments = PARTS.map(() => el("span", { class: "dl-segment" }));
  const stack = el("div", { class: "dl-stack", "aria-hidden": "true" }, ...segments);
  const split = el("p", { class: "dl-help" });
  const sliders = {};
  for (const [key, label] of CONTROLS) {
    sliders[key] = slider(label, { max: steps[key].length - 1, value: steps[key].indexOf(layer[key]), text: (i) => String(steps[key][i]) },
      (i) => {
        layer[key] = steps[key][i];
        if (key === "kernel") layer.padding = (layer.kernel - 1) / 2; // the image keeps its size
        update();
      });
  }

  function update() {
    const cost = layerCost(layer);
    const best = roof(machine, cost.intensity);
    const ridge = machine.multiply_adds / machine.bandwidth;
    const own = Object.entries(layers[from]).some(([key, v]) => layer[key] !== v);
    const milliseconds = (1000 * cost.multiplyAdds) / best;
    told.textContent = `${own ? "Your layer" : from}, ${layer.inside} x ${layer.size} x ${layer.size} to ` +
      `${layer.outside} x ${cost.size} x ${cost.size}, ${layer.batch} at a time: ${short(cost.multiplyAdds)} multiply-adds, ` +
      `${short(cost.moved)} bytes, ${Number(cost.intensity.toPrecision(3))} for each byte. ` +
      (cost.intensity < ridge ? "It waits for memory: left of the ridge" : "It is limited by arithmetic: right of the ridge") +
      ` at ${Number(ridge.toPrecision(2))}. At best ${short(best)} a second, ${Number(milliseconds.toPrecision(3))} ms.`;
    picture.replaceChildren(drawRoof(machine, cost, `A roofline. ${told.textContent}`), caption);
    PARTS.forEach((part, i) => {
      segments[i].style.flexGrow = cost.bytes[part];
      segments[i].textContent = part;
    });
    split.textContent = `Bytes of ${PARTS.map((part) => `${part}: ${whole(cost.bytes[part])}`).join(", of ")}.`;
  }

  const start = (name) => {
    from = name;
    Object.assign(layer, layers[name]);
    for (const [key, node] of Object.entries(sliders)) node.set(steps[key].indexOf(layer[key]));
    update();
  };
  frame(host, model, "Start from a layer, and move the sliders.",
    row(select("Start from", names.map((n) => [n, n]), from, start)),
    told,
    row(el("div", { class: "dl-grow" }, ...Object.values(sliders),
      split, stack), picture));
  update();
}

export default { render };
