// Which ten questions a review asks.

/** @import { Answers } from "./memory.js" */

import { due } from "./memory.js";

export const TEN = 10;

/** A number that looks random and depends on the text alone (FNV-1a). */
function mixed(/** @type {string} */ text) {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** The folder of a page, which stands for its chapter. */
export const chapterOf = (/** @type {string} */ page) => page.split("/")[0];

/**
 * Ten questions, half of them from the chapter and half from those before it, as far as there are
 * enough. In each half those come first that are due, the longest due before the others; then those
 * never answered, then those that are not due yet. What is left open, `round` decides alone, so
 * that without a memory everybody meets the same ten.
 * @template {{ name: string, page: string }} Q
 * @param {Q[]} questions
 * @param {string[]} chapters in their order
 * @param {string} chapter
 * @param {Answers} answers
 * @param {string} day
 * @param {number} round
 */
export function choose(questions, chapters, chapter, answers, day, round) {
  const last = chapters.indexOf(chapter);
  const key = (/** @type {Q} */ { name }) => {
    const answer = answers[name];
    const when = answer && due(answer);
    const group = !when ? 1 : when <= day ? 0 : 2;
    return `${group} ${when ?? ""} ${String(mixed(`${name} ${chapter}`)).padStart(10, "0")}`;
  };
  const ranked = (/** @type {(place: number) => boolean} */ wanted) => {
    const found = questions.filter(({ page }) => wanted(chapters.indexOf(chapterOf(page))));
    const keys = new Map(found.map((question) => [question, key(question)]));
    found.sort((a, b) => ((keys.get(a) ?? "") < (keys.get(b) ?? "") ? -1 : 1));
    return found;
  };
  const own = ranked((place) => place === last);
  const older = ranked((place) => place >= 0 && place < last);
  const half = TEN / 2;
  const fromOlder = Math.min(older.length, Math.max(half, TEN - own.length));
  const take = (/** @type {Q[]} */ from, /** @type {number} */ count) => {
    const begin = from.length ? (round * count) % from.length : 0;
    return [...from.slice(begin), ...from.slice(0, begin)].slice(0, count);
  };
  const chosen = [...take(own, TEN - fromOlder), ...take(older, fromOlder)];
  return chosen.sort((a, b) => mixed(`${a.name} ${round}`) - mixed(`${b.name} ${round}`));
}
