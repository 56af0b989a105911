// Four branches side by side: how wide each is, and what it costs.
import { el, frame, row, says, select, slider, whole } from "./lib/common.js";
import { inception } from "./lib/arithmetic.js";

// For each branch its name and, in the order of the layers, its sliders.
const BRANCHES = [
  ["1 x 1", [["ch1x1", "Filters of 1 x 1"]]],
  ["3 x 3", [["ch3x3red", "1 x 1 before 3 x 3"], ["ch3x3", "Filters of 3 x 3"]]],
  ["5 x 5", [["ch5x5red", "1 x 1 before 5 x 5"], ["ch5x5", "Filters of 5 x 5"]]],
  ["pooling", [["pool_proj", "1 x 1 after pooling"]]],
];
const REDUCTIONS = ["ch3x3red", "ch5x5red", "pool_proj"];

function render({ model, el: host }) {
  const { blocks, step, most } = model.get("data");
  const names = Object.keys(blocks);
  const block = { ...blocks[names[0]] };
  let reduced = true;
  let from = names[0];

  const change = (name) => (value) => { block[name] = value; update(); };
  const scale = { min: step, max: most, step };
  const input = slider("Input channels", { ...scale, value: block.in_channels }, change("in_channels"));
  const sliders = { in_channels: input };
  const branches = BRANCHES.map(([name, widths]) => {
    const result = el("p", { class: "dl-result" });
    const bar = el("span", { class: "dl-bar" });
    const controls = widths.map(([key, label]) => {
      sliders[key] = slider(label, { ...scale, value: block[key] }, change(key));
      return sliders[key];
    });
    const node = el("li", {}, el("fieldset", {}, el("legend", {}, `Branch ${name}`), row(...controls), result,
      el("span", { class: "dl-track", "aria-hidden": "true" }, bar)));
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
      branches[i].result.textContent = `${b.channels} channels, ${whole(b.parameters)} parameters, ` +
        `${whole(b.multiplyAdds)} multiply-adds, ${Math.round(100 * share)}% of the block's`;
      branches[i].bar.style.width = `${100 * share}%`;
      segments[i].style.flexGrow = b.channels;
      segments[i].textContent = b.channels;
    });
    for (const name of REDUCTIONS) sliders[name].input.disabled = !reduced;
    const { size } = block;
    const split = BRANCHES.map(([name], i) => `${now.branches[i].channels} from ${name}`).join(", ");
    stack.setAttribute("aria-label", `Output channels: ${split}.`);
    const published = names.includes(from) && Object.entries(blocks[from]).every(([k, v]) => block[k] === v);
    total.textContent = (published ? `Block ${from}: ` : "Your block: ") +
      `${block.in_channels} x ${size} x ${size} becomes ${now.channels} x ${size} x ${size}, with ` +
      `${whole(now.parameters)} parameters and ${whole(now.multiplyAdds)} multiply-adds. ` +
      `${reduced ? "Without" : "With"} the 1 x 1 reductions: ${other.channels} channels, ` +
      `${whole(other.parameters)} parameters and ${whole(other.multiplyAdds)} multiply-adds, ` +
      `${(other.multiplyAdds / now.multiplyAdds).toFixed(2)} times as many.`;
  }

  const start = (name) => {
    from = name;
    Object.assign(block, blocks[name]);
    for (const [key, node] of Object.entries(sliders)) node.set(block[key]);
    update();
  };
  frame(host, model, "Start from a block of GoogLeNet, move the sliders, or leave the reductions out.",
    row(
      select("Start from", names.map((n) => [n, `block ${n}`]), from, start),
      select("Reductions", [["with", "1 x 1 convolutions"], ["without", "none"]], "with",
        (v) => { reduced = v === "with"; update(); }),
      input,
    ),
    total, el("p", { class: "dl-help" }, "Output channels, from the branches 1 x 1, 3 x 3, 5 x 5 and pooling, left to right:"),
    stack, el("p", { class: "dl-help" }, "The bar below each branch is its share of the multiply-adds."),
    el("ol", { class: "dl-layers dl-columns" }, ...branches.map(({ node }) => node)));
  update();
}

export default { render };
