// One term of a sum in words; where its factor is a weight, the sum that the weight's own gradient is.
import { el } from "../lib/common.js";
import { shownTerms } from "./montage.js";
import { at } from "./terms.js";
import { biasGradient, weightName, weightTerms } from "./weights.js";
import { placeName, short } from "./words.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./terms.js").Terms} Terms */
/** @typedef {import("./terms.js").Network} Network */

const said = (/** @type {string} */ text) => el("p", { class: "dl-says" }, text);

/**
 * @param {Network} network
 * @param {Record<string, string>} titles
 * @param {Layer} layer whose factor it is
 * @param {Terms} terms
 * @param {number} term
 * @returns {HTMLElement[]}
 */
export function shownTerm(network, titles, layer, terms, term) {
  const place = terms.places[term];
  const shape = network.pass.outputs[terms.layer].shape;
  const [value, factor] = [terms.values[term], terms.factors[term]];
  const where =
    place < 0 ? "the border, which is zero" : `${titles[terms.layer]}, ${placeName(place, shape)}`;
  const first = said(
    `Term ${term}: ${short(value)} (${where}) times ${short(factor)} is ${short(value * factor)}.`,
  );
  const weight = terms.weights[term];
  if (weight < 0 || !network.pass.grads) return [first];
  return [first, ...shownWeight(network, titles, layer, weight)];
}

/**
 * @param {Network} network
 * @param {Record<string, string>} titles
 * @param {Layer} layer
 * @param {number} weight
 */
function shownWeight(network, titles, layer, weight) {
  const sum = weightTerms(network, layer, weight);
  const array = network.weights[layer.id ? `${layer.id}.weight` : "weight"];
  const name = weightName(weight, array.shape, titles[layer.id]);
  const count = sum.values.length;
  const normal = layer.kind === "BatchNorm2d";
  const is = normal
    ? `is ${name}, ${short(array.data[weight])}, divided by the standard deviation`
    : `is ${name}`;
  const met = normal ? "normalized value" : "value";
  const channel = Math.floor((weight / array.data.length) * array.shape[0]);
  const bias = biasGradient(network, layer, channel);
  const added = short(at(network.weights, layer.id, "bias", channel));
  const beside =
    layer.kind === "Linear"
      ? ` The bias, ${added}, was added once: its gradient is that of the value, ${short(bias ?? 0)}.`
      : ` The bias of this map, ${added}, was added everywhere: its gradient is the sum of the gradients alone, ${short(bias ?? 0)}.`;
  return [
    said(
      `This factor ${is}; its own gradient is ${short(sum.total)}, the sum over the ${count === 1 ? "one place" : `${count} places`} where it was used, of the ${met} there times the gradient there.${bias === null ? "" : beside}`,
    ),
    shownTerms(
      sum,
      [
        `${normal ? "Normalized values" : "Values"} of ${titles[sum.layer]}`,
        `Gradient of ${titles[layer.id]}`,
      ],
      -1,
      () => {},
    ),
  ];
}
