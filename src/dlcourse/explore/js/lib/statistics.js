// Statistics of timings, in the terms of NumPy.

/**
 * The value that a share of sorted values lies below, interpolated as in numpy.quantile.
 * @param {readonly number[]} sorted
 * @param {number} share
 */
export function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

const ascending = (/** @type {readonly number[]} */ values) => [...values].sort((a, b) => a - b);

/**
 * One number for several: "minimum", "median" or "mean".
 * @param {string} name
 * @param {readonly number[]} values
 */
export function statistic(name, values) {
  if (name === "mean") return values.reduce((sum, v) => sum + v, 0) / values.length;
  return name === "minimum" ? Math.min(...values) : quantile(ascending(values), 0.5);
}

/**
 * Return a function that gives pseudo-random numbers from 0 to 1, the same for the same seed.
 * @param {number} seed
 */
export function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The answers that one could have got from some timings, 400 of them, sorted.
 *
 * Each is a statistic of `count` timings: neighbours from some place on, or drawn from all.
 * @param {readonly number[]} values
 * @param {number} count
 * @param {string} name
 * @param {boolean} neighbours
 */
export function answers(values, count, name, neighbours) {
  const random = mulberry32(1);
  const draw = () => Math.floor(random() * values.length);
  const result = Array.from({ length: 400 }, () => {
    const first = draw();
    const some = Array.from(
      { length: count },
      (_, i) => values[neighbours ? (first + i) % values.length : draw()],
    );
    return statistic(name, some);
  });
  return ascending(result);
}

/**
 * How many values lie in each of several bins of equal width; those outside count in the end bins.
 * @param {readonly number[]} values
 * @param {number} low
 * @param {number} high
 * @param {number} bins
 */
export function histogram(values, low, high, bins) {
  const counts = new Array(bins).fill(0);
  for (const v of values) {
    const bin = high > low ? Math.floor((bins * (v - low)) / (high - low)) : 0;
    counts[Math.max(0, Math.min(bins - 1, bin))] += 1;
  }
  return counts;
}
