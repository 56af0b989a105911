// Sums of products: all the arithmetic of convolutions and linear layers.
//
// A layer says where its numbers lie. An output has a *place* in the input, and the inputs of which
// it is the sum lie at the same distances, its *taps*, from every place:
//
//     y[target + o * plane] = bias[o] + sum over taps t of x[place + t] * w[o, t]
//
// A convolution of any stride, padding and dilation is that, and so are its gradients and a linear
// layer. No patches are copied. Both functions compute a small block of outputs at a time, with one
// variable for each: numbers once loaded serve several products, and the compiler keeps the sums in
// registers. That is about four times as fast as one output after another. They add up in float64,
// JavaScript's own kind of number.

/** Outputs that are computed together. */
const OUTPUTS = 4;

/**
 * Lay out weights as `weightedSums` reads them: blocks of four outputs, tap by tap.
 *
 * They are converted to float64 here once, and not at every product.
 *
 * @param {number} outputs
 * @param {number} taps
 * @param {(output: number, tap: number) => number} weight
 */
export function packedWeights(outputs, taps, weight) {
  const blocks = Math.ceil(outputs / OUTPUTS);
  const packed = new Float64Array(blocks * taps * OUTPUTS); // zeros where the last block is not full
  for (let o = 0; o < outputs; o++) {
    const start = Math.floor(o / OUTPUTS) * taps * OUTPUTS + (o % OUTPUTS);
    for (let t = 0; t < taps; t++) packed[start + t * OUTPUTS] = weight(o, t);
  }
  return packed;
}

/**
 * Compute `y[targets[p] + o * plane] = bias[o] + sum over t of x[places[p] + taps[t]] * w[o, t]`.
 *
 * @param {Float32Array} x
 * @param {Int32Array} places
 * @param {Int32Array} taps
 * @param {Float64Array} weights as `packedWeights` makes them
 * @param {Float32Array | null} bias
 * @param {Float32Array} y
 * @param {Int32Array} targets as many as places
 * @param {number} plane distance between two outputs of one place
 * @param {number} outputs
 */
export function weightedSums(x, places, taps, weights, bias, y, targets, plane, outputs) {
  const count = places.length;
  const length = taps.length;
  for (let o = 0; o < outputs; o += OUTPUTS) {
    const first = o * length; // of this block's weights
    const left = outputs - o;
    const b0 = bias === null ? 0 : bias[o];
    const b1 = bias === null || left < 2 ? 0 : bias[o + 1];
    const b2 = bias === null || left < 3 ? 0 : bias[o + 2];
    const b3 = bias === null || left < 4 ? 0 : bias[o + 3];
    for (let p = 0; p < count; p += 2) {
      const q = Math.min(p + 1, count - 1); // of an odd number the last place is computed twice
      const place = places[p];
      const next = places[q];
      let s0 = b0;
      let s1 = b1;
      let s2 = b2;
      let s3 = b3;
      let r0 = b0;
      let r1 = b1;
      let r2 = b2;
      let r3 = b3;
      let w = first;
      for (let t = 0; t < length; t++) {
        const tap = taps[t];
        const a = x[place + tap];
        const b = x[next + tap];
        const w0 = weights[w];
        const w1 = weights[w + 1];
        const w2 = weights[w + 2];
        const w3 = weights[w + 3];
        s0 += a * w0;
        s1 += a * w1;
        s2 += a * w2;
        s3 += a * w3;
        r0 += b * w0;
        r1 += b * w1;
        r2 += b * w2;
        r3 += b * w3;
        w += OUTPUTS;
      }
      const to = targets[p] + o * plane;
      const also = targets[q] + o * plane;
      y[to] = s0;
      y[also] = r0;
      if (left < 2) continue;
      y[to + plane] = s1;
      y[also + plane] = r1;
      if (left < 3) continue;
      y[to + 2 * plane] = s2;
      y[also + 2 * plane] = r2;
      if (left < 4) continue;
      y[to + 3 * plane] = s3;
      y[also + 3 * plane] = r3;
    }
  }
}

/**
 * Add to `dw[o, t]` the sum over p of `x[places[p] + taps[t]] * dy[targets[p] + o * plane]`.
 *
 * That is the gradient of what `weightedSums` computes, with respect to its weights.
 *
 * @param {Float32Array} x
 * @param {Int32Array} places
 * @param {Int32Array} taps
 * @param {Float32Array} dy
 * @param {Int32Array} targets as many as places
 * @param {number} plane distance between two outputs of one place
 * @param {number} outputs
 * @param {Float64Array} dw outputs x taps
 */
export function weightSums(x, places, taps, dy, targets, plane, outputs, dw) {
  const count = places.length;
  const length = taps.length;
  for (let o = 0; o < outputs; o += OUTPUTS) {
    const left = outputs - o;
    // Where fewer are left, an output is taken twice, and the second sum is not used.
    const d0 = o * plane;
    const d1 = (o + Math.min(1, left - 1)) * plane;
    const d2 = (o + Math.min(2, left - 1)) * plane;
    const d3 = (o + Math.min(3, left - 1)) * plane;
    for (let t = 0; t < length; t += 2) {
      const tap = taps[t];
      const next = taps[Math.min(t + 1, length - 1)];
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let r0 = 0;
      let r1 = 0;
      let r2 = 0;
      let r3 = 0;
      for (let p = 0; p < count; p++) {
        const place = places[p];
        const a = x[place + tap];
        const b = x[place + next];
        const target = targets[p];
        const g0 = dy[target + d0];
        const g1 = dy[target + d1];
        const g2 = dy[target + d2];
        const g3 = dy[target + d3];
        s0 += a * g0;
        s1 += a * g1;
        s2 += a * g2;
        s3 += a * g3;
        r0 += b * g0;
        r1 += b * g1;
        r2 += b * g2;
        r3 += b * g3;
      }
      const s = [s0, s1, s2, s3];
      const r = [r0, r1, r2, r3];
      for (let k = 0; k < Math.min(OUTPUTS, left); k++) {
        const at = (o + k) * length + t;
        dw[at] += s[k];
        if (t + 1 < length) dw[at + 1] += r[k];
      }
    }
  }
}
