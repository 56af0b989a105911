// Runs a function on the engine of js/nn, with WebAssembly and without: node engine.mjs FOLDER, with
// {code, given} in JSON on standard input, where code is the text of a function (nn, given) => result. Arrays come and go as
// {shape, float32}, base64 of their bytes; float64 is rounded.
import fs from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const nn = {};
for (const part of ["nn/kernels", "nn", "optim", "training", "network"]) {
  for (const file of fs.readdirSync(`${folder}/${part}`)) {
    // These are for pages.
    if (file.endsWith(".js") && !["engine.js", "worker.js", "live.js"].includes(file)) {
      Object.assign(nn, await import(pathToFileURL(`${folder}/${part}/${file}`)));
    }
  }
}
// What an explorer computes itself.
for (const file of ["train_here/varied.js", "lib/curves.js"]) {
  Object.assign(nn, await import(pathToFileURL(`${folder}/${file}`)));
}

const revive = (_, v) => {
  if (typeof v?.float32 !== "string") return v;
  return { shape: v.shape, data: nn.decoded(v.float32) };
};

function encoded(v) {
  if (v instanceof Map) return encoded(Object.fromEntries(v));
  if (v instanceof Float32Array || v instanceof Float64Array) return encoded({ data: v, shape: [v.length] });
  if (Array.isArray(v)) return v.map(encoded);
  if (v === null || typeof v !== "object") return v;
  if (v.data instanceof Float32Array || v.data instanceof Float64Array) {
    const data = Float32Array.from(v.data);
    return { shape: v.shape, float32: Buffer.from(data.buffer).toString("base64") };
  }
  return Object.fromEntries(Object.entries(v).map(([name, value]) => [name, encoded(value)]));
}

const { code, given } = JSON.parse(fs.readFileSync(0, "utf8"), revive);
const call = (0, eval)(code);
try {
  const results = [];
  for (const wanted of [true, false]) {
    results.push(nn.kernels(wanted) === wanted ? (encoded(await call(nn, given)) ?? null) : "no kernels");
  }
  console.log(JSON.stringify({ results }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
