// Pictures of numbers, and their colours.
import { el } from "./common.js";

/** @typedef {readonly number[] | Float32Array} Numbers */
/** @typedef {(value: number) => number[]} Colour from a value to red, green and blue, 0 to 255 */

const BLUE = [0, 114, 178];
const ORANGE = [213, 94, 0];

/**
 * Grey from low (black) to high (white).
 * @type {(low: number, high: number) => Colour}
 */
export const grey = (low, high) => (v) => {
  const g = high > low ? (255 * (v - low)) / (high - low) : 0;
  return [g, g, g];
};

/**
 * Blue below zero, white at zero, orange above: the further from zero, the stronger.
 * @type {(largest: number) => Colour}
 */
export const signed = (largest) => (v) => {
  const share = largest > 0 ? Math.min(1, Math.abs(v) / largest) : 0;
  return (v < 0 ? BLUE : ORANGE).map((c) => 255 + share * (c - 255));
};

/** A picture of numbers with a caption; `onPick(row, column)` hears clicks and drags. */
export class Picture {
  /**
   * @param {string} caption
   * @param {{ onPick?: (row: number, column: number) => void, side?: number }} options
   */
  constructor(caption = "", { onPick, side = 240 } = {}) {
    this.canvas = el("canvas", { role: "img", style: `width: ${side}px` });
    this.caption = el("figcaption", {}, caption);
    this.node = el("figure", { class: "dl-picture" }, this.canvas, this.caption);
    this.height = 1;
    this.width = 1;
    this.cell = 1; // pixels of the canvas for a value, across and down
    if (onPick) {
      this.canvas.classList.add("dl-pick");
      const pick = (/** @type {PointerEvent} */ event) => {
        if (event.type === "pointermove" && !event.buttons) return;
        const box = this.canvas.getBoundingClientRect();
        /** @type {(at: number, start: number, length: number, count: number) => number} */
        const place = (at, start, length, count) =>
          Math.max(0, Math.min(count - 1, Math.floor(((at - start) / length) * count)));
        onPick(
          place(event.clientY, box.top, box.height, this.height),
          place(event.clientX, box.left, box.width, this.width),
        );
      };
      this.canvas.addEventListener("pointerdown", pick);
      this.canvas.addEventListener("pointermove", pick);
    }
  }

  /** What draws on the canvas. */
  get pen() {
    return pen(this.canvas);
  }

  /**
   * Draw height x width values, row by row; `label` says what they show.
   * @param {Numbers} values
   * @param {number} height
   * @param {number} width
   * @param {Colour} colour
   * @param {string} label
   */
  draw(values, height, width, colour, label) {
    this.height = height;
    this.width = width;
    this.cell = Math.max(4, Math.floor(480 / Math.max(height, width)));
    // First one pixel per value, then enlarged: far faster than a rectangle per value.
    const pixels = new ImageData(width, height);
    for (let i = 0; i < height * width; i++) pixels.data.set([...colour(values[i]), 255], 4 * i);
    const small = el("canvas", { width, height });
    pen(small).putImageData(pixels, 0, 0);
    this.canvas.width = width * this.cell;
    this.canvas.height = height * this.cell;
    this.canvas.setAttribute("aria-label", label);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * Frame some cells: orange inside white, so that it stands out on black and on white.
   * @param {number} top
   * @param {number} left
   * @param {number} height
   * @param {number} width
   * @param {{ thin?: boolean }} options
   */
  mark(top, left, height, width, { thin = false } = {}) {
    /** @type {[string, number][]} */
    const lines = thin
      ? [["#56B4E9", 2]]
      : [
          ["#fff", 7],
          ["#D55E00", 4],
        ];
    const s = this.cell;
    for (const [style, line] of lines) {
      this.pen.strokeStyle = style;
      this.pen.lineWidth = line;
      this.pen.strokeRect(left * s, top * s, width * s, height * s);
    }
  }
}

/** @param {HTMLCanvasElement} canvas */
function pen(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser gave no canvas to draw on; reload the page.");
  return context;
}
