// What a browser remembers of the questions: only where the reader wants it, and only here.

/**
 * An answer: how often in a row it was right, at most the last of INTERVALS, and the day.
 * @typedef {object} Answer
 * @property {number} box
 * @property {string} day
 */

/** @typedef {Record<string, Answer>} Answers by the name of the question */

const KEY = "dlcourse.quizzes";
const REFUSED = "dlcourse.quizzes.no";
const CHANGED = "dlcourse-quizzes";

/** After how many days a question comes back, by how often in a row it was right. */
export const INTERVALS = [0, 1, 3, 7, 14, 30];

/** Where the book begins, as an address; nothing in a notebook, where nothing is remembered. */
export function book() {
  const root = document.documentElement.dataset.content_root;
  return root === undefined ? undefined : new URL(root, location.href).href;
}

/** A day as year-month-day, in the reader's time. */
function written(/** @type {Date} */ date) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export const today = () => written(new Date());

/** The day from which a question is asked again. */
export function due(/** @type {Answer} */ { box, day }) {
  const [year, month, date] = day.split("-").map(Number);
  return written(new Date(year, month - 1, date + INTERVALS[box]));
}

/**
 * What is remembered after an answer. A wrong one begins anew; a right one counts once it is due,
 * so that answering twice on a day is not learning twice.
 * @type {(before: Answer | undefined, right: boolean, day: string) => Answer}
 */
export function after(before, right, day) {
  if (!right) return { box: 0, day };
  if (!before) return { box: 1, day };
  if (due(before) > day) return before;
  return { box: Math.min(before.box + 1, INTERVALS.length - 1), day };
}

/** How many questions are due. */
export const countDue = (/** @type {Answers} */ answers) =>
  Object.values(answers).filter((answer) => due(answer) <= today()).length;

/**
 * Of two memories, what is newer in each.
 * @type {(a: Answers, b: Answers) => Answers}
 */
export function merged(a, b) {
  const all = { ...a };
  for (const [name, answer] of Object.entries(b)) {
    if (!all[name] || all[name].day < answer.day) all[name] = answer;
  }
  return all;
}

export const asText = (/** @type {Answers} */ answers) =>
  `${JSON.stringify({ version: 1, answers }, null, 1)}\n`;

/** Read what `asText` has written; anything else is an error of one sentence. */
export function fromText(/** @type {string} */ text) {
  const wanted = "expected a file that “Export” on this page has saved";
  /** @type {any} */
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error(`${wanted}, found one that is not JSON`);
  }
  if (found?.version !== 1) throw new Error(`${wanted}, found none of version 1`);
  /** @type {Answers} */
  const answers = {};
  for (const [name, answer] of Object.entries(found.answers ?? {})) {
    const { box, day } = /** @type {Partial<Answer>} */ (answer ?? {});
    const isDay = /^\d{4}-\d\d-\d\d$/.test(String(day));
    if (typeof box !== "number" || INTERVALS[box] === undefined || !isDay) {
      throw new Error(`${wanted}, found one in which “${name}” has no such answer`);
    }
    answers[name] = { box, day: String(day) };
  }
  return answers;
}

/** What the browser keeps for this page, or nothing where that is switched off. */
function storage(/** @type {"localStorage" | "sessionStorage"} */ kind) {
  try {
    return window[kind];
  } catch {
    return undefined;
  }
}

/** What is remembered, or nothing where the reader has not asked for it. */
export function remembered() {
  const text = stored();
  if (!text) return undefined;
  try {
    return fromText(text);
  } catch {
    return undefined; // another version of the book wrote it
  }
}

const stored = () => (book() === undefined ? null : storage("localStorage")?.getItem(KEY));

/** Whether something is there that cannot be read. */
export const unreadable = () => Boolean(stored()) && !remembered();

/** Whether there is a memory to offer. */
export const canRemember = () =>
  book() !== undefined && storage("localStorage") !== undefined && !unreadable();

const tell = () => document.dispatchEvent(new Event(CHANGED));

/** @returns whether the browser has kept it */
export function remember(/** @type {Answers} */ answers) {
  try {
    storage("localStorage")?.setItem(KEY, asText(answers));
  } catch {
    return false; // full
  }
  tell();
  return true;
}

export function forget() {
  storage("localStorage")?.removeItem(KEY);
  tell();
}

/** A reader who says no is not asked again until the tab is closed. */
export function refuse() {
  storage("sessionStorage")?.setItem(REFUSED, "1");
  tell();
}

export const refused = () => storage("sessionStorage")?.getItem(REFUSED) === "1";

/** Remember an answer, where the reader wants that. */
export function answered(/** @type {string} */ name, /** @type {boolean} */ right) {
  const answers = remembered();
  if (answers) remember({ ...answers, [name]: after(answers[name], right, today()) });
}

/**
 * Call `update` when the memory changes, here or in another tab; the result ends that.
 * @param {() => void} update
 */
export function whenChanged(update) {
  document.addEventListener(CHANGED, update);
  window.addEventListener("storage", update);
  return () => {
    document.removeEventListener(CHANGED, update);
    window.removeEventListener("storage", update);
  };
}
