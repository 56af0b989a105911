// Tables: rows of headings, rows with a heading, tables of numbers.
import { el } from "./common.js";

/**
 * The head of a table: a heading for each text; an element stands as it is.
 * @param {...(Node | string)} cells
 */
export const heads = (...cells) =>
  el(
    "thead",
    {},
    el("tr", {}, ...cells.map((c) => (c instanceof Node ? c : el("th", { scope: "col" }, c)))),
  );

/**
 * A row of a table: its heading, then a cell for each text; an element stands as it is.
 * @param {string} head
 * @param {...(Node | string)} cells
 */
export const line = (head, ...cells) =>
  el(
    "tr",
    {},
    el("th", { scope: "row" }, head),
    ...cells.map((c) => (c instanceof Node ? c : el("td", {}, c))),
  );

/**
 * A table of numbers without headings, named by its caption.
 * @param {string} caption
 * @param {readonly (readonly string[])[]} rows
 */
export function numbers(caption, rows) {
  return el(
    "table",
    { class: "dl-numbers" },
    el("caption", {}, caption),
    el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((v) => el("td", {}, v))))),
  );
}
