// Curves over numbered things, such as steps or layers, with axes that fit them.
import { drawing, words } from "./charts.js";
import { svg, whole } from "./common.js";

const SIZE = { width: 340, height: 190, left: 46, right: 10, top: 24, bottom: 34 };

/** @typedef {readonly (readonly [number, number])[]} Points */

/**
 * @typedef {object} Curve
 * @property {Points} points what is not finite interrupts the curve
 * @property {string} look its class
 */

/**
 * The axis from bottom to top: logarithmic from one power of ten to another, with 0 at the foot where
 * a curve has it, or linear from 0 to 1.
 * @typedef {"logarithmic" | "share"} Scale
 */

/** A dotted line at a height, and its name. @typedef {readonly [number, string]} Level */

/**
 * @typedef {object} Picture
 * @property {string} title what is drawn
 * @property {string} axis what is counted from left to right
 * @property {Scale} scale
 * @property {Level} [level]
 * @property {string} label the picture in a sentence
 */

/**
 * A few numbers for an axis of whole numbers.
 * @param {number} last
 */
function places(last) {
  const rough = last / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}

const MARKS = ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100", "1,000", "10,000"];

/** @param {number} exponent */
const mark = (exponent) => MARKS[exponent + 4] ?? `1e${exponent}`;

/**
 * @param {readonly number[]} values above 0
 * @returns {[number, number]} exponents of the powers of ten around them and 1
 */
function powers(values) {
  const low = Math.floor(Math.log10(values.reduce((a, b) => Math.min(a, b), 1)));
  const high = Math.ceil(Math.log10(values.reduce((a, b) => Math.max(a, b), 1)));
  return [low, Math.max(high, low + 1)];
}

/**
 * Draw curves into one picture, the later ones above.
 *
 * @param {Picture} picture
 * @param {readonly Curve[]} curves
 */
export function curvesPicture({ title, axis, scale, level, label }, curves) {
  const { width, height, left, right, top, bottom } = SIZE;
  const log = scale === "logarithmic";
  const known = curves.flatMap(({ points }) => points.map(([, v]) => v).filter(Number.isFinite));
  const zero = known.includes(0);
  const [lowest, high] = log ? powers(known.filter((v) => v > 0)) : [0, 1];
  const low = log && zero ? lowest - 1 : lowest;
  const last = Math.max(2, ...curves.map(({ points }) => points[points.length - 1]?.[0] ?? 0));
  const begin = Math.min(1, ...curves.map(({ points }) => points[0]?.[0] ?? 1));
  const x = (/** @type {number} */ v) =>
    left + ((width - left - right) * (v - begin)) / (last - begin);
  const y = (/** @type {number} */ v) => {
    const share = ((log ? Math.log10(v) : v) - low) / (high - low);
    return top + (height - top - bottom) * (1 - Math.max(0, share));
  };
  const node = drawing(SIZE, label);
  node.append(words(title, { x: 2, y: 13, "font-weight": "bold" }));

  /** @type {(v: number, text: string, look?: string) => void} */
  const rule = (v, text, look = "dl-rule") =>
    node.append(
      svg("line", { x1: left, x2: width - right, y1: y(v), y2: y(v), class: look }),
      words(text, { x: left - 5, y: y(v) + 4, "text-anchor": "end" }),
    );
  const every = Math.ceil((high - low) / 5); // powers of ten
  if (log) {
    for (let e = low; e <= high; e += every) rule(10 ** e, e === low && zero ? "0" : mark(e));
  } else for (const v of [0, 0.25, 0.5, 0.75, 1]) rule(v, `${100 * v}%`);
  // Its name stands among those of the powers of ten where there is room.
  if (level) rule(level[0], high - low <= 3 ? level[1] : "", "dl-level");
  const line = height - bottom + 14;
  for (const v of places(last).filter((v) => v >= begin)) {
    node.append(words(whole(v), { x: x(v), y: line, "text-anchor": "middle" }));
  }
  node.append(words(axis, { x: width - right, y: height - 4, "text-anchor": "end" }));

  for (const { points, look } of curves) {
    let path = "";
    let before = false;
    for (const [at, v] of points) {
      const shown = Number.isFinite(v);
      // A point without neighbours is a short line, so that it is seen.
      if (shown) path += `${before ? "L" : "M"}${x(at).toFixed(1)} ${y(v).toFixed(1)}`;
      if (shown && !before) path += "h0.1";
      before = shown;
    }
    node.append(svg("path", { d: path, class: look }));
  }
  return node;
}

/**
 * The mean of each stretch of so many values, at its end: curves of thousands of steps without their
 * noise.
 * @param {readonly number[]} values of the steps 1, 2, ...
 * @param {number} length of a stretch; the last may be shorter
 * @returns {[number, number][]}
 */
export function means(values, length) {
  return Array.from({ length: Math.ceil(values.length / length) }, (_, i) => {
    const part = values.slice(i * length, (i + 1) * length);
    return [i * length + part.length, part.reduce((a, b) => a + b, 0) / part.length];
  });
}
