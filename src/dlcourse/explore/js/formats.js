// What becomes of one number in several formats: its bits, its neighbours, where formats end.

/** @import { Context } from "./lib/common.js" */
/** @import { Format, Outcome } from "./lib/floats.js" */

import { el, frame, row, says, select, slider } from "./lib/common.js";
import { exponentOf, fields, neighbours, outcome, parsed, rounded, scaled } from "./lib/floats.js";

/** @type {Record<Outcome, string>} */
const MARKS = { exact: "✓", rounded: "≈", subnormal: "▽", underflow: "↓", overflow: "↑" };
const PARTS = /** @type {const} */ (["sign", "exponent", "fraction"]);
const shown = (/** @type {number} */ v) =>
  v === Infinity
    ? "infinity"
    : v === -Infinity
      ? "\u2212infinity"
      : Object.is(v, -0)
        ? "\u22120"
        : String(v).replace(/-/g, "\u2212");

// Numbers in the browser are float64: 0.1 is read as the nearest float64, and what is lost by that
// cannot be seen.
const isOwn = (/** @type {Format} */ format) =>
  format.exponent_bits === 11 && format.fraction_bits === 52;

/**
 * @param {number} value
 * @param {number} stored
 * @param {Outcome} what
 */
function told(value, stored, what) {
  const error = Math.abs(stored - value) / Math.abs(value);
  const share = `relative error ${error.toExponential(1).replace("-", "\u2212")}`;
  return {
    exact: "exact",
    rounded: `rounded, ${share}`,
    subnormal: `subnormal, with fewer digits: ${error ? share : "exact"}`,
    underflow: "underflow: too small, becomes zero",
    overflow: "overflow: too large, becomes infinity",
  }[what];
}

/**
 * @typedef {object} Shown
 * @property {string} name
 * @property {number} exponent_bits
 * @property {number} fraction_bits
 */

/**
 * Powers of two: where the slider ends.
 * @typedef {object} Data
 * @property {Shown[]} formats
 * @property {string[]} examples
 * @property {[number, number]} powers
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { formats, examples, powers } = model.get("data");
  let value = parsed(examples[0]);

  const cards = formats.map((format) => {
    const parts = PARTS.map((name) => ({
      name,
      bits: el("code", { class: `dl-bits dl-${name}` }),
    }));
    const result = el("p", { class: "dl-result" });
    const around = el("p", { class: "dl-result" });
    const node = el(
      "li",
      {},
      el(
        "p",
        {},
        el("strong", {}, format.name),
        `: ${1 + format.exponent_bits + format.fraction_bits} bits`,
      ),
      el(
        "div",
        { class: "dl-fields" },
        ...parts.map(({ name, bits }) =>
          el("span", { class: "dl-field" }, el("span", {}, name), bits),
        ),
      ),
      result,
      around,
    );
    return { format, parts, result, around, node };
  });
  const status = says();

  function update() {
    const words = cards.flatMap(({ format, parts, result, around }) => {
      const stored = rounded(value, format);
      const what = outcome(value, format);
      const texts = fields(value, format);
      for (const { name, bits } of parts) bits.textContent = texts[name];
      result.textContent = isOwn(format)
        ? `${shown(stored)}: as the browser reads it; the errors below are measured from it`
        : `${MARKS[what]} ${shown(stored)} (${told(value, stored, what)})`;
      const [below, above] = neighbours(value, format);
      around.textContent = `Next smaller ${shown(below)}, next larger ${shown(above)}.`;
      return isOwn(format) ? [] : [`${format.name} ${what}`];
    });
    status.textContent = `${shown(value)}: ${words.join(", ")}.`;
  }

  /** Take a number from anywhere but the slider. */
  function take(/** @type {number} */ v) {
    value = v;
    if (value !== 0 && Number.isFinite(value)) power.set(exponentOf(Math.abs(value)));
    update();
  }

  const entry = el("input", {
    type: "text",
    value: examples[0],
    "aria-label": "Number",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      const v = parsed(entry.value);
      entry.setAttribute("aria-invalid", String(Number.isNaN(v)));
      if (Number.isNaN(v)) {
        status.textContent = `“${entry.value}” is not a number; write it like 0.1, 1e-5, 1/3 or 2^-25.`;
      } else {
        take(v);
      }
    },
  });
  const power = slider(
    "Power of two",
    { min: powers[0], max: powers[1], value: exponentOf(Math.abs(value)), text: (k) => `2^${k}` },
    (k) => {
      // The digits stay, and the point floats.
      const usual = value !== 0 && Number.isFinite(value);
      value = usual ? scaled(value, k - exponentOf(Math.abs(value))) : scaled(1, k);
      entry.value = String(value);
      entry.setAttribute("aria-invalid", "false");
      update();
    },
  );
  const choice = select(
    "Or choose",
    examples.map((e) => [e, e.replace(/-/g, "\u2212")]),
    examples[0],
    (text) => {
      entry.value = text;
      entry.setAttribute("aria-invalid", "false");
      take(parsed(text));
    },
  );

  frame(
    host,
    model,
    "Type a number, such as 0.1, 1e-5, 1/3 or 2^-25, choose one, or move it through the powers of two.",
    row(el("label", { class: "dl-control" }, el("span", {}, "Number"), entry), choice, power),
    status,
    el("ul", { class: "dl-entries" }, ...cards.map(({ node }) => node)),
  );
  update();
}

export default { render };
