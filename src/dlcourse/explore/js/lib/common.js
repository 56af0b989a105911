// What all explorers share: elements, controls, the frame. No dependencies.

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
