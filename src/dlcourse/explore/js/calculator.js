// Put layers on top of each other, and see what they cost and how far they see.

/** @import { Context } from "./lib/common.js" */
/** @import { Packed } from "./lib/packed.js" */
/** @import { Followed, Stacked } from "./lib/arithmetic.js" */

import { follow } from "./lib/arithmetic.js";
import { button, el, frame, row, says, select, whole } from "./lib/common.js";
import { unpack } from "./lib/packed.js";
import { grey, Picture } from "./lib/pictures.js";

/** @typedef {"channels" | "kernel" | "stride" | "padding" | "dilation"} Field */

/** @type {Record<Field, [number, number]>} */
const LIMITS = {
  channels: [1, 512],
  kernel: [1, 11],
  stride: [1, 4],
  padding: [0, 10],
  dilation: [1, 4],
};
/** @type {Record<Stacked["kind"], Field[]>} */
const FIELDS = {
  convolution: ["channels", "kernel", "stride", "padding", "dilation"],
  pooling: ["kernel", "stride"],
};
/** @type {Record<Stacked["kind"], Stacked>} */
const FRESH = {
  convolution: { kind: "convolution", channels: 16, kernel: 3, stride: 1, padding: 1, dilation: 1 },
  pooling: { kind: "pooling", kernel: 2, stride: 2 },
};

/**
 * @typedef {object} Convolution
 * @property {"convolution"} kind
 * @property {number} channels
 * @property {number} kernel
 * @property {number} stride
 * @property {number} padding
 * @property {number} dilation
 */

/**
 * @typedef {object} Pooling
 * @property {"pooling"} kind
 * @property {number} kernel
 * @property {number} stride
 */

/**
 * @typedef {object} Data
 * @property {Packed} image
 * @property {number} channels
 * @property {Record<string, (Convolution | Pooling)[]>} networks
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { image: packed, channels, networks } = model.get("data");
  const image = unpack(packed);
  const size = image.shape[1];
  const names = Object.keys(networks);
  /** @type {Stacked[]} */
  let layers = [];

  const list = el("ol", { class: "dl-layers" });
  const total = says();
  const picture = new Picture(
    "The part of the image that the value in the middle sees: thin after each layer, thick after the last",
  );

  /** Show the numbers of each layer; the controls stay as they are, and so does the focus. */
  function update() {
    /** @type {(text: string, rows?: Followed[]) => void} */
    const report = (text, rows = []) => {
      total.textContent = text;
      draw(rows);
    };
    const results = [...list.querySelectorAll(".dl-result")];
    results.forEach((node) => {
      node.textContent = "";
    });
    const wrong = [...list.querySelectorAll("input")].find((input) => !input.validity.valid);
    if (wrong) {
      return report(`${wrong.ariaLabel} must be a whole number from ${wrong.min} to ${wrong.max}.`);
    }
    let result;
    try {
      result = follow(channels, size, layers);
    } catch (error) {
      return report(/** @type {Error} */ (error).message);
    }
    result.rows.forEach((r, i) => {
      results[i].textContent =
        `gives ${r.channels} x ${r.size} x ${r.size}, ${whole(r.parameters)} ` +
        `parameters, ${whole(r.multiplyAdds)} multiply-adds, sees ${r.field} x ${r.field}`;
    });
    const field = result.rows.at(-1)?.field ?? 1;
    report(
      `In total ${whole(result.parameters)} parameters and ${whole(result.multiplyAdds)} multiply-adds. ` +
        `One output value sees ${field} x ${field} pixels of the ${size} x ${size}.`,
      result.rows,
    );
  }

  function draw(/** @type {Followed[]} */ rows) {
    const frames = rows.map((r) => ({
      top: r.start + Math.floor((r.size - 1) / 2) * r.jump,
      field: r.field,
    }));
    const last = frames.at(-1);
    // Enough paper around the digit for the frames to fit, up to the size of the digit itself.
    const beyond = Math.max(
      0,
      ...frames.map(({ top, field }) => Math.max(-top, top + field - size) + 1),
    );
    const margin = Math.min(size, Math.max(Math.floor(size / 4), beyond));
    const side = size + 2 * margin;
    const values = Float32Array.from({ length: side * side }, (_, i) => {
      const [y, x] = [Math.floor(i / side) - margin, (i % side) - margin];
      const inside = y >= 0 && x >= 0 && y < size && x < size;
      return inside ? image.part(0)[y * size + x] : 0.25;
    });
    picture.draw(
      values,
      side,
      side,
      grey(0, 1),
      last
        ? `A digit of ${size} x ${size} pixels, with a frame of ${last.field} x ${last.field} around its centre.`
        : `A digit of ${size} x ${size} pixels.`,
    );
    for (const frame of frames) {
      const corner = frame.top + margin;
      picture.mark(corner, corner, frame.field, frame.field, { thin: frame !== last });
    }
  }

  /** Make the controls again, after a layer came or went. */
  function build() {
    list.replaceChildren(
      ...layers.map((layer, i) =>
        el(
          "li",
          {},
          el(
            "fieldset",
            {},
            el(
              "legend",
              {},
              `Layer ${i + 1}: ${layer.kind === "pooling" ? "max pooling" : "convolution"}`,
            ),
            row(
              ...FIELDS[layer.kind].map((name) => {
                const [min, max] = LIMITS[name];
                const input = el("input", {
                  type: "number",
                  min,
                  max,
                  step: 1,
                  value: layer[name],
                  required: true,
                  "aria-label": `${name} of layer ${i + 1}`,
                  oninput: () => {
                    layer[name] = input.valueAsNumber;
                    update();
                  },
                });
                return el("label", { class: "dl-number" }, el("span", {}, name), input);
              }),
              button("Remove", () => remove(i), { "aria-label": `Remove layer ${i + 1}` }),
            ),
            el("p", { class: "dl-result" }),
          ),
        ),
      ),
    );
    update();
  }

  const start = (/** @type {string} */ name) => {
    layers = networks[name].map((layer) => ({ ...layer }));
    build();
  };
  const append = (/** @type {Stacked["kind"]} */ kind) => () => {
    layers.push({ ...FRESH[kind] });
    build();
  };
  const remove = (/** @type {number} */ i) => {
    layers.splice(i, 1);
    build();
    add.focus();
  };
  const add = button("Add a convolution", append("convolution"));
  frame(
    host,
    model,
    `The input has ${channels} x ${size} x ${size} values. Start from a network and change its layers.`,
    row(
      select(
        "Start from",
        names.map((n) => [n, n]),
        names[0],
        start,
      ),
      add,
      button("Add a pooling", append("pooling")),
    ),
    total,
    row(el("div", { class: "dl-grow" }, list), picture.node),
  );
  start(names[0]);
}

export default { render };
