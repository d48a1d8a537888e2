// The package as npm makes it: a test of its own, for npm may be missing where node is not.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { sourceFolder, temporaryFolder } from "./support.mjs";

test("npm pack makes a package that installs into an empty project, without a download", (t) => {
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
