// Marks in the table of contents of the book: how many of a page's questions were right, and how
// many are due. Nothing is marked for readers whose browser does not remember.

import { el } from "../lib/common.js";
import { book, countDue, remembered, whenChanged } from "../lib/memory.js";

/** @type {Record<string, string[]>} the names of the questions on each page */
const asked = /** @type {any} */ (window).dlcourseQuizzes;

/** What a page's entry says, to the eye and to the ear. */
function mark(/** @type {string} */ page) {
  const answers = remembered();
  if (!answers) return undefined;
  if (page === "book/reviews") {
    const count = countDue(answers);
    return count
      ? [`${count} due`, count === 1 ? "1 question due" : `${count} questions due`]
      : undefined;
  }
  const names = asked[page] ?? [];
  if (!names.some((name) => answers[name])) return undefined;
  const right = names.filter((name) => answers[name]?.box > 0).length;
  const share = `${right}/${names.length}`;
  const seen = right === names.length ? `✓ ${share}` : share;
  return [seen, `${right} of ${names.length} questions right`];
}

function update() {
  const root = book();
  if (!root) return;
  for (const old of document.querySelectorAll(".quiz-mark")) old.remove();
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const links = document.querySelectorAll("nav.bd-links a.reference.internal");
  for (const link of links) {
    const address = link.href.split(/[?#]/)[0];
    const found =
      address.startsWith(root) && mark(address.slice(root.length).replace(/\.html$/, ""));
    if (!found) continue;
    const [seen, heard] = found;
    link.append(
      el(
        "span",
        { class: "quiz-mark" },
        el("span", { "aria-hidden": "true" }, seen),
        el("span", { class: "visually-hidden" }, ` (${heard})`),
      ),
    );
  }
}

document.addEventListener("DOMContentLoaded", update);
whenChanged(update);
