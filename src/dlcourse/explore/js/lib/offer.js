// The question whether this browser shall remember, in the same words wherever it is asked.

import { button, el } from "./common.js";
import { refuse, remember } from "./memory.js";

const SENTENCE =
  "Shall this browser remember which questions you got right, and when? It keeps that on this " +
  "device only and sends it nowhere; the table of contents then shows how far you are.";

/**
 * What is asked; `first` are the answers to begin with, and `more` other buttons.
 * @param {import("./memory.js").Answers} first
 * @param {...Node} more
 */
export const offer = (first, ...more) => [
  el("p", {}, SENTENCE),
  el(
    "div",
    { class: "dl-row" },
    button("Remember", () => remember(first)),
    ...more,
  ),
];

export const noThanks = () => button("No, thanks", refuse);
