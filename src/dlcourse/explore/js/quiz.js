// One question, one right answer; every choice is explained when it is checked.

/** @import { Context } from "./lib/common.js" */

import { el, says } from "./lib/common.js";

/** Text in which `backticks` make code. */
function prose(/** @type {string} */ text) {
  return text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

/**
 * @typedef {object} Choice
 * @property {string} text
 * @property {string} because
 * @property {boolean} right
 */

/**
 * @typedef {object} Data
 * @property {string} question
 * @property {Choice[]} choices
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { question, choices } = model.get("data");
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
  };
  host.append(
    el(
      "form",
      { class: "dlcourse", "data-kind": model.get("kind"), onsubmit: check },
      el(
        "fieldset",
        {},
        el("legend", {}, el("span", { class: "dl-title" }, model.get("title")), ...prose(question)),
        ...choices.map((choice, i) =>
          el("label", { class: "dl-choice" }, inputs[i], el("span", {}, ...prose(choice.text))),
        ),
      ),
      el("button", { type: "submit" }, "Check"),
      verdict,
    ),
  );
}

export default { render };
