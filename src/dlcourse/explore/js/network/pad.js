// A picture to draw on, by pointer, by touch, or by a cursor that keys move.
import { grey, Picture } from "../lib/pictures.js";

/** How far ink reaches from the middle of the brush, in pixels: strokes are about as wide as MNIST's. */
const REACH = 1.7;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Pad {
  /**
   * @param {[number, number, number]} sides of the picture; one of several channels cannot be drawn on
   * @param {(said?: string) => void} onChange hears what the reader draws, and what keys do
   */
  constructor([channels, height, width], onChange) {
    this.sides = [height, width];
    this.channels = channels;
    this.onChange = onChange;
    this.values = new Float32Array(channels * height * width);
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
      this.stroke(last, last);
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
        if (this.down) this.stroke(this.cursor, this.cursor);
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

  /**
   * Ink along a line.
   * @param {number[]} from row and column
   * @param {number[]} to
   */
  stroke(from, to) {
    const [height, width] = this.sides;
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let k = 0; k <= steps; k++) {
      const [y, x] = from.map((v, axis) => v + (k / steps) * (to[axis] - v));
      for (let i = Math.max(0, Math.ceil(y - 2)); i <= Math.min(height - 1, y + 2); i++) {
        for (let j = Math.max(0, Math.ceil(x - 2)); j <= Math.min(width - 1, x + 2); j++) {
          const ink = Math.max(0, Math.min(1, REACH - Math.hypot(i - y, j - x)));
          this.values[i * width + j] = Math.max(this.values[i * width + j], ink);
        }
      }
    }
    this.draw();
    this.onChange();
  }

  /** Show other values, which are copied.
   * @param {Float32Array} values */
  set(values) {
    this.values = values.slice();
    this.draw();
  }

  draw() {
    const [height, width] = this.sides;
    const size = height * width;
    const drawn = this.channels === 1;
    const label = drawn
      ? "Picture to draw on: arrow keys move the cursor, the space bar puts the pen down and up."
      : "The picture.";
    const plain = grey(0, 1);
    const places = Float32Array.from({ length: size }, (_, i) => i);
    this.picture.draw(
      places,
      height,
      width,
      (i) =>
        this.channels === 3
          ? [0, 1, 2].map((c) => 255 * this.values[c * size + i])
          : plain(this.values[i]),
      label,
    );
    if (drawn && this.focused) this.picture.mark(this.cursor[0], this.cursor[1], 1, 1);
  }
}
