// Tells require.js where the code of custom widgets lies: beside this file, however deep the page.
requirejs.config({
  paths: { anywidget: new URL("vendor/widgets/anywidget", document.currentScript.src).href },
});
