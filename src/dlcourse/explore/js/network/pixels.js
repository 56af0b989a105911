// Changing the picture instead of the weights: steps along the gradient of the loss, within a budget.

/**
 * Move every pixel by `size` in the direction that its gradient asks for, and no further than `budget`
 * from where it was, and stay within the values that a picture has.
 *
 * @param {Float32Array} image as it is now
 * @param {Float32Array} start as it was
 * @param {Float32Array} gradient of the loss with respect to the pixels
 * @param {{ size: number, budget: number, ascend: boolean, low: number, high: number }} options
 */
export function moved(image, start, gradient, { size, budget, ascend, low, high }) {
  const step = ascend ? size : -size;
  return image.map((v, i) => {
    const near = Math.max(
      start[i] - budget,
      Math.min(start[i] + budget, v + step * Math.sign(gradient[i])),
    );
    return Math.max(low, Math.min(high, near));
  });
}

/**
 * How far the pixel that changed most is from where it was.
 * @param {Float32Array} image
 * @param {Float32Array} start
 */
export const distance = (image, start) =>
  image.reduce((largest, v, i) => Math.max(largest, Math.abs(v - start[i])), 0);
