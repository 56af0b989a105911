// A layer, a map, a value, and what it is the sum of, forward or back.
import { el, row, says, slider } from "../lib/common.js";
import { Picture, signed } from "../lib/pictures.js";
import { shownTerm } from "./factor.js";
import { sidesOf } from "./graph.js";
import { shownTerms } from "./montage.js";
import { passageOf } from "./passage.js";
import { shownPassage } from "./passage_view.js";
import { backwardTerms, forwardTerms } from "./terms.js";
import { whereIs } from "./windows.js";
import { howBackward, howForward, placeName, sentence, short } from "./words.js";

/** @typedef {import("./graph.js").Layer} Layer */
/** @typedef {import("./terms.js").Terms} Terms */
/** @typedef {import("./terms.js").Network} Network */
/** @typedef {{ layer: number, channel: number, row: number, column: number }} Unit */

const ROLES = /** @type {Record<string, string>} */ ({
  BatchNorm2d: "Weight",
  Conv2d: "Weights",
  Linear: "Weights",
});

export class Detail {
  /**
   * @param {Unit} unit shared with the page; this changes channel, row and column
   * @param {Record<string, string>} titles
   * @param {() => void} onChange another value
   * @param {() => void} onTerm another term of it, or other terms
   */
  constructor(unit, titles, onChange, onTerm) {
    this.unit = unit;
    this.titles = titles;
    this.onTerm = onTerm;
    this.term = 0;
    this.shown = "";
    /** @type {{ layer: string, channel: number } | null} the map that the chosen term is of */
    this.source = null;
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
    this.from = new Picture("", { side: 196 });
    this.told = says();
    // While the reader draws, only what the network reads is read out.
    const quiet = () => {
      const here = this.node.contains(document.activeElement);
      this.told.setAttribute("aria-live", here ? "polite" : "off");
    };
    this.terms = el("div", {});
    this.ofTerm = el("div", {});
    this.passage = el("div", {});
    this.node = el(
      "div",
      { class: "dl-detail", hidden: true }, // until there is something to show
      row(this.channel, this.row, this.column),
      this.passage,
      this.told,
      row(this.map.node, this.from.node),
      this.terms,
      row(this.chosenTerm),
      this.ofTerm,
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
    this.node.hidden = false;
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
    this.showMap(this.map, layer.id, channel);
    if (area > 1) this.map.mark(y, x, 1, 1);
    for (const node of [this.row, this.column]) node.style.display = area === 1 ? "none" : "";
    this.channel.style.display = channels === 1 ? "none" : "";
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
    const passage = passageOf(network, layer, channel, back);
    this.passage.replaceChildren(
      ...(passage ? shownPassage(passage, layer, tensor.shape, this.titles, this.unit) : []),
    );
    this.showTerms();
  }

  /**
   * A map of a layer in a picture, which is away for single values.
   * @param {Picture} picture
   * @param {string} id
   * @param {number} channel
   */
  showMap(picture, id, channel) {
    const { network, back } = this;
    if (!network) return;
    const { outputs, grads } = network.pass;
    const { data, shape } = (back && grads ? grads : outputs)[id];
    const [, height, width] = sidesOf(shape);
    const area = height * width;
    picture.node.style.display = area === 1 ? "none" : "";
    const values = data.subarray(channel * area, (channel + 1) * area);
    const largest = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const name = `${back ? "Gradient" : "Values"} of ${this.titles[id]}, map ${channel}`;
    picture.caption.textContent = `${name}, up to ${short(largest)} from zero: blue below, orange above`;
    picture.draw(values, height, width, signed(largest), `${name}, ${height} by ${width}.`);
  }

  /** How the value comes about.
   * @param {Layer} layer */
  why(layer) {
    const sums = this.sums ?? [];
    if (!this.back)
      return sums.length ? `: ${howForward(layer, sums)}.` : ": a pixel of the picture.";
    if (!sums.length) return ": its probability, less one if it is the right class.";
    const ways = sums.map((terms) => {
      const taker = this.layerOf(terms.layer);
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
    this.source = null;
    this.from.node.style.display = "none";
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
      if (inside) {
        this.ofTerm.replaceChildren(...shownTerm(network, this.titles, layer, terms, own));
        this.showSource(terms, own);
      }
      return shownTerms(terms, names, inside ? own : -1, (term) => {
        this.term = this.chosenTerm.set(start + term);
        this.showTerms();
      });
    });
    this.terms.replaceChildren(...parts);
    if (!sums.length) this.ofTerm.replaceChildren();
    this.onTerm();
  }

  /**
   * The map that a term is of, and on it the window that the value sees.
   * @param {Terms} terms
   * @param {number} term
   */
  showSource({ layer, places }, term) {
    const { network } = this;
    const place = places[term] >= 0 ? places[term] : places.find((p) => p >= 0);
    if (!network || place === undefined) return;
    const sides = sidesOf(network.pass.outputs[layer].shape);
    const [channel] = whereIs(place, sides);
    this.source = { layer, channel };
    this.showMap(this.from, layer, channel);
    if (sides[1] * sides[2] === 1) return;
    const seen = [...places].filter((p) => p >= 0).map((p) => whereIs(p, sides));
    const same = seen.filter(([c]) => c === channel);
    const [rows, columns] = [same.map(([, y]) => y), same.map(([, , x]) => x)];
    const [top, left] = [Math.min(...rows), Math.min(...columns)];
    this.from.mark(top, left, Math.max(...rows) - top + 1, Math.max(...columns) - left + 1);
    if (places[term] < 0 || same.length < 2) return;
    const [, y, x] = whereIs(place, sides);
    this.from.mark(y, x, 1, 1, { thin: true });
  }

  /** @param {string} name */
  layerOf(name) {
    return /** @type {Layer} */ (this.network?.layers.find(({ id }) => id === name));
  }
}
