// Where the windows of convolutions and poolings lie.

const pair = (/** @type {number | number[]} */ v) => (typeof v === "number" ? [v, v] : v);

/** @param {import("./graph.js").Layer} layer */
export function windowOf({ options: { kernel_size, stride, padding, dilation = 1 } }) {
  const [kernel, step, border, spread] = [kernel_size, stride, padding, dilation].map(pair);
  return { kernel, step, border, spread };
}

/** @typedef {{ kernel: number[], step: number[], border: number[], spread: number[] }} Window */

/** The pixel under place k of the window of output i, along an axis; -1 outside.
 * @type {(window: Window, axis: number, i: number, k: number, size: number) => number} */
export function pixelAt({ step, border, spread }, axis, i, k, size) {
  const at = i * step[axis] + k * spread[axis] - border[axis];
  return at < size ? Math.max(-1, at) : -1;
}

/** The output whose window has pixel y under its place k; -1 if there is none.
 * @type {(window: Window, axis: number, y: number, k: number, size: number) => number} */
export function outputAt({ step, border, spread }, axis, y, k, size) {
  const i = (y + border[axis] - k * spread[axis]) / step[axis];
  return Number.isInteger(i) && i < size ? Math.max(-1, i) : -1;
}

/** Channel, row and column of a place.
 * @type {(place: number, sides: number[]) => [number, number, number]} */
export function whereIs(place, [, rows, columns]) {
  const within = place % (rows * columns);
  return [Math.floor(place / (rows * columns)), Math.floor(within / columns), within % columns];
}

/**
 * The place of the largest value in the window of an output, the first among equals.
 *
 * @param {Window} window
 * @param {Float32Array} values
 * @param {number[]} sides maps, rows, columns
 * @param {number} channel
 * @param {number} i row of the output
 * @param {number} j
 */
export function winnerOf(window, values, [, height, width], channel, i, j) {
  let [winner, largest] = [-1, -Infinity];
  for (let u = 0; u < window.kernel[0]; u++) {
    for (let v = 0; v < window.kernel[1]; v++) {
      const [top, left] = [pixelAt(window, 0, i, u, height), pixelAt(window, 1, j, v, width)];
      if (top < 0 || left < 0) continue;
      const place = (channel * height + top) * width + left;
      if (values[place] > largest) [winner, largest] = [place, values[place]];
    }
  }
  return winner;
}
