// The messages of an all-reduce, as dlcourse.lessons.all_reduce sends them: whose values arrive, and
// when.

/**
 * The pieces from start up to stop go from one rank to another, and are added or take their place.
 * @typedef {[source: number, dest: number, start: number, stop: number, adds: boolean]} Message
 */

/**
 * Follow an all-reduce: after each step, for each rank and piece, whose values are in the sum. Sums
 * are bit masks: bit r is rank r's share. Throws an Error where a share would be counted twice.
 * @param {number} ranks
 * @param {readonly (readonly Message[])[]} steps
 */
export function reduction(ranks, steps) {
  let before = Array.from({ length: ranks }, (_, r) => new Array(ranks).fill(1 << r));
  const states = [before];
  for (const messages of steps) {
    const after = before.map((pieces) => pieces.slice());
    for (const [source, dest, start, stop, adds] of messages) {
      for (let piece = start; piece < stop; piece++) {
        const sent = before[source][piece];
        if (adds && after[dest][piece] & sent) throw new Error(`rank ${dest} counts a share twice`);
        after[dest][piece] = adds ? after[dest][piece] | sent : sent;
      }
    }
    states.push(after);
    before = after;
  }
  return states;
}

/**
 * What an all-reduce of this many bytes sends, and how long it takes when a step waits for the one
 * before.
 * @param {number} ranks
 * @param {readonly (readonly Message[])[]} steps
 * @param {number} bytes
 * @param {number} latency
 * @param {number} bandwidth
 */
export function messageCost(ranks, steps, bytes, latency, bandwidth) {
  const sent = new Array(ranks).fill(0);
  let seconds = 0;
  for (const messages of steps) {
    const sizes = messages.map(([, , start, stop]) => ((stop - start) / ranks) * bytes);
    messages.forEach(([source], i) => {
      sent[source] += sizes[i];
    });
    seconds += latency + Math.max(...sizes) / bandwidth;
  }
  return {
    steps: steps.length,
    busiest: Math.max(...sent),
    total: sent.reduce((a, b) => a + b, 0),
    seconds,
  };
}
