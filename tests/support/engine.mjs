// Does one job of engine_jobs.mjs: node engine.mjs FOLDER MODULE..., with the job on standard input.
import fs from "node:fs";
import { pathToFileURL } from "node:url";
import { done, exported } from "./engine_jobs.mjs";

const [folder, ...modules] = process.argv.slice(2);
const nn = await exported(pathToFileURL(folder).href, modules);
console.log(await done(nn, fs.readFileSync(0, "utf8")));
