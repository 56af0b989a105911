// Which picture the network reads, and what is right for it.
import { button, el, row, select } from "../lib/common.js";
import { pictureName } from "./words.js";

export class Choices {
  /**
   * @param {{ labels: number[], readings: number[], classes: string[] }} pictures
   * @param {boolean} drawable whether the reader can draw one
   * @param {object} actions
   * @param {(image: number) => void} actions.take
   * @param {() => void} actions.clear
   * @param {(label: number) => void} actions.judge
   */
  constructor({ labels, readings, classes }, drawable, { take, clear, judge }) {
    /** Number of the picture, -1 for what the reader draws. */
    this.image = 0;
    /** @type {[number, string][]} */
    const choices = labels.map((label, i) => [
      i,
      pictureName(i, classes[label], classes[readings[i]]),
    ]);
    if (drawable) choices.push([-1, "drawn by you"]);
    this.pictures = select("Picture", choices, 0, (v) => {
      if (Number(v) >= 0) take(Number(v));
      else clear();
    });
    this.right = select(
      "Right answer",
      classes.map((name, i) => [i, name]),
      labels[0],
      (v) => judge(Number(v)),
    );
    const misread = labels.flatMap((label, i) => (readings[i] === label ? [] : [i]));
    const next = button("Next misread one", () =>
      take(misread.find((i) => i > this.image) ?? misread[0]),
    );
    this.node = el(
      "div",
      { class: "dl-choices" },
      this.pictures,
      this.right,
      row(...(misread.length ? [next] : []), ...(drawable ? [button("Clear", clear)] : [])),
    );
  }

  /**
   * Show what is chosen.
   * @param {number} image
   * @param {number} label
   */
  show(image, label) {
    this.image = image;
    this.pictures.input.value = String(image);
    this.right.input.value = String(label);
  }
}
