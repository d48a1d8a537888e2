// The page in docs/ does what it says, the types name what is there, and a million calls leak nothing.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { collection, ndb, packageFolder, sourceFolder, temporaryFolder } from "./support.mjs";

test("the programs of the page print what it says", (t) => {
  const page = fs.readFileSync(path.join(sourceFolder, "docs/node.md"), "utf8");
  const programs = [...page.matchAll(/^```js\n(.*?)^```\n\nprints\n\n```text\n(.*?)^```$/gms)];
  assert.ok(programs.length > 0 && programs.length === page.split("```js").length - 1);
  for (const [, program, printed] of programs) {
    const folder = temporaryFolder(t);
    fs.mkdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync(packageFolder, path.join(folder, "node_modules/ndb"));
    fs.writeFileSync(path.join(folder, "program.mjs"), program);
    assert.equal(execFileSync(process.execPath, ["program.mjs"], { cwd: folder, encoding: "utf8" }), printed);
  }
});

const methodsOf = (type) => Object.getOwnPropertyNames(type.prototype).filter((name) => name !== "constructor");

test("the types name what is there", () => {
  const types = fs.readFileSync(path.join(packageFolder, "lib/index.d.ts"), "utf8");
  const exported = new Set([...types.matchAll(/^export (?:class|const) (\w+)/gm)].map((match) => match[1]));
  assert.deepEqual(exported, new Set(Object.keys(ndb)));
  for (const [, name, body] of types.matchAll(/^export class (\w+).*?\{\n(.*?)^\}/gms)) {
    const typed = new Set([...body.matchAll(/^  (\w+)[(<]/gm)].map((match) => match[1]).filter((member) => member !== "constructor"));
    const there = methodsOf(ndb[name]).filter((member) => typeof Object.getOwnPropertyDescriptor(ndb[name].prototype, member).value === "function");
    assert.deepEqual(typed, new Set(there.filter((member) => member !== "toString")), name);
  }
  for (const type of [ndb.Collection, ndb.Database]) {
    const methods = methodsOf(type);
    for (const method of methods) if (!method.endsWith("Sync")) assert.ok(methods.includes(`${method}Sync`), method);
  }
});

test("import and require get the same package", async () => {
  const imported = await import(path.join(packageFolder, "lib/index.mjs"));
  assert.equal(imported.open, ndb.open);
  assert.deepEqual(Object.keys(imported).filter((name) => name !== "default").sort(), Object.keys(ndb).sort());
  assert.equal(imported.version, JSON.parse(fs.readFileSync(path.join(packageFolder, "package.json"), "utf8")).version);
});

// NDB_TEST_CALLS: how many calls (20,000 by default). What one call in ten leaked would show: 100 bytes each are 2 MB for a million.
test("calls leak no memory", async (t) => {
  const calls = Number(process.env.NDB_TEST_CALLS ?? 20_000);
  const { docs } = await collection(t);
  const vector = new Float32Array([1, 0]);
  const round = async (count) => {
    for (let i = 0; i < count; i += 10) {
      for (let k = 0; k < 3; ++k) docs.searchSync(vector, { filter: { n: 1 }, withVector: true });
      docs.getSync("b");
      docs.countSync({ n: { $gte: 1 } });
      assert.throws(() => docs.getSync("nobody"), ndb.NotFound);
      await Promise.all([docs.search(vector), docs.getMany(["a", "x"]), docs.scroll({ limit: 2 }), docs.get("nobody").catch(() => {})]);
    }
    for (let i = 0; i < 3; ++i) {
      global.gc?.();
      await new Promise(setImmediate);
    }
    return process.memoryUsage().rss;
  };
  const before = Math.max(await round(calls / 10), await round(calls / 10));
  const after = await round(calls);
  const bytes = (after - before) / calls;
  t.diagnostic(`${calls} calls: ${(before / 1e6).toFixed(1)} MB before, ${(after / 1e6).toFixed(1)} MB after, ${bytes.toFixed(1)} bytes a call`);
  assert.ok(after - before < 16e6 + 8 * calls, "memory grows");
});
