// Beam search, word by word: which beginnings are kept, and what each next word is worth.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { button, changes, el, frame, row, says, select, slider } from "./lib/common.js";
import { ColourPictures } from "./lib/paint.js";
import { Picture } from "./lib/pictures.js";
import { heads, line } from "./lib/tables.js";

const percent = (/** @type {number} */ v) =>
  v >= 0.0995 ? `${Math.round(100 * v)}%` : v >= 0.001 ? `${(100 * v).toFixed(1)}%` : "<0.1%";

/**
 * A beginning of a sentence: the probability of its last word, and of all its words.
 * @typedef {object} Beginning
 * @property {string[]} words
 * @property {number} last
 * @property {number} all
 */

/**
 * For each width, the beginnings after each word.
 * @typedef {object} Searched
 * @property {string} caption
 * @property {Record<string, Beginning[][]>} searches
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {Searched[]} scenes
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images, scenes } = model.get("data");
  const pictures = new ColourPictures(images);
  const state = { scene: 0, width: 2, step: 1 };
  const change = changes(state, update);
  const picture = new Picture("", { side: 240 });
  const told = says();
  const table = el("table", { class: "dl-numbers dl-beams" });
  const step = slider("Words", { min: 1, max: 2, value: 1 }, change("step"));
  const move = (/** @type {number} */ by) => {
    state.step += by;
    update();
  };

  function update() {
    const scene = scenes[state.scene];
    const steps = scene.searches[String(state.width)];
    step.limit(steps.length);
    state.step = step.set(Math.max(1, Math.min(state.step, steps.length)));
    const beams = steps[state.step - 1];
    picture.caption.textContent = `A person would say: ${scene.caption}`;
    pictures.draw(picture, state.scene, `A scene: ${scene.caption}.`);
    table.replaceChildren(
      el(
        "caption",
        {},
        `The ${beams.length} best of width ${state.width}, after ${state.step} word${state.step > 1 ? "s" : ""}`,
      ),
      heads("sentence so far", "last word", "all words"),
      el(
        "tbody",
        {},
        ...beams.map((b) => line(b.words.join(" "), percent(b.last), percent(b.all))),
      ),
    );
    const whole = state.step === steps.length;
    told.textContent = whole
      ? `The search ends. It says: ${beams[0].words.filter((w) => w !== "<end>").join(" ")} (${percent(beams[0].all)}).`
      : `So far the likeliest beginning is: ${beams[0].words.join(" ")} (${percent(beams[0].all)}).`;
  }

  frame(
    host,
    model,
    "Choose how many beginnings are kept, and go from word to word. “Last word” is the probability of that word, “all words” that of the whole beginning.",
    row(
      select(
        "Scene",
        scenes.map((_, k) => [k, `${k + 1}`]),
        0,
        change("scene"),
      ),
      select(
        "Beam width",
        Object.keys(scenes[0].searches).map((w) => [w, w]),
        String(state.width),
        change("width"),
      ),
      step,
      button("Back", () => move(-1)),
      button("Next word", () => move(1)),
    ),
    told,
    row(picture.node, table),
  );
  update();
}

export default { render };
