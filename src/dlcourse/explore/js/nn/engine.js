// The page's side: the engine in a worker, so that the page stays responsive while it computes.
import source from "./worker.js?raw"; // bundle() of widget.py puts the text of the worker here

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./session.js").Method} Method */

/**
 * A session in a worker of its own.
 *
 * The worker is made from text, not from an address: that works in a page opened from the disk, in a
 * notebook and on Colab alike, and asks nothing of a server.
 */
export class Engine {
  constructor() {
    /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
    this.waiting = new Map();
    this.count = 0;
    /** Why there are no more answers.
     * @type {Error | null} */
    this.ended = null;
    /** @type {Worker | null} */
    this.worker = null;
    this.url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    try {
      this.start();
    } catch (error) {
      this.end(
        `the engine cannot start in this page: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  start() {
    this.worker = new Worker(this.url);
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      URL.revokeObjectURL(this.url); // the worker has the text
      const call = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    };
    // What goes wrong in a method is an answer; this is a worker that did not come to life.
    this.worker.onerror = ({ message }) =>
      this.end(`the engine stopped: ${message || "this page may not start workers"}`);
  }

  /**
   * Call a method of the session.
   *
   * Calls are answered in order. A page that draws while a digit is being drawn should wait for an
   * answer before it asks again, or answers fall behind.
   *
   * @template {Method} M
   * @param {M} method
   * @param {Parameters<Session[M]>} options one object, or nothing
   * @returns {Promise<ReturnType<Session[M]>>}
   */
  call(method, ...[options]) {
    return new Promise((resolve, reject) => {
      if (this.ended) throw this.ended;
      const id = this.count++;
      this.worker?.postMessage({ id, method, options });
      this.waiting.set(id, { resolve, reject });
    });
  }

  /** End the worker, whatever it is doing; calls without an answer fail, and so do later ones. */
  close() {
    this.end("the engine was closed");
  }

  /** @param {string} why */
  end(why) {
    this.ended ??= new Error(why);
    this.worker?.terminate();
    URL.revokeObjectURL(this.url);
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
  }
}
