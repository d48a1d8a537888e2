// usearch on the data that ndb_bench_search takes: recall@10 and queries a second of one thread, for each ef (`npm install usearch` first).
//   node usearch_peer.mjs DATA [l2sq|cos] [EF ...]        where DATA has float32 or uint8 .npy files
// The same m (16) and ef_construction (200), float32. Best of five passes; a call from Node takes some microseconds more than one from C++.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";

const { Index } = createRequire(`${process.cwd()}/`)("usearch");
const [folder, metric = "l2sq", ...rest] = process.argv.slice(2);
const efs = rest.length > 0 ? rest.map(Number) : [10, 16, 24, 32, 64, 100];

function npy(name) {
  const bytes = fs.readFileSync(path.join(folder, name));
  const begin = 10 + bytes.readUInt16LE(8);
  const [rows, dim] = /\((\d+), (\d+)\)/.exec(bytes.toString("latin1", 10, begin)).slice(1).map(Number);
  const data = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length);
  const values = bytes.toString("latin1", 10, begin).includes("u1") ? Float32Array.from(new Uint8Array(data)) : new Float32Array(data);
  return { rows, dim, row: (i) => values.subarray(i * dim, (i + 1) * dim) };
}

const base = npy("base.npy");
const queries = npy("query.npy");
const raw = fs.readFileSync(path.join(folder, "groundtruth.ivecs"));
const truths = new Int32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
const width = truths.length / queries.rows;
const options = (ef) => ({ dimensions: base.dim, metric, quantization: "f32", connectivity: 16, expansion_add: 200, expansion_search: ef });
const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "usearch-")), "index");
const built = new Index(options(64));
let start = process.hrtime.bigint();
for (let i = 0; i < base.rows; ++i) built.add(BigInt(i), base.row(i), 1);
console.log(`usearch    built in ${(Number(process.hrtime.bigint() - start) / 1e9).toFixed(1)} s, one thread`);
built.save(file);
for (const ef of efs) {
  const index = new Index(options(ef));
  index.load(file);
  const rates = [];
  let found = 0;
  for (let pass = 0; pass < 6; ++pass) {
    found = 0;
    let took = 0n;
    for (let q = 0; q < queries.rows; ++q) {
      start = process.hrtime.bigint();
      const matches = index.search(queries.row(q), 10, 1);
      took += process.hrtime.bigint() - start;
      const truth = new Set(truths.subarray(q * width + 1, q * width + 11));
      for (const key of matches.keys) found += truth.has(Number(key)) ? 1 : 0;
    }
    if (pass > 0) rates.push(queries.rows / (Number(took) / 1e9));
  }
  rates.sort((a, b) => a - b);
  console.log(`usearch    ef ${String(ef).padStart(4)}  recall@10 ${(found / queries.rows / 10).toFixed(4)}  qps best ${rates.at(-1).toFixed(0)}  median ${rates[2].toFixed(0)}`);
}
fs.rmSync(path.dirname(file), { recursive: true });
