// `sums` of products.js for processors that compute with four numbers at once.
//
// JavaScript has no such instructions, WebAssembly has. The function is short enough to be written
// down here, instruction by instruction: no compiler, and nothing to load. Where there is no
// WebAssembly, `simdSums` is null, and products.js does the same in JavaScript, in the code to read
// first. Here sums are float32.
import {
  addF32x4,
  addI32,
  advance,
  get,
  I32,
  loadI32,
  loadV128,
  loop,
  multiplyF32x4,
  set,
  sized,
  splat,
  storeV128,
  V128,
  word,
  zeros,
} from "./assembler.js";

/**
 * The function, of addresses in bytes: rows and where they end, columns and where they end, the numbers
 * of one block, and where the sums go. Four rows at a time, as four sums of four outputs.
 */
function instructions() {
  const [rows, rowsEnd, columns, columnsEnd, packed, out] = [0, 1, 2, 3, 4, 5];
  const [column, weights, tap] = [6, 7, 8];
  const row = [9, 10, 11, 12];
  const sum = [13, 14, 15, 16];
  const four = 17;
  const product = (/** @type {number} */ i) =>
    set(
      sum[i],
      addF32x4(get(sum[i]), multiplyF32x4(get(four), splat(addI32(get(row[i]), get(tap))))),
    );
  const each = [0, 1, 2, 3];
  const body = loop(
    [
      ...each.flatMap((i) => set(row[i], loadI32(get(rows), 4 * i))),
      ...each.flatMap((i) => set(sum[i], zeros)),
      ...set(column, get(columns)),
      ...set(weights, get(packed)),
      ...loop(
        [
          ...set(tap, loadI32(get(column))),
          ...set(four, loadV128(get(weights))),
          ...each.flatMap(product),
          ...advance(column, 4),
          ...advance(weights, 16),
        ],
        column,
        columnsEnd,
      ),
      ...each.flatMap((i) => storeV128(get(out), get(sum[i]), 16 * i)),
      ...advance(rows, 16),
      ...advance(out, 64),
    ],
    rows,
    rowsEnd,
  );
  const locals = [2, 7, I32, 5, V128];
  return [...locals, ...body, 0x0b];
}

/** The module: one function "sums" and its memory. */
function binary() {
  const section = (/** @type {number} */ id, /** @type {number[]} */ parts) => [
    id,
    ...sized(parts),
  ];
  return new Uint8Array([
    0,
    ...Array.from("asm", (c) => c.charCodeAt(0)),
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, ...sized(new Array(6).fill(I32)), 0]), // types: six i32, no result
    ...section(3, [1, 0]), // functions: one, of type 0
    ...section(5, [1, 0, 1]), // memories: one, of a page at first
    ...section(7, [2, ...word("memory"), 2, 0, ...word("sums"), 0, 0]), // exports
    ...section(10, [1, ...sized(instructions())]), // code
  ]);
}

/** @returns {import("./products.js").Sums | null} */
function made() {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(binary())) return null;
  let instance;
  try {
    instance = new WebAssembly.Instance(new WebAssembly.Module(binary()));
  } catch {
    return null; // the page forbids it
  }
  const memory = /** @type {WebAssembly.Memory} */ (instance.exports.memory);
  const run = /** @type {(...addresses: number[]) => void} */ (instance.exports.sums);
  return (x, rows, columns, packed) => {
    const count = Math.ceil(rows.length / 4) * 4; // the last row again where they do not fill four
    const blocks = packed.length / (columns.length * 4);
    let end = 0;
    const [atX, atRows, atColumns, atPacked, atOut] = [
      x.length,
      count,
      columns.length,
      packed.length,
      blocks * count * 4,
    ].map((length) => {
      const start = end;
      end += Math.ceil(length / 4) * 16;
      return start;
    });
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    const floats = new Float32Array(memory.buffer);
    const ints = new Int32Array(memory.buffer);
    floats.set(x, atX / 4);
    floats.set(packed, atPacked / 4);
    for (let r = 0; r < count; r++)
      ints[atRows / 4 + r] = atX + 4 * rows[Math.min(r, rows.length - 1)];
    for (let c = 0; c < columns.length; c++) ints[atColumns / 4 + c] = 4 * columns[c];
    for (let b = 0; b < blocks; b++) {
      run(
        atRows,
        atRows + 4 * count,
        atColumns,
        atColumns + 4 * columns.length,
        atPacked + 16 * b * columns.length,
        atOut + 16 * b * count,
      );
    }
    if (count === rows.length) return floats.subarray(atOut / 4, atOut / 4 + blocks * count * 4);
    // Blocks without what was added to the rows.
    const out = new Float32Array(blocks * rows.length * 4);
    for (let b = 0; b < blocks; b++) {
      const start = atOut / 4 + b * count * 4;
      out.set(floats.subarray(start, start + rows.length * 4), b * rows.length * 4);
    }
    return out;
  };
}

export const simdSums = made();
