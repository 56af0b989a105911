// What all explorers share: elements, controls, pictures of numbers. No dependencies.

/**
 * What Python sends, as traits of dlcourse.explore.lib.widget.Explorer.
 * @template Data
 * @typedef {{ kind: string, title: string, data: Data }} Traits
 */

/**
 * Gives the value of a trait by its name.
 * @template Data
 * @typedef {{ get<K extends keyof Traits<Data>>(name: K): Traits<Data>[K] }} Model
 */

/**
 * What anywidget hands to `render`: the model, and the element to draw into.
 * @template Data
 * @typedef {{ model: Model<Data>, el: HTMLElement }} Context
 */

/**
 * An array as dlcourse.explore.lib.widget.pack makes it.
 * @typedef {object} Packed
 * @property {number[]} shape
 * @property {number} low
 * @property {number} high
 * @property {string} bytes
 */

/** @typedef {readonly number[] | Float32Array} Numbers */
/** @typedef {(value: number) => number[]} Colour from a value to red, green and blue, 0 to 255 */
/** @typedef {Record<string, unknown>} Attributes */

/**
 * Make an element: attributes by name, listeners as `onNAME`, then its children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Node | string)} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/**
 * An element of a drawing, with its attributes and children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Node | string)} children
 */
export function svg(tag, attributes, ...children) {
  const template = el("template");
  template.innerHTML = "<svg></svg>"; // the parser knows the namespace
  const namespace = template.content.firstElementChild?.namespaceURI ?? null;
  const node = /** @type {SVGElementTagNameMap[Tag]} */ (document.createElementNS(namespace, tag));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * Turn what dlcourse.explore.lib.widget.pack made into {shape, values, part(i)}.
 * @param {Packed} packed
 */
export function unpack({ shape, low, high, bytes }) {
  const values = Float32Array.from(
    atob(bytes),
    (c) => low + (c.charCodeAt(0) / 255) * (high - low),
  );
  const size = values.length / shape[0];
  return {
    shape,
    values,
    part: (/** @type {number} */ i) => values.subarray(i * size, (i + 1) * size),
  };
}

/** Two decimals, with a real minus sign. */
export const number = (/** @type {number} */ v) =>
  v
    .toFixed(2)
    .replace(/^-(?=.*[1-9])/, "−")
    .replace("-", "");

export const whole = (/** @type {number} */ v) => v.toLocaleString("en");

/**
 * Whether two have the same entries.
 * @type {(a: Record<string, unknown>, b: Record<string, unknown>) => boolean}
 */
export const same = (a, b) => Object.entries(a).every(([key, value]) => value === b[key]);

/**
 * The frame of an explorer: its name, one sentence on how to use it, its parts.
 * @param {HTMLElement} host
 * @param {Model<any>} model
 * @param {string} help
 * @param {...(Node | string)} parts
 */
export function frame(host, model, help, ...parts) {
  const title = model.get("title");
  host.append(
    el(
      "div",
      { class: "dlcourse", role: "group", "aria-label": title, "data-kind": model.get("kind") },
      el("p", { class: "dl-title" }, title),
      ...(help ? [el("p", { class: "dl-help" }, help)] : []),
      ...parts,
    ),
  );
}

/** @param {...Node} children */
export const row = (...children) => el("div", { class: "dl-row" }, ...children);

/** A line that screen readers read out when it changes. */
export const says = () => el("p", { class: "dl-says", role: "status" });

/** @type {(text: string, onclick: () => void, attributes?: Attributes) => HTMLButtonElement} */
export const button = (text, onclick, attributes = {}) =>
  el("button", { type: "button", onclick, ...attributes }, text);

/**
 * What controls do when they change: the result, called with the name of an entry of `state`, is a
 * function that sets the entry, to a number where it was one, and calls `update`.
 * @template {Record<string, string | number>} State
 * @param {State} state
 * @param {() => void} update
 */
export const changes =
  (state, update) =>
  (/** @type {keyof State} */ name) =>
  (/** @type {string | number} */ value) => {
    Object.assign(state, { [name]: typeof state[name] === "number" ? Number(value) : value });
    update();
  };

/**
 * A drop-down list of [value, text] with its label; `input` is the select.
 * @param {string} label
 * @param {readonly (readonly [string | number, string])[]} options
 * @param {string | number} value
 * @param {(value: string) => void} onChange
 */
export function select(label, options, value, onChange) {
  const input = el(
    "select",
    { "aria-label": label, onchange: () => onChange(input.value) },
    ...options.map(([v, text]) => el("option", { value: v }, text)),
  );
  input.value = String(value);
  const node = el("label", { class: "dl-control" }, el("span", {}, label), input);
  return Object.assign(node, { input });
}

/**
 * @typedef {object} Range
 * @property {number} [min]
 * @property {number} max
 * @property {number} [step]
 * @property {number} value
 * @property {(value: number) => string} [text] what is shown and read out for a value
 */

/**
 * A slider with its label and its value beside it; `limit(max)` and `set(value)` return the value
 * that it then has.
 * @param {string} label
 * @param {Range} range
 * @param {(value: number) => void} onInput
 */
export function slider(label, { min = 0, max, step = 1, value, text = String }, onInput) {
  const shown = el("span", { class: "dl-value", "aria-hidden": "true" });
  const input = el("input", {
    type: "range",
    min,
    max,
    step,
    value,
    "aria-label": label,
    oninput: () => {
      show();
      onInput(input.valueAsNumber);
    },
  });
  const show = () => {
    shown.textContent = text(input.valueAsNumber);
    input.setAttribute("aria-valuetext", text(input.valueAsNumber));
  };
  show();
  const set = (/** @type {number} */ v) => {
    input.value = String(v);
    show();
    return input.valueAsNumber;
  };
  const limit = (/** @type {number} */ largest) => {
    input.max = String(largest);
    return set(input.valueAsNumber);
  };
  const node = el("label", { class: "dl-control" }, el("span", {}, label, " ", shown), input);
  return Object.assign(node, { input, set, limit });
}

/** @typedef {ReturnType<typeof slider>} Slider */

const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];

/**
 * Grey from low (black) to high (white).
 * @type {(low: number, high: number) => Colour}
 */
export const grey = (low, high) => (v) => {
  const g = high > low ? (255 * (v - low)) / (high - low) : 0;
  return [g, g, g];
};

/**
 * Blue below zero, white at zero, orange above: the further from zero, the stronger.
 * @type {(largest: number) => Colour}
 */
export const signed = (largest) => (v) => {
  const share = largest > 0 ? Math.min(1, Math.abs(v) / largest) : 0;
  return (v < 0 ? BLUE : ORANGE).map((c) => 255 + share * (c - 255));
};

/** A picture of numbers with a caption; `onPick(row, column)` hears clicks and drags. */
export class Picture {
  /**
   * @param {string} caption
   * @param {{ onPick?: (row: number, column: number) => void, side?: number }} options
   */
  constructor(caption = "", { onPick, side = 240 } = {}) {
    this.canvas = el("canvas", { role: "img", style: `width: ${side}px` });
    this.caption = el("figcaption", {}, caption);
    this.node = el("figure", { class: "dl-picture" }, this.canvas, this.caption);
    this.height = 1;
    this.width = 1;
    this.cell = 1; // pixels of the canvas for a value, across and down
    if (onPick) {
      this.canvas.classList.add("dl-pick");
      const pick = (/** @type {PointerEvent} */ event) => {
        if (event.type === "pointermove" && !event.buttons) return;
        const box = this.canvas.getBoundingClientRect();
        /** @type {(at: number, start: number, length: number, count: number) => number} */
        const place = (at, start, length, count) =>
          Math.max(0, Math.min(count - 1, Math.floor(((at - start) / length) * count)));
        onPick(
          place(event.clientY, box.top, box.height, this.height),
          place(event.clientX, box.left, box.width, this.width),
        );
      };
      this.canvas.addEventListener("pointerdown", pick);
      this.canvas.addEventListener("pointermove", pick);
    }
  }

  /** What draws on the canvas. */
  get pen() {
    return pen(this.canvas);
  }

  /**
   * Draw height x width values, row by row; `label` says what they show.
   * @param {Numbers} values
   * @param {number} height
   * @param {number} width
   * @param {Colour} colour
   * @param {string} label
   */
  draw(values, height, width, colour, label) {
    this.height = height;
    this.width = width;
    this.cell = Math.max(4, Math.floor(480 / Math.max(height, width)));
    // First one pixel per value, then enlarged: far faster than a rectangle per value.
    const pixels = new ImageData(width, height);
    for (let i = 0; i < height * width; i++) pixels.data.set([...colour(values[i]), 255], 4 * i);
    const small = el("canvas", { width, height });
    pen(small).putImageData(pixels, 0, 0);
    this.canvas.width = width * this.cell;
    this.canvas.height = height * this.cell;
    this.canvas.setAttribute("aria-label", label);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * Frame some cells: orange inside white, so that it stands out on black and on white.
   * @param {number} top
   * @param {number} left
   * @param {number} height
   * @param {number} width
   * @param {{ thin?: boolean }} options
   */
  mark(top, left, height, width, { thin = false } = {}) {
    /** @type {[string, number][]} */
    const lines = thin
      ? [["#56B4E9", 2]]
      : [
          ["#fff", 7],
          ["#D55E00", 4],
        ];
    const s = this.cell;
    for (const [style, line] of lines) {
      this.pen.strokeStyle = style;
      this.pen.lineWidth = line;
      this.pen.strokeRect(left * s, top * s, width * s, height * s);
    }
  }
}

/** @param {HTMLCanvasElement} canvas */
function pen(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser gave no canvas to draw on; reload the page.");
  return context;
}
