// Runs functions on the engine of js/nn, with WebAssembly and without, in Node (engine.mjs) and in a
// page of Chromium. Jobs are {code, given} in JSON, where code is the text of a function
// (nn, given) => result. Arrays come and go as {shape, float32}, base64 of their bytes; float64 is
// rounded.

/**
 * Everything that some modules export, in one object.
 *
 * @param {string} base address of the folder
 * @param {string[]} modules paths in it
 */
export async function exported(base, modules) {
  const parts = await Promise.all(modules.map((path) => import(`${base}/${path}`)));
  return Object.assign({}, ...parts);
}

/** Does a job; returns {results} or {error} in JSON. */
export async function done(nn, job) {
  const { code, given } = JSON.parse(job, (_, v) =>
    typeof v?.float32 === "string" ? { shape: v.shape, data: nn.decoded(v.float32) } : v,
  );
  const call = (0, eval)(code);
  try {
    const results = [];
    for (const wanted of [true, false]) {
      const found = nn.kernels(wanted) === wanted ? await call(nn, given) : "no kernels";
      results.push(encoded(found) ?? null);
    }
    return JSON.stringify({ results });
  } catch (error) {
    return JSON.stringify({ error: error.message });
  }
}

const isFloats = (v) => v instanceof Float32Array || v instanceof Float64Array;

function encoded(v) {
  if (v instanceof Map) return encoded(Object.fromEntries(v));
  if (isFloats(v)) return encoded({ data: v, shape: [v.length] });
  if (Array.isArray(v)) return v.map(encoded);
  if (v === null || typeof v !== "object") return v;
  if (isFloats(v.data)) {
    const bytes = new Uint8Array(Float32Array.from(v.data).buffer);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { shape: v.shape, float32: btoa(text) };
  }
  return Object.fromEntries(Object.entries(v).map(([name, value]) => [name, encoded(value)]));
}
