// The page's side: the engine in a worker, so that the page stays responsive while it computes.
import source from "./worker.js?raw"; // bundle() of widget.py puts the text of the worker here

/** @typedef {import("./session.js").Session} Session */

/**
 * A session in a worker of its own.
 *
 * The worker is made from text, not from an address: that works in a page opened from the disk, in a
 * notebook and on Colab alike, and asks nothing of a server.
 */
export class Engine {
  constructor() {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.worker = new Worker(url);
    /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
    this.waiting = new Map();
    this.count = 0;
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      URL.revokeObjectURL(url); // the worker has the text
      const call = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    };
    this.worker.onerror = ({ message }) =>
      this.fail(`the engine stopped: ${message ?? "this page may not start workers"}`);
  }

  /**
   * Call a method of the session.
   *
   * Calls are answered in order. A page that draws while a digit is being drawn should wait for an
   * answer before it asks again, or answers fall behind.
   *
   * @template {"build" | "weights" | "read" | "gradients" | "step" | "reset" | "prepare" | "train" | "measure"} M
   * @param {M} method
   * @param {Parameters<Session[M]>[0]} [options]
   * @returns {Promise<ReturnType<Session[M]>>}
   */
  call(method, options) {
    return new Promise((resolve, reject) => {
      const id = this.count++;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, method, options });
    });
  }

  /** @param {string} message */
  fail(message) {
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }

  /** End the worker, whatever it is doing; calls without an answer fail. */
  close() {
    this.worker.terminate();
    this.fail("the engine was closed");
  }
}
