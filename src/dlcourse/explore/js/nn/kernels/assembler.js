// WebAssembly's instructions as bytes of its binary format: those that simd.js needs, each with its
// name in the text format. Operands come before what is done with them, as on a stack.

/** Types of values. */
export const I32 = 0x7f;
export const V128 = 0x7b;

/** A whole number of 0 or more, seven bits a byte.
 * @param {number} n
 * @returns {number[]} */
export const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);

/** Bytes behind their number.
 * @param {number[]} parts */
export const sized = (parts) => [...leb(parts.length), ...parts];

/** A name.
 * @param {string} text */
export const word = (text) => sized(Array.from(text, (c) => c.charCodeAt(0)));

/** `local.get`: the value of a local variable, by its number.
 * @param {number} local */
export const get = (local) => [0x20, local];

/** `local.set`
 * @param {number} local
 * @param {number[]} value */
export const set = (local, value) => [...value, 0x21, local];

/** `i32.const` of less than 128, and added to a local; the 0 says that it is not below zero.
 * @param {number} local
 * @param {number} bytes */
export const advance = (local, bytes) => set(local, addI32(get(local), [0x41, bytes | 128, 0]));

/** `i32.add`
 * @param {number[]} a
 * @param {number[]} b */
export const addI32 = (a, b) => [...a, ...b, 0x6a];

// Loads and stores: 2 says that addresses are multiples of 4, then comes what is added to them.

/** `i32.load`
 * @param {number[]} address
 * @param {number} offset */
export const loadI32 = (address, offset = 0) => [...address, 0x28, 2, ...leb(offset)];

/** `v128.load`: four float32
 * @param {number[]} address */
export const loadV128 = (address) => [...address, 0xfd, 0x00, 2, 0];

/** `v128.load32_splat`: four times the same float32
 * @param {number[]} address */
export const splat = (address) => [...address, 0xfd, 0x09, 2, 0];

/** `v128.store`
 * @param {number[]} address
 * @param {number[]} value
 * @param {number} offset */
export const storeV128 = (address, value, offset) =>
  [address, value, [0xfd, 0x0b, 2], leb(offset)].flat();

/** `f32x4.add`
 * @param {number[]} a
 * @param {number[]} b */
export const addF32x4 = (a, b) => [...a, ...b, 0xfd, ...leb(0xe4)];

/** `f32x4.mul`
 * @param {number[]} a
 * @param {number[]} b */
export const multiplyF32x4 = (a, b) => [...a, ...b, 0xfd, ...leb(0xe6)];

/** `v128.const` of four float32 zeros */
export const zeros = [0xfd, 0x0c, ...new Array(16).fill(0)];

/** `loop`, with at its end `br_if` to its start while one local is below another (`i32.lt_u`).
 * @param {number[]} body
 * @param {number} local
 * @param {number} end */
export const loop = (body, local, end) =>
  [[0x03, 0x40], body, get(local), get(end), [0x49, 0x0d, 0, 0x0b]].flat();
