// Sums of products: all the arithmetic of convolutions and linear layers.
//
// A layer says where its numbers lie. An output has a *place* in the input, and the inputs of which
// it is the sum lie at the same distances, its *taps*, from every place:
//
//     y[place, o] = sum over taps of x[place + tap] * w[tap, o]
//     dw[tap, o]  = sum over places of x[tap + place] * dy[place, o]
//
// A convolution of any stride, padding and dilation is that, and so are its gradients and a linear
// layer. No patches are copied. Both lines are one function, `sums`, with places and taps exchanged.
import { simdSums } from "./simd.js";

/** Outputs that are computed together, and lie side by side in `packed` and in what `sums` returns. */
export const OUTPUTS = 4;

/**
 * For each block b of four outputs and each row r, the sum over columns c of
 * `x[rows[r] + columns[c]]` times the four numbers of `packed` at (b, c).
 *
 * @typedef {(x: Float32Array, rows: Int32Array, columns: Int32Array, packed: Float32Array) => Float32Array} Sums
 *   there has to be a row and a column; the result, (b, r, 4), may be overwritten by the next call
 */

/** @type {Sums} */
export function plainSums(x, rows, columns, packed) {
  const count = rows.length;
  const length = columns.length;
  const blocks = packed.length / (length * OUTPUTS);
  const out = new Float32Array(blocks * count * OUTPUTS);
  // Two rows of four outputs at a time, with a variable for each sum: a number once loaded serves
  // several products, and the compiler keeps the sums in registers. They are float64, JavaScript's own
  // kind of number.
  for (let b = 0; b < blocks; b++) {
    for (let r = 0; r < count; r += 2) {
      const second = Math.min(r + 1, count - 1); // of an odd number the last row is computed twice
      const row = rows[r];
      const next = rows[second];
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let t0 = 0;
      let t1 = 0;
      let t2 = 0;
      let t3 = 0;
      let w = b * length * OUTPUTS;
      for (let c = 0; c < length; c++) {
        const column = columns[c];
        const u = x[row + column];
        const v = x[next + column];
        const w0 = packed[w];
        const w1 = packed[w + 1];
        const w2 = packed[w + 2];
        const w3 = packed[w + 3];
        s0 += u * w0;
        s1 += u * w1;
        s2 += u * w2;
        s3 += u * w3;
        t0 += v * w0;
        t1 += v * w1;
        t2 += v * w2;
        t3 += v * w3;
        w += OUTPUTS;
      }
      const to = (b * count + r) * OUTPUTS;
      const also = (b * count + second) * OUTPUTS;
      out[to] = s0;
      out[to + 1] = s1;
      out[to + 2] = s2;
      out[to + 3] = s3;
      out[also] = t0;
      out[also + 1] = t1;
      out[also + 2] = t2;
      out[also + 3] = t3;
    }
  }
  return out;
}

/** What computes: `kernels(false)` does without WebAssembly, for tests and to compare. */
let sums = simdSums ?? plainSums;

/** @param {boolean} wanted */
export function kernels(wanted) {
  sums = wanted && simdSums ? simdSums : plainSums;
  return sums !== plainSums;
}

/**
 * Lay out numbers as `sums` reads them: blocks of four outputs, one behind the other.
 *
 * @param {Float32Array} from
 * @param {Int32Array} places where the number of output 0 lies for each row of a block
 * @param {number} plane distance between two outputs
 * @param {number} outputs
 */
export function packed(from, places, plane, outputs) {
  const count = places.length;
  const blocks = Math.ceil(outputs / OUTPUTS);
  const to = new Float32Array(blocks * count * OUTPUTS); // zeros where the last block is not full
  for (let o = 0; o < outputs; o++) {
    const start = Math.floor(o / OUTPUTS) * count * OUTPUTS + (o % OUTPUTS);
    const shift = o * plane;
    for (let i = 0; i < count; i++) to[start + i * OUTPUTS] = from[places[i] + shift];
  }
  return to;
}

/**
 * Compute `y[targets[p] + o * plane] = bias[o] + sum over t of x[places[p] + taps[t]] * w[o, t]`.
 *
 * @param {Float32Array} x
 * @param {Int32Array} places
 * @param {Int32Array} taps
 * @param {Float32Array} weights as `packed` makes them: a row for each tap
 * @param {Float32Array | null} bias
 * @param {Float32Array} y
 * @param {Int32Array} targets as many as places
 * @param {number} plane distance between two outputs of one place
 * @param {number} outputs
 */
export function weightedSums(x, places, taps, weights, bias, y, targets, plane, outputs) {
  if (places.length === 0) return; // of no images
  const out = sums(x, places, taps, weights);
  const count = places.length;
  for (let o = 0; o < outputs; o++) {
    const start = Math.floor(o / OUTPUTS) * count * OUTPUTS + (o % OUTPUTS);
    const shift = o * plane;
    const plus = bias ? bias[o] : 0;
    for (let p = 0; p < count; p++) y[targets[p] + shift] = out[start + p * OUTPUTS] + plus;
  }
}

/**
 * Add to `dw[o, t]` the sum over p of `x[places[p] + taps[t]] * dy[targets[p] + o * plane]`: the gradient
 * of what `weightedSums` computes, with respect to its weights.
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
  if (places.length === 0) return;
  const out = sums(x, taps, places, packed(dy, targets, plane, outputs));
  const count = taps.length;
  for (let o = 0; o < outputs; o++) {
    const start = Math.floor(o / OUTPUTS) * count * OUTPUTS + (o % OUTPUTS);
    for (let t = 0; t < count; t++) dw[o * count + t] += out[start + t * OUTPUTS];
  }
}
