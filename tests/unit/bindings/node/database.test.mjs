// Folders, collections, processes, closing.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import test from "node:test";
import { pathToFileURL } from "node:url";

import { collection, database, ndb, packageFolder, temporaryFolder } from "./support.mjs";

test("collections are created, found, listed and dropped", async (t) => {
  const db = await database(t);
  const docs = await db.createCollection("docs", { dim: 3, distance: "dot", durability: "sync", m: 8, efConstruction: 64, efSearch: 32, quantization: "none" });
  assert.deepEqual({ ...docs }, { name: "docs", dim: 3, distance: "dot", durability: "sync", m: 8, efConstruction: 64, efSearch: 32, quantization: "none",
                                  attributesOnly: [], attributesNever: [] });
  assert.deepEqual({ ...(await db.getCollection("docs")) }, { ...docs });
  await db.createCollection("a", { dim: 1 });
  assert.deepEqual(await db.listCollections(), ["a", "docs"]);
  assert.deepEqual([await db.hasCollection("docs"), db.hasCollectionSync("nothing")], [true, false]);
  await assert.rejects(db.createCollection("docs", { dim: 3 }), ndb.AlreadyExists);
  await db.dropCollection("docs");
  await assert.rejects(db.getCollection("docs"), ndb.NotFound);
  await assert.rejects(docs.count(), ndb.NotFound);
});

test("what cannot be is refused under its field", async (t) => {
  const db = await database(t);
  const cases = [
    ["dim", "x", {}], ["dim", "x", { dim: 0 }], ["dim", "x", { dim: 1.5 }], ["dim", "x", { dim: "3" }], ["distance", "x", { dim: 3, distance: "manhattan" }],
    ["name", "a b", { dim: 3 }], ["name", 7, { dim: 3 }], ["dimension", "x", { dimension: 3 }], ["hnsw.m", "x", { dim: 3, m: 1 }],
  ];
  for (const [field, ...given] of cases)
    await assert.rejects(db.createCollection(...given), (error) => error instanceof ndb.InvalidArgument && error.field === field, field);
  await assert.rejects(ndb.open(7), (error) => error.field === "path");
  await assert.rejects(ndb.open("x", { readonly: true }), (error) => error.field === "readonly");
  assert.throws(() => ndb.openSync("x", { pollIntervalMs: -1 }), (error) => error.field === "pollIntervalMs");
  await assert.rejects(ndb.open("/proc/nothing/here"), ndb.NdbError);
});

test("a folder that is opened read-only is not written", async (t) => {
  const folder = temporaryFolder(t);
  const db = await ndb.open(pathToFileURL(folder));
  await (await db.createCollection("docs", { dim: 1 })).insert("a", [1]);
  await db.close();
  const again = ndb.openSync(folder, { readOnly: true });
  const docs = again.getCollectionSync("docs");
  assert.equal(docs.countSync(), 1);
  await assert.rejects(docs.insert("b", [1]), ndb.ReadOnly);
  again.closeSync();
});

test("a closed database says so; closing twice is no error; using and await using close", async (t) => {
  const folder = temporaryFolder(t);
  const db = await ndb.open(folder);
  const docs = await db.createCollection("docs", { dim: 1 });
  await db.close();
  await db.close();
  await assert.rejects(docs.insert("a", [1]), ndb.Unavailable);
  await assert.rejects(db.hasCollection("docs"), ndb.Unavailable);
  assert.throws(() => docs.countSync(), ndb.Unavailable);
  const dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
  const asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
  for (const symbol of [dispose, asyncDispose]) {
    const opened = await ndb.open(folder);
    const held = await opened.getCollection("docs");
    await opened[symbol]();
    await assert.rejects(held.count(), ndb.Unavailable);
  }
});

test("errors are Errors with a code, a class and a name of their own", async (t) => {
  const { docs } = await collection(t);
  const error = await docs.get("nobody").catch((caught) => caught);
  assert.ok(error instanceof Error && error instanceof ndb.NdbError && error instanceof ndb.NotFound);
  assert.deepEqual([error.name, error.code, error.field], ["NotFound", "not_found", "id"]);
  assert.match(error.stack, /NotFound: .*nobody/);
});

const child = `
  const ndb = require(${JSON.stringify(packageFolder)});
  const lines = require("node:readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const hear = async () => (await lines.next()).value;
  const say = (line) => process.stdout.write(line + "\\n");
`;

test("one process writes, another reads each write at once, and is refused to write", async (t) => {
  const folder = temporaryFolder(t);
  const db = await ndb.open(folder);
  const docs = await db.createCollection("docs", { dim: 1, distance: "euclidean" });
  await docs.insert("a", [1]);
  const reader = spawn(process.execPath, ["-e", `${child}
    (async () => {
      const docs = await (await ndb.open(process.argv[1])).getCollection("docs");
      say("ready");
      for (let seq; (seq = await hear()) !== "end"; ) say(String((await docs.search([0], { topK: 100, minSeq: Number(seq), timeoutMs: 60000 })).length));
      say(await docs.insert("mine", [1]).catch((error) => error.constructor.name + " " + error.message));
      process.exit();
    })();`, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
  const hear = async () => (await lines.next()).value;
  assert.equal(await hear(), "ready");
  for (let i = 2; i < 20; ++i) {
    const { seq } = await docs.insert(`d${i}`, [i]);
    reader.stdin.write(`${seq}\n`);
    assert.equal(await hear(), String(i));
  }
  reader.stdin.write("end\n");
  const refused = await hear();
  assert.match(refused, /^CollectionLocked /);
  assert.ok(refused.includes(String(process.pid)), refused);
  await db.close();
});

test("a process ends when it is done, without close, and keeps what it wrote", (t) => {
  const folder = temporaryFolder(t);
  const program = `${child} (async () => {
    const docs = await (await ndb.open(process.argv[1])).createCollection("docs", { dim: 1 });
    await docs.insert("a", [1]);
    await docs.flush();
    await docs.insert("b", [1]);
  })(); lines.return();`;
  execFileSync(process.execPath, ["-e", program, folder], { timeout: 120000, stdio: ["ignore", "inherit", "inherit"] });
  const db = ndb.openSync(folder);
  assert.equal(db.getCollectionSync("docs").countSync(), 2);
  db.closeSync();
  assert.ok(fs.existsSync(path.join(folder, "docs")));
});
