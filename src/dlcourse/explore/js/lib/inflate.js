// Bytes that come from Python deflated.

/**
 * Undo zlib.compress and base64.b64encode.
 * @param {string} text
 * @returns {Promise<Uint8Array>}
 */
export async function inflated(text) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser cannot unpack the data: one of 2023 or later can");
  }
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
