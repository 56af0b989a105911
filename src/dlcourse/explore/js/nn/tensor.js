// Tensors: float32 numbers in one typed array, and their shape.
//
// In memory the last axis runs fastest, so images (N, C, H, W) lie channel by channel: a feature map
// is one run of numbers, which a page can draw as it is, and flattening an image copies nothing. The
// package itself keeps channels last, for its matrix products. Here convolution works without
// patches, and takes the same time either way: over six layers of the course's networks, on one core
// of the machine that builds the book, 12.0 billion multiply-adds a second with channels first, and
// 12.1 with channels last.

/**
 * An array of float32 numbers. Whoever gets one may keep it, and must not change it.
 *
 * @typedef {{ data: Float32Array, shape: number[] }} Tensor
 */

/**
 * How many values a shape has.
 *
 * @param {number[]} shape
 */
export function sizeOf(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * A tensor of a shape: of zeros, or of given values.
 *
 * @param {number[]} shape
 * @param {Float32Array} [data] as many values as the shape has
 * @returns {Tensor}
 */
export function tensor(shape, data = new Float32Array(sizeOf(shape))) {
  if (data.length !== sizeOf(shape)) {
    throw new Error(
      `a tensor of shape (${shape.join(", ")}) has ${sizeOf(shape)} values, found ${data.length}`,
    );
  }
  return { data, shape };
}

/**
 * Where in each row the largest value is: the first of equals, and NaN counts as the largest, as in
 * NumPy.
 *
 * @param {Tensor} rows of shape (N, columns)
 */
export function argmax({ data, shape: [count, columns] }) {
  return Array.from({ length: count }, (_, n) => {
    const row = data.subarray(n * columns, (n + 1) * columns);
    const largest = Math.max(...row);
    return row.findIndex((v) => v === largest || Number.isNaN(v));
  });
}
