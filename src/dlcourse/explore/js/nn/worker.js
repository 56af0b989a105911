// The worker's side: each message {id, method, options} calls a method of a session, and is answered
// by {id, result} or {id, error}, where error is a sentence.
import { Session } from "./session.js";

const session = new Session();
const methods = [
  "build",
  "weights",
  "read",
  "gradients",
  "step",
  "reset",
  "prepare",
  "train",
  "measure",
];

self.onmessage = ({ data: { id, method, options } }) => {
  try {
    if (!methods.includes(method))
      throw new Error(`a session has no ${method}; it has ${methods.join(", ")}`);
    const call = /** @type {Record<string, (options: unknown) => unknown>} */ (
      /** @type {unknown} */ (session)
    )[method];
    self.postMessage({ id, result: call.call(session, options) });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
