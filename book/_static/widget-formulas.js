// The widgets' scripts typeset their labels the way of MathJax 2, but pages load MathJax 3.
document.addEventListener("DOMContentLoaded", () => {
  const { MathJax } = /** @type {any} */ (window);
  if (MathJax?.startup) {
    const typeset = (/** @type {Element} */ element) =>
      MathJax.startup.promise.then(() => MathJax.typesetPromise([element]));
    MathJax.Hub = { Queue: (/** @type {[unknown, unknown, Element]} */ call) => typeset(call[2]) };
  }
});
