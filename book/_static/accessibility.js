// What the theme and Sphinx leave for readers who listen to a page or speak to it. The tests run
// axe-core over every page; what it finds there and we cannot set elsewhere is put right here.
document.addEventListener("DOMContentLoaded", () => {
  // What is seen in a button must be part of its name (WCAG 2.5.3). "Search Ctrl+K" is named by its
  // content; the button for light and dark is named by its label, without titles of its icons,
  // which Font Awesome puts in place sooner or later.
  document.querySelector(".search-button-field")?.removeAttribute("aria-label");
  for (const button of document.querySelectorAll(".theme-switch-button")) {
    const clear = () => {
      for (const icon of button.querySelectorAll(".theme-switch")) {
        icon.removeAttribute("title");
        icon.querySelector("title")?.remove();
        icon.setAttribute("aria-hidden", "true");
      }
    };
    new MutationObserver(clear).observe(button, { childList: true, subtree: true });
    clear();
  }

  // The arrows that unfold the table of contents have no names.
  for (const summary of document.querySelectorAll(".has-children > details > summary")) {
    const link = summary.closest("li")?.querySelector("a");
    if (link) summary.setAttribute("aria-label", `Pages below ${link.textContent.trim()}`);
  }

  // What folds code says "Show code cell source", and MyST-NB names it something else.
  for (const summary of document.querySelectorAll("details.hide > summary")) {
    summary.removeAttribute("aria-label");
  }

  // A list has items, and the role of an entry of a bibliography is no longer one.
  for (const entry of document.querySelectorAll('.citation-list > [role="doc-biblioentry"]')) {
    entry.setAttribute("role", "listitem");
  }

  // The theme lets keys scroll what is wider than its column, but does not look at what is folded.
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(".admonition.toggle")) {
      window.dispatchEvent(new Event("resize"));
    }
  });
});
