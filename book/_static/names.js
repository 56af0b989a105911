// Two buttons of the theme show a text that their names leave out; a reader who speaks to the
// computer says what is seen (WCAG 2.5.3).
document.addEventListener("DOMContentLoaded", () => {
  // "Search Ctrl+K": without a label its content is its name.
  document.querySelector(".search-button-field")?.removeAttribute("aria-label");
  // Titles of the three icons. Font Awesome turns each <i> into an <svg>, before us or after.
  for (const icon of document.querySelectorAll(".theme-switch-button .theme-switch")) {
    icon.removeAttribute("title");
    icon.querySelector("title")?.remove();
  }
});
