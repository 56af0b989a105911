// Pictures of style transfer by weight and deepest layer, with their losses.

/** @import { Context } from "./lib/common.js" */

import { changes, el, frame, number, row, says, select, slider } from "./lib/common.js";

/**
 * The final losses of a picture, and the loss of the style before.
 * @typedef {object} Losses
 * @property {number} content
 * @property {number} style
 * @property {number} style_before
 */

/**
 * Pictures by LAYER-WEIGHT, "content" and "style", losses by LAYER-WEIGHT.
 * @typedef {object} Data
 * @property {Record<string, string>} pictures
 * @property {string[]} layers
 * @property {number[]} weights
 * @property {Record<string, Losses>} losses
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { pictures, layers, weights, losses } = model.get("data");
  const state = { layer: layers.length - 1, weight: Math.floor(weights.length / 2) };
  const told = says();
  const change = changes(state, update);
  const figure = (/** @type {string} */ caption, /** @type {number} */ width) => {
    const image = el("img", { width, style: "max-width: 100%; height: auto" });
    const text = el("figcaption", {}, caption);
    return { image, text, node: el("figure", { style: "margin: 0" }, image, text) };
  };
  const result = figure("", 320);
  const fixed = ["content", "style"].map((name) => {
    const shown = figure(name === "content" ? "Content" : "Style", 150);
    shown.image.src = pictures[name];
    shown.image.alt =
      name === "content"
        ? "The content: a cup of coffee on a saucer."
        : "The style: the Starry Night by Vincent van Gogh.";
    return shown.node;
  });

  function update() {
    const layer = layers[state.layer];
    const weight = weights[state.weight];
    const { content, style, style_before: before } = losses[`${layer}-${weight}`];
    result.image.src = pictures[`${layer}-${weight}`];
    const used = state.layer ? `conv1_1 to ${layer}` : layer;
    result.image.alt = `The cup of coffee, painted with the style of ${used} at weight ${weight}.`;
    result.text.textContent = `Style of ${used}, weight ${weight}`;
    const times = before / style;
    told.textContent =
      `Layers ${used}, style weight ${weight}: the style loss is ` +
      `${times < 10 ? number(times) : Math.round(times)} times smaller than the photograph's, ` +
      `the content loss rose from 0 to ${number(content)}.`;
  }

  frame(
    host,
    model,
    "Move the slider for more or less style; choose how deep the style layers go.",
    row(
      slider(
        "Style weight",
        { max: weights.length - 1, value: state.weight, text: (i) => String(weights[i]) },
        change("weight"),
      ),
      select(
        "Deepest style layer",
        layers.map((name, i) => [i, name]),
        state.layer,
        change("layer"),
      ),
    ),
    told,
    row(result.node, el("div", {}, ...fixed)),
  );
  update();
}

export default { render };
