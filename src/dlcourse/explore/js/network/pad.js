// A picture to draw on, by pointer, by touch, or by a cursor that keys move.
import { grey, Picture } from "../lib/pictures.js";
import { centred, line } from "./strokes.js";

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const MNIST = "1,28,28"; // pictures of these sides are taken for such digits

export class Pad {
  /**
   * @param {[number, number, number]} sides of the picture; one of several channels cannot be drawn on
   * @param {{ low: number, high: number }} range values of paper and of ink
   * @param {(said?: string) => void} onChange hears what the reader draws, and what keys do
   */
  constructor(sides, { low, high }, onChange) {
    const [channels, height, width] = sides;
    this.sides = [height, width];
    this.channels = channels;
    this.range = { low, high };
    this.onChange = onChange;
    /** Whether strokes that begin on empty paper are scaled and centred. */
    this.centres = sides.join() === MNIST;
    /** What the network gets. */
    this.values = new Float32Array(channels * height * width).fill(low);
    /** @type {import("./strokes.js").Stroke[] | null} since the paper was empty; null on a picture */
    this.strokes = null;
    /** What is on the paper, in the values of the network. */
    this.paper = this.values;
    this.cursor = [height >> 1, width >> 1];
    this.down = false;
    this.focused = false;
    this.picture = new Picture("", { side: 196 });
    if (channels === 1) this.listen(this.picture.canvas);
  }

  /** @param {HTMLCanvasElement} canvas */
  listen(canvas) {
    canvas.classList.add("dl-pick", "dl-pad");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    /** @type {number[] | null} */
    let last = null;
    const point = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      const [height, width] = this.sides;
      return [
        ((event.clientY - box.top) / box.height) * height - 0.5,
        ((event.clientX - box.left) / box.width) * width - 0.5,
      ];
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = point(event);
      this.begin(last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const next = point(event);
      this.stroke(last, next);
      last = next;
    });
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(name, () => {
        last = null;
      });
    }
    canvas.addEventListener("keydown", (event) => {
      const [height, width] = this.sides;
      const arrow = ARROWS[event.key];
      if (arrow) {
        const from = this.cursor;
        const inside = (/** @type {number} */ v, /** @type {number} */ size) =>
          Math.max(0, Math.min(size - 1, v));
        this.cursor = [inside(from[0] + arrow[0], height), inside(from[1] + arrow[1], width)];
        if (this.down) this.stroke(from, this.cursor);
        else this.onChange(`Cursor at row ${this.cursor[0]}, column ${this.cursor[1]}, pen up.`);
      } else if (event.key === " ") {
        this.down = !this.down;
        if (this.down) this.begin(this.cursor);
        else this.onChange("Pen up: arrow keys move without drawing.");
      } else return;
      event.preventDefault();
      this.draw();
    });
    canvas.addEventListener("focus", () => {
      this.focused = canvas.matches(":focus-visible");
      this.draw();
    });
    canvas.addEventListener("blur", () => {
      this.focused = false;
      this.down = false;
      this.draw();
    });
  }

  /** Put the pen down.
   * @param {number[]} point row and column */
  begin(point) {
    this.strokes?.push([]);
    this.stroke(point, point);
  }

  /**
   * Ink along a line.
   * @param {number[]} from row and column
   * @param {number[]} to
   */
  stroke(from, to) {
    const ink = new Float32Array(this.paper.length);
    line(ink, this.sides, from, to);
    this.paper = this.paper.map((v, i) => Math.max(v, this.inked(ink[i])));
    this.strokes?.at(-1)?.push(to);
    this.values =
      this.strokes && this.centres
        ? centred(this.strokes, this.sides).map((v) => this.inked(v))
        : this.paper;
    this.draw();
    this.onChange();
  }

  /** The value of so much ink, from 0 to 1.
   * @param {number} amount */
  inked(amount) {
    const { low, high } = this.range;
    return low + amount * (high - low);
  }

  /** Whether the network gets something else than what is on the paper. */
  get changed() {
    return this.values !== this.paper;
  }

  /** Show other values, which are copied.
   * @param {Float32Array} values */
  set(values) {
    this.values = this.paper = values.slice();
    this.strokes = null;
    this.draw();
  }

  /** Take away everything that is on the paper. */
  clear() {
    this.set(new Float32Array(this.values.length).fill(this.range.low));
    this.strokes = [];
  }

  draw() {
    const [height, width] = this.sides;
    const size = height * width;
    const drawn = this.channels === 1;
    const label = drawn
      ? "Picture to draw on: arrow keys move the cursor, the space bar puts the pen down and up."
      : "The picture.";
    const { low, high } = this.range;
    const plain = grey(low, high);
    const places = Float32Array.from({ length: size }, (_, i) => i);
    this.picture.draw(
      places,
      height,
      width,
      (i) =>
        this.channels === 3
          ? [0, 1, 2].map((c) => plain(this.paper[c * size + i])[0])
          : plain(this.paper[i]),
      label,
    );
    this.picture.caption.textContent = this.changed
      ? "The network gets it scaled and centred, as the digits it has learnt from: see its first column."
      : "";
    if (drawn && this.focused) this.picture.mark(this.cursor[0], this.cursor[1], 1, 1);
  }
}
