// Tells require.js where the widgets' code and fonts lie: beside this file, however deep the page.
{
  const at = (path) => new URL(path, document.currentScript.src).href;
  requirejs.config({
    paths: {
      anywidget: at("vendor/widgets/anywidget"),
      // Fonts are looked for in the folder of whichever of its modules is first: make it one folder.
      "@jupyter-widgets/html-manager": at("vendor/widgets/html-manager"),
      "@jupyter-widgets/html-manager/dist": at("vendor/widgets"),
    },
  });
}
