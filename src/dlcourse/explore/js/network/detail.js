// A layer, a map, a value, and what it is the sum of, forward or back.
import { el, row, says, slider } from "../lib/common.js";
import { Picture, signed } from "../lib/pictures.js";
import { sidesOf } from "./graph.js";
import { shownTerms } from "./montage.js";
import { backwardTerms, forwardTerms, weightTerms } from "./terms.js";
import { whereIs } from "./windows.js";
import { howBackward, howForward, placeName, sentence, short } from "./words.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./terms.js").Terms} Terms */
/** @typedef {import("./terms.js").Network} Network */
/** @typedef {{ layer: number, channel: number, row: number, column: number }} Unit */

const ROLES = /** @type {Record<string, string>} */ ({ Conv2d: "Weights", Linear: "Weights" });

export class Detail {
  /**
   * @param {Unit} unit shared with the page; this changes channel, row and column
   * @param {Record<string, string>} titles
   * @param {() => void} onChange
   */
  constructor(unit, titles, onChange) {
    this.unit = unit;
    this.titles = titles;
    this.term = 0;
    this.shown = "";
    const set = (/** @type {"channel" | "row" | "column"} */ name) => (/** @type {number} */ v) => {
      this.unit[name] = v;
      onChange();
    };
    this.channel = slider("Map or value", { max: 1, value: 0 }, set("channel"));
    this.row = slider("Row", { max: 1, value: 0 }, set("row"));
    this.column = slider("Column", { max: 1, value: 0 }, set("column"));
    this.chosenTerm = slider("Term", { max: 1, value: 0 }, (v) => {
      this.term = v;
      this.showTerms();
    });
    this.map = new Picture("", {
      side: 196,
      onPick: (y, x) => {
        Object.assign(this.unit, { row: y, column: x });
        onChange();
      },
    });
    this.told = says();
    // While the reader draws, only what the network reads is read out.
    const quiet = () => {
      const here = this.node.contains(document.activeElement);
      this.told.setAttribute("aria-live", here ? "polite" : "off");
    };
    this.terms = el("div", {});
    this.ofWeight = el("div", {});
    this.node = el(
      "div",
      { class: "dl-detail" },
      row(this.channel, this.row, this.column),
      this.told,
      row(this.map.node, this.terms),
      row(this.chosenTerm),
      this.ofWeight,
    );
    for (const name of ["focusin", "focusout"]) this.node.addEventListener(name, quiet);
    quiet();
  }

  /**
   * @param {Network} network
   * @param {boolean} back
   */
  show(network, back) {
    this.network = network;
    this.back = back;
    const { pass, layers } = network;
    const layer = layers[this.unit.layer];
    const tensor = (back && pass.grads ? pass.grads : pass.outputs)[layer.id];
    const [channels, height, width] = sidesOf(tensor.shape);
    this.channel.limit(channels - 1);
    this.row.limit(height - 1);
    this.column.limit(width - 1);
    this.unit.channel = this.channel.set(this.unit.channel);
    this.unit.row = this.row.set(this.unit.row);
    this.unit.column = this.column.set(this.unit.column);
    const area = height * width;
    const { channel, row: y, column: x } = this.unit;
    const place = channel * area + y * width + x;
    const values = tensor.data.subarray(channel * area, (channel + 1) * area);
    const largest = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const what = back ? "Gradient of" : "Values of";
    this.map.caption.textContent = `${what} ${this.titles[layer.id]}, map ${channel}, up to ${short(largest)} from zero: blue below, orange above`;
    this.map.draw(
      values,
      height,
      width,
      signed(largest),
      `${what} map ${channel} of ${this.titles[layer.id]}, ${height} by ${width}.`,
    );
    this.map.mark(y, x, 1, 1);
    for (const node of [this.map.node, this.row, this.column])
      node.style.display = area === 1 ? "none" : "";
    this.sums = back ? backwardTerms(network, layer, place) : forwardTerms(network, layer, place);
    const products = this.sums.flatMap((terms) => [...terms.products]);
    this.chosenTerm.style.display = products.length < 2 ? "none" : "";
    this.chosenTerm.limit(Math.max(0, products.length - 1));
    const shown = [back, layer.id, place].join();
    if (shown !== this.shown) {
      const sizes = products.map(Math.abs);
      this.term = Math.max(0, sizes.indexOf(Math.max(...sizes)));
    }
    this.shown = shown;
    this.term = this.chosenTerm.set(this.term);
    const name = `${this.titles[layer.id]}, ${placeName(place, tensor.shape)}`;
    const subject = back ? `the gradient of the loss with respect to ${name}` : name;
    this.told.textContent = sentence(
      `${subject} is ${short(tensor.data[place])}${this.why(layer)}`,
    );
    this.showTerms();
  }

  /** How the value comes about.
   * @param {Layer} layer */
  why(layer) {
    const sums = this.sums ?? [];
    if (!this.back)
      return sums.length ? `: ${howForward(layer, sums)}.` : ": a pixel of the picture.";
    if (!sums.length) return ": its probability, less one if it is the right class.";
    const layers = this.network?.layers ?? [];
    const ways = sums.map((terms) => {
      const taker = /** @type {Layer} */ (layers.find(({ id }) => id === terms.layer));
      return `through ${this.titles[taker.id]}, ${howBackward(taker, terms)}`;
    });
    return ways.length > 1
      ? `, the sum of ${ways.length} ways back: ${ways.join("; ")}.`
      : `: ${ways[0]}.`;
  }

  /** The terms, and the one that is chosen. */
  showTerms() {
    const { network, back, sums = [] } = this;
    if (!network) return;
    let before = 0;
    const parts = sums.map((terms) => {
      const start = before;
      before += terms.values.length;
      const own = this.term - start;
      const inside = own >= 0 && own < terms.values.length;
      const title = this.titles[terms.layer];
      const layer = back ? this.layerOf(terms.layer) : network.layers[this.unit.layer];
      const names = /** @type {[string, string]} */ ([
        back ? `Gradient of ${title}` : `Values of ${title}`,
        ROLES[layer.kind] ?? "Factor",
      ]);
      const node = shownTerms(terms, names, inside ? own : -1, (term) => {
        this.term = this.chosenTerm.set(start + term);
        this.showTerms();
      });
      if (inside) this.showTerm(layer, terms, own);
      return node;
    });
    this.terms.replaceChildren(...parts);
    if (!sums.length) this.ofWeight.replaceChildren();
  }

  /** @param {string} name */
  layerOf(name) {
    return /** @type {Layer} */ (this.network?.layers.find(({ id }) => id === name));
  }

  /**
   * One term in words; if its factor is a weight, the sum that its own gradient is, too.
   * @param {Layer} layer whose factor it is
   * @param {Terms} terms
   * @param {number} term
   */
  showTerm(layer, terms, term) {
    const { network } = this;
    if (!network) return;
    const place = terms.places[term];
    const shape = network.pass.outputs[terms.layer].shape;
    const [value, factor] = [terms.values[term], terms.factors[term]];
    const where =
      place < 0
        ? "the border, which is zero"
        : `${this.titles[terms.layer]}, ${placeName(place, shape)}`;
    const said = el("p", { class: "dl-says" });
    const parts = [said];
    said.textContent = `Term ${term}: ${short(value)} (${where}) times ${short(factor)} is ${short(value * factor)}.`;
    const weight = terms.weights[term];
    if (weight >= 0 && network.pass.grads) {
      const sum = weightTerms(network, layer, weight);
      const kernel = network.weights[layer.id ? `${layer.id}.weight` : "weight"].shape;
      const named =
        kernel.length === 4
          ? ((k) => `weight ${whereIs(weight, kernel.slice(1)).join(", ")} of ${k}`)(
              this.titles[layer.id],
            )
          : `weight ${Math.floor(weight / kernel[1])}, ${weight % kernel[1]} of ${this.titles[layer.id]}`;
      const told = el("p", { class: "dl-says" });
      told.textContent = `This factor is ${named}; its own gradient is ${short(sum.total)}, the sum over the ${sum.values.length === 1 ? "one place" : `${sum.values.length} places`} where it was used, of the value there times the gradient there.`;
      parts.push(
        told,
        shownTerms(
          sum,
          [`Values of ${this.titles[sum.layer]}`, `Gradient of ${this.titles[layer.id]}`],
          -1,
          () => {},
        ),
      );
    }
    this.ofWeight.replaceChildren(...parts);
  }
}
