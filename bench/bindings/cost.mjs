// The Node side of cost.py: the same calls on the same files as embedded_cost.cpp. Prints microseconds.
//   NDB_NODE_PACKAGE=BUILD/bindings/node/package node cost.mjs scores|search|scores-sync|search-sync|insert FOLDER FLOATS DIM
import fs from "node:fs";
import { pathToFileURL } from "node:url";

const { openSync } = (await import(pathToFileURL(`${process.env.NDB_NODE_PACKAGE}/lib/index.mjs`))).default;
const [what, folder, file, elements] = process.argv.slice(2);
const dim = Number(elements);
const bytes = fs.readFileSync(file);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const db = openSync(folder, { readOnly: what !== "insert" });
if (what === "insert") {
  const ids = Array.from({ length: values.length / dim }, (_, i) => String(i));
  const docs = db.createCollectionSync("docs", { dim });
  const start = process.hrtime.bigint();
  await docs.insertBatch(ids, values);
  console.log(Number(process.hrtime.bigint() - start) / 1000);
} else {
  const docs = db.getCollectionSync("docs");
  const options = what.startsWith("scores") ? { withPayload: false } : undefined;
  const times = [];
  const inside = [];
  for (let at = 0; at + dim <= values.length; at += dim) {
    const query = values.subarray(at, at + dim);
    const start = process.hrtime.bigint();
    const result = what.endsWith("-sync") ? docs.searchSync(query, options) : await docs.search(query, options);
    times.push(Number(process.hrtime.bigint() - start) / 1000);
    if (result.length !== 10) throw new Error(`${result.length} matches`);
    inside.push(result.tookUs);
  }
  console.log(median(times), median(inside));
}
db.closeSync();
