// Arrays that come from Python.

/**
 * An array as dlcourse.explore.lib.widget.pack makes it.
 * @typedef {object} Packed
 * @property {number[]} shape
 * @property {number} low
 * @property {number} high
 * @property {string} bytes
 */

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
