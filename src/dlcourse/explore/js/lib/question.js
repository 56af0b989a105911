// A question with its choices, each explained when it is checked: alone on a page, or in a review.

import { el, says } from "./common.js";

/**
 * @typedef {object} Choice
 * @property {string} text
 * @property {string} because
 * @property {boolean} right
 */

/** @typedef {{ question: string, choices: Choice[] }} Asked */

/** Text in which `backticks` make code. */
function prose(/** @type {string} */ text) {
  return text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

/**
 * The form of a question; `onAnswer` hears of every choice that is checked.
 * @param {string} title
 * @param {Asked} asked
 * @param {(right: boolean) => void} onAnswer
 * @param {Record<string, string>} attributes
 */
export function form(title, { question, choices }, onAnswer, attributes) {
  const group = `quiz-${Math.random().toString(36).slice(2)}`;
  const verdict = says();
  const inputs = choices.map(() =>
    el("input", {
      type: "radio",
      name: group,
      onchange: () => {
        verdict.replaceChildren();
        verdict.removeAttribute("data-right");
      },
    }),
  );
  const check = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const chosen = inputs.findIndex((input) => input.checked);
    if (chosen < 0) {
      verdict.replaceChildren("Choose an answer first.");
      return;
    }
    const { right, because } = choices[chosen];
    verdict.setAttribute("data-right", String(right));
    verdict.replaceChildren(
      el("strong", {}, right ? "✓ Right. " : "✗ Not quite. "),
      ...prose(because),
    );
    onAnswer(right);
  };
  return el(
    "form",
    { onsubmit: check, ...attributes },
    el(
      "fieldset",
      {},
      el("legend", {}, el("span", { class: "dl-title" }, title), ...prose(question)),
      ...choices.map((choice, i) =>
        el("label", { class: "dl-choice" }, inputs[i], el("span", {}, ...prose(choice.text))),
      ),
    ),
    el("button", { type: "submit" }, "Check"),
    verdict,
  );
}
