// Links of the page to the explorer, such as #explorer-network-MaxPool2d.

const START = "#explorer-network";

/**
 * Call a function with the layer that the address of the page names, "" for none: now, when the address
 * changes, and when the reader follows a link to the same place again. Returns what ends that.
 *
 * @param {(layer: string) => void} open
 */
export function heedLinks(open) {
  const follow = () => {
    const [start, layer] = [
      location.hash.slice(0, START.length),
      location.hash.slice(START.length),
    ];
    if (start === START && /^(-|$)/.test(layer)) open(decodeURIComponent(layer.slice(1)));
  };
  const again = (/** @type {MouseEvent} */ event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const ours = link instanceof HTMLAnchorElement && link.hash.startsWith(START);
    if (ours && link.href === location.href) follow();
  };
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", again);
  follow();
  return () => {
    window.removeEventListener("hashchange", follow);
    document.removeEventListener("click", again);
  };
}
