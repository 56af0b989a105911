// Intersection over union of two boxes that the reader moves.

/** @import { Context } from "./lib/common.js" */

import { overlap } from "./lib/boxes.js";
import { frame, number, row, says, slider } from "./lib/common.js";
import { Picture } from "./lib/pictures.js";

const SIDE = 40;
const EDGES = ["left", "top", "right", "bottom"];

/**
 * Boxes are left, top, right, bottom.
 * @typedef {object} Data
 * @property {number[]} thing
 * @property {number[]} guess
 * @property {number[]} thresholds
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { thing, guess, thresholds } = model.get("data");
  const box = [...guess];
  const told = says();
  const sliders = EDGES.map((name, k) =>
    slider(`Your box: ${name}`, { max: SIDE, value: box[k] }, (v) => move(k, v)),
  );
  let corner = 0; // the corner that follows the pointer: the one nearest where it went down
  const picture = new Picture("The thing, dashed, and your box; drag a corner", {
    side: 320,
    onPick: (y, x) => {
      move(corner % 2 ? 2 : 0, x);
      move(corner < 2 ? 1 : 3, y);
    },
  });
  picture.canvas.addEventListener(
    "pointerdown",
    (event) => {
      const bounds = picture.canvas.getBoundingClientRect();
      const x = ((event.clientX - bounds.left) / bounds.width) * SIDE;
      const y = ((event.clientY - bounds.top) / bounds.height) * SIDE;
      const right = Math.abs(x - box[2]) < Math.abs(x - box[0]);
      const lower = Math.abs(y - box[3]) < Math.abs(y - box[1]);
      corner = Number(right) + 2 * Number(lower);
    },
    { capture: true },
  );

  /**
   * @param {number} k
   * @param {number} value
   */
  function move(k, value) {
    // Left stays left of right, and top above bottom.
    box[k] = k < 2 ? Math.min(value, box[k + 2] - 1) : Math.max(value, box[k - 2] + 1);
    sliders[k].set(box[k]);
    update();
  }

  function update() {
    const { shared, union, iou } = overlap(thing, box);
    /** @type {(box: number[], x: number, y: number) => boolean} */
    const inside = ([l, t, r, b], x, y) => x >= l && x < r && y >= t && y < b;
    const cells = Float32Array.from(
      { length: SIDE * SIDE },
      (_, i) =>
        Number(inside(thing, i % SIDE, Math.floor(i / SIDE))) +
        Number(inside(box, i % SIDE, Math.floor(i / SIDE))),
    );
    const shades = [
      [255, 255, 255],
      [200, 215, 230],
      [86, 140, 190],
    ];
    const label = `The thing from ${thing.join(", ")}, your box from ${box.join(", ")}: left, top, right, bottom.`;
    picture.draw(cells, SIDE, SIDE, (v) => shades[v], label);
    /** @type {(box: number[], dashes: number[], colour: string) => void} */
    const draw = (box, dashes, colour) => {
      const { pen } = picture;
      const [l, t, r, b] = box.map((v) => v * picture.cell);
      pen.setLineDash(dashes);
      pen.strokeStyle = colour;
      pen.lineWidth = 4;
      pen.strokeRect(l, t, r - l, b - t);
    };
    draw(thing, [12, 8], "#000");
    draw(box, [], "#D55E00");
    const passed = thresholds.filter((t) => iou >= t);
    told.textContent =
      `They share ${shared} squares of the ${union} that they cover together: IoU ${number(iou)}. ` +
      (passed.length
        ? `It counts as found at a threshold of ${number(Math.max(...passed))}` +
          (passed.length < thresholds.length ? ", but not above." : ", the strictest.")
        : "It does not count as found at any threshold.");
  }

  frame(
    host,
    model,
    "Drag the corners of your box, or move its edges with the sliders. Where do you reach 0.5? And 0.9?",
    row(...sliders),
    told,
    picture.node,
  );
  update();
}

export default { render };
