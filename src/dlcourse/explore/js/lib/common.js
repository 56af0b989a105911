// What all explorers share: elements, controls, pictures of numbers. No dependencies.

/** Make an element: attributes by name, listeners as `onNAME`, then its children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** An element of a drawing, with its attributes and children. */
export function svg(tag, attributes, ...children) {
  const template = el("template");
  template.innerHTML = "<svg></svg>"; // the parser knows the namespace
  const node = document.createElementNS(template.content.firstChild.namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Turn what dlcourse.explore.widget.pack made into {shape, values, part(i)}. */
export function unpack({ shape, low, high, bytes }) {
  const text = atob(bytes);
  const values = Float32Array.from(text, (c) => low + (c.charCodeAt(0) / 255) * (high - low));
  const size = values.length / shape[0];
  return { shape, values, part: (i) => values.subarray(i * size, (i + 1) * size) };
}

/** Two decimals, with a real minus sign. */
export const number = (v) => v.toFixed(2).replace(/^-(?=.*[1-9])/, "−").replace("-", "");

export const whole = (v) => v.toLocaleString("en");

/** The frame of an explorer: its name, one sentence on how to use it, its parts. */
export function frame(host, model, help, ...parts) {
  const title = model.get("title");
  host.append(
    el("div", { class: "dlcourse", role: "group", "aria-label": title, "data-kind": model.get("kind") },
      el("p", { class: "dl-title" }, title),
      ...(help ? [el("p", { class: "dl-help" }, help)] : []),
      ...parts,
    ),
  );
}

export const row = (...children) => el("div", { class: "dl-row" }, ...children);

/** A line that screen readers read out when it changes. */
export const says = () => el("p", { class: "dl-says", role: "status" });

/** A drop-down list of [value, text] with its label; `node.input` is the select. */
export function select(label, options, value, onChange) {
  const input = el("select", { "aria-label": label, onchange: () => onChange(input.value) },
    ...options.map(([v, text]) => el("option", { value: v }, text)));
  input.value = value;
  const node = el("label", { class: "dl-control" }, el("span", {}, label), input);
  node.input = input;
  return node;
}

/** A slider with its label and its value beside it; `node.limit(max)` and `node.set(value)`. */
export function slider(label, { min = 0, max, step = 1, value, text = String }, onInput) {
  const shown = el("span", { class: "dl-value", "aria-hidden": "true" });
  const input = el("input", { type: "range", min, max, step, value, "aria-label": label,
    oninput: () => { show(); onInput(input.valueAsNumber); } });
  const show = () => {
    shown.textContent = text(input.valueAsNumber);
    input.setAttribute("aria-valuetext", text(input.valueAsNumber));
  };
  show();
  const node = el("label", { class: "dl-control" }, el("span", {}, label, " ", shown), input);
  node.input = input;
  node.set = (v) => { input.value = v; show(); return input.valueAsNumber; };
  node.limit = (largest) => { input.max = largest; return node.set(input.value); };
  return node;
}

const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];

/** Grey from low (black) to high (white). */
export const grey = (low, high) => (v) => {
  const g = high > low ? (255 * (v - low)) / (high - low) : 0;
  return [g, g, g];
};

/** Blue below zero, white at zero, orange above: the further from zero, the stronger. */
export const signed = (largest) => (v) => {
  const share = largest > 0 ? Math.min(1, Math.abs(v) / largest) : 0;
  return (v < 0 ? BLUE : ORANGE).map((c) => 255 + share * (c - 255));
};

/** A picture of numbers with a caption; `onPick(row, column)` hears clicks and drags. */
export class Picture {
  constructor(caption = "", { onPick, side = 240 } = {}) {
    this.canvas = el("canvas", { role: "img", style: `width: ${side}px` });
    this.caption = el("figcaption", {}, caption);
    this.node = el("figure", { class: "dl-picture" }, this.canvas, this.caption);
    if (onPick) {
      this.canvas.classList.add("dl-pick");
      const pick = (event) => {
        if (event.type === "pointermove" && !event.buttons) return;
        const box = this.canvas.getBoundingClientRect();
        const place = (at, start, length, count) =>
          Math.max(0, Math.min(count - 1, Math.floor(((at - start) / length) * count)));
        onPick(place(event.clientY, box.top, box.height, this.height),
          place(event.clientX, box.left, box.width, this.width));
      };
      this.canvas.addEventListener("pointerdown", pick);
      this.canvas.addEventListener("pointermove", pick);
    }
  }

  /** Draw height x width values, row by row; `label` says what they show. */
  draw(values, height, width, colour, label) {
    Object.assign(this, { height, width });
    this.cell = Math.max(4, Math.floor(480 / Math.max(height, width)));
    // First one pixel per value, then enlarged: far faster than a rectangle per value.
    const pixels = new ImageData(width, height);
    for (let i = 0; i < height * width; i++) pixels.data.set([...colour(values[i]), 255], 4 * i);
    const small = el("canvas", { width, height });
    small.getContext("2d").putImageData(pixels, 0, 0);
    this.canvas.width = width * this.cell;
    this.canvas.height = height * this.cell;
    this.canvas.setAttribute("aria-label", label);
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Frame some cells: orange inside white, so that it stands out on black and on white. */
  mark(top, left, height, width, { thin = false } = {}) {
    const context = this.canvas.getContext("2d");
    const box = [left, top, width, height].map((v) => v * this.cell);
    for (const [style, line] of thin ? [["#56B4E9", 2]] : [["#fff", 7], ["#D55E00", 4]]) {
      context.strokeStyle = style;
      context.lineWidth = line;
      context.strokeRect(...box);
    }
  }
}

/** A table of numbers without headings, named by its caption. */
export function numbers(caption, rows) {
  return el("table", { class: "dl-numbers" }, el("caption", {}, caption),
    el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((v) => el("td", {}, v))))));
}
