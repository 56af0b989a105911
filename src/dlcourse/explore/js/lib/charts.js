// Drawn curves: the frame of a drawing, and words in it.
import { svg } from "./common.js";

/** @type {(size: { width: number, height: number }, label: string) => SVGSVGElement} */
export const drawing = ({ width, height }, label) =>
  svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
    class: "dl-chart",
  });

/**
 * Words at a place; `at` has x, y and other attributes of a text.
 * @type {(text: string, at: Record<string, string | number>) => SVGTextElement}
 */
export const words = (text, at) =>
  svg("text", { "font-size": 12, fill: "currentColor", ...at }, text);
