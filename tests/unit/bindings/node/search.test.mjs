// Searches, upkeep, and that promises leave the event loop alone.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { Worker } from "node:worker_threads";

import { collection, database, ndb, packageFolder, sourceFolder, temporaryFolder } from "./support.mjs";

const ids = (list) => list.map((one) => one.id).join("");

test("matches come best first, with what was asked for", async (t) => {
  const { docs } = await collection(t);
  const result = await docs.search([0, 0], { explain: true });
  assert.equal(result.length, 3);
  assert.deepEqual(result.ids, ["a", "b", "c"]);
  assert.deepEqual(result.scores, new Float32Array([0, 1, 2]));
  assert.deepEqual({ ...result[0] }, { id: "a", score: 0, payload: { n: 0, tags: ["x"] } });
  assert.equal(result[2].payload, null);
  assert.equal(result.matches, result);
  assert.deepEqual([result.seq, result.plan.plan, result.plan.rowsMatched >= 0], [3, "exact", true]);
  assert.ok(result.manifestVersion > 0 && result.tookUs >= 0);
  const two = docs.searchSync(new Float32Array(2), { topK: 2, withPayload: false, withVector: true, approximate: false, minSeq: 3, timeoutMs: 10000 });
  assert.equal(ids(two), "ab");
  assert.deepEqual({ ...two[1] }, { id: "b", score: 1, vector: new Float32Array([1, 0]) });
  assert.equal(two.plan, null);
});

test("many searches are answered in their order", async (t) => {
  const { docs } = await collection(t);
  for (const queries of [new Float32Array([2, 0, 0, 0]), new Float64Array([2, 0, 0, 0]), [[2, 0], [0, 0]]]) {
    const results = await docs.searchBatch(queries, { topK: 2, filter: ndb.F.exists("n") });
    assert.deepEqual(results.map(ids), ["ba", "ab"]);
  }
  assert.equal(ids(docs.searchBatchSync([[2, 0]])[0]), "cba");
});

test("a search that cannot be is refused under its field", async (t) => {
  const { docs } = await collection(t);
  const cases = [
    ["topK", { topK: 0 }], ["topK", { topK: -1 }], ["topK", { topK: 1.5 }], ["topK", { topK: "3" }], ["ef", { ef: 2 ** 33 }], ["ef", { ef: 0 }],
    ["recall", { recall: 2 }], ["filter.n.$what", { filter: { n: { $what: 1 } } }], ["filter", { filter: "n = 1" }], ["timeoutMs", { timeoutMs: -1 }],
    ["explain", { explain: 1 }], ["top_k", { top_k: 3 }], ["minSeq", { minSeq: NaN }],
  ];
  for (const [field, options] of cases) {
    const isIt = (error) => error instanceof ndb.InvalidArgument && error.field === field;
    await assert.rejects(docs.search([0, 0], options), isIt, field);
    assert.throws(() => docs.searchSync([0, 0], options), isIt);
  }
  await assert.rejects(docs.search([0, 0, 0]), (error) => error.field === "vector");
  await assert.rejects(docs.search([0, 0], { minSeq: 99, timeoutMs: 1 }), (error) => error instanceof ndb.ReplicaLagging && error.field === "minSeq");
});

test("upkeep", async (t) => {
  const db = await database(t);
  const docs = await db.createCollection("docs", { dim: 4 });
  const vectors = Float32Array.from({ length: 1200 * 4 }, (_, i) => Math.sin(i * i + 1));
  const names = Array.from({ length: 1200 }, (_, i) => String(i).padStart(4, "0"));
  await docs.insertBatch(names, vectors);
  const flushed = await docs.flush();
  assert.ok((await docs.rebuildIndex()) > flushed);
  assert.equal(await docs.hasIndex(), true);
  const stats = await docs.indexStats();
  assert.deepEqual([stats.enabled, stats.indexedRows, stats.unindexedRows, stats.graphs], [true, 1200, 0, 1]);
  assert.equal((await docs.search(vectors.subarray(0, 4), { explain: true, topK: 1 })).plan.plan, "graph");
  await docs.removeMany(names.slice(0, 600));
  await docs.compact();
  assert.equal((await docs.stats()).documents, 600);
  await docs.deleteIndex();
  assert.equal(docs.hasIndexSync(), false);
  assert.ok(Array.isArray((await docs.manifest()).segments));
  assert.ok(Array.isArray(await docs.replicas()));
  await docs.waitFor((await docs.stats()).seq);
  await assert.rejects(docs.waitFor(1e9, { timeoutMs: 5 }), ndb.Timeout);
  await docs.acquireWriteLock();
  assert.equal(typeof docs.flushSync({ wait: false }), "number");
});

test("what waits for long keeps neither the event loop nor the others waiting", async (t) => {
  const { docs } = await collection(t);
  const waiting = Array.from({ length: 16 }, () => docs.waitFor(4, { timeoutMs: 60000 }));
  let turns = 0;
  const turning = setInterval(() => ++turns, 1);
  for (let i = 0; i < 50 || turns < 3; ++i) assert.equal((await docs.search([0, 0])).length, 3);
  clearInterval(turning);
  await docs.insert("d", [1, 1]);  // would never get a thread if those that wait had taken them all
  await Promise.all(waiting);
});

test("calls in flight at once are all answered", async (t) => {
  const { docs } = await collection(t);
  const calls = [];
  for (let i = 0; i < 300; ++i) calls.push(docs.insert(`d${i % 50}`, new Float32Array([i, 1]), { i }), docs.search([i, 0], { topK: 1 }));
  const answers = await Promise.all(calls);
  assert.equal(await docs.count(), 53);
  assert.equal(Math.max(...answers.filter((one) => "inserted" in one).map((one) => one.seq)), 303);
});

test("a worker thread has the package, too, and may end with calls under way", async (t) => {
  const program = `
    const { workerData, parentPort } = require("node:worker_threads");
    const ndb = require(workerData.packageFolder);
    const docs = ndb.openSync(workerData.folder).getCollectionSync("docs");
    docs.search([1, 0]).then((result) => {
      for (let i = 0; i < 3; ++i) docs.waitFor(1e9, { timeoutMs: 1e6 });
      for (let i = 0; i < 20; ++i) docs.search([1, 0]);
      parentPort.postMessage(result.length);
      process.exit();
    });`;
  const folder = temporaryFolder(t);
  const db = await ndb.open(folder);
  await (await db.createCollection("docs", { dim: 2 })).insert("a", [1, 0]);
  const worker = new Worker(program, { eval: true, workerData: { packageFolder, folder } });
  const heard = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  assert.equal(heard, 1);
  await new Promise((resolve) => worker.once("exit", resolve));
  assert.equal(await (await db.getCollection("docs")).count(), 1);
  await db.close();
});

test("the table of filters that every language is tested with, in memory and from a segment", async (t) => {
  const table = JSON.parse(fs.readFileSync(path.join(sourceFolder, "tests/support/filter_cases.json"), "utf8"));
  const db = await database(t);
  const docs = await db.createCollection("cases", { dim: 2, attributesNever: ["text"] });
  assert.deepEqual([docs.attributesOnly, docs.attributesNever], [[], ["text"]]);
  const numbers = table.documents.map((_, i) => String(i));
  await docs.insertBatch(numbers, new Float32Array(2 * numbers.length).fill(1), table.documents);
  const cases = table.cases.filter(({ filter }) => !/\d{16}/.test(filter)); // numbers that JavaScript has none of
  assert.ok(cases.length > 50);
  for (const flushed of [false, true]) {
    if (flushed) await docs.flush();
    for (const { filter, matches } of cases) {
      const condition = JSON.parse(filter);
      assert.deepEqual((await docs.scroll({ filter: condition })).documents.map((one) => Number(one.id)), matches, filter);
      assert.equal(await docs.count(condition), matches.length, filter);
      assert.deepEqual([...(await docs.search([1, 1], { topK: 100, filter: condition })).ids].map(Number).sort(), matches, filter);
    }
  }
  await assert.rejects(db.createCollection("bad", { dim: 2, attributesOnly: [7] }), (error) => error.field === "attributesOnly[0]");
});
