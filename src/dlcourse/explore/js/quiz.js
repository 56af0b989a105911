// One question, one right answer; every choice is explained when it is checked.

/** @import { Context } from "./lib/common.js" */
/** @import { Choice } from "./lib/question.js" */

import { el } from "./lib/common.js";
import {
  after,
  answered,
  book,
  canRemember,
  due,
  refused,
  remembered,
  today,
  whenChanged,
} from "./lib/memory.js";
import { noThanks, offer } from "./lib/offer.js";
import { form } from "./lib/question.js";

/**
 * @typedef {object} Data
 * @property {string} name
 * @property {string} question
 * @property {Choice[]} choices
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { name, question, choices } = model.get("data");
  const note = el("div", { "aria-live": "polite" });
  /** @type {boolean | undefined} */
  let last;
  const update = () => {
    const within = note.contains(document.activeElement);
    note.replaceChildren(...said());
    if (within) node.querySelector("button")?.focus(); // what had the focus is gone
  };
  const said = () => {
    const answers = remembered();
    if (answers?.[name]) return [kept(answers[name])];
    if (answers || last === undefined || refused() || !canRemember()) return [];
    return offer({ [name]: after(undefined, last, today()) }, noThanks());
  };
  const node = form(
    model.get("title"),
    { question, choices },
    (right) => {
      last = right;
      if (!name) return;
      answered(name, right);
      update();
    },
    { class: "dlcourse dl-question", "data-kind": model.get("kind") },
  );
  node.append(note);
  host.append(node);
  if (!name) return undefined;
  update();
  return whenChanged(update);
}

/** A line on what is remembered of this question. */
function kept(/** @type {import("./lib/memory.js").Answer} */ answer) {
  const result = answer.box ? "✓ right" : "✗ not yet right";
  const reviews = el("a", { href: new URL("book/reviews.html", book()).href }, "Reviews");
  const when = due(answer) > today() ? `from ${due(answer)} on.` : "today.";
  return el("p", {}, `Remembered: ${result} on ${answer.day}. `, reviews, ` ask it again ${when}`);
}

export default { render };
