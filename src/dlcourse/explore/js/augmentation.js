// The same digits, changed a little or a lot, kind by kind.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { changes, el, frame, row, says, select, slider } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { grey, Picture } from "./lib/pictures.js";

/**
 * Frames are (strengths, images, size, size).
 * @typedef {object} Kind
 * @property {string} name
 * @property {string[]} strengths
 * @property {Packed} frames
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {string[]} names
 * @property {Kind[]} kinds
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images: packed, names, kinds } = model.get("data");
  const images = unpack(packed);
  const size = images.shape[1];
  const changed = kinds.map((kind) => unpack(kind.frames));
  const state = { kind: 0, strength: 2 };

  const pictures = names.map((name) => [
    new Picture(name, { side: 88 }),
    new Picture("", { side: 88 }),
  ]);
  const told = says();
  const change = changes(state, update);

  function update() {
    const { name, strengths } = kinds[state.kind];
    const frames = changed[state.kind];
    const label = state.strength ? strengths[state.strength - 1] : "unchanged";
    strength.set(state.strength);
    pictures.forEach(([before, after], i) => {
      before.draw(images.part(i), size, size, grey(0, 1), `${names[i]} as it is in the data.`);
      const values = state.strength
        ? frames.part(state.strength - 1).subarray(i * size * size, (i + 1) * size * size)
        : images.part(i);
      after.draw(values, size, size, grey(0, 1), `${names[i]}, ${name}: ${label}.`);
    });
    told.textContent = `${name}: ${label}.`;
  }

  const strength = slider(
    "Strength",
    {
      max: kinds[0].strengths.length,
      value: state.strength,
      text: (v) => (v ? kinds[state.kind].strengths[v - 1] : "unchanged"),
    },
    change("strength"),
  );
  frame(
    host,
    model,
    "Above: each digit as it is. Below: one random change of it. How far can you go before it becomes another digit, or none?",
    row(
      select(
        "Kind",
        kinds.map((k, i) => [i, k.name]),
        0,
        change("kind"),
      ),
      strength,
    ),
    told,
    row(
      ...pictures.map(([before, after]) =>
        el("div", { class: "dl-pair" }, before.node, after.node),
      ),
    ),
  );
  update();
}

export default { render };
