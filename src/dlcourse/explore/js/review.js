// Ten questions of a chapter and of those before it, and what the browser remembers of them.

/** @import { Context } from "./lib/common.js" */
/** @import { Choice } from "./lib/question.js" */

import { chapterOf, choose } from "./lib/choosing.js";
import { button, el, frame, row, says, select } from "./lib/common.js";
import { keeping } from "./lib/keeping.js";
import { answered, book, remembered, today } from "./lib/memory.js";
import { form } from "./lib/question.js";

/**
 * @typedef {object} Chapter
 * @property {string} folder
 * @property {string} title
 */

/**
 * @typedef {object} Question
 * @property {string} name
 * @property {string} page
 * @property {string} title
 * @property {string} question
 * @property {Choice[]} choices
 */

/**
 * @typedef {object} Data
 * @property {Chapter[]} chapters
 * @property {Question[]} questions
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { chapters, questions } = model.get("data");
  const folders = chapters.map(({ folder }) => folder);
  let chapter = first(folders);
  /** @type {Record<string, number>} */
  let shown = {};
  const list = el("div", {});
  const score = says();
  const show = () => {
    const answers = remembered() ?? {};
    const ten = choose(questions, folders, chapter, answers, today(), shown);
    for (const { name } of ten) shown[name] = (shown[name] ?? 0) + 1;
    /** @type {Map<string, boolean>} the first answer to each */
    const given = new Map();
    score.replaceChildren();
    list.replaceChildren(
      ...ten.map((question, i) => {
        const place = `Question ${i + 1} of ${ten.length}`;
        const node = form(
          place,
          question,
          (right) => {
            answered(question.name, right);
            if (given.has(question.name)) return;
            given.set(question.name, right);
            node.append(source(question));
            if (given.size === ten.length) {
              const sum = [...given.values()].filter(Boolean).length;
              score.replaceChildren(`${sum} of ${ten.length} were right at the first try.`);
            }
          },
          { class: "dl-question" },
        );
        return node;
      }),
    );
  };
  const another = () => {
    show();
    list.querySelector("input")?.focus();
  };
  const { node, end } = keeping();
  frame(
    host,
    model,
    "Half of the ten are from the chapter and half from those before it, if there are any; what is due comes first.",
    row(
      select(
        "Chapter",
        chapters.map(({ folder, title }) => [folder, title]),
        chapter,
        (folder) => {
          chapter = folder;
          shown = {}; // so that each chapter begins with the same ten
          show();
        },
      ),
    ),
    list,
    score,
    row(button("Ten others", another)),
    node,
  );
  show();
  return end;
}

/** The chapter that the address names, or else the last one that the reader has answered in. */
function first(/** @type {string[]} */ folders) {
  const named = location.hash.slice(1);
  if (folders.includes(named)) return named;
  const met = Object.keys(remembered() ?? {}).map((name) => chapterOf(name.split("#")[0]));
  return folders.findLast((folder) => met.includes(folder)) ?? folders[0];
}

/** Where a question comes from, with a link in the book. */
function source(/** @type {Question} */ { page, title }) {
  const root = book();
  const name = root ? el("a", { href: new URL(`book/${page}.html`, root).href }, title) : title;
  return el("p", {}, "From the page ", name, ".");
}

export default { render };
