// The class of each pixel by networks of different stride, laid over the picture.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { changes, frame, number, row, says, select, slider } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { ColourPictures } from "./lib/paint.js";
import { Picture } from "./lib/pictures.js";

// Okabe and Ito's colours and darker shades of them; names stand beside them, too.
const COLOURS = [
  [], // of the background, which is not tinted
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [86, 180, 233],
  [230, 159, 0],
  [240, 228, 66],
  [120, 60, 140],
  [140, 90, 40],
  [90, 90, 90],
];

/**
 * What a network sees: the class of each pixel of each scene, and how good it is over the test set.
 * @typedef {object} Seen
 * @property {string} name
 * @property {Packed} labels
 * @property {number} scores
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {string[]} scenes
 * @property {Seen[]} maps
 * @property {string[]} classes
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images, scenes, maps, classes } = model.get("data");
  const pictures = new ColourPictures(images);
  const labels = maps.map(({ labels: packed }) => unpack(packed));
  const { width } = pictures;
  const state = { scene: 0, map: 0, share: 70 };
  const change = changes(state, update);
  const found = new Picture("", { side: 320 });
  const truth = new Picture("The truth", { side: 320 });
  const told = says();

  /** @type {(map: number, i: number) => number} */
  const at = (map, i) => Math.round(labels[map].part(state.scene)[i]);
  /** @type {(map: number) => (i: number) => number[] | null} */
  const tint = (map) => (i) => {
    const label = at(map, i);
    if (!label) return null;
    const edge =
      i % width && (at(map, i - 1) !== label || (i >= width && at(map, i - width) !== label));
    return edge ? [0, 0, 0, 1] : [...COLOURS[label], state.share / 100];
  };
  const seen = (/** @type {number} */ map) => {
    const there = new Set(labels[map].part(state.scene).map(Math.round));
    return (
      [...there]
        .filter((k) => k > 0)
        .map((k) => classes[k])
        .join(", ") || "nothing"
    );
  };

  function update() {
    const last = maps.length - 1;
    const { name, scores } = maps[state.map];
    found.caption.textContent = `${name}: ${seen(state.map)}`;
    truth.caption.textContent = `The truth: ${seen(last)}`;
    pictures.draw(found, state.scene, `${name} sees ${seen(state.map)}.`, tint(state.map));
    pictures.draw(truth, state.scene, `The truth: ${seen(last)}.`, tint(last));
    const wrong = Array.from({ length: labels[0].part(0).length }, (_, i) => i).filter(
      (i) => at(state.map, i) !== at(last, i),
    ).length;
    told.textContent =
      `${name}: ${wrong} pixels of this scene are wrong. ` +
      `Mean IoU over the test scenes: ${number(scores)}.`;
  }

  frame(
    host,
    model,
    "Choose a network and a scene. The finer the grid that gives scores, the closer the edges; black lines are edges between classes.",
    row(
      select(
        "Scene",
        scenes.map((text, k) => [k, text]),
        0,
        change("scene"),
      ),
      select(
        "Network",
        maps.slice(0, -1).map((m, k) => [k, m.name]),
        0,
        change("map"),
      ),
      slider(
        "Strength of colour",
        { max: 100, step: 10, value: state.share, text: (v) => `${v}%` },
        change("share"),
      ),
    ),
    told,
    row(found.node, truth.node),
  );
  update();
}

export default { render };
