// The page in docs/ does what it says, the types name what is there, the package installs, and a million calls leak nothing.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { collection, ndb, packageFolder, sourceFolder, temporaryFolder } from "./support.mjs";

const npm = spawnSync("npm", ["--version"]).status === 0;

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

test("npm pack makes a package that installs into an empty project, without a download", { skip: npm ? false : "npm is not installed" }, (t) => {
  const folder = temporaryFolder(t);
  const source = path.join(folder, "source");
  fs.cpSync(path.join(sourceFolder, "bindings/node"), source, { recursive: true });
  const offline = ["--offline", "--no-audit", "--no-fund", "--loglevel=error", `--cache=${path.join(folder, "cache")}`];
  const run = (cwd, ...words) => execFileSync(words[0], words.slice(1), { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  run(folder, "npm", "pack", "./source", ...offline);  // builds, or takes NDB_CMAKE_BUILD_DIR's
  const tarball = fs.readdirSync(folder).find((name) => name.endsWith(".tgz"));
  const project = path.join(folder, "project");
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, "package.json"), "{}");
  run(project, "npm", "install", path.join(folder, tarball), ...offline);
  const use = "open('data').then(async (db) => { const c = await db.createCollection('x', { dim: 1 }); await c.insert('a', [1]); console.log((await c.search([1])).ids); })";
  assert.equal(run(project, process.execPath, "-e", `const { open } = require('ndb'); ${use}`), "[ 'a' ]\n");
  fs.rmSync(path.join(project, "data"), { recursive: true });
  assert.equal(run(project, process.execPath, "--input-type=module", "-e", `import { open } from 'ndb'; ${use}`), "[ 'a' ]\n");
  assert.deepEqual(fs.readdirSync(path.join(project, "node_modules/ndb")).sort(), ["README.md", "lib", "ndb.node", "package.json"]);
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
