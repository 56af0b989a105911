// WebAssembly's instructions as bytes of its binary format: those that simd.js
// needs. Operands come before what is done with them, as on a stack.

/** Types of values. */
export const I32 = 0x7f;
export const V128 = 0x7b;

/** A whole number, seven bits a byte.
 * @param {number} n
 * @returns {number[]} */
export const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);

/** Bytes behind their number.
 * @param {number[]} parts */
export const sized = (parts) => [...leb(parts.length), ...parts];

/** A name.
 * @param {string} text */
export const word = (text) => sized(Array.from(text, (c) => c.charCodeAt(0)));

/** The value of a local variable, by its number.
 * @param {number} local */
export const get = (local) => [0x20, local];

/** Give a local variable a value.
 * @param {number} local
 * @param {number[]} value */
export const set = (local, value) => [...value, 0x21, local];
/** Add to a local variable.
 * @param {number} local
 * @param {number} bytes below 128; a second byte, of 0, says that they are not below zero */
export const advance = (local, bytes) => set(local, [...get(local), 0x41, bytes | 128, 0, 0x6a]);
/** @param {number[]} address
 * @param {number} offset */
export const loadI32 = (address, offset = 0) => [...address, 0x28, 2, ...leb(offset)];
/** @param {number[]} address */
export const loadV128 = (address) => [...address, 0xfd, 0x00, 2, 0];
/** Four times the same float32.
 * @param {number[]} address */
export const splat = (address) => [...address, 0xfd, 0x09, 2, 0];
/** @param {number[]} address
 * @param {number[]} value
 * @param {number} offset */
export const storeV128 = (address, value, offset) => [
  ...address,
  ...value,
  0xfd,
  0x0b,
  2,
  ...leb(offset),
];
/** @param {number[]} a
 * @param {number[]} b */
export const addI32 = (a, b) => [...a, ...b, 0x6a];
/** @param {number[]} a
 * @param {number[]} b */
export const addF32x4 = (a, b) => [...a, ...b, 0xfd, ...leb(0xe4)];
/** @param {number[]} a
 * @param {number[]} b */
export const multiplyF32x4 = (a, b) => [...a, ...b, 0xfd, ...leb(0xe6)];
/** Four zeros of float32. */
export const zeros = [0xfd, 0x0c, ...new Array(16).fill(0)];
/** Repeat while one local is below another.
 * @param {number[]} body
 * @param {number} local
 * @param {number} end */
export const loop = (body, local, end) => [
  0x03,
  0x40,
  ...body,
  ...get(local),
  ...get(end),
  0x49,
  0x0d,
  0,
  0x0b,
];
