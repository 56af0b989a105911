// Terms of a sum: values, factors and products side by side, as tables where they are few.
import { el } from "../lib/common.js";
import { Picture, signed } from "../lib/pictures.js";
import { numbers } from "../lib/tables.js";
import { short } from "./words.js";

/** @typedef {import("./terms.js").Terms} Terms */

const ACROSS = 8; // single values beside each other
const FEW = 30; // terms that a table can show

/**
 * Where terms lie in a picture of several maps, and between them a line.
 * @param {[number, number, number]} sides
 */
function arrangement([maps, height, width]) {
  const vector = height * width === 1;
  const square = Math.ceil(Math.sqrt((maps * height) / width));
  const [across, gap] = vector ? [maps > 64 ? 32 : ACROSS, 0] : [square, 1];
  const rows = Math.ceil(maps / across) * (height + gap) - gap;
  const columns = Math.min(maps, across) * (width + gap) - gap;
  /** @type {(row: number, column: number) => number} the term at a pixel, -1 on a line */
  const termAt = (row, column) => {
    const map = Math.floor(row / (height + gap)) * across + Math.floor(column / (width + gap));
    const [y, x] = [row % (height + gap), column % (width + gap)];
    return map < maps && y < height && x < width ? (map * height + y) * width + x : -1;
  };
  /** @type {(term: number) => [number, number]} */
  const pixelOf = (term) => {
    const [map, within] = [Math.floor(term / (height * width)), term % (height * width)];
    return [
      Math.floor(map / across) * (height + gap) + Math.floor(within / width),
      (map % across) * (width + gap) + (within % width),
    ];
  };
  return { rows, columns, termAt, pixelOf };
}

const sign = (/** @type {string} */ text) => el("span", { class: "dl-sign" }, text);

/**
 * A row that shows terms: [values] x [factors] = [products].
 *
 * @param {Terms} terms
 * @param {[string, string]} names of values and factors
 * @param {number} chosen a term that is framed
 * @param {(term: number) => void} onPick
 */
export function shownTerms(terms, [values, factors], chosen, onPick) {
  /** @type {[string, Float32Array][]} */
  const parts = [
    [values, terms.values],
    [factors, terms.factors],
    ["Products", terms.products],
  ];
  const nodes = parts.map(([name, data]) =>
    data.length <= FEW ? table(name, data, terms.sides) : picture(name, data),
  );
  return el(
    "div",
    { class: "dl-row dl-terms" },
    nodes[0],
    sign("×"),
    nodes[1],
    sign("="),
    nodes[2],
  );

  /** @type {(name: string, data: Float32Array) => Node} */
  function picture(name, data) {
    const { rows, columns, termAt, pixelOf } = arrangement(terms.sides);
    const largest = data.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const colour = signed(largest);
    const drawn = new Picture(`${name}, up to ${short(largest)} from zero`, {
      side: 170,
      onPick: (row, column) => {
        const term = termAt(row, column);
        if (term >= 0 && term !== chosen) onPick(term);
      },
    });
    const pixels = Float32Array.from({ length: rows * columns }, (_, i) =>
      termAt(Math.floor(i / columns), i % columns),
    );
    const [maps, height, width] = terms.sides;
    drawn.draw(
      pixels,
      rows,
      columns,
      (term) => (term < 0 ? [128, 128, 128] : colour(data[term])),
      `${name}: ${maps} maps of ${height} by ${width}, blue below zero, orange above.`,
    );
    if (chosen >= 0) drawn.mark(...pixelOf(chosen), 1, 1);
    return drawn.node;
  }
}

/** @type {(name: string, data: Float32Array, sides: number[]) => Node} */
function table(name, data, [maps, height, width]) {
  const across = height * width === 1 ? Math.min(maps, ACROSS) : width;
  const rows = Array.from({ length: Math.ceil(data.length / across) }, (_, i) =>
    Array.from(data.subarray(i * across, (i + 1) * across), short),
  );
  return numbers(name, rows);
}
