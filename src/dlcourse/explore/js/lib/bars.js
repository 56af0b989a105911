// A bar with its name and its amount, as an item of a list.
import { el } from "./common.js";

/**
 * Returns the item, and `show(share, text)`, which makes the bar this share of the longest.
 * @param {string} name
 */
export function barLine(name) {
  const bar = el("span", { class: "dl-bar" });
  const amount = el("span", { class: "dl-amount" });
  const node = el(
    "li",
    { class: "dl-entry" },
    el("span", { class: "dl-name" }, name),
    el("span", { class: "dl-track", "aria-hidden": "true" }, bar),
    amount,
  );
  /** @type {(share: number, text: string) => void} */
  const show = (share, text) => {
    bar.style.width = `${100 * share}%`;
    amount.textContent = text;
  };
  return { node, show };
}
