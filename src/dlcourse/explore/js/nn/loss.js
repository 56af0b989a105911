// The loss: one number that says how wrong the outputs are, and its gradient.
import { tensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * Positive shares that sum to 1 in each row: `exp(x) / sum(exp(x))`.
 *
 * @param {Tensor} x scores (N, classes)
 */
export function softmax(x) {
  return tensor(
    x.shape,
    Float32Array.from(shares(x).flatMap(({ probabilities }) => probabilities)),
  );
}

/**
 * For each row its probabilities, and the log of the sum of the exponentials.
 *
 * @param {Tensor} x
 */
function shares({ data, shape: [rows, classes] }) {
  return Array.from({ length: rows }, (_, n) => {
    const row = Array.from(data.subarray(n * classes, (n + 1) * classes));
    const largest = Math.max(...row); // subtracted first, which only keeps exp from overflowing
    const exponentials = row.map((v) => Math.exp(v - largest));
    const total = exponentials.reduce((a, b) => a + b, 0);
    return {
      probabilities: exponentials.map((e) => e / total),
      logTotal: largest + Math.log(total),
    };
  });
}

/**
 * Mean of minus the log of the probability given to the right class.
 *
 * It takes scores, not probabilities: softmax is inside, because the two together are exact where the
 * log of a tiny probability is not, and their gradient is simply `p - target`. Probabilities are kept
 * in float64: of an image that is read with certainty, p - 1 would be lost in float32.
 */
export class CrossEntropyLoss {
  /**
   * The mean loss.
   *
   * @param {Tensor} logits scores (N, classes)
   * @param {ArrayLike<number>} targets the right class of each
   */
  forward(logits, targets) {
    const [rows, classes] = logits.shape;
    if (logits.shape.length !== 2) {
      throw new Error(
        `CrossEntropyLoss expects scores (N, classes), found shape (${logits.shape.join(", ")})`,
      );
    }
    if (targets.length !== rows || rows === 0) {
      throw new Error(
        `CrossEntropyLoss expects one label for each row of scores, found ${targets.length} for ${rows}`,
      );
    }
    const wrong = Array.from(targets).find((t) => !(Number.isInteger(t) && t >= 0 && t < classes));
    if (wrong !== undefined)
      throw new Error(`labels must lie from 0 to ${classes - 1}, found ${wrong}`);
    this.shape = logits.shape;
    this.targets = targets;
    this.rows = shares(logits);
    return (
      this.rows.reduce(
        (sum, { logTotal }, n) => sum + logTotal - logits.data[n * classes + targets[n]],
        0,
      ) / rows
    );
  }

  /** The gradient of the last loss with respect to the scores. */
  backward() {
    const { shape, rows, targets } = this;
    if (!shape || !rows || !targets)
      throw new Error("call the loss first, criterion.forward(logits, targets)");
    const dy = rows.flatMap(({ probabilities }, n) =>
      probabilities.map((p, k) => (p - (k === targets[n] ? 1 : 0)) / rows.length),
    );
    return tensor(shape, Float32Array.from(dy));
  }
}
