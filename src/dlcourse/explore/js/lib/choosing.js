// Which ten questions a review asks.

/** @import { Answers } from "./memory.js" */

import { due } from "./memory.js";

const TEN = 10;

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
 * enough. In each half those come first that have been shown the fewest times; of these the ones
 * that are due, the longest due before the others; then those never answered, then those that are
 * not due yet. What is left open the names decide, so that without a memory everybody meets the
 * same ten.
 * @template {{ name: string, page: string }} Q
 * @param {Q[]} questions
 * @param {string[]} chapters in their order
 * @param {string} chapter
 * @param {Answers} answers
 * @param {string} day
 * @param {Record<string, number>} shown how often in this review, by name
 */
export function choose(questions, chapters, chapter, answers, day, shown) {
  const last = chapters.indexOf(chapter);
  const key = (/** @type {Q} */ { name }) => {
    const answer = answers[name];
    const when = answer && due(answer);
    const group = !when ? 1 : when <= day ? 0 : 2;
    return [shown[name] ?? 0, group, when ?? "", mixed(`${name} ${chapter}`)];
  };
  const ranked = (/** @type {(place: number) => boolean} */ wanted) =>
    questions
      .filter(({ page }) => wanted(chapters.indexOf(chapterOf(page))))
      .map((question) => ({ question, rank: key(question) }))
      .sort((a, b) => {
        const i = a.rank.findIndex((value, place) => value !== b.rank[place]);
        return i < 0 ? 0 : a.rank[i] < b.rank[i] ? -1 : 1;
      })
      .map(({ question }) => question);
  const own = ranked((place) => place === last);
  const older = ranked((place) => place >= 0 && place < last);
  const fromOlder = Math.min(older.length, Math.max(TEN / 2, TEN - own.length));
  const chosen = [...own.slice(0, TEN - fromOlder), ...older.slice(0, fromOlder)];
  return chosen.sort((a, b) => mixed(`${chapter} ${a.name}`) - mixed(`${chapter} ${b.name}`));
}
