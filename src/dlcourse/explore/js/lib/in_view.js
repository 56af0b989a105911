// Whether a reader can see a part of the page: work that nobody sees waits.

/**
 * Call a function when an element comes into view or leaves it, and when its tab does. Returns what
 * ends that.
 * @param {Element} node
 * @param {(visible: boolean) => void} changed
 */
export function watchView(node, changed) {
  let inView = false;
  const tell = () => changed(inView && !document.hidden);
  const observer = new IntersectionObserver((entries) => {
    inView = entries[entries.length - 1].isIntersecting;
    tell();
  });
  observer.observe(node);
  document.addEventListener("visibilitychange", tell);
  return () => {
    observer.disconnect();
    document.removeEventListener("visibilitychange", tell);
  };
}
