// What the first load of the desk costs in script, compressed; more than the budget fails the build.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 350;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

/** The files a chunk pulls in, itself included. */
function withImports(name, seen = new Set()) {
  const chunk = manifest[name];
  if (chunk === undefined) throw new Error(`the build has no chunk ${name}`);
  if (seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const other of chunk.imports ?? []) withImports(other, seen);
  return seen;
}

const files = withImports("index.html");
withImports("src/pages/desk/Desk.tsx", files);
let kilobytes = 0;
for (const file of files) {
  const size = gzipSync(readFileSync(new URL(file, dist))).length / 1000;
  kilobytes += size;
  console.log(`${size.toFixed(1).padStart(8)} kB  ${file}`);
}
console.log(`${kilobytes.toFixed(1).padStart(8)} kB  of ${BUDGET_KB} kB for the desk's first load`);
if (kilobytes > BUDGET_KB) {
  console.error("over the budget: split a route, or leave a library out");
  process.exit(1);
}
