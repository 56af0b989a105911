// What number formats hold, in the terms of dlcourse.precision.Format; its arithmetic, bit by bit.

/** @typedef {{ exponent_bits: number, fraction_bits: number }} Format */

const bias = (/** @type {Format} */ format) => 2 ** (format.exponent_bits - 1) - 1;
const infinity = (/** @type {Format} */ format) =>
  ((1n << BigInt(format.exponent_bits)) - 1n) << BigInt(format.fraction_bits);
const width = (/** @type {Format} */ format) => 1 + format.exponent_bits + format.fraction_bits;

/**
 * x * 2**n, in steps that do not overflow on the way.
 * @param {number} x
 * @param {number} n
 */
export function scaled(x, n) {
  for (; n > 1000; n -= 1000) x *= 2 ** 1000;
  for (; n < -1000; n += 1000) x *= 2 ** -1000;
  return x * 2 ** n;
}

/**
 * The power of two at or below a size, but not below that of the smallest normal number.
 * @param {number} size
 */
export function exponentOf(size) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const field = (view.getUint32(0) >>> 20) & 0x7ff;
  return field === 0 ? -1022 : field - 1023;
}

/**
 * The bits of the number nearest to a value, as one BigInt; a tie goes to the even one.
 * @param {number} value
 * @param {Format} format
 */
function encode(value, format) {
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? 1n << BigInt(width(format) - 1) : 0n;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return infinity(format) | (1n << BigInt(format.fraction_bits - 1));
  if (size === Infinity) return sign | infinity(format);
  if (size === 0) return sign;
  const exponent = Math.max(exponentOf(size), 1 - bias(format));
  const exact = scaled(size, format.fraction_bits - exponent);
  let steps = Math.floor(exact);
  const rest = exact - steps;
  if (rest > 0.5 || (rest === 0.5 && steps % 2 === 1)) steps += 1;
  // The leading 1 of a normal number, and rounding up to a power of two, carry into the exponent.
  const pattern =
    (BigInt(exponent + bias(format) - 1) << BigInt(format.fraction_bits)) + BigInt(steps);
  return sign | (pattern < infinity(format) ? pattern : infinity(format));
}

/**
 * The number that bits stand for.
 * @param {bigint} pattern
 * @param {Format} format
 */
function decode(pattern, format) {
  const sign = pattern >> BigInt(width(format) - 1) ? -1 : 1;
  const exponent = Number((pattern & infinity(format)) >> BigInt(format.fraction_bits));
  const fraction = Number(pattern & ((1n << BigInt(format.fraction_bits)) - 1n));
  if (exponent === 2 ** format.exponent_bits - 1) return fraction ? NaN : sign * Infinity;
  const steps = exponent ? fraction + 2 ** format.fraction_bits : fraction;
  return sign * scaled(steps, Math.max(exponent, 1) - bias(format) - format.fraction_bits);
}

/**
 * The bits of the number nearest to a value, as text in three parts.
 * @param {number} value
 * @param {Format} format
 */
export function fields(value, format) {
  const text = encode(value, format).toString(2).padStart(width(format), "0");
  const start = 1 + format.exponent_bits;
  return { sign: text[0], exponent: text.slice(1, start), fraction: text.slice(start) };
}

/** @type {(value: number, format: Format) => number} */
export const rounded = (value, format) => decode(encode(value, format), format);

/**
 * The next smaller and the next larger number of what a value is rounded to.
 * @param {number} value
 * @param {Format} format
 */
export function neighbours(value, format) {
  if (Number.isNaN(value)) return [NaN, NaN];
  const minus = 1n << BigInt(width(format) - 1);
  const pattern = encode(value, format);
  const place = pattern & minus ? minus - pattern : pattern;
  const limit = infinity(format);
  return [place - 1n, place + 1n].map((p) => {
    const inside = p < -limit ? -limit : p > limit ? limit : p;
    return decode(inside >= 0n ? inside : minus - inside, format);
  });
}

/** @typedef {"overflow" | "underflow" | "subnormal" | "rounded" | "exact"} Outcome */

/**
 * What becomes of a value.
 * @param {number} value
 * @param {Format} format
 * @returns {Outcome}
 */
export function outcome(value, format) {
  const stored = rounded(value, format);
  if (Math.abs(stored) === Infinity && Math.abs(value) !== Infinity) return "overflow";
  if (stored === 0 && value !== 0) return "underflow";
  if (stored !== 0 && Math.abs(stored) < scaled(1, 1 - bias(format))) return "subnormal";
  return stored === value || Number.isNaN(value) ? "exact" : "rounded";
}

/**
 * Read 0.1, 1e-5, 1/3, 2^-25 or inf; NaN for anything else.
 * @param {string} text
 * @returns {number}
 */
export function parsed(text) {
  const t = text.trim().replace(/\u2212/g, "-");
  const power = /^(-?)2\^(-?\d+)$/.exec(t);
  if (power) return (power[1] ? -1 : 1) * scaled(1, Number(power[2]));
  const quotient = /^([^/]+)\/([^/]+)$/.exec(t);
  if (quotient) return parsed(quotient[1]) / parsed(quotient[2]);
  if (/^[+-]?inf(inity)?$/i.test(t)) return t.startsWith("-") ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(t) ? Number(t) : NaN;
}
