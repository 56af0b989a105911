// All layers side by side: a column for each, its maps one below the other, a pixel for a value.
import { el } from "../lib/common.js";
import { signed } from "../lib/pictures.js";
import { sidesOf } from "./graph.js";

/** @typedef {import("../nn/tensor.js").Tensor} Tensor */
/** @typedef {import("./graph.js").Layer} Layer */

// In CSS pixels:
const HEIGHT = 480; // of a column, at most
const MAP = 24; // side of a map, unless it has more values
const LARGEST = 64; // side of a map, at most: a photograph's first layers are shown smaller

/** Colours as the bytes of an ImageData: from the strongest blue over white to the strongest orange. */
const COLOURS = Uint32Array.from({ length: 255 }, (_, i) => {
  const [r, g, b] = signed(127)(i - 127).map(Math.round);
  return (255 << 24) | (b << 16) | (g << 8) | r; // the lowest byte comes first
});

const LINE = 0x66808080; // half transparent: it is seen on black and on white

/**
 * Where the maps of a layer lie in its column: enlarged so often, so many below each other.
 * @param {[number, number, number]} sides
 */
function arrangement([channels, height, width]) {
  const vector = height * width === 1;
  const side = Math.max(height, width);
  const scale = vector
    ? Math.max(5, Math.min(24, Math.floor(HEIGHT / channels)))
    : side <= MAP
      ? MAP / side
      : Math.min(1, LARGEST / side);
  const gap = vector ? 0 : 1;
  const most = Math.max(1, Math.floor(HEIGHT / ((height + gap) * scale)));
  const columns = Math.ceil(channels / most);
  return { scale, gap, columns, rows: Math.ceil(channels / columns) };
}

/** One layer. */
class Column {
  /**
   * @param {string} title
   * @param {[number, number, number]} sides
   * @param {(place: number) => void} onPick
   */
  constructor(title, sides, onPick) {
    const [channels, height, width] = sides;
    this.sides = sides;
    this.arrangement = arrangement(sides);
    const { scale, gap, rows, columns } = this.arrangement;
    const size = [columns * (width + gap) - gap, rows * (height + gap) - gap];
    this.canvas = el("canvas", {
      width: size[0],
      height: size[1],
      style: `width: ${size[0] * scale}px; height: ${size[1] * scale}px`,
    });
    const context = this.canvas.getContext("2d");
    if (!context) throw new Error("The browser gave no canvas to draw on; reload the page.");
    this.context = context;
    this.pixels = context.createImageData(size[0], size[1]);
    this.words = new Uint32Array(this.pixels.data.buffer);
    for (let c = 0; c < channels; c++) this.outline(c);
    this.frame = el("span", { class: "dl-frame", hidden: true });
    this.node = el(
      "div",
      { class: "dl-column" },
      el("span", { class: "dl-tag" }, title),
      el("div", { class: "dl-maps" }, this.canvas, this.frame),
    );
    this.canvas.addEventListener("click", (event) => {
      const box = this.canvas.getBoundingClientRect();
      const x = Math.floor(((event.clientX - box.left) / box.width) * size[0]);
      const y = Math.floor(((event.clientY - box.top) / box.height) * size[1]);
      const channel = Math.floor(x / (width + gap)) * rows + Math.floor(y / (height + gap));
      const within = [y % (height + gap), x % (width + gap)];
      if (channel >= channels || within[0] >= height || within[1] >= width) return;
      onPick((channel * height + within[0]) * width + within[1]);
    });
  }

  /** Left and top of a map, in pixels of the canvas.
   * @param {number} channel */
  corner(channel) {
    const { rows, gap } = this.arrangement;
    const [, height, width] = this.sides;
    return [Math.floor(channel / rows) * (width + gap), (channel % rows) * (height + gap)];
  }

  /** Rule a line below and beside a map, inside the canvas.
   * @param {number} channel */
  outline(channel) {
    const { width: across, height: down } = this.pixels;
    const [left, top] = this.corner(channel);
    const [, height, width] = this.sides;
    if (this.arrangement.gap === 0) return;
    for (let y = top; y <= Math.min(down - 1, top + height); y++)
      for (let x = left; x <= Math.min(across - 1, left + width); x++)
        this.words[y * across + x] = LINE;
  }

  /** @param {Float32Array} values */
  draw(values) {
    const [channels, height, width] = this.sides;
    const stride = this.pixels.width;
    let largest = 0;
    for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
    const steps = largest > 0 ? 127 / largest : 0;
    let from = 0;
    for (let c = 0; c < channels; c++) {
      const [left, top] = this.corner(c);
      for (let y = 0; y < height; y++) {
        const to = (top + y) * stride + left;
        for (let x = 0; x < width; x++)
          this.words[to + x] = COLOURS[Math.round(127 + steps * values[from++])];
      }
    }
    this.context.putImageData(this.pixels, 0, 0);
  }

  /** Frame a map, or none.
   * @param {number | null} channel
   * @param {boolean} chosen whether it is the map that is chosen, or the one that its terms are of */
  mark(channel, chosen) {
    this.frame.hidden = channel === null;
    this.node.classList.toggle("dl-chosen", chosen);
    if (channel === null) return;
    const { scale } = this.arrangement;
    const [, height, width] = this.sides;
    const [left, top] = this.corner(channel);
    this.frame.style.cssText = `left: ${left * scale}px; top: ${top * scale}px; width: ${width * scale}px; height: ${height * scale}px`;
  }
}

export class Strip {
  /**
   * @param {(layer: number, place: number) => void} onPick
   * @param {(layers: number, channels: number) => void} onMove hears arrow keys
   */
  constructor(onPick, onMove) {
    this.onPick = onPick;
    /** @type {Column[]} */
    this.columns = [];
    this.node = el("div", {
      class: "dl-strip",
      tabindex: 0,
      role: "group",
      "aria-label":
        "All layers from left to right, with their maps. Arrow keys choose a layer and a map.",
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const layers = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
        const channels = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
        if (!layers && !channels) return;
        event.preventDefault();
        onMove(layers, channels);
      },
    });
  }

  /**
   * @param {Layer[]} layers
   * @param {Record<string, string>} titles
   * @param {Record<string, Tensor>} tensors values or gradients
   */
  draw(layers, titles, tensors) {
    if (this.columns.length === 0) {
      this.columns = layers.map(
        ({ id }, k) =>
          new Column(titles[id], sidesOf(tensors[id].shape), (place) => this.onPick(k, place)),
      );
      this.node.append(...this.columns.map(({ node }) => node));
    }
    layers.forEach(({ id }, k) => {
      this.columns[k].draw(tensors[id].data);
    });
  }

  /**
   * @param {{ layer: number, channel: number }} chosen
   * @param {{ layer: number, channel: number } | null} source the map that the chosen term is of
   */
  mark(chosen, source = null) {
    this.columns.forEach((column, k) => {
      const shown = [chosen, source].find((map) => map?.layer === k);
      column.mark(shown?.channel ?? null, k === chosen.layer);
    });
  }

  /** Bring a layer into view, within the strip alone.
   * @param {number} layer */
  reveal(layer) {
    const { offsetLeft, offsetWidth } = this.columns[layer].node;
    const { scrollLeft, clientWidth } = this.node;
    if (offsetLeft < scrollLeft) this.node.scrollLeft = offsetLeft;
    else if (offsetLeft + offsetWidth > scrollLeft + clientWidth)
      this.node.scrollLeft = offsetLeft + offsetWidth - clientWidth;
  }
}
