// Random numbers by position, not by history, as in dlcourse.streams.
//
// Every draw comes from a generator that is made for one purpose at one place, such as the shuffling
// of epoch 3. So the same seed gives the same training, whatever the reader did before. The numbers
// are not those of NumPy. Weights and losses may differ between browsers in the last bits, since
// JavaScript leaves the rounding of exp, log and cos to them, and not all of them have WebAssembly.

/** What random numbers are drawn for; the package's numbers. */
export const Stream = Object.freeze({ INIT: 0, SHUFFLE: 2, DROPOUT: 5 });

/**
 * The generator of a purpose at a position (epoch, step): numbers from 0 up to 1, 1 excluded.
 *
 * It is Chris Doty-Humphrey's sfc32: 128 bits of state, of which seed, purpose and position are a
 * part. So no two of them begin in the same state; twelve rounds stir it before the first number.
 * (mulberry32 of lib/statistics.js has 32 bits: there all generators walk along one circle, and
 * those of a training would meet.)
 *
 * @param {number} seed a whole number below 2 ** 32, as are the others
 * @param {number} stream one of `Stream`
 * @param {number} [position]
 * @returns {import("./module.js").Random}
 */
export function generator(seed, stream, position = 0) {
  let [a, b, c, counter] = [seed | 0, stream | 0, position | 0, 1];
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/**
 * A number from the normal distribution of mean 0 and standard deviation 1 (Box and Muller 1958).
 *
 * @param {import("./module.js").Random} random
 */
export function normal(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random())); // 1 - random() is never 0
  return radius * Math.cos(2 * Math.PI * random());
}

/**
 * The numbers below `count` in random order (Fisher and Yates 1938).
 *
 * @param {number} count
 * @param {import("./module.js").Random} random
 */
export function permutation(count, random) {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
