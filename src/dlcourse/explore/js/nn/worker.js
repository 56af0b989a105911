// The worker's side: each message {id, method, options} calls a method of a session, and is answered
// by {id, result} or {id, error}, where error is a sentence.
import { METHODS, Session } from "./session.js";

/** What fits one method and not another: engine.js says which.
 * @typedef {{ id: number, method: import("./session.js").Method, options: never }} Message */

const session = new Session();

self.onmessage = (/** @type {MessageEvent<Message>} */ { data: { id, method, options } }) => {
  try {
    if (!METHODS.includes(method))
      throw new Error(`a session has no ${method}; it has ${METHODS.join(", ")}`);
    self.postMessage({ id, result: session[method](options) });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
