// All-reduce: ranks on a circle, arrows for the messages of a step, and what each rank has after it.
import { el, frame, row, says, select, slider, svg } from "./lib/common.js";
import { messageCost, reduction } from "./lib/arithmetic.js";

const LETTERS = "ABCDEFGH";
const MIDDLE = 160; // of the picture, whose side is twice as long
const AROUND = 118;
const NODE = 22;

/** Three digits and a unit. */
function sized(bytes) {
  const [unit, name] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "bytes"]].find(([u]) => bytes >= u) ?? [1, "bytes"];
  return `${Number((bytes / unit).toPrecision(3))} ${name}`;
}

function timed(seconds) {
  const [unit, name] = [[1, "s"], [1e-3, "ms"]].find(([u]) => seconds >= u) ?? [1e-6, "µs"];
  return `${Number((seconds / unit).toPrecision(3))} ${name}`;
}

function render({ model, el: host }) {
  const { schedules, arrays, networks } = model.get("data");
  const names = Object.keys(schedules);
  const counts = Object.keys(schedules[names[0]]);
  const state = { name: "ring", ranks: 4, step: 0, array: Object.keys(arrays)[0], network: Object.keys(networks)[0] };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let timer = null;
  let moving = 0; // counts animations, so that an old one ends when a new one begins

  const options = (list) => list.map((v) => [v, v]);
  const change = (key, convert = (v) => v) => (value) => {
    state[key] = convert(value);
    if (key === "name" || key === "ranks") { pause(); state.step = 0; }
    update();
  };
  const step = slider("Step", { max: 1, value: 0 }, (v) => { pause(); go(v); });
  const button = (text, onclick) => el("button", { type: "button", onclick }, text);
  const back = button("Back", () => { pause(); go(state.step - 1); });
  const next = button("Next", () => { pause(); go(state.step + 1); });
  const play = button("Play", () => (timer === null ? start() : pause()));
  const picture = svg("svg", { viewBox: `0 0 ${2 * MIDDLE} ${2 * MIDDLE}`, role: "img", class: "dl-network" });
  const holdings = el("div", { class: "dl-holdings", tabindex: "0", role: "region", "aria-label": "What each rank has" });
  const compared = el("div", { class: "dl-holdings", tabindex: "0", role: "region", "aria-label": "All four compared" });
  const told = says();

  const steps = () => schedules[state.name][state.ranks];

  function go(to) {
    const forward = to === state.step + 1;
    state.step = Math.max(0, Math.min(steps().length, to));
    update(forward && !still.matches);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function start() {
    if (state.step === steps().length) go(0);
    play.textContent = "Pause";
    timer = setInterval(() => {
      if (!host.isConnected || state.step === steps().length) pause();
      else go(state.step + 1);
    }, 1400);
  }

  const place = (rank) => {
    const angle = (2 * Math.PI * rank) / state.ranks - Math.PI / 2;
    return [MIDDLE + AROUND * Math.cos(angle), MIDDLE + AROUND * Math.sin(angle)];
  };
  const letters = (start, stop) => (stop - start === state.ranks ? "all" : LETTERS.slice(start, stop));

  /** An arrow from rank to rank: bent to one side, so that two that swap stay apart, and inwards, past other ranks. */
  function arrow([source, dest, first, last]) {
    const [[x0, y0], [x1, y1]] = [place(source), place(dest)];
    const length = Math.hypot(x1 - x0, y1 - y0);
    const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
    const bend = Math.min(26, length / 5);
    const inwards = (at) => at + 0.35 * (MIDDLE - at);
    const [cx, cy] = [inwards((x0 + x1) / 2) - uy * bend, inwards((y0 + y1) / 2) + ux * bend];
    const towards = (x, y, by) => {
      const far = Math.hypot(cx - x, cy - y);
      return [x + ((cx - x) / far) * by, y + ((cy - y) / far) * by];
    };
    const [sx, sy] = towards(x0, y0, NODE);
    const [tx, ty] = towards(x1, y1, NODE + 8);
    const path = svg("path", { d: `M${sx} ${sy} Q${cx} ${cy} ${tx} ${ty}`, class: "dl-arrow" });
    const head = Math.atan2(ty - cy, tx - cx);
    const corner = (turn, by) => `${tx + by * Math.cos(head + turn)},${ty + by * Math.sin(head + turn)}`;
    const tip = svg("polygon", { points: [corner(0, 8), corner(2.3, 6), corner(-2.3, 6)].join(" "), class: "dl-tip" });
    const text = svg("text", { class: "dl-load" }, letters(first, last));
    const load = svg("g", {}, svg("circle", { r: 13, class: "dl-parcel" }), text);
    return { path, tip, load };
  }

  function update(animate = false) {
    const all = steps();
    const messages = state.step ? all[state.step - 1] : [];
    const [latency, bandwidth] = networks[state.network];
    const bytes = arrays[state.array];
    const ranks = Array.from({ length: state.ranks }, (_, r) => r);
    step.limit(all.length);
    step.set(state.step);
    // Not `disabled`, which would take the focus away from a button that was just pressed.
    back.setAttribute("aria-disabled", String(state.step === 0));
    next.setAttribute("aria-disabled", String(state.step === all.length));

    const arrows = messages.map(arrow);
    const nodes = ranks.map((rank) => {
      const [x, y] = place(rank);
      return svg("g", {}, svg("circle", { cx: x, cy: y, r: NODE, class: "dl-node" }),
        svg("text", { x, y, class: "dl-rank" }, String(rank)));
    });
    picture.replaceChildren(...arrows.flatMap(({ path, tip }) => [path, tip]), ...nodes, ...arrows.map(({ load }) => load));
    carry(arrows, animate);

    const has = reduction(state.ranks, all)[state.step];
    const full = 2 ** state.ranks - 1;
    const came = (rank, piece) => messages.some(([, dest, first, last]) => dest === rank && first <= piece && piece < last);
    const cell = (rank, piece) => {
      const mask = has[rank][piece];
      const of = ranks.filter((r) => mask & (1 << r));
      const text = mask === full ? "all" : of.join("+");
      return el("td", { class: came(rank, piece) ? "dl-came" : null, "aria-label": `piece ${LETTERS[piece]}: ${mask === full ? "the sum over all ranks" : `rank ${of.join(" + ")}`}` },
        el("span", { class: "dl-marks", "aria-hidden": "true" }, ...ranks.map((r) => el("span", { class: mask & (1 << r) ? "dl-in" : null }))),
        ...(state.ranks > 4 ? [] : [el("span", {}, text)]));
    };
    holdings.replaceChildren(el("table", { class: "dl-shares" },
      el("caption", {}, "What each rank has: for each piece, a filled mark for each rank whose values are in the sum"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "rank"),
        ...ranks.map((piece) => el("th", { scope: "col" }, LETTERS[piece])))),
      el("tbody", {}, ...ranks.map((rank) => el("tr", {}, el("th", { scope: "row" }, String(rank)),
        ...ranks.map((piece) => cell(rank, piece)))))));

    compared.replaceChildren(el("table", {},
      el("caption", {}, `${state.ranks} ranks add up ${state.array} (${sized(bytes)}), ${state.network}`),
      el("thead", {}, el("tr", {}, ...["algorithm", "steps", "the busiest rank sends", "all send", "time by the model"]
        .map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...names.map((name) => {
        const cost = messageCost(state.ranks, schedules[name][state.ranks], bytes, latency, bandwidth);
        return el("tr", {}, el("th", { scope: "row" }, name === state.name ? `▸ ${name}` : name),
          ...[cost.steps, sized(cost.busiest), sized(cost.total), timed(cost.seconds)].map((v) => el("td", {}, String(v))));
      }))));

    const size = messages.length && sized(((messages[0][3] - messages[0][2]) / state.ranks) * bytes);
    const list = messages.map(([source, dest, first, last, adds]) =>
      `${source} to ${dest}: ${letters(first, last)}, ${adds ? "added" : "copied"}`);
    const what = messages.length
      ? `Step ${state.step} of ${all.length}: ${messages.length} ${messages.length > 1 ? "messages at the same time, each" : "message"} of ${size}. ${list.join("; ")}.`
      : `Before step 1 of ${all.length}: every rank has its own array of ${state.ranks} pieces, and none has a sum.`;
    told.textContent = what + (state.step === all.length ? " Every rank has the sum of all." : "");
    picture.setAttribute("aria-label", `${state.ranks} ranks on a circle. ${told.textContent}`);
  }

  /** Move the loads along their arrows, or put them at the middle of the arrows. */
  function carry(arrows, animate) {
    const mine = ++moving;
    const put = (share) => arrows.forEach(({ path, load }) => {
      const { x, y } = path.getPointAtLength(path.getTotalLength() * share);
      load.setAttribute("transform", `translate(${x} ${y})`);
    });
    if (!animate) { put(0.5); return; }
    const begin = performance.now();
    const frame = (now) => {
      if (mine !== moving) return;
      const share = Math.min(1, Math.max(0, (now - begin) / 800));
      put(share < 1 ? share : 0.5); // at rest in the middle, where it can be read
      if (share < 1) requestAnimationFrame(frame);
    };
    put(0);
    requestAnimationFrame(frame);
  }

  frame(host, model, "Choose an algorithm, then go through its steps: with the buttons, or with the arrow keys on the slider.",
    row(
      select("Algorithm", options(names), state.name, change("name")),
      select("Ranks", options(counts), String(state.ranks), change("ranks", Number)),
      select("Array", options(Object.keys(arrays)), state.array, change("array")),
      select("Network", options(Object.keys(networks)), state.network, change("network")),
    ),
    row(step, back, next, play), told, el("div", { class: "dl-row dl-sides" }, picture, holdings), compared);
  update();
  return pause;
}

export default { render };
