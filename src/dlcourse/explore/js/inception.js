// Four branches side by side: how wide each is, and what it costs.

/** @import { Block } from "./lib/arithmetic.js" */
/** @import { Context, Slider } from "./lib/common.js" */

import { inception } from "./lib/arithmetic.js";
import { changes, el, frame, row, same, says, select, slider, whole } from "./lib/common.js";

/**
 * For each branch its name and, in the order of the layers, its sliders.
 * @type {[string, [keyof Block, string][]][]}
 */
const BRANCHES = [
  ["1 x 1", [["ch1x1", "Filters of 1 x 1"]]],
  [
    "3 x 3",
    [
      ["ch3x3red", "1 x 1 before 3 x 3"],
      ["ch3x3", "Filters of 3 x 3"],
    ],
  ],
  [
    "5 x 5",
    [
      ["ch5x5red", "1 x 1 before 5 x 5"],
      ["ch5x5", "Filters of 5 x 5"],
    ],
  ],
  ["pooling", [["pool_proj", "1 x 1 after pooling"]]],
];
/** @type {(keyof Block)[]} */
const REDUCTIONS = ["ch3x3red", "ch5x5red", "pool_proj"];

/**
 * Sliders move by `step`, up to `most`.
 * @typedef {object} Data
 * @property {Record<string, Block>} blocks
 * @property {number} step
 * @property {number} most
 */

/** @param {Context<Data>} context */
function render({ model, el: host }) {
  const { blocks, step, most } = model.get("data");
  const names = Object.keys(blocks);
  const block = { ...blocks[names[0]] };
  let reduced = true;
  let from = names[0];

  const change = changes(block, update);
  const scale = { min: step, max: most, step };
  /** @type {Map<keyof Block, Slider>} */
  const sliders = new Map();
  /** @type {(key: keyof Block, label: string) => Slider} */
  const control = (key, label) => {
    const made = slider(label, { ...scale, value: block[key] }, change(key));
    sliders.set(key, made);
    return made;
  };
  const input = control("in_channels", "Input channels");
  const branches = BRANCHES.map(([name, widths]) => {
    const result = el("p", { class: "dl-result" });
    const bar = el("span", { class: "dl-bar" });
    const controls = widths.map(([key, label]) => control(key, label));
    const node = el(
      "li",
      {},
      el(
        "fieldset",
        {},
        el("legend", {}, `Branch ${name}`),
        row(...controls),
        result,
        el("span", { class: "dl-track", "aria-hidden": "true" }, bar),
      ),
    );
    return { node, result, bar };
  });
  const segments = BRANCHES.map(() => el("span", { class: "dl-segment" }));
  const stack = el("div", { class: "dl-stack", role: "img" }, ...segments);
  const total = says();

  function update() {
    const now = inception(block, reduced);
    const other = inception(block, !reduced);
    now.branches.forEach((b, i) => {
      const share = b.multiplyAdds / now.multiplyAdds;
      branches[i].result.textContent =
        `${b.channels} channels, ${whole(b.parameters)} parameters, ` +
        `${whole(b.multiplyAdds)} multiply-adds, ${Math.round(100 * share)}% of the block's`;
      branches[i].bar.style.width = `${100 * share}%`;
      segments[i].style.flexGrow = String(b.channels);
      segments[i].textContent = String(b.channels);
    });
    for (const [key, { input }] of sliders) input.disabled = !reduced && REDUCTIONS.includes(key);
    const { size } = block;
    const split = BRANCHES.map(([name], i) => `${now.branches[i].channels} from ${name}`).join(
      ", ",
    );
    stack.setAttribute("aria-label", `Output channels: ${split}.`);
    total.textContent =
      (same(block, blocks[from]) ? `Block ${from}: ` : "Your block: ") +
      `${block.in_channels} x ${size} x ${size} becomes ${now.channels} x ${size} x ${size}, with ` +
      `${whole(now.parameters)} parameters and ${whole(now.multiplyAdds)} multiply-adds. ` +
      `${reduced ? "Without" : "With"} the 1 x 1 reductions: ${other.channels} channels, ` +
      `${whole(other.parameters)} parameters and ${whole(other.multiplyAdds)} multiply-adds, ` +
      `${(other.multiplyAdds / now.multiplyAdds).toFixed(2)} times as many.`;
  }

  const start = (/** @type {string} */ name) => {
    from = name;
    Object.assign(block, blocks[name]);
    for (const [key, { set }] of sliders) set(block[key]);
    update();
  };
  frame(
    host,
    model,
    "Start from a block of GoogLeNet, move the sliders, or leave the reductions out.",
    row(
      select(
        "Start from",
        names.map((n) => [n, `block ${n}`]),
        from,
        start,
      ),
      select(
        "Reductions",
        [
          ["with", "1 x 1 convolutions"],
          ["without", "none"],
        ],
        "with",
        (v) => {
          reduced = v === "with";
          update();
        },
      ),
      input,
    ),
    total,
    el(
      "p",
      { class: "dl-help" },
      "Output channels, from the branches 1 x 1, 3 x 3, 5 x 5 and pooling, left to right:",
    ),
    stack,
    el("p", { class: "dl-help" }, "The bar below each branch is its share of the multiply-adds."),
    el("ol", { class: "dl-layers dl-columns" }, ...branches.map(({ node }) => node)),
  );
  update();
}

export default { render };
