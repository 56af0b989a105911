// Numbers with the unit that suits them.

/**
 * A number in the first unit that is not larger than it, or else in the last; with its name.
 * @param {number} value
 * @param {readonly (readonly [number, string])[]} units [size, name], from large to small
 * @returns {[number, string]}
 */
export function inUnits(value, units) {
  const [size, name] = units.find(([size]) => value >= size) ?? units[units.length - 1];
  return [value / size, name];
}

/** At most three digits. */
export const threeDigits = (/** @type {number} */ v) => String(Number(v.toPrecision(3)));
