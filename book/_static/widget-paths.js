// Tells require.js where the widgets' code and fonts lie: beside this file, however deep the page.
{
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const at = (/** @type {string} */ path) => new URL(path, src).href;
  /** @type {any} */ (window).requirejs.config({
    paths: {
      anywidget: at("vendor/widgets/anywidget"),
      // Fonts are looked for in the folder of whichever of its modules is first: make it one folder.
      "@jupyter-widgets/html-manager": at("vendor/widgets/html-manager"),
      "@jupyter-widgets/html-manager/dist": at("vendor/widgets"),
    },
  });
}
