// Boxes of a detector before suppression: the reader chooses what is kept.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { match, suppress } from "./lib/boxes.js";
import { changes, frame, number, row, says, select, slider } from "./lib/common.js";
import { ColourPictures, frameBox, Lines } from "./lib/paint.js";
import { Picture } from "./lib/pictures.js";

/**
 * @typedef {object} Known
 * @property {number[]} box
 * @property {number} label
 */

/**
 * @typedef {object} Found
 * @property {number[]} box
 * @property {number} label
 * @property {number} score
 */

/**
 * @typedef {object} Detected
 * @property {string} caption
 * @property {Known[]} known
 * @property {Found[]} boxes
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {Detected[]} scenes
 * @property {string[]} classes
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images, scenes, classes } = model.get("data");
  const pictures = new ColourPictures(images);
  const state = { scene: 0, score: 0.5, overlap: 0.3 };
  const change = changes(state, update);
  const picture = new Picture("What is kept", { side: 384 });
  const told = says();
  const lines = new Lines("The boxes that are kept, the surest first");

  function kept(/** @type {Found[]} */ boxes) {
    /** @type {Found[]} */
    const found = [];
    for (let label = 1; label < classes.length; label++) {
      const own = boxes.filter((b) => b.label === label && b.score >= state.score);
      const [edges, scores] = [own.map((b) => b.box), own.map((b) => b.score)];
      found.push(...suppress(edges, scores, state.overlap).map((k) => own[k]));
    }
    return found.sort((a, b) => b.score - a.score);
  }

  function update() {
    const scene = scenes[state.scene];
    const found = kept(scene.boxes);
    const right = match(found, scene.known, 0.5);
    const hits = right.filter(Boolean).length;
    const name = (/** @type {Found} */ b) => `${classes[b.label]} ${number(b.score)}`;
    pictures.draw(
      picture,
      state.scene,
      `${scene.caption}, with ${found.length} boxes: ${found.map(name).join(", ") || "none"}.`,
    );
    // The surest on top.
    for (const [k, b] of [...found.entries()].reverse()) {
      frameBox(picture, b.box, `${classes[b.label]} ${right[k] ? "✓" : "✗"}`, {
        dashed: !right[k],
      });
    }
    const sure = scene.boxes.filter((b) => b.score >= state.score).length;
    told.textContent =
      `${sure} of ${scene.boxes.length} boxes are sure enough, ${found.length} are left. ` +
      `${hits} of ${scene.known.length} things are found; ` +
      (found.length ? `precision ${number(hits / found.length)}, ` : "") +
      `recall ${number(hits / scene.known.length)}.`;
    lines.show(found.map((b, k) => `${name(b)}: ${right[k] ? "right" : "wrong"}`));
  }

  frame(
    host,
    model,
    "Lower the score to find more; raise the overlap to keep boxes that lie on each other. Solid frames with a tick are right, dashed ones with a cross are wrong.",
    row(
      select(
        "Scene",
        scenes.map((s, k) => [k, s.caption]),
        0,
        change("scene"),
      ),
      slider(
        "Least score",
        { min: 0.05, max: 0.95, step: 0.05, value: state.score, text: number },
        change("score"),
      ),
      slider(
        "Most overlap of two that are kept",
        { max: 1, step: 0.05, value: state.overlap, text: number },
        change("overlap"),
      ),
    ),
    told,
    row(picture.node, lines.node),
  );
  update();
}

export default { render };
