// The controls that move something along a gradient: the weights, or the picture.
import { button, el, row, select, slider } from "../lib/common.js";

export const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

/**
 * @param {{ rate: number }} state rate is a number of RATES
 * @param {{ step: (count: number) => void, reset: () => void }} actions
 */
export function weightControls(state, { step, reset }) {
  return el(
    "fieldset",
    { class: "dl-moves" },
    el("legend", {}, "Move the weights against the gradient"),
    row(
      slider(
        "Learning rate",
        { max: RATES.length - 1, value: state.rate, text: (v) => String(RATES[v]) },
        (v) => {
          state.rate = v;
        },
      ),
      button("One step", () => step(1)),
      button("Ten steps", () => step(10)),
      button("Reset the weights", reset),
    ),
  );
}

/**
 * @param {{ budget: number, target: number }} state target is a class, or -1 for all but the right one
 * @param {string[]} classes
 * @param {{ change: (count: number) => void, restore: () => void }} actions
 */
export function pictureControls(state, classes, { change, restore }) {
  /** @type {[number, string][]} */
  const named = classes.map((name, i) => [i, name]);
  return el(
    "fieldset",
    { class: "dl-moves" },
    el("legend", {}, "Change the picture instead, along its own gradient"),
    row(
      select("Towards", [[-1, "anything but right"], ...named], -1, (v) => {
        state.target = Number(v);
      }),
      slider(
        "Budget for each pixel",
        { min: 0.01, max: 0.5, step: 0.01, value: state.budget },
        (v) => {
          state.budget = v;
        },
      ),
      button("One step ", () => change(1), { "aria-label": "One step of the picture" }),
      button("Ten steps ", () => change(10), { "aria-label": "Ten steps of the picture" }),
      button("Undo", restore, { "aria-label": "Undo the change of the picture" }),
    ),
  );
}
