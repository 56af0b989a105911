// Every digit that a network reads wrong, by label and by reading.
import { el, frame, grey, Picture, row, says, select, unpack } from "./lib/common.js";

const percent = (v) => (v < 0.01 ? "<1%" : `${Math.round(100 * v)}%`);

function render({ model, el: host }) {
  const { images: packed, mistakes, counts, classes, total } = model.get("data");
  const images = unpack(packed);
  const [, height, width] = images.shape;
  const state = { label: "any", read: "any" };

  const told = says();
  const gallery = el("ul", { class: "dl-gallery" });
  const options = [["any", "any"], ...classes.map((name, i) => [String(i), name])];
  const choose = (label, read) => {
    Object.assign(state, { label, read });
    labels.input.value = label;
    reads.input.value = read;
    update();
  };
  const labels = select("Label", options, "any", (v) => choose(v, state.read));
  const reads = select("Read as", options, "any", (v) => choose(state.label, v));
  const matches = (wanted, value) => wanted === "any" || Number(wanted) === value;

  const cell = (i, j) => {
    if (i === j || !counts[i][j]) return el("td", { class: i === j ? "dl-right" : "" }, String(counts[i][j] || "·"));
    return el("td", {}, el("button", { type: "button", onclick: () => choose(String(i), String(j)),
      "aria-label": `${counts[i][j]} of label ${classes[i]} read as ${classes[j]}` }, String(counts[i][j])));
  };
  const table = el("table", { class: "dl-confusion" },
    el("caption", {}, "How often each label (row) was read as each class (column)"),
    el("thead", {}, el("tr", {}, el("td", {}), ...classes.map((c) => el("th", { scope: "col" }, c)))),
    el("tbody", {}, ...classes.map((c, i) =>
      el("tr", {}, el("th", { scope: "row" }, c), ...classes.map((_, j) => cell(i, j))))));

  function update() {
    const found = mistakes.map((m, i) => ({ ...m, i }))
      .filter((m) => matches(state.label, m.label) && matches(state.read, m.read));
    const name = (v) => (v === "any" ? "any class" : classes[v]);
    told.textContent = `${found.length} of the ${mistakes.length} mistakes in ${total.toLocaleString("en")} images: ` +
      `label ${name(state.label)}, read as ${name(state.read)}.`;
    gallery.replaceChildren(...found.map((m) => {
      const [label, read] = [classes[m.label], classes[m.read]];
      const picture = new Picture("", { side: 84 });
      picture.caption.append(`${label} read as ${read}`, el("br"),
        `${read}: ${percent(m.p_read)}, ${label}: ${percent(m.p_label)}`);
      picture.draw(images.part(m.i), height, width, grey(0, 1), `Image ${m.index} of the data.`);
      return el("li", {}, picture.node);
    }));
    for (const button of table.querySelectorAll("button")) button.removeAttribute("aria-pressed");
    if (state.label !== "any" && state.read !== "any") {
      table.querySelectorAll("tbody tr")[state.label].children[Number(state.read) + 1]
        .querySelector("button")?.setAttribute("aria-pressed", "true");
    }
  }

  frame(host, model, "Choose a label, a reading, or a number in the table. Below each image are the probabilities that the network gave to the reading and to the label. The surest mistakes come first.",
    row(labels, reads, el("button", { type: "button", onclick: () => choose("any", "any") }, "Show all")),
    table, told, el("div", { class: "dl-scroll", tabindex: 0, role: "region", "aria-label": "The images" }, gallery));
  update();
}

export default { render };
