// What each layer of a network makes of a digit, channel by channel.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */

import { changes, frame, number, row, says, select, slider } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { grey, Picture } from "./lib/pictures.js";

/**
 * The maps are (images, channels, size, size).
 * @typedef {object} Layer
 * @property {string} name
 * @property {string} field
 * @property {Packed} maps
 */

/**
 * @typedef {object} Data
 * @property {Packed} images
 * @property {string[]} names
 * @property {Layer[]} layers
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { images: packed, names, layers } = model.get("data");
  const images = unpack(packed);
  const side = images.shape[1];
  const maps = layers.map((layer) => unpack(layer.maps));
  const state = { image: 0, layer: 0, channel: 0 };
  const columns = 8;

  const change = changes(state, update);
  const digit = new Picture("The digit", { side: 160 });
  const one = new Picture("", { side: 160 });
  const all = new Picture("", {
    side: 480,
    onPick: (y, x) => {
      const step = maps[state.layer].shape[2] + 1;
      state.channel = Math.floor(y / step) * columns + Math.min(columns - 1, Math.floor(x / step));
      update();
    },
  });
  const channel = slider("Channel", { max: 1, value: 0 }, change("channel"));
  const told = says();

  function update() {
    const { shape } = maps[state.layer];
    const [, channels, size] = shape;
    const area = size * size;
    const values = maps[state.layer].part(state.image);
    const high = values.reduce((a, b) => Math.max(a, b), 0);
    const { name, field } = layers[state.layer];
    channel.limit(channels - 1);
    state.channel = channel.set(state.channel);
    const chosen = values.subarray(state.channel * area, (state.channel + 1) * area);

    const bright = grey(0, Math.sqrt(high));
    // A line of middle grey between the maps.
    const step = size + 1;
    const [height, width] = [Math.ceil(channels / columns) * step, columns * step];
    const montage = new Float32Array(height * width).fill(high / 8);
    for (let c = 0; c < channels; c++) {
      const [top, left] = [Math.floor(c / columns) * step, (c % columns) * step];
      for (let y = 0; y < size; y++) {
        montage.set(
          values.subarray(c * area + y * size, c * area + (y + 1) * size),
          (top + y) * width + left,
        );
      }
    }
    all.caption.textContent = `All ${channels} channels of ${name}, faint values made brighter; each value sees ${field} pixels`;
    all.draw(
      montage,
      height,
      width,
      (v) => bright(Math.sqrt(v)),
      `${channels} feature maps of ${size} x ${size} in rows of ${columns}.`,
    );
    all.mark(
      Math.floor(state.channel / columns) * step,
      (state.channel % columns) * step,
      size,
      size,
    );

    digit.draw(images.part(state.image), side, side, grey(0, 1), `${names[state.image]}.`);
    one.caption.textContent = `Channel ${state.channel}, ${size} x ${size}`;
    const peak = chosen.reduce((a, b) => Math.max(a, b), 0);
    one.draw(chosen, size, size, grey(0, peak), `Channel ${state.channel}, on a scale of its own.`);
    const active = chosen.filter((v) => v > 0).length / area;
    told.textContent =
      `${name}, channel ${state.channel}: ${Math.round(100 * active)}% of its ${area} values ` +
      `are above zero, the largest is ${number(peak)}.`;
  }

  frame(
    host,
    model,
    "Choose a digit and a layer, then click on a map or move the slider to look at one channel.",
    row(
      select(
        "Digit",
        names.map((n, i) => [i, n]),
        0,
        change("image"),
      ),
      select(
        "Layer",
        layers.map((l, i) => [i, l.name]),
        0,
        change("layer"),
      ),
      channel,
    ),
    told,
    row(all.node, row(digit.node, one.node)),
  );
  update();
}

export default { render };
