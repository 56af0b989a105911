// Tells require.js where the code of custom widgets lies, and the widgets' manager where its fonts lie:
// beside this file, however deep the page.
{
  const folder = new URL("vendor/widgets", document.currentScript.src).href;
  requirejs.config({
    paths: {
      anywidget: `${folder}/anywidget`,
      "@jupyter-widgets/html-manager": `${folder}/embed-amd`,
      "@jupyter-widgets/html-manager/dist": folder,
    },
  });
}
