// Strokes of a pen as pixels, and as a network of MNIST's digits has to get them.

/** @typedef {number[][]} Stroke points of a line: rows and columns, in pixels */

/** How far ink reaches from the middle of the pen, in pixels: strokes are about as wide as MNIST's. */
const REACH = 1.7;
/** The side of the square into which MNIST's digits were scaled before they were centred. */
const BOX = 20;
const SMALLEST = 6; // what is smaller has only begun, and is scaled as if it were as large

/**
 * Ink along a line, from 0 to 1, onto what is there.
 *
 * @param {Float32Array} ink
 * @param {number[]} sides rows and columns
 * @param {number[]} from row and column
 * @param {number[]} to
 */
export function line(ink, [height, width], from, to) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let k = 0; k <= steps; k++) {
    const [y, x] = from.map((v, axis) => v + (k / steps) * (to[axis] - v));
    for (let i = Math.max(0, Math.ceil(y - 2)); i <= Math.min(height - 1, y + 2); i++) {
      for (let j = Math.max(0, Math.ceil(x - 2)); j <= Math.min(width - 1, x + 2); j++) {
        const amount = Math.max(0, Math.min(1, REACH - Math.hypot(i - y, j - x)));
        ink[i * width + j] = Math.max(ink[i * width + j], amount);
      }
    }
  }
}

/**
 * Strokes as MNIST's digits are: scaled into a square of 20 pixels, with the middle of their mass in
 * the middle of the picture. The pen stays as wide as it is.
 *
 * @param {Stroke[]} strokes
 * @param {number[]} sides rows and columns of the picture
 */
export function centred(strokes, sides) {
  const points = strokes.flat();
  const ends = [0, 1].map((axis) => {
    const along = points.map((point) => point[axis]);
    return [Math.min(...along), Math.max(...along)];
  });
  const extent = Math.max(SMALLEST, ...ends.map(([low, high]) => high - low));
  const scale = (BOX - 2 * (REACH - 0.5)) / extent;
  const middle = ends.map(([low, high]) => (low + high) / 2);
  const aim = sides.map((side) => (side - 1) / 2);
  const drawn = (/** @type {number[]} */ at) => {
    const ink = new Float32Array(sides[0] * sides[1]);
    const placed = (/** @type {number[]} */ point) =>
      point.map((v, axis) => (v - middle[axis]) * scale + at[axis]);
    for (const stroke of strokes) {
      const moved = stroke.map(placed);
      for (let k = 0; k < moved.length; k++) line(ink, sides, moved[Math.max(0, k - 1)], moved[k]);
    }
    return ink;
  };
  const found = massOf(drawn(aim), sides);
  return drawn(aim.map((v, axis) => 2 * v - found[axis]));
}

/**
 * The row and the column in the middle of the ink.
 *
 * @param {Float32Array} ink
 * @param {number[]} sides
 */
export function massOf(ink, [, width]) {
  let [total, rows, columns] = [0, 0, 0];
  ink.forEach((amount, i) => {
    total += amount;
    rows += amount * Math.floor(i / width);
    columns += amount * (i % width);
  });
  return [rows / total, columns / total];
}
