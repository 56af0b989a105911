// One kernel over one digit: every output value is a sum of products, which the reader can inspect.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { convolve, pixel, taps } from "./lib/arithmetic.js";
import { changes, el, frame, number, row, says, select, slider } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { grey, Picture, signed } from "./lib/pictures.js";
import { numbers } from "./lib/tables.js";

/**
 * @typedef {object} Kernel
 * @property {string} name
 * @property {number} size
 * @property {number[]} weights
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {string[]} names
 * @property {Kernel[]} kernels
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images: packed, names, kernels } = model.get("data");
  const images = unpack(packed);
  const size = images.shape[1];
  const state = { image: 0, kernel: 0, stride: 1, padding: 1, dilation: 1, row: 12, column: 12 };

  const change = changes(state, update);
  /** @type {(list: string[]) => [number, string][]} */
  const indexed = (list) => list.map((text, i) => [i, text]);
  /** @type {(y: number, x: number) => void} */
  const pick = (y, x) => {
    state.row = rows.set(y);
    state.column = columns.set(x);
    update();
  };
  const rows = slider("Output row", { max: size, value: state.row }, change("row"));
  const columns = slider("Output column", { max: size, value: state.column }, change("column"));
  const input = new Picture("");
  const output = new Picture("", { onPick: pick });
  const sum = says();
  const tables = row();

  function update() {
    const { name, size: kernel, weights } = kernels[state.kernel];
    const image = images.part(state.image);
    const { padding } = state;
    const window = { ...state, kernel };
    const result = convolve(image, size, weights, window);
    state.row = rows.limit(result.size - 1);
    state.column = columns.limit(result.size - 1);
    const ys = taps(state.row, window);
    const xs = taps(state.column, window);

    const padded = size + 2 * padding;
    const values = Float32Array.from({ length: padded * padded }, (_, i) =>
      pixel(image, size, Math.floor(i / padded) - padding, (i % padded) - padding),
    );
    const reach = (/** @type {number[]} */ at) =>
      at.length > 1 ? `${at[0]} to ${at.at(-1)}` : at[0];
    input.caption.textContent = `Input, ${size} x ${size}${padding ? `, and a border of ${padding}` : ""}`;
    input.draw(
      values,
      padded,
      padded,
      grey(0, 1),
      `${names[state.image]}, ${size} x ${size} pixels, ` +
        `with ${padding} zeros on each side. The window covers rows ${reach(ys)} and columns ${reach(xs)}.`,
    );
    if (padding) input.mark(padding, padding, size, size, { thin: true });
    if (state.dilation > 1) {
      for (const y of ys) for (const x of xs) input.mark(y + padding, x + padding, 1, 1);
    } else {
      input.mark(ys[0] + padding, xs[0] + padding, kernel, kernel);
    }

    const largest = Math.max(...result.values.map(Math.abs));
    const low = number(Math.min(...result.values));
    const high = number(Math.max(...result.values));
    output.caption.textContent = `Output, ${result.size} x ${result.size}: blue below zero, orange above`;
    output.draw(
      result.values,
      result.size,
      result.size,
      signed(largest),
      `Output of ${result.size} x ${result.size} values from ${low} to ${high}, ${name}.`,
    );
    output.mark(state.row, state.column, 1, 1);

    const under = ys.map((y) => xs.map((x) => pixel(image, size, y, x)));
    /** @type {(a: number, b: number) => number} */
    const weight = (a, b) => weights[a * kernel + b];
    /** @type {(cell: (v: number, a: number, b: number) => number) => string[][]} */
    const show = (cell) => under.map((line, a) => line.map((v, b) => number(cell(v, a, b))));
    tables.replaceChildren(
      numbers(
        "Pixels under the window",
        show((v) => v),
      ),
      el("span", { class: "dl-sign" }, "×"),
      numbers(
        "Kernel",
        show((_, a, b) => weight(a, b)),
      ),
      el("span", { class: "dl-sign" }, "="),
      numbers(
        "Products",
        show((v, a, b) => v * weight(a, b)),
      ),
    );
    sum.textContent =
      `The output at row ${state.row}, column ${state.column} is the sum of ` +
      `${kernel * kernel} products: ${number(result.values[state.row * result.size + state.column])}.`;
  }

  frame(
    host,
    model,
    "Click or drag on the output, or move the two sliders below it, to choose an output value.",
    row(
      select("Digit", indexed(names), state.image, change("image")),
      select("Kernel", indexed(kernels.map((k) => k.name)), state.kernel, change("kernel")),
    ),
    row(
      slider("Stride", { min: 1, max: 3, value: state.stride }, change("stride")),
      slider("Padding", { max: 3, value: state.padding }, change("padding")),
      slider("Dilation", { min: 1, max: 3, value: state.dilation }, change("dilation")),
    ),
    row(input.node, output.node),
    row(rows, columns),
    sum,
    tables,
  );
  update();
}

export default { render };
