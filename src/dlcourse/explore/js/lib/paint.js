// Colour pictures with boxes and words on them.

/** @import { Packed } from "./packed.js" */
/** @import { Picture } from "./pictures.js" */

import { el } from "./common.js";
import { unpack } from "./packed.js";

/** Pictures (N, 3, S, S) as Picture.draw takes them: one number per pixel, and its colour. */
export class ColourPictures {
  /** @param {Packed} packed */
  constructor(packed) {
    this.pictures = unpack(packed);
    this.height = this.pictures.shape[2];
    this.width = this.pictures.shape[3];
  }

  /**
   * Draw picture n; `tint(pixel)` may give [red, green, blue, share] to lay over a pixel.
   * @param {Picture} picture
   * @param {number} n
   * @param {string} label
   * @param {(pixel: number) => number[] | null} tint
   */
  draw(picture, n, label, tint = () => null) {
    const values = this.pictures.part(n);
    const size = this.height * this.width;
    const pixels = Float32Array.from({ length: size }, (_, i) => i);
    const colour = (/** @type {number} */ i) => {
      const under = [0, 1, 2].map((c) => 255 * values[c * size + i]);
      const over = tint(i);
      return over ? under.map((v, c) => v + over[3] * (over[c] - v)) : under;
    };
    picture.draw(pixels, this.height, this.width, colour, label);
  }
}

/**
 * Frame a box (in pixels of the picture) with a word at its corner.
 * @param {Picture} picture
 * @param {readonly number[]} box left, top, right, bottom
 * @param {string} word
 * @param {{ dashed?: boolean, colour?: string }} options
 */
export function frameBox(
  picture,
  [left, top, right, bottom],
  word,
  { dashed = false, colour = "#D55E00" } = {},
) {
  const context = picture.pen;
  const s = picture.cell;
  context.save();
  if (dashed) context.setLineDash([3 * s, 2 * s]);
  /** @type {[string, number][]} */
  const lines = [
    ["#fff", 5],
    [colour, 3],
  ];
  for (const [style, line] of lines) {
    context.strokeStyle = style;
    context.lineWidth = line;
    context.strokeRect(left * s, top * s, (right - left) * s, (bottom - top) * s);
  }
  if (word) {
    context.font = "bold 15px sans-serif";
    const width = context.measureText(word).width + 6;
    const x = Math.min(left * s, picture.canvas.width - width);
    const y = Math.max(top * s - 18, 0);
    context.fillStyle = "#fff";
    context.fillRect(x, y, width, 18);
    context.fillStyle = "#000";
    context.fillText(word, x + 3, y + 14);
  }
  context.restore();
}

/** A list of lines that replaces the one before. */
export class Lines {
  /** @param {string} label */
  constructor(label) {
    this.node = el("ul", { class: "dl-lines", "aria-label": label });
  }

  /** @param {readonly string[]} lines */
  show(lines) {
    this.node.replaceChildren(...lines.map((line) => el("li", {}, line)));
  }
}
