// Every digit that a network reads wrong, by label and by reading.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { button, el, frame, row, says, select, whole } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { grey, Picture } from "./lib/pictures.js";
import { heads, line } from "./lib/tables.js";

const percent = (/** @type {number} */ v) => (v < 0.01 ? "<1%" : `${Math.round(100 * v)}%`);

/**
 * An image, and the probabilities of its label and of what was read.
 * @typedef {object} Mistake
 * @property {number} index
 * @property {number} label
 * @property {number} read
 * @property {number} p_label
 * @property {number} p_read
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {Mistake[]} mistakes
 * @property {number[][]} counts
 * @property {string[]} classes
 * @property {number} total
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images: packed, mistakes, counts, classes, total } = model.get("data");
  const images = unpack(packed);
  const [, height, width] = images.shape;
  const state = { label: "any", read: "any" };

  const told = says();
  const gallery = el("ul", { class: "dl-gallery" });
  /** @type {[string, string][]} */
  const named = classes.map((name, i) => [String(i), name]);
  const options = [/** @type {const} */ (["any", "any"]), ...named];
  /** @type {(label: string, read: string) => void} */
  const choose = (label, read) => {
    Object.assign(state, { label, read });
    labels.input.value = label;
    reads.input.value = read;
    update();
  };
  const labels = select("Label", options, "any", (v) => choose(v, state.read));
  const reads = select("Read as", options, "any", (v) => choose(state.label, v));
  /** @type {(wanted: string, value: number) => boolean} */
  const matches = (wanted, value) => wanted === "any" || Number(wanted) === value;

  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  /** @type {(i: number, j: number) => HTMLElement} */
  const cell = (i, j) => {
    if (i === j || !counts[i][j])
      return el("td", { class: i === j ? "dl-right" : "" }, String(counts[i][j] || "·"));
    const node = button(String(counts[i][j]), () => choose(String(i), String(j)), {
      "aria-label": `${counts[i][j]} of label ${classes[i]} read as ${classes[j]}`,
    });
    buttons.set(`${i} ${j}`, node);
    return el("td", {}, node);
  };
  const table = el(
    "table",
    { class: "dl-confusion" },
    el("caption", {}, "How often each label (row) was read as each class (column)"),
    heads(el("td"), ...classes),
    el("tbody", {}, ...classes.map((c, i) => line(c, ...classes.map((_, j) => cell(i, j))))),
  );

  function update() {
    const found = mistakes
      .map((m, i) => ({ ...m, i }))
      .filter((m) => matches(state.label, m.label) && matches(state.read, m.read));
    const name = (/** @type {string} */ v) => (v === "any" ? "any class" : classes[Number(v)]);
    told.textContent =
      `${found.length} of the ${mistakes.length} mistakes in ${whole(total)} images: ` +
      `label ${name(state.label)}, read as ${name(state.read)}.`;
    gallery.replaceChildren(
      ...found.map((m) => {
        const [label, read] = [classes[m.label], classes[m.read]];
        const picture = new Picture("", { side: 84 });
        picture.caption.append(
          `${label} read as ${read}`,
          el("br"),
          `${read}: ${percent(m.p_read)}, ${label}: ${percent(m.p_label)}`,
        );
        picture.draw(images.part(m.i), height, width, grey(0, 1), `Image ${m.index} of the data.`);
        return el("li", {}, picture.node);
      }),
    );
    for (const node of buttons.values()) node.removeAttribute("aria-pressed");
    buttons.get(`${state.label} ${state.read}`)?.setAttribute("aria-pressed", "true");
  }

  frame(
    host,
    model,
    "Choose a label, a reading, or a number in the table. Below each image are the probabilities that the network gave to the reading and to the label. The surest mistakes come first.",
    row(
      labels,
      reads,
      button("Show all", () => choose("any", "any")),
    ),
    table,
    told,
    el(
      "div",
      { class: "dl-scroll", tabindex: 0, role: "region", "aria-label": "The images" },
      gallery,
    ),
  );
  update();
}

export default { render };
