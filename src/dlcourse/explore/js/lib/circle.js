// Ranks on a circle, and the messages that go from one to another.

/** @import { Message } from "./messages.js" */

import { svg } from "./common.js";

/** @typedef {{ path: SVGPathElement, tip: SVGElement, load: SVGElement }} Arrow */

const MIDDLE = 160; // of the picture, whose side is twice as long
const AROUND = 118;
const NODE = 22;

/** @type {(rank: number, ranks: number) => [number, number]} */
const place = (rank, ranks) => {
  const angle = (2 * Math.PI * rank) / ranks - Math.PI / 2;
  return [MIDDLE + AROUND * Math.cos(angle), MIDDLE + AROUND * Math.sin(angle)];
};

/**
 * An arrow from rank to rank: bent to one side, so that two that swap stay apart, and inwards, past
 * other ranks.
 * @param {number} ranks
 * @param {Message} message
 * @param {string} text
 * @returns {Arrow}
 */
function arrow(ranks, [source, dest], text) {
  const [[x0, y0], [x1, y1]] = [place(source, ranks), place(dest, ranks)];
  const length = Math.hypot(x1 - x0, y1 - y0);
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const bend = Math.min(26, length / 5);
  const inwards = (/** @type {number} */ at) => at + 0.35 * (MIDDLE - at);
  const [cx, cy] = [inwards((x0 + x1) / 2) - uy * bend, inwards((y0 + y1) / 2) + ux * bend];
  /** @type {(x: number, y: number, by: number) => [number, number]} */
  const towards = (x, y, by) => {
    const far = Math.hypot(cx - x, cy - y);
    return [x + ((cx - x) / far) * by, y + ((cy - y) / far) * by];
  };
  const [sx, sy] = towards(x0, y0, NODE);
  const [tx, ty] = towards(x1, y1, NODE + 8);
  const path = svg("path", { d: `M${sx} ${sy} Q${cx} ${cy} ${tx} ${ty}`, class: "dl-arrow" });
  const head = Math.atan2(ty - cy, tx - cx);
  /** @type {(turn: number, by: number) => string} */
  const corner = (turn, by) =>
    `${tx + by * Math.cos(head + turn)},${ty + by * Math.sin(head + turn)}`;
  const tip = svg("polygon", {
    points: [corner(0, 8), corner(2.3, 6), corner(-2.3, 6)].join(" "),
    class: "dl-tip",
  });
  const load = svg(
    "g",
    {},
    svg("circle", { r: 13, class: "dl-parcel" }),
    svg("text", { class: "dl-load" }, text),
  );
  return { path, tip, load };
}

/** A picture of ranks that send messages. */
export class Circle {
  constructor() {
    this.node = svg("svg", {
      viewBox: `0 0 ${2 * MIDDLE} ${2 * MIDDLE}`,
      role: "img",
      class: "dl-network",
    });
    this.moving = 0; // counts animations, so that an old one ends when a new one begins
  }

  /**
   * Draw so many ranks and the messages of a step, each with what it carries.
   * @param {number} ranks
   * @param {readonly Message[]} messages
   * @param {(message: Message) => string} text
   * @param {boolean} animate whether the loads move
   */
  draw(ranks, messages, text, animate) {
    const arrows = messages.map((message) => arrow(ranks, message, text(message)));
    const nodes = Array.from({ length: ranks }, (_, rank) => {
      const [x, y] = place(rank, ranks);
      return svg(
        "g",
        {},
        svg("circle", { cx: x, cy: y, r: NODE, class: "dl-node" }),
        svg("text", { x, y, class: "dl-rank" }, String(rank)),
      );
    });
    this.node.replaceChildren(
      ...arrows.flatMap(({ path, tip }) => [path, tip]),
      ...nodes,
      ...arrows.map(({ load }) => load),
    );
    this.carry(arrows, animate);
  }

  /**
   * Move the loads along their arrows, or put them at the middle of the arrows.
   * @param {readonly Arrow[]} arrows
   * @param {boolean} animate
   */
  carry(arrows, animate) {
    this.moving += 1;
    const mine = this.moving;
    const put = (/** @type {number} */ share) => {
      for (const { path, load } of arrows) {
        const { x, y } = path.getPointAtLength(path.getTotalLength() * share);
        load.setAttribute("transform", `translate(${x} ${y})`);
      }
    };
    if (!animate) {
      put(0.5);
      return;
    }
    const begin = performance.now();
    const move = (/** @type {number} */ now) => {
      if (mine !== this.moving) return;
      const share = Math.min(1, Math.max(0, (now - begin) / 800));
      put(share < 1 ? share : 0.5); // at rest in the middle, where it can be read
      if (share < 1) requestAnimationFrame(move);
    };
    put(0);
    requestAnimationFrame(move);
  }
}
