// What a generator makes of the vectors between four corners, and what a classifier reads.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { el, frame, row, says, slider } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { grey, Picture } from "./lib/pictures.js";

/**
 * `side` rows of `side` images; for each what the classifier reads, and how sure it is.
 * @typedef {object} Data
 * @property {number} side
 * @property {Packed} images
 * @property {number[]} read
 * @property {number[]} confidence
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { side, images: packed, read, confidence } = model.get("data");
  const images = unpack(packed);
  const [, height, width] = images.shape;
  const state = { across: 0, down: 0 };
  const told = says();

  // Every second pixel is enough for the map of all images.
  const [h, w] = [height / 2, width / 2];
  const map = new Float32Array(side * h * side * w);
  for (let i = 0; i < side * side; i++) {
    const image = images.part(i);
    const [top, left] = [Math.floor(i / side) * h, (i % side) * w];
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++)
        map[(top + y) * side * w + left + x] = image[2 * y * width + 2 * x];
    }
  }

  /** @type {(down: number, across: number) => void} */
  const go = (down, across) => {
    Object.assign(state, { down, across });
    update();
  };
  const one = new Picture("The image here", { side: 196 });
  const all = new Picture("All images; the frame is where you are", {
    side: 300,
    onPick: (y, x) => go(Math.floor(y / h), Math.floor(x / w)),
  });
  const place = (/** @type {number} */ v) => `${v + 1} of ${side}`;
  const across = slider("To the right", { max: side - 1, value: 0, text: place }, (v) =>
    go(state.down, v),
  );
  const down = slider("Down", { max: side - 1, value: 0, text: place }, (v) => go(v, state.across));

  function update() {
    across.set(state.across);
    down.set(state.down);
    const i = state.down * side + state.across;
    const sure = confidence[i] >= 0.9 ? "sure" : "not sure";
    const reading = `the classifier reads ${read[i]} and is ${sure}: ${(100 * confidence[i]).toFixed(0)}%`;
    one.draw(images.part(i), height, width, grey(0, 1), `A generated image; ${reading}.`);
    all.draw(
      map,
      side * h,
      side * w,
      grey(0, 1),
      `${side} rows of ${side} generated images, one digit turning into another.`,
    );
    all.mark(state.down * h, state.across * w, h, w);
    told.textContent = `Column ${place(state.across)}, row ${place(state.down)}: ${reading}.`;
  }

  frame(
    host,
    model,
    "The four corners are random vectors. Move between them with the sliders and their arrow keys, or choose a place in the map.",
    row(across, down),
    row(one.node, all.node),
    told,
    el(
      "p",
      { class: "dl-help" },
      "Sure means a probability of at least 90%. Watch where it drops: between two digits there is often no digit at all.",
    ),
  );
  update();
}

export default { render };
