// The pictures of a passage (passage.js), with the chosen value and its window framed.
import { el } from "../lib/common.js";
import { grey, Picture, signed } from "../lib/pictures.js";
import { sidesOf } from "./graph.js";
import { windowOf } from "./windows.js";
import { short } from "./words.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./passage.js").Part} Part */
/** @typedef {{ channel: number, row: number, column: number }} Place */

/**
 * @param {import("./passage.js").Passage} passage
 * @param {Layer} layer whose passage it is
 * @param {number[]} shape of its output
 * @param {Record<string, string>} titles
 * @param {Place} place the value that is chosen
 */
export function shownPassage({ parts, signs, said }, layer, shape, titles, place) {
  const nodes = parts.flatMap((part, i) => [
    ...(i ? [el("span", { class: "dl-sign" }, signs[i - 1])] : []),
    shown(part, titles[part.layer], (picture) => frameIn(picture, part, layer, shape, place)),
  ]);
  return [el("p", { class: "dl-says" }, said), el("div", { class: "dl-row dl-terms" }, ...nodes)];
}

/**
 * @param {Part} part
 * @param {string} title
 * @param {(picture: Picture) => void} frame
 */
function shown({ of, data, height, width }, title, frame) {
  const mask = of === "gates" || of === "winners";
  const largest = data.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const name = {
    values: `Values of ${title}`,
    gradient: `Gradient of ${title}`,
    back: `Handed back to ${title}`,
    gates: "Gates: white is open",
    winners: "Winners: white",
  }[of];
  const picture = new Picture(mask ? name : `${name}, up to ${short(largest)} from zero`, {
    side: 150,
  });
  const colour = mask ? grey(0, 1) : signed(largest);
  picture.draw(data, height, width, colour, `${name}, ${height} by ${width}.`);
  frame(picture);
  return picture.node;
}

/**
 * @param {Picture} picture
 * @param {Part} part
 * @param {Layer} layer
 * @param {number[]} shape
 * @param {Place} place
 */
function frameIn(picture, part, layer, shape, { channel, row, column }) {
  const [, height, width] = sidesOf(shape);
  if (height * width === 1) {
    picture.mark(Math.floor(channel / part.width), channel % part.width, 1, 1);
    return;
  }
  if (layer.kind !== "MaxPool2d" || part.layer === layer.id) {
    picture.mark(row, column, 1, 1);
    return;
  }
  const { kernel, step, border } = windowOf(layer);
  const [top, left] = [row * step[0] - border[0], column * step[1] - border[1]];
  picture.mark(top, left, kernel[0], kernel[1]);
}
