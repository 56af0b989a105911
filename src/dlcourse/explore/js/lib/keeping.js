// What is kept in this browser: to begin it, to take it elsewhere, to erase it.

import { button, el, row, says } from "./common.js";
import {
  asText,
  canRemember,
  countDue,
  forget,
  fromText,
  merged,
  remember,
  remembered,
  unreadable,
  whenChanged,
} from "./memory.js";
import { offer } from "./offer.js";

/** A part of a page; `end` takes it out of what is called when the memory changes. */
export function keeping() {
  const node = el("div", {});
  const status = says();
  const file = el("input", { type: "file", accept: ".json,application/json", hidden: true });
  file.addEventListener("change", async () => {
    const text = await file.files?.[0]?.text();
    file.value = "";
    if (text !== undefined) take(text);
  });
  const take = (/** @type {string} */ text) => {
    try {
      const found = fromText(text);
      const done = remember(merged(remembered() ?? {}, found));
      const count = Object.keys(found).length;
      status.replaceChildren(
        done ? `Read ${answersOf(count)} from the file.` : "This browser has no room for it.",
      );
    } catch (error) {
      status.replaceChildren(`Nothing was read: ${/** @type {Error} */ (error).message}.`);
    }
  };
  const save = () => {
    const blob = new Blob([asText(remembered() ?? {})], { type: "application/json" });
    const href = URL.createObjectURL(blob);
    el("a", { href, download: "dlcourse-quizzes.json" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  };
  const erase = () => {
    const answers = remembered();
    const what = answers ? answersOf(Object.keys(answers).length) : "it";
    if (!confirm(`Erase ${what} from this browser?`)) return;
    forget();
    status.replaceChildren("Erased. This browser remembers nothing of the questions now.");
  };
  const parts = () => {
    const answers = remembered();
    const [read, drop] = [button("Import", () => file.click()), button("Erase", erase)];
    if (answers) {
      const text = `This browser remembers ${summary(answers)}.`;
      return [el("p", {}, text), row(button("Export", save), read, drop)];
    }
    if (!unreadable()) return offer({}, read);
    const text = "This browser remembers something that this version of the book cannot read.";
    return [el("p", {}, text), row(drop)];
  };
  const update = () => {
    const within = controls.contains(document.activeElement);
    controls.replaceChildren(...parts());
    if (within) controls.querySelector("button")?.focus();
  };
  const controls = el("div", {});
  if (!canRemember() && !unreadable()) return { node, end: () => {} };
  node.append(el("p", { class: "dl-title" }, "What is remembered"), controls, file, status);
  update();
  return { node, end: whenChanged(update) };
}

const answersOf = (/** @type {number} */ n) => (n === 1 ? "1 answer" : `${n} answers`);

function summary(/** @type {import("./memory.js").Answers} */ answers) {
  const all = Object.values(answers);
  const right = all.filter(({ box }) => box > 0).length;
  return `${answersOf(all.length)}, ${right} of them right; ${countDue(answers)} are due`;
}
