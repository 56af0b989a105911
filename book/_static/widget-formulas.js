// The widgets' scripts typeset their labels the way of MathJax 2, but pages load MathJax 3.
document.addEventListener("DOMContentLoaded", () => {
  if (window.MathJax?.startup) {
    const typeset = (element) =>
      MathJax.startup.promise.then(() => MathJax.typesetPromise([element]));
    MathJax.Hub = { Queue: ([, , element]) => typeset(element) };
  }
});
