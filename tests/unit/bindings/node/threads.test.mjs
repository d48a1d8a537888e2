// Buffers that go away, and environments that end, while calls are under way.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import test from "node:test";
import { Worker } from "node:worker_threads";

import { ndb, packageFolder, temporaryFolder } from "./support.mjs";

// In a process of its own, which would crash.
test("a buffer may be transferred, resized or changed while an insertion is under way", (t) => {
  const program = `
    const ndb = require(${JSON.stringify(packageFolder)});
    (async () => {
      const dim = 512, count = 4000;
      const db = await ndb.open(process.argv[1]);
      const docs = await db.createCollection("docs", { dim, distance: "euclidean" });
      const ids = Array.from({ length: count }, (_, i) => String(i));
      const resizable = "resize" in ArrayBuffer.prototype;
      const losses = [
        (array) => structuredClone(array.buffer, { transfer: [array.buffer] }),
        (array) => new MessageChannel().port1.postMessage(array, [array.buffer]),
        (array) => (resizable ? array.buffer.resize(0) : array.fill(NaN)),
        (array) => array.fill(NaN),
      ];
      for (const [round, lose] of losses.entries()) {
        const made = (length) => {
          const buffer = resizable && round === 2 ? new ArrayBuffer(4 * length, { maxByteLength: 4 * length }) : new ArrayBuffer(4 * length);
          return new Float32Array(buffer).fill(round + 1);
        };
        for (const [length, insert] of [[dim * count, (array) => docs.insertBatch(ids, array)], [dim, (array) => docs.insert("one", array)]]) {
          const array = made(length);
          const done = insert(array);
          lose(array);
          for (let i = 0; i < 3; ++i) global.gc();
          await done;
        }
        for (const id of ["0", String(count - 1), "one"])
          if (!(await docs.get(id)).vector.every((number) => number === round + 1)) throw new Error("what was inserted is not what was there");
      }
      await db.close();
      console.log("all there");
    })();`;
  const told = execFileSync(process.execPath, ["--expose-gc", "-e", program, path.join(temporaryFolder(t), "data")], { encoding: "utf8" });
  assert.equal(told, "all there\n");
});

const program = `
  const { workerData, parentPort } = require("node:worker_threads");
  const ndb = require(workerData.packageFolder);
  const docs = ndb.openSync(workerData.folder).getCollectionSync("docs");
  for (const method of ["compact", "rebuildIndex"]) docs[method]().catch(() => {});
  for (let i = 0; i < 2000; ++i) docs.search(new Float32Array(docs.dim).fill(1), { approximate: false });
  parentPort.postMessage("asked");
  if (workerData.exits) process.exit();`;

for (const exits of [false, true])
  test(`a worker that ${exits ? "calls process.exit" : "is terminated"} does not wait for what it asked for`, async (t) => {
    const folder = path.join(temporaryFolder(t), "data");
    const db = await ndb.open(folder, { mergeMbPerSecond: 1, indexMinRows: 1e6 });
    t.after(() => db.close());
    const docs = await db.createCollection("docs", { dim: 1024, distance: "euclidean" });
    for (let batch = 0; batch < 4; ++batch) {  // 64 MB: a minute's work for one merge at that pace
      const vectors = Float32Array.from({ length: 4000 * 1024 }, (_, i) => (i * 7919 + batch) % 1013);
      await docs.insertBatch(Array.from({ length: 4000 }, (_, i) => `${batch}-${i}`), vectors);
      await docs.flush();
    }
    let ended = false;
    const compacting = docs.compact().catch((error) => error).finally(() => (ended = true));
    const worker = new Worker(program, { eval: true, workerData: { packageFolder, folder, exits } });
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    if (!exits) await worker.terminate();
    await exited;
    assert.equal(ended, false, "the merge that was asked for before is still under way");
    assert.equal(await docs.count(), 16000);
    await db.close();
    assert.ok((await compacting) instanceof ndb.Unavailable);
  });
